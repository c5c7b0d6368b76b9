// A chat template as a tree: what the parser makes and the interpreter runs.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "runtime/text/chat_template_value.h"

namespace gyre::chat {

enum class ExprKind : std::uint8_t {
    kConstant,
    kName,
    kAttribute,  // args[0].name
    kItem,       // args[0][args[1]]
    kSlice,      // args[0][args[1]:args[2]:args[3]], each of the three may be null
    kCall,       // args[0](rest)
    kFilter,     // args[0] | name(rest)
    kTest,       // args[0] is name(rest)
    kUnary,      // name: "-", "+", "not"
    kBinary,     // name: "+", "-", "*", "/", "//", "%", "**"
    kConcat,     // args joined by ~
    kAnd,
    kOr,
    kCompare,  // args[0] op args[1] op args[2] ...: arg_names[i] is what stands in front of args[i]
    kConditional,  // args[1] if args[0] else args[2], which may be null
    kList,
    kTuple,
    kDict,  // args: key, value, key, value ...
};

struct Expr {
    ExprKind kind = ExprKind::kConstant;
    int line = 1;
    int height = 1;  // of the tree below it
    std::string name = {};
    Value constant = None{};
    std::vector<std::unique_ptr<Expr>> args = {};
    // Of calls, filters and tests, one for each of args: "" by position, "*", "**", or a name.
    std::vector<std::string> arg_names = {};
};
using ExprPtr = std::unique_ptr<Expr>;

// Where a value goes: a variable, or an attribute of a namespace.
struct Target {
    std::string name;
    std::string attribute;  // "": none
};
struct Targets {
    std::vector<Target> all;
    bool unpacks = false;  // a, b = value
};

enum class NodeKind : std::uint8_t {
    kText,
    kPrint,
    kIf,
    kFor,
    kSet,
    kSetBlock,
    kMacro,
    kCallBlock,    // {% call(parameters) expr %} ... {% endcall %}
    kFilterBlock,  // expr is the filter, whose args[0] is null
    kGeneration,
    kBreak,
    kContinue,
};

struct Node;
using Body = std::vector<std::unique_ptr<Node>>;

struct Node {
    NodeKind kind = NodeKind::kText;
    int line = 1;
    std::string text = {};        // of kText; the name of a macro
    ExprPtr expr = nullptr;       // what is printed, looped over, set, called
    ExprPtr condition = nullptr;  // of a loop; the filter of a set block, or null
    Targets targets = {};
    std::vector<std::pair<ExprPtr, Body>> branches = {};  // of an if
    std::vector<std::string> parameters = {};             // of a macro or call block
    std::vector<ExprPtr> defaults = {};                   // of the last parameters
    Body body = {};
    Body otherwise = {};  // else
};

// A function that a template can call: a macro, one of ours, a method of a value.
struct Callable {
    enum class Kind : std::uint8_t { kFunction, kMethod, kMacro } kind = Kind::kFunction;
    std::string name = {};
    Value self = None{};                            // of a method
    const Node* macro = nullptr;                    // its names and its body
    std::shared_ptr<struct Scope> scope = nullptr;  // where the macro was made
    Charge charge = {};
};

}  // namespace gyre::chat
