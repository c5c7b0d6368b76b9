// Running statements.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <utility>

#include "runtime/text/chat_template_interpreter.h"
#include "runtime/text/chat_template_lexer.h"

namespace gyre::chat {
namespace {

// The scope that was current comes back at the end of a block.
class InScope {
  public:
    InScope(std::shared_ptr<Scope>& current, std::shared_ptr<Scope> scope)
        : current_(current), before_(std::exchange(current, std::move(scope))) {}
    ~InScope() { current_ = std::move(before_); }
    InScope(const InScope&) = delete;
    InScope& operator=(const InScope&) = delete;

  private:
    std::shared_ptr<Scope>& current_;
    std::shared_ptr<Scope> before_;
};

class Deeper {
  public:
    explicit Deeper(int& depth) : depth_(depth) { ++depth_; }
    ~Deeper() { --depth_; }
    Deeper(const Deeper&) = delete;
    Deeper& operator=(const Deeper&) = delete;

  private:
    int& depth_;
};

}  // namespace

Interpreter::Interpreter(std::map<std::string, Value, std::less<>> variables, const Limits& limits,
                         const std::tm& now)
    : machine_(limits), globals_(std::move(variables)), scope_(enter(nullptr)) {
    machine_.now = now;
}

Interpreter::~Interpreter() {
    for (const auto& space : machine_.namespaces)
        space->entries.clear();
    for (const auto& scope : held_)
        scope->variables.clear();
}

std::shared_ptr<Scope> Interpreter::enter(std::shared_ptr<Scope> parent) {
    return std::make_shared<Scope>(
        Scope{{}, std::move(parent), Charge(&machine_.budget, 0), false});
}

Status Interpreter::set(const std::string& name, Value value) {
    const auto found = scope_->variables.find(name);
    if (found != scope_->variables.end()) {
        found->second = std::move(value);
        return {};
    }
    GYRE_TRY(scope_->charge.grow(sizeof(*found) + 64 + name.size()));  // 64: about what a map adds
    scope_->variables.emplace(name, std::move(value));
    return {};
}

Result<MarkedText> Interpreter::run(const Body& body) {
    TextBuilder out(machine_.budget);
    GYRE_ASSIGN(const Flow flow, execute(body, out));
    (void)flow;
    return out.text();
}

Result<Interpreter::Flow> Interpreter::execute(const Body& body, TextBuilder& out) {
    const Deeper deeper(depth_);
    for (const auto& node : body) {
        if (depth_ > kMaxDepth) {
            return at_line(node->line,
                           Status::unsupported("macros and statements are too deep in each other"));
        }
        GYRE_ASSIGN(const Flow flow, execute(*node, out));
        if (!out.status().ok()) return at_line(node->line, out.status());
        if (flow != Flow::kNext) return flow;
    }
    return Flow::kNext;
}

Result<Interpreter::Flow> Interpreter::execute(const Node& node, TextBuilder& out) {
    GYRE_TRY(at_line(node.line, machine_.budget.spend(1)));
    switch (node.kind) {
        case NodeKind::kText:
            out.add(node.text);
            break;
        case NodeKind::kPrint: {
            GYRE_ASSIGN(const Value value, evaluate(*node.expr));
            add_str(value, out);
            break;
        }
        case NodeKind::kIf:
            return execute_if(node, out);
        case NodeKind::kFor:
            return execute_for(node, out);
        case NodeKind::kSet:
            GYRE_TRY(execute_set(node));
            break;
        case NodeKind::kSetBlock:
            GYRE_TRY(execute_set_block(node));
            break;
        case NodeKind::kMacro:
            GYRE_TRY(execute_macro(node));
            break;
        case NodeKind::kCallBlock:
            GYRE_TRY(execute_call_block(node, out));
            break;
        case NodeKind::kFilterBlock:
            GYRE_TRY(execute_filter_block(node, out));
            break;
        case NodeKind::kGeneration: {
            const InScope in(scope_, enter());
            return execute(node.body, out);
        }
        case NodeKind::kBreak:
            return Flow::kBreak;
        case NodeKind::kContinue:
            return Flow::kContinue;
    }
    return Flow::kNext;
}

Result<Interpreter::Flow> Interpreter::execute_if(const Node& node, TextBuilder& out) {
    for (const auto& [condition, body] : node.branches) {
        GYRE_ASSIGN(const Value value, evaluate(*condition));
        if (is_true(value)) return execute(body, out);
    }
    return execute(node.otherwise, out);
}

// What is looped over, without what the loop's `if` leaves out.
Result<std::shared_ptr<const List>> Interpreter::loop_items(const Node& node) {
    GYRE_ASSIGN(const Value value, evaluate(*node.expr));
    auto items = iterate(machine_.budget, value);
    if (!items.ok()) return at_line(node.line, items.status());
    if (node.condition == nullptr) return items;
    ListBuilder kept(machine_.budget);
    for (const Value& item : items.value()->items) {
        const InScope in(scope_, enter());
        GYRE_TRY(assign(node.line, node.targets, item));
        GYRE_ASSIGN(const Value wanted, evaluate(*node.condition));
        if (is_true(wanted)) kept.add(item);
    }
    GYRE_ASSIGN(const Value made, kept.finish());
    return std::get<std::shared_ptr<const List>>(made);
}

Result<Interpreter::Flow> Interpreter::execute_for(const Node& node, TextBuilder& out) {
    GYRE_ASSIGN(const std::shared_ptr<const List> items, loop_items(node));
    if (items->items.empty()) {
        const InScope in(scope_, enter());
        return execute(node.otherwise, out);
    }
    for (std::size_t i = 0; i < items->items.size(); ++i) {
        GYRE_TRY(at_line(node.line, machine_.budget.spend(1)));
        const InScope in(scope_, enter());
        GYRE_TRY(assign(node.line, node.targets, items->items[i]));
        GYRE_TRY(at_line(node.line, set("loop", std::make_shared<const Loop>(Loop{items, i}))));
        GYRE_ASSIGN(const Flow flow, execute(node.body, out));
        if (flow == Flow::kBreak) break;
    }
    return Flow::kNext;
}

Status Interpreter::execute_set(const Node& node) {
    GYRE_ASSIGN(Value value, evaluate(*node.expr));
    return assign(node.line, node.targets, std::move(value));
}

Result<Value> Interpreter::text_of_block(const Body& body) {
    const InScope in(scope_, enter());
    TextBuilder text(machine_.budget);
    GYRE_ASSIGN(const Flow flow, execute(body, text));
    (void)flow;
    return text.finish();
}

Status Interpreter::execute_set_block(const Node& node) {
    GYRE_ASSIGN(Value value, text_of_block(node.body));
    if (node.condition != nullptr) {
        const Value* before = std::exchange(filtered_, &value);
        Result<Value> result = evaluate(*node.condition);
        filtered_ = before;
        GYRE_TRY(result.status());
        value = std::move(result).value();
    }
    return assign(node.line, node.targets, std::move(value));
}

Result<Value> Interpreter::make_macro(const Node& node) {
    for (std::shared_ptr<Scope> scope = scope_; scope != nullptr && !scope->held;
         scope = scope->parent) {
        GYRE_TRY(at_line(node.line, scope->charge.grow(sizeof(Scope))));
        scope->held = true;
        held_.push_back(scope);
    }
    Charge charge(&machine_.budget, 0);
    GYRE_TRY(at_line(node.line, charge.grow(sizeof(Callable))));
    return Value(std::make_shared<const Callable>(
        Callable{Callable::Kind::kMacro, node.text, None{}, &node, scope_, std::move(charge)}));
}

Status Interpreter::execute_macro(const Node& node) {
    GYRE_ASSIGN(Value macro, make_macro(node));
    return at_line(node.line, set(node.text, std::move(macro)));
}

Status Interpreter::execute_call_block(const Node& node, TextBuilder& out) {
    GYRE_ASSIGN(const Value caller, make_macro(node));
    GYRE_ASSIGN(const Value text, evaluate_call(*node.expr, &caller));
    add_str(text, out);
    return {};
}

Status Interpreter::execute_filter_block(const Node& node, TextBuilder& out) {
    GYRE_ASSIGN(const Value text, text_of_block(node.body));
    const Value* before = std::exchange(filtered_, &text);
    const Result<Value> result = evaluate(*node.expr);
    filtered_ = before;
    GYRE_TRY(result.status());
    add_str(result.value(), out);
    return {};
}

Status Interpreter::assign(int line, const Targets& targets, Value value) {
    if (!targets.unpacks) return assign(line, targets.all[0], std::move(value));
    const auto items = iterate(machine_.budget, value);
    if (!items.ok()) return at_line(line, items.status());
    const std::vector<Value>& values = items.value()->items;
    if (values.size() != targets.all.size()) {
        return at_line(line,
                       Status::invalid_argument(std::to_string(targets.all.size()) + " names for " +
                                                std::to_string(values.size()) + " values"));
    }
    for (std::size_t i = 0; i < values.size(); ++i)
        GYRE_TRY(assign(line, targets.all[i], values[i]));
    return {};
}

Status Interpreter::assign(int line, const Target& target, Value value) {
    if (target.attribute.empty()) {
        return at_line(line, set(target.name, std::move(value)));
    }
    const Value* space = find(target.name);
    const auto* entries = space == nullptr ? nullptr : get<std::shared_ptr<Namespace>>(*space);
    if (entries == nullptr) {
        return at_line(line, Status::invalid_argument("'" + target.name + "' is no namespace"));
    }
    if (target.attribute.starts_with('_')) {
        return at_line(
            line, Status::unsupported("the attribute '" + target.attribute + "' of a namespace"));
    }
    for (auto& [name, old] : (*entries)->entries) {
        if (name != target.attribute) continue;
        old = std::move(value);
        return {};
    }
    GYRE_TRY(at_line(line, (*entries)->charge.grow(sizeof(Value) + target.attribute.size())));
    (*entries)->entries.emplace_back(target.attribute, std::move(value));
    return {};
}

// A macro's call, from the evaluated arguments on.
Result<Value> Interpreter::call_macro(int line, const Callable& macro, const Arguments& arguments) {
    const InScope in(scope_, enter(macro.scope));
    GYRE_TRY(bind_macro(line, macro, arguments));
    const Value* filtered = std::exchange(filtered_, nullptr);
    TextBuilder text(machine_.budget);
    const Result<Flow> flow = execute(macro.macro->body, text);
    filtered_ = filtered;
    GYRE_TRY(flow.status());
    return text.finish();
}

Status Interpreter::bind_macro(int line, const Callable& macro, const Arguments& arguments) {
    const std::vector<std::string>& parameters = macro.macro->parameters;
    const auto refuse = [&](const std::string& text) {
        return at_line(line, Status::invalid_argument("the macro '" + macro.name + "' " + text));
    };
    if (arguments.positional.size() > parameters.size()) {
        return refuse("takes " + std::to_string(parameters.size()) + " arguments, not " +
                      std::to_string(arguments.positional.size()));
    }
    for (std::size_t i = 0; i < arguments.positional.size(); ++i)
        GYRE_TRY(set(parameters[i], arguments.positional[i]));
    const auto given = [&](const std::string& name) { return scope_->variables.contains(name); };
    for (const auto& [name, value] : arguments.named) {
        const bool known = name == "caller" || std::find(parameters.begin(), parameters.end(),
                                                         name) != parameters.end();
        if (!known) return refuse("has no parameter '" + name + "'");
        if (given(name)) return refuse("gets '" + name + "' twice");
        GYRE_TRY(set(name, value));
    }
    const std::size_t first_default = parameters.size() - macro.macro->defaults.size();
    for (std::size_t i = 0; i < parameters.size(); ++i) {
        if (given(parameters[i])) continue;
        Value value = undefined("the parameter '" + parameters[i] + "' was not given");
        if (i >= first_default) {
            GYRE_ASSIGN(value, evaluate(*macro.macro->defaults[i - first_default]));
        }
        GYRE_TRY(set(parameters[i], std::move(value)));
    }
    return {};
}

}  // namespace gyre::chat
