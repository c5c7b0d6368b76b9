// The parser of statements.
// SPDX-License-Identifier: Apache-2.0
#include "runtime/text/chat_template_parser.h"

#include <algorithm>
#include <array>

#include "runtime/text/chat_template_parser_base.h"

namespace gyre::chat {
namespace {

using NodePtr = std::unique_ptr<Node>;

class Parser : public ExpressionParser {
  public:
    using ExpressionParser::ExpressionParser;

    Result<Body> run() {
        GYRE_ASSIGN(Body parsed, body({}));
        if (stream_.current().kind != TokenKind::kEnd)
            return stream_.unexpected("the end of the template");
        return parsed;
    }

  private:
    // Up to a tag whose name is one of ends, which is then the current token; no ends: up to the
    // end.
    Result<Body> body(std::vector<std::string_view> ends);
    // A body, its end tag and the end of that.
    Result<Body> closed_body(const char* end);
    // The same, where break and continue cannot reach a loop around it.
    Result<Body> body_outside_loops(const char* end);
    Result<NodePtr> statement();
    Status begin_body() { return stream_.expect(TokenKind::kBlockEnd, "'%}'"); }

    Result<NodePtr> if_statement(NodePtr node);
    Result<NodePtr> for_statement(NodePtr node);
    Result<NodePtr> set_statement(NodePtr node);
    Result<NodePtr> macro_statement(NodePtr node);
    Result<NodePtr> call_statement(NodePtr node);
    Result<NodePtr> filter_statement(NodePtr node);
    Result<Targets> targets(bool with_attributes);
    Status signature(Node& node);

