// Arguments of filters, tests, methods and functions.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "runtime/text/chat_template_builtins.h"
#include "runtime/text/terminal_text.h"

namespace gyre::chat {

Result<Bound> bind(std::string_view function, const Arguments& arguments,
                   std::initializer_list<std::string_view> parameters, std::size_t n_required) {
    const std::string name = "'" + std::string(function) + "'";
    if (arguments.positional.size() > parameters.size()) {
        return Status::invalid_argument(name + " takes " + std::to_string(parameters.size()) +
                                        " arguments, not " +
                                        std::to_string(arguments.positional.size()));
    }
    Bound bound(arguments.positional.begin(), arguments.positional.end());
    bound.resize(parameters.size());
    for (const auto& [key, value] : arguments.named) {
        const auto found = std::find(parameters.begin(), parameters.end(), key);
        if (found == parameters.end()) {
            return Status::unsupported(name + " with the argument '" + shown(key) + "'");
        }
        auto& slot = bound[static_cast<std::size_t>(found - parameters.begin())];
        if (slot) {
            return Status::invalid_argument(
                std::string(name).append(" gets '").append(key).append("' twice"));
        }
        slot = value;
    }
    for (std::size_t i = 0; i < n_required; ++i) {
        if (!bound[i]) {
            return Status::invalid_argument(name + " lacks the argument '" +
                                            std::string(parameters.begin()[i]) + "'");
        }
    }
    return bound;
}

bool flag(const std::optional<Value>& argument, bool otherwise) {
    return argument ? is_true(*argument) : otherwise;
}

Result<std::int64_t> whole(const std::optional<Value>& argument, std::int64_t otherwise) {
    if (!argument) return otherwise;
    if (const auto* truth = get<bool>(*argument)) return std::int64_t{*truth};
    if (const auto* number = get<std::int64_t>(*argument)) return *number;
    if (is_undefined(*argument)) return undefined_error(*argument);
    return Status::invalid_argument(std::string("a whole number is needed, not a ") +
                                    type_name(*argument));
}

Result<const MarkedText*> need_text(std::string_view function, const Value& value) {
    if (const MarkedText* text = text_of(value)) return text;
    if (is_undefined(value)) return undefined_error(value);
    return Status::invalid_argument("'" + std::string(function) + "' needs a str, not a " +
                                    type_name(value));
}

Result<Value> str(Machine& machine, const Value& value) {
    if (text_of(value) != nullptr) return value;
    TextBuilder text(machine.budget);
    add_str(value, text);
    return text.finish();
}

}  // namespace gyre::chat
