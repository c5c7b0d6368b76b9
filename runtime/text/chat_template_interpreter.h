// Runs the tree of a chat template.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "runtime/base/status.h"
#include "runtime/text/chat_template_ast.h"
#include "runtime/text/chat_template_builtins.h"

namespace gyre::chat {

// The variables of a loop's round, a macro's call, a block, or the whole template.
struct Scope {
    std::map<std::string, Value, std::less<>> variables;
    std::shared_ptr<Scope> parent;
    Charge charge;
    bool held = false;  // by a macro
};

class Interpreter {
  public:
    // variables: what the template gets from outside. The tree must outlive the interpreter.
    Interpreter(std::map<std::string, Value, std::less<>> variables, const Limits& limits,
                const std::tm& now);
    ~Interpreter();
    Interpreter(const Interpreter&) = delete;
    Interpreter& operator=(const Interpreter&) = delete;

    Result<MarkedText> run(const Body& body);

  private:
    enum class Flow { kNext, kBreak, kContinue };

    // Statements, expressions and macros in each other at most: with the debug build it takes 256
    // KiB of stack.
    static constexpr int kMaxDepth = 120;

    Result<Flow> execute(const Body& body, TextBuilder& out);
    Result<Flow> execute(const Node& node, TextBuilder& out);
    Result<Flow> execute_if(const Node& node, TextBuilder& out);
    Result<Flow> execute_for(const Node& node, TextBuilder& out);
    Result<std::shared_ptr<const List>> loop_items(const Node& node);
    Status execute_set(const Node& node);
    Status execute_set_block(const Node& node);
    Status execute_macro(const Node& node);
    Status execute_call_block(const Node& node, TextBuilder& out);
    Status execute_filter_block(const Node& node, TextBuilder& out);
    // Of a body that has a scope of its own.
    Result<Value> text_of_block(const Body& body);

    Result<Value> evaluate(const Expr& expr);
    Result<Value> evaluate_kind(const Expr& expr);
    Result<Value> evaluate_name(const Expr& expr);
    Result<Value> evaluate_slice(const Expr& expr);
    Result<Value> evaluate_call(const Expr& expr, const Value* caller = nullptr);
    Result<Value> evaluate_filter(const Expr& expr);
    Result<Value> evaluate_test(const Expr& expr);
    Result<Value> evaluate_unary(const Expr& expr);
    Result<Value> evaluate_compare(const Expr& expr);
    Result<Value> evaluate_concat(const Expr& expr);
    Result<Value> evaluate_conditional(const Expr& expr);
    Result<Value> evaluate_list(const Expr& expr);
    Result<Value> evaluate_dict(const Expr& expr);
    Result<Arguments> evaluate_arguments(const Expr& expr);
    Result<Value> call(int line, const Value& callee, const Arguments& arguments);
    Result<Value> call_macro(int line, const Callable& macro, const Arguments& arguments);
    Status bind_macro(int line, const Callable& macro, const Arguments& arguments);

    const Value* find(const std::string& name) const;
    Status assign(int line, const Targets& targets, Value value);
    Status assign(int line, const Target& target, Value value);
    Result<Value> make_macro(const Node& node);
    Status set(const std::string& name, Value value);
    std::shared_ptr<Scope> enter(std::shared_ptr<Scope> parent);
    std::shared_ptr<Scope> enter() { return enter(scope_); }

    Machine machine_;
    std::map<std::string, Value, std::less<>> globals_;
    std::shared_ptr<Scope> scope_;
    // Those that macros hold, and their parents: they hold each other, and are emptied at the end.
    std::vector<std::shared_ptr<Scope>> held_;
    const Value* filtered_ = nullptr;  // the text of a filter block
    int depth_ = 0;
};

}  // namespace gyre::chat
