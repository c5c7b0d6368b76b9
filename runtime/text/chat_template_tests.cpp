// The tests of chat templates: what stands after "is".
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "runtime/text/chat_template_builtins.h"
#include "runtime/text/chat_template_strings.h"

namespace gyre::chat {
namespace {

// A test without arguments that only looks at the kind of a value.
template <bool (*Holds)(const Value&)>
Result<bool> kind_test(Machine& machine, const Value& value, const Arguments& arguments) {
    (void)machine;
    GYRE_TRY(bind("is", arguments, {}).status());
    return Holds(value);
}

bool is_defined(const Value& value) {
    return !is_undefined(value);
}
bool is_text(const Value& value) {
    return text_of(value) != nullptr;
}
bool is_mapping(const Value& value) {
    return dict_of(value) != nullptr;
}
bool is_boolean(const Value& value) {
    return get<bool>(value) != nullptr;
}
bool is_the_true(const Value& value) {
    return is_boolean(value) && std::get<bool>(value);
}
bool is_the_false(const Value& value) {
    return is_boolean(value) && !std::get<bool>(value);
}
bool is_integer(const Value& value) {
    return get<std::int64_t>(value) != nullptr;
}
bool is_float(const Value& value) {
    return get<double>(value) != nullptr;
}
bool is_number(const Value& value) {
    return is_boolean(value) || is_integer(value) || is_float(value);
}
bool is_iterable(const Value& value) {
    return is_undefined(value) || is_text(value) || list_of(value) != nullptr ||
           is_mapping(value) || get<std::shared_ptr<const Loop>>(value) != nullptr;
}
bool is_sequence(const Value& value) {
    const List* list = list_of(value);
    if (list != nullptr) return list->kind <= ListKind::kRange;
    return is_undefined(value) || is_text(value) || is_mapping(value);
}
bool is_callable(const Value& value) {
    return is_undefined(value) || get<std::shared_ptr<const Callable>>(value) != nullptr;
}

Result<bool> is_in_case(Machine& machine, const Value& value, const Arguments& arguments,
                        Case wanted) {
    GYRE_TRY(bind("is", arguments, {}).status());
    GYRE_ASSIGN(const Value text, str(machine, value));
    const std::string& bytes = text_of(text)->bytes();
    GYRE_TRY(machine.budget.spend(1 + bytes.size() / 8));
    const Case other = wanted == Case::kLower ? Case::kUpper : Case::kLower;
    const bool has_letters = with_case(*text_of(text), other).bytes() != bytes;
    return has_letters && with_case(*text_of(text), wanted).bytes() == bytes;
}
Result<bool> is_lower(Machine& machine, const Value& value, const Arguments& arguments) {
    return is_in_case(machine, value, arguments, Case::kLower);
}
Result<bool> is_upper(Machine& machine, const Value& value, const Arguments& arguments) {
    return is_in_case(machine, value, arguments, Case::kUpper);
}

Result<bool> leaves(Machine& machine, const Value& value, std::int64_t divisor,
                    std::int64_t wanted) {
    GYRE_ASSIGN(const Value remainder, arithmetic(machine, "%", value, Value(divisor)));
    return equals(machine.budget, remainder, Value(wanted));
}
Result<bool> is_odd(Machine& machine, const Value& value, const Arguments& arguments) {
    GYRE_TRY(bind("odd", arguments, {}).status());
    return leaves(machine, value, 2, 1);
}
Result<bool> is_even(Machine& machine, const Value& value, const Arguments& arguments) {
    GYRE_TRY(bind("even", arguments, {}).status());
    return leaves(machine, value, 2, 0);
}
Result<bool> is_divisible(Machine& machine, const Value& value, const Arguments& arguments) {
    GYRE_ASSIGN(const Bound bound, bind("divisibleby", arguments, {"num"}, 1));
    GYRE_ASSIGN(const std::int64_t divisor, whole(bound[0], 1));
    return leaves(machine, value, divisor, 0);
}

// The operators by their names.
template <int Op>
Result<bool> comparison(Machine& machine, const Value& value, const Arguments& arguments) {
    constexpr const char* kOps[] = {"==", "!=", "<", ">", "<=", ">=", "in"};
    GYRE_ASSIGN(const Bound bound, bind("is", arguments, {"other"}, 1));
    return compare(machine, kOps[Op], value, *bound[0]);
}

Result<bool> is_same(Machine& machine, const Value& value, const Arguments& arguments) {
    GYRE_ASSIGN(const Bound bound, bind("sameas", arguments, {"other"}, 1));
    if (value.index() != bound[0]->index()) return false;
    if (is_boolean(value) || is_none(value)) return equals(machine.budget, value, *bound[0]);
    return Status::unsupported("the test 'sameas' of a " + std::string(type_name(value)));
}

}  // namespace

Test find_test(std::string_view name) {
    constexpr std::pair<std::string_view, Test> kTests[] = {
        {"defined", kind_test<is_defined>},
        {"undefined", kind_test<is_undefined>},
        {"none", kind_test<is_none>},
        {"string", kind_test<is_text>},
        {"mapping", kind_test<is_mapping>},
        {"iterable", kind_test<is_iterable>},
        {"sequence", kind_test<is_sequence>},
        {"boolean", kind_test<is_boolean>},
        {"true", kind_test<is_the_true>},
        {"false", kind_test<is_the_false>},
        {"integer", kind_test<is_integer>},
        {"float", kind_test<is_float>},
        {"number", kind_test<is_number>},
        {"callable", kind_test<is_callable>},
        {"lower", is_lower},
        {"upper", is_upper},
        {"odd", is_odd},
        {"even", is_even},
        {"divisibleby", is_divisible},
        {"sameas", is_same},
        {"==", comparison<0>},
        {"eq", comparison<0>},
        {"equalto", comparison<0>},
        {"!=", comparison<1>},
        {"ne", comparison<1>},
        {"<", comparison<2>},
        {"lt", comparison<2>},
        {"lessthan", comparison<2>},
        {">", comparison<3>},
        {"gt", comparison<3>},
        {"greaterthan", comparison<3>},
        {"<=", comparison<4>},
        {"le", comparison<4>},
        {">=", comparison<5>},
        {"ge", comparison<5>},
        {"in", comparison<6>},
    };
    const auto* found = std::find_if(std::begin(kTests), std::end(kTests),
                                     [&](const auto& test) { return test.first == name; });
    return found == std::end(kTests) ? nullptr : found->second;
}

}  // namespace gyre::chat