    int blocks_ = 0;
    int loops_ = 0;  // that break and continue could belong to
};

Result<Body> Parser::body(std::vector<std::string_view> ends) {
    if (++blocks_ > kMaxBlocks) {
        return stream_.unsupported("more than " + std::to_string(kMaxBlocks) +
                                   " statements in each other");
    }
    Body nodes;
    while (stream_.current().kind != TokenKind::kEnd) {
        auto node = std::make_unique<Node>();
        node->line = stream_.line();
        if (stream_.current().kind == TokenKind::kData) {
            node->text = stream_.take().text;
        } else if (stream_.current().kind == TokenKind::kVariableBegin) {
            stream_.advance();
            node->kind = NodeKind::kPrint;
            GYRE_ASSIGN(node->expr, tuple());
            GYRE_TRY(stream_.expect(TokenKind::kVariableEnd, "'}}'"));
        } else {
            stream_.advance();
            const Token& name = stream_.current();
            const bool ended = std::find(ends.begin(), ends.end(), name.text) != ends.end();
            if (ended && name.kind == TokenKind::kName) break;
            GYRE_ASSIGN(node, statement());
            GYRE_TRY(stream_.expect(TokenKind::kBlockEnd, "'%}'"));
        }
        nodes.push_back(std::move(node));
    }
    if (!ends.empty() && stream_.current().kind == TokenKind::kEnd) {
        return stream_.unexpected("'" + std::string(ends.back()) + "'");
    }
    --blocks_;
    return nodes;
}

Result<Body> Parser::closed_body(const char* end) {
    GYRE_TRY(begin_body());
    GYRE_ASSIGN(Body parsed, body({end}));
    stream_.advance();
    return parsed;
}

Result<Body> Parser::body_outside_loops(const char* end) {
    const int loops = std::exchange(loops_, 0);
    GYRE_ASSIGN(Body parsed, closed_body(end));
    loops_ = loops;
    return parsed;
}

Result<NodePtr> Parser::statement() {
    auto node = std::make_unique<Node>();
    node->line = stream_.line();
    GYRE_ASSIGN(const std::string name, stream_.expect_any_name());
    if (name == "if") return if_statement(std::move(node));
    if (name == "for") return for_statement(std::move(node));
    if (name == "set") return set_statement(std::move(node));
    if (name == "macro") return macro_statement(std::move(node));
    if (name == "call") return call_statement(std::move(node));
    if (name == "filter") return filter_statement(std::move(node));
    if (name == "generation") {
        node->kind = NodeKind::kGeneration;
        GYRE_ASSIGN(node->body, body_outside_loops("endgeneration"));
        return node;
    }
    if (name == "break" || name == "continue") {
        if (loops_ == 0)
            return at_line(node->line, Status::bad_file("'" + name + "' outside of a loop"));
        node->kind = name == "break" ? NodeKind::kBreak : NodeKind::kContinue;
        return node;
    }
    const bool closes = name.starts_with("end") || name == "else" || name == "elif";
    if (closes)
        return at_line(node->line, Status::bad_file("'" + name + "' without its beginning"));
    return at_line(node->line, Status::unsupported("the statement '" + name + "'"));
}

Result<NodePtr> Parser::if_statement(NodePtr node) {
    node->kind = NodeKind::kIf;
    ++branches_;
    while (true) {
        GYRE_ASSIGN(ExprPtr condition, tuple(Conditional::kNot));
        GYRE_TRY(begin_body());
        GYRE_ASSIGN(Body branch, body({"elif", "else", "endif"}));
        node->branches.emplace_back(std::move(condition), std::move(branch));
        if (stream_.skip_name("elif")) continue;
        if (stream_.skip_name("else")) {
            GYRE_ASSIGN(node->otherwise, closed_body("endif"));
        } else {
            stream_.advance();
        }
        --branches_;
        return node;
    }
}

// Names with commas between them, perhaps in brackets.
Result<Targets> Parser::targets(bool with_attributes) {
    Targets result;
    const bool brackets = stream_.skip_operator("(");
    do {
        if (!result.all.empty() && stream_.current().kind != TokenKind::kName) break;  // "a, = "
        if (stream_.is_operator("("))
            return stream_.unsupported("targets in brackets inside others");
        GYRE_ASSIGN(std::string name, stream_.expect_any_name());
        constexpr std::array<std::string_view, 6> kConstants = {"true",  "True", "false",
                                                                "False", "none", "None"};
        if (std::find(kConstants.begin(), kConstants.end(), name) != kConstants.end()) {
            return stream_.error("cannot assign to '" + name + "'");
        }
        Target target{std::move(name), {}};
        if (with_attributes && stream_.skip_operator(".")) {
            GYRE_ASSIGN(target.attribute, stream_.expect_any_name());
        }
        result.all.push_back(std::move(target));
        result.unpacks = result.all.size() > 1 || stream_.is_operator(",");
    } while (stream_.skip_operator(",") && !stream_.is_name("in"));
    if (brackets) GYRE_TRY(stream_.expect_operator(")"));
    return result;
}

Result<NodePtr> Parser::for_statement(NodePtr node) {
    node->kind = NodeKind::kFor;
    GYRE_ASSIGN(node->targets, targets(false));
    GYRE_TRY(stream_.expect_name("in"));
    GYRE_ASSIGN(node->expr, tuple(Conditional::kNot));
    if (stream_.skip_name("if")) {
        GYRE_ASSIGN(node->condition, expression());
    }
    if (stream_.is_name("recursive")) return stream_.unsupported("a recursive loop");
    GYRE_TRY(begin_body());
    ++loops_;
    GYRE_ASSIGN(node->body, body({"else", "endfor"}));
    --loops_;
    if (stream_.skip_name("else")) {
        GYRE_ASSIGN(node->otherwise, closed_body("endfor"));
    } else {
        stream_.advance();
    }
    return node;
}

Result<NodePtr> Parser::set_statement(NodePtr node) {
    GYRE_ASSIGN(node->targets, targets(true));
    if (stream_.skip_operator("=")) {
        node->kind = NodeKind::kSet;
        GYRE_ASSIGN(node->expr, tuple());
        return node;
    }
    node->kind = NodeKind::kSetBlock;
    while (stream_.skip_operator("|")) {
        GYRE_ASSIGN(node->condition, filter(std::move(node->condition)));
    }
    GYRE_ASSIGN(node->body, closed_body("endset"));
    return node;
}

Status Parser::signature(Node& node) {
    GYRE_TRY(stream_.expect_operator("("));
    while (!stream_.is_operator(")")) {
        if (!node.parameters.empty()) GYRE_TRY(stream_.expect_operator(","));
        GYRE_ASSIGN(std::string name, stream_.expect_any_name());
        node.parameters.push_back(std::move(name));
        if (stream_.skip_operator("=")) {
            GYRE_ASSIGN(ExprPtr value, expression());
            node.defaults.push_back(std::move(value));
        } else if (!node.defaults.empty()) {
            return stream_.error("a parameter without a default comes after one with a default");
        }
    }
    stream_.advance();
    return {};
}

Result<NodePtr> Parser::macro_statement(NodePtr node) {
    node->kind = NodeKind::kMacro;
    GYRE_ASSIGN(node->text, stream_.expect_any_name());
    GYRE_TRY(signature(*node));
    GYRE_ASSIGN(node->body, body_outside_loops("endmacro"));
    return node;
}

Result<NodePtr> Parser::call_statement(NodePtr node) {
    node->kind = NodeKind::kCallBlock;
    node->text = "caller";
    if (stream_.is_operator("(")) GYRE_TRY(signature(*node));
    GYRE_ASSIGN(node->expr, expression());
    if (node->expr->kind != ExprKind::kCall) {
        return at_line(node->line, Status::bad_file("'call' needs a call"));
    }
    GYRE_ASSIGN(node->body, body_outside_loops("endcall"));
    return node;
}

Result<NodePtr> Parser::filter_statement(NodePtr node) {
    node->kind = NodeKind::kFilterBlock;
    do {
        GYRE_ASSIGN(node->expr, filter(std::move(node->expr)));
    } while (stream_.skip_operator("|"));
    GYRE_ASSIGN(node->body, body_outside_loops("endfilter"));
    return node;
}

}  // namespace

Result<Body> parse(std::vector<Token> tokens) {
    return Parser(std::move(tokens)).run();
}

}  // namespace gyre::chat
