// Evaluating expressions.
// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include "runtime/text/chat_template_interpreter.h"
#include "runtime/text/chat_template_lexer.h"
#include "runtime/text/chat_template_strings.h"

namespace gyre::chat {
namespace {

template <typename T>
Result<T> located(int line, Result<T> result) {
    if (!result.ok()) return at_line(line, result.status());
    return result;
}

Result<Value> located_value(int line, Result<bool> result) {
    if (!result.ok()) return at_line(line, result.status());
    return Value(result.value());
}

}  // namespace

Result<Value> Interpreter::evaluate(const Expr& expr) {
    if (++depth_ > kMaxDepth) {
        return at_line(expr.line,
                       Status::unsupported("macros and expressions are too deep in each other"));
    }
    GYRE_TRY(at_line(expr.line, machine_.budget.spend(1)));
    Result<Value> result = evaluate_kind(expr);
    --depth_;  // an error ends the rendering: no count is needed after it
    return result;
}

Result<Value> Interpreter::evaluate_kind(const Expr& expr) {
    switch (expr.kind) {
        case ExprKind::kConstant:
            return expr.constant;
        case ExprKind::kName:
            return evaluate_name(expr);
        case ExprKind::kAttribute: {
            GYRE_ASSIGN(const Value value, evaluate(*expr.args[0]));
            return located(expr.line, attribute_of(machine_, value, expr.name));
        }
        case ExprKind::kItem: {
            GYRE_ASSIGN(const Value value, evaluate(*expr.args[0]));
            GYRE_ASSIGN(const Value key, evaluate(*expr.args[1]));
            return located(expr.line, item_of(machine_, value, key));
        }
        case ExprKind::kSlice:
            return evaluate_slice(expr);
        case ExprKind::kCall:
            return evaluate_call(expr);
        case ExprKind::kFilter:
            return evaluate_filter(expr);
        case ExprKind::kTest:
            return evaluate_test(expr);
        case ExprKind::kUnary:
            return evaluate_unary(expr);
        case ExprKind::kBinary: {
            GYRE_ASSIGN(const Value left, evaluate(*expr.args[0]));
            GYRE_ASSIGN(const Value right, evaluate(*expr.args[1]));
            return located(expr.line, arithmetic(machine_, expr.name, left, right));
        }
        case ExprKind::kConcat:
            return evaluate_concat(expr);
        case ExprKind::kAnd:
        case ExprKind::kOr: {
            GYRE_ASSIGN(Value left, evaluate(*expr.args[0]));
            if (is_true(left) == (expr.kind == ExprKind::kOr)) return left;
            return evaluate(*expr.args[1]);
        }
        case ExprKind::kCompare:
            return evaluate_compare(expr);
        case ExprKind::kConditional:
            return evaluate_conditional(expr);
        case ExprKind::kList:
        case ExprKind::kTuple:
            return evaluate_list(expr);
        case ExprKind::kDict:
            return evaluate_dict(expr);
    }
    return Value(None{});
}

const Value* Interpreter::find(const std::string& name) const {
    for (const Scope* scope = scope_.get(); scope != nullptr; scope = scope->parent.get()) {
        const auto found = scope->variables.find(name);
        if (found != scope->variables.end()) return &found->second;
    }
    const auto found = globals_.find(name);
    return found == globals_.end() ? nullptr : &found->second;
}

Result<Value> Interpreter::evaluate_name(const Expr& expr) {
    if (const Value* value = find(expr.name)) return *value;
    if (is_function(expr.name)) {
        return Value(std::make_shared<const Callable>(
            Callable{Callable::Kind::kFunction, expr.name, None{}, nullptr, nullptr, {}}));
    }
    return undefined("'" + expr.name + "' is undefined");
}

Result<Value> Interpreter::evaluate_slice(const Expr& expr) {
    GYRE_ASSIGN(const Value value, evaluate(*expr.args[0]));
    SliceBounds bounds;
    for (std::size_t i = 1; i < 4; ++i) {
        if (expr.args[i] == nullptr) continue;
        GYRE_ASSIGN(const Value bound, evaluate(*expr.args[i]));
        if (is_none(bound)) continue;
        GYRE_ASSIGN(const std::int64_t at, located(expr.line, whole(bound, 0)));
        (i == 1 ? bounds.start : i == 2 ? bounds.stop : bounds.step) = at;
        bounds.has_start |= i == 1;
        bounds.has_stop |= i == 2;
    }
    if (is_undefined(value)) return at_line(expr.line, undefined_error(value));
    if (bounds.step == 0)
        return at_line(expr.line, Status::invalid_argument("a slice has the step 0"));
    if (const MarkedText* text = text_of(value)) {
        GYRE_TRY(at_line(expr.line, machine_.budget.spend_bytes(text->size())));
        Charge characters(&machine_.budget, 0);
        const SliceItems items = resolve(bounds, count_characters(text->bytes()));
        if (items.step != 1) GYRE_TRY(at_line(expr.line, characters.grow(8 * text->size())));
        return located(expr.line, make_text(machine_.budget, slice(*text, items)));
    }
    const List* list = list_of(value);
    if (list == nullptr || list->kind > ListKind::kRange) {
        return undefined(std::string("a ") + type_name(value) + " has no slices");
    }
    const SliceItems items = resolve(bounds, list->items.size());
    ListBuilder part(machine_.budget);
    auto index = static_cast<std::int64_t>(items.start);
    for (std::size_t i = 0; i < items.count; ++i) {
        part.add(list->items[static_cast<std::size_t>(index)]);
        if (i + 1 < items.count) index += items.step;
    }
    return located(expr.line, part.finish(list->kind));
}

// The arguments after args[0].
Result<Arguments> Interpreter::evaluate_arguments(const Expr& expr) {
    Arguments arguments;
    for (std::size_t i = 1; i < expr.args.size(); ++i) {
        GYRE_ASSIGN(Value value, evaluate(*expr.args[i]));
        const std::string& name = expr.arg_names[i];
        if (name.empty()) {
            arguments.positional.push_back(std::move(value));
        } else if (name == "*") {
            GYRE_ASSIGN(const auto items, located(expr.line, iterate(machine_.budget, value)));
            GYRE_TRY(at_line(expr.line, machine_.budget.spend(items->items.size())));
            arguments.positional.insert(arguments.positional.end(), items->items.begin(),
                                        items->items.end());
        } else if (name == "**") {
            const Dict* dict = dict_of(value);
            if (dict == nullptr)
                return at_line(expr.line, Status::invalid_argument("what follows ** is no dict"));
            GYRE_TRY(at_line(expr.line, machine_.budget.spend(dict->entries.size())));
            for (const auto& [key, each] : dict->entries) {
                GYRE_ASSIGN(const MarkedText* text, located(expr.line, need_text("**", key)));
                arguments.named.emplace_back(text->bytes(), each);
            }
        } else {
            arguments.named.emplace_back(name, std::move(value));
        }
    }
    return arguments;
}

Result<Value> Interpreter::evaluate_call(const Expr& expr, const Value* caller) {
    GYRE_ASSIGN(const Value callee, evaluate(*expr.args[0]));
    GYRE_ASSIGN(Arguments arguments, evaluate_arguments(expr));
    if (caller != nullptr) arguments.named.emplace_back("caller", *caller);
    return call(expr.line, callee, arguments);
}

Result<Value> Interpreter::call(int line, const Value& callee, const Arguments& arguments) {
    if (is_undefined(callee)) return at_line(line, undefined_error(callee));
    const auto* callable = get<std::shared_ptr<const Callable>>(callee);
    if (callable == nullptr) {
        return at_line(line, Status::invalid_argument(std::string("a ") + type_name(callee) +
                                                      " cannot be called"));
    }
    switch ((*callable)->kind) {
        case Callable::Kind::kFunction:
            return located(line, call_function(machine_, (*callable)->name, arguments));
        case Callable::Kind::kMethod:
            return located(line,
                           call_method(machine_, (*callable)->self, (*callable)->name, arguments));
        case Callable::Kind::kMacro:
            break;
    }
    return call_macro(line, **callable, arguments);
}

Result<Value> Interpreter::evaluate_filter(const Expr& expr) {
    const Filter filter = find_filter(expr.name);
    if (filter == nullptr)
        return at_line(expr.line, Status::unsupported("the filter '" + expr.name + "'"));
    Value value = filtered_ != nullptr ? *filtered_ : Value(None{});
    if (expr.args[0] != nullptr) {
        GYRE_ASSIGN(value, evaluate(*expr.args[0]));
    }
    GYRE_ASSIGN(const Arguments arguments, evaluate_arguments(expr));
    return located(expr.line, filter(machine_, value, arguments));
}

Result<Value> Interpreter::evaluate_test(const Expr& expr) {
    const Test test = find_test(expr.name);
    if (test == nullptr)
        return at_line(expr.line, Status::unsupported("the test '" + expr.name + "'"));
    GYRE_ASSIGN(const Value value, evaluate(*expr.args[0]));
    GYRE_ASSIGN(const Arguments arguments, evaluate_arguments(expr));
    return located_value(expr.line, test(machine_, value, arguments));
}

Result<Value> Interpreter::evaluate_unary(const Expr& expr) {
    GYRE_ASSIGN(const Value value, evaluate(*expr.args[0]));
    if (expr.name == "not") return Value(!is_true(value));
    const Value zero = std::int64_t{0};
    if (get<double>(value) != nullptr) {
        return Value(expr.name == "-" ? -std::get<double>(value) : std::get<double>(value));
    }
    return located(expr.line, arithmetic(machine_, expr.name, zero, value));
}

Result<Value> Interpreter::evaluate_compare(const Expr& expr) {
    GYRE_ASSIGN(Value left, evaluate(*expr.args[0]));
    for (std::size_t i = 1; i < expr.args.size(); ++i) {
        GYRE_ASSIGN(Value right, evaluate(*expr.args[i]));
        GYRE_ASSIGN(const bool holds,
                    located(expr.line, compare(machine_, expr.arg_names[i], left, right)));
        if (!holds) return Value(false);
        left = std::move(right);
    }
    return Value(true);
}

Result<Value> Interpreter::evaluate_concat(const Expr& expr) {
    TextBuilder text(machine_.budget);
    for (const ExprPtr& arg : expr.args) {
        GYRE_ASSIGN(const Value value, evaluate(*arg));
        add_str(value, text);
    }
    return located(expr.line, text.finish());
}

Result<Value> Interpreter::evaluate_conditional(const Expr& expr) {
    GYRE_ASSIGN(const Value condition, evaluate(*expr.args[0]));
    if (is_true(condition)) return evaluate(*expr.args[1]);
    if (expr.args[2] != nullptr) return evaluate(*expr.args[2]);
    return undefined("an inline if is false and has no else");
}

Result<Value> Interpreter::evaluate_list(const Expr& expr) {
    ListBuilder list(machine_.budget);
    for (const ExprPtr& arg : expr.args) {
        GYRE_ASSIGN(Value value, evaluate(*arg));
        list.add(std::move(value));
    }
    return located(expr.line,
                   list.finish(expr.kind == ExprKind::kList ? ListKind::kList : ListKind::kTuple));
}

Result<Value> Interpreter::evaluate_dict(const Expr& expr) {
    DictBuilder dict(machine_.budget);
    for (std::size_t i = 0; i < expr.args.size(); i += 2) {
        GYRE_ASSIGN(Value key, evaluate(*expr.args[i]));
        GYRE_ASSIGN(Value value, evaluate(*expr.args[i + 1]));
        dict.add(std::move(key), std::move(value));
    }
    return located(expr.line, dict.finish());
}

}  // namespace gyre::chat
