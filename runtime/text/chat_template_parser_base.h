// What the parsers of operators, operands and statements share: the tokens, and how deep it is in
// them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/base/status.h"
#include "runtime/text/chat_template_ast.h"
#include "runtime/text/chat_template_lexer.h"

namespace gyre::chat {

inline constexpr int kMaxHeight = 100;   // of the tree of an expression
inline constexpr int kMaxBrackets = 40;  // expressions in each other while they are parsed
inline constexpr int kMaxBlocks = 40;    // statements in each other

class TokenStream {
  public:
    explicit TokenStream(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

    const Token& current() const { return tokens_[at_]; }
    const Token& next() const { return tokens_[at_ + 1 < tokens_.size() ? at_ + 1 : at_]; }
    void advance() { at_ += at_ + 1 < tokens_.size() ? 1 : 0; }
    Token take() {
        Token token = current();
        advance();
        return token;
    }

    static bool is(const Token& token, TokenKind kind, std::string_view text) {
        return token.kind == kind && token.text == text;
    }
    bool is_operator(std::string_view text) const {
        return is(current(), TokenKind::kOperator, text);
    }
    bool is_name(std::string_view text) const { return is(current(), TokenKind::kName, text); }
    bool skip_operator(std::string_view text) { return is_operator(text) && (advance(), true); }
    bool skip_name(std::string_view text) { return is_name(text) && (advance(), true); }

    Status expect_operator(std::string_view text) {
        return skip_operator(text) ? Status() : unexpected("'" + std::string(text) + "'");
    }
    Status expect_name(std::string_view text) {
        return skip_name(text) ? Status() : unexpected("'" + std::string(text) + "'");
    }
    Status expect(TokenKind kind, const char* what) {
        if (current().kind != kind) return unexpected(what);
        advance();
        return {};
    }
    Result<std::string> expect_any_name() {
        if (current().kind != TokenKind::kName) return unexpected("a name");
        return take().text;
    }

    int line() const { return current().line; }
    Status error(const std::string& text) const { return at_line(line(), Status::bad_file(text)); }
    Status unsupported(const std::string& text) const {
        return at_line(line(), Status::unsupported(text));
    }
    Status unexpected(const std::string& expected) const;

  private:
    std::vector<Token> tokens_;
    std::size_t at_ = 0;
};

// Expr::args of an operation: a list that braces cannot make, since pointers to own do not copy.
template <typename... Pointers>
std::vector<ExprPtr> args_of(Pointers... operands) {
    std::vector<ExprPtr> args;
    (args.push_back(std::move(operands)), ...);
    return args;
}

// Parses expressions; statements are parsed by what inherits it.
class ExpressionParser {
  public:
    explicit ExpressionParser(std::vector<Token> tokens) : stream_(std::move(tokens)) {}

  protected:
    enum class Conditional { kAllowed, kNot };

    Result<ExprPtr> expression(Conditional conditional = Conditional::kAllowed);
    // One expression, or several with commas between them: a tuple.
    Result<ExprPtr> tuple(Conditional conditional = Conditional::kAllowed,
                          bool may_be_empty = false);
    // What stands after an opening bracket of a call, which is the current token.
    Status call_arguments(Expr& call);
    Result<ExprPtr> filter(ExprPtr operand);
    Result<ExprPtr> filters_and_tests(ExprPtr operand);

    Result<ExprPtr> make(ExprKind kind, int line, std::string name, std::vector<ExprPtr> args);

    TokenStream stream_;
    // Bodies of an `if`: what stands there may never be run, so that a filter or test that is not
    // known is an error of the rendering, as in Jinja.
    int branches_ = 0;

  private:
    Result<ExprPtr> conditional();
    template <typename Operand, typename TakeOperator>
    Result<ExprPtr> left_to_right(ExprKind kind, const Operand& operand,
                                  const TakeOperator& take_operator);
    std::optional<std::string> take_word(std::string_view word);
    std::optional<std::string> take_operator(std::initializer_list<const char*> operators);
    Result<ExprPtr> disjunction();
    Result<ExprPtr> conjunction();
    Result<ExprPtr> negation();
    Result<ExprPtr> comparison();
    Result<std::string> comparison_operator();
    Result<ExprPtr> sum();
    Result<ExprPtr> concatenation();
    Result<ExprPtr> product();
    Result<ExprPtr> power();
    Result<ExprPtr> unary(bool with_filters);
    Result<ExprPtr> primary();
    Result<ExprPtr> named();
    Result<ExprPtr> number();
    Result<ExprPtr> postfix(ExprPtr operand);
    Result<ExprPtr> subscript(ExprPtr operand);
    Result<ExprPtr> call(ExprPtr operand);
    Result<ExprPtr> test(ExprPtr operand);
    Result<ExprPtr> list();
    Result<ExprPtr> dict();
    Status add_argument(Expr& call);
    Status measure(Expr& expr) const;

    int depth_ = 0;
};

}  // namespace gyre::chat
