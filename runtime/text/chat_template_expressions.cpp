// The parser of expressions: operators; precedence as Jinja's, from the loosest to the tightest.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "runtime/text/chat_template_parser_base.h"

namespace gyre::chat {

Status TokenStream::unexpected(const std::string& expected) const {
    const Token& token = current();
    std::string found = "'" + token.text + "'";
    if (token.kind == TokenKind::kEnd) found = "the end of the template";
    if (token.kind == TokenKind::kVariableEnd) found = "'}}'";
    if (token.kind == TokenKind::kBlockEnd) found = "'%}'";
    if (token.kind == TokenKind::kString) found = "a string";
    return error("expected " + expected + ", found " + found);
}

Status ExpressionParser::measure(Expr& expr) const {
    for (const ExprPtr& arg : expr.args) {
        if (arg != nullptr) expr.height = std::max(expr.height, arg->height + 1);
    }
    if (expr.height <= kMaxHeight) return {};
    return stream_.unsupported("an expression of more than " + std::to_string(kMaxHeight) +
                               " operations in each other");
}

Result<ExprPtr> ExpressionParser::make(ExprKind kind, int line, std::string name,
                                       std::vector<ExprPtr> args) {
    auto expr = std::make_unique<Expr>();
    expr->kind = kind;
    expr->line = line;
    expr->name = std::move(name);
    expr->args = std::move(args);
    GYRE_TRY(measure(*expr));
    return expr;
}

Result<ExprPtr> ExpressionParser::expression(Conditional allowed) {
    if (++depth_ > kMaxBrackets) {
        return stream_.unsupported("more than " + std::to_string(kMaxBrackets) +
                                   " expressions in each other");
    }
    Result<ExprPtr> result = allowed == Conditional::kAllowed ? conditional() : disjunction();
    --depth_;
    return result;
}

Result<ExprPtr> ExpressionParser::tuple(Conditional allowed, bool may_be_empty) {
    const int line = stream_.line();
    std::vector<ExprPtr> items;
    bool is_tuple = false;
    while (true) {
        const TokenKind kind = stream_.current().kind;
        if (kind == TokenKind::kVariableEnd || kind == TokenKind::kBlockEnd ||
            stream_.is_operator(")"))
            break;
        GYRE_ASSIGN(ExprPtr item, expression(allowed));
        items.push_back(std::move(item));
        if (!stream_.skip_operator(",")) break;
        is_tuple = true;
    }
    if (!is_tuple && items.size() == 1) return std::move(items[0]);
    if (!is_tuple && !may_be_empty) return stream_.unexpected("an expression");
    return make(ExprKind::kTuple, line, "", std::move(items));
}

Result<ExprPtr> ExpressionParser::conditional() {
    int line = stream_.line();
    GYRE_ASSIGN(ExprPtr value, disjunction());
    while (stream_.skip_name("if")) {
        GYRE_ASSIGN(ExprPtr condition, disjunction());
        ExprPtr otherwise;
        if (stream_.skip_name("else")) {
            GYRE_ASSIGN(otherwise, expression());
        }
        std::vector<ExprPtr> args = args_of(std::move(condition), std::move(value));
        args.push_back(std::move(otherwise));
        GYRE_ASSIGN(value, make(ExprKind::kConditional, line, "", std::move(args)));
        line = stream_.line();
    }
    return value;
}

// Operands with operators between them, from left to right: a - b + c is (a - b) + c.
// take_operator: the name of an operator of this precedence, which it skips; or nothing.
template <typename Operand, typename TakeOperator>
Result<ExprPtr> ExpressionParser::left_to_right(ExprKind kind, const Operand& operand,
                                                const TakeOperator& take_operator) {
    const int line = stream_.line();
    GYRE_ASSIGN(ExprPtr left, operand());
    while (std::optional<std::string> name = take_operator()) {
        GYRE_ASSIGN(ExprPtr right, operand());
        GYRE_ASSIGN(left,
                    make(kind, line, std::move(*name), args_of(std::move(left), std::move(right))));
    }
    return left;
}

// Of expressions whose kind says it all.
std::optional<std::string> ExpressionParser::take_word(std::string_view word) {
    return stream_.skip_name(word) ? std::optional<std::string>("") : std::nullopt;
}

std::optional<std::string> ExpressionParser::take_operator(
    std::initializer_list<const char*> operators) {
    const bool is_one = std::any_of(operators.begin(), operators.end(),
                                    [this](const char* name) { return stream_.is_operator(name); });
    return is_one ? std::optional<std::string>(stream_.take().text) : std::nullopt;
}

Result<ExprPtr> ExpressionParser::disjunction() {
    return left_to_right(
        ExprKind::kOr, [this] { return conjunction(); }, [this] { return take_word("or"); });
}

Result<ExprPtr> ExpressionParser::conjunction() {
    return left_to_right(
        ExprKind::kAnd, [this] { return negation(); }, [this] { return take_word("and"); });
}

Result<ExprPtr> ExpressionParser::negation() {
    const int line = stream_.line();
    if (!stream_.skip_name("not")) return comparison();
    if (++depth_ > kMaxBrackets) return stream_.unsupported("too many 'not' in each other");
    GYRE_ASSIGN(ExprPtr operand, negation());
    --depth_;
    return make(ExprKind::kUnary, line, "not", args_of(std::move(operand)));
}

// "" if none is next.
Result<std::string> ExpressionParser::comparison_operator() {
    for (const char* name : {"==", "!=", "<", ">", "<=", ">="}) {
        if (stream_.skip_operator(name)) return std::string(name);
    }
    if (stream_.skip_name("in")) return std::string("in");
    if (stream_.is_name("not") && TokenStream::is(stream_.next(), TokenKind::kName, "in")) {
        stream_.advance();
        stream_.advance();
        return std::string("not in");
    }
    return std::string();
}

Result<ExprPtr> ExpressionParser::comparison() {
    const int line = stream_.line();
    std::vector<ExprPtr> args;
    std::vector<std::string> operators;
    std::string next;
    do {
        operators.push_back(next);
        GYRE_ASSIGN(ExprPtr operand, sum());
        args.push_back(std::move(operand));
        GYRE_ASSIGN(next, comparison_operator());
    } while (!next.empty());
    if (args.size() == 1) return std::move(args[0]);
    GYRE_ASSIGN(ExprPtr compare, make(ExprKind::kCompare, line, "", std::move(args)));
    compare->arg_names = std::move(operators);
    return compare;
}

Result<ExprPtr> ExpressionParser::sum() {
    return left_to_right(
        ExprKind::kBinary, [this] { return concatenation(); },
        [this] {
            return take_operator({"+", "-"});
        });
}

Result<ExprPtr> ExpressionParser::concatenation() {
    const int line = stream_.line();
    std::vector<ExprPtr> args;
    do {
        GYRE_ASSIGN(ExprPtr operand, product());
        args.push_back(std::move(operand));
    } while (stream_.skip_operator("~"));
    if (args.size() == 1) return std::move(args[0]);
    return make(ExprKind::kConcat, line, "", std::move(args));
}

Result<ExprPtr> ExpressionParser::product() {
    return left_to_right(
        ExprKind::kBinary, [this] { return power(); },
        [this] {
            return take_operator({"*", "/", "//", "%"});
        });
}

Result<ExprPtr> ExpressionParser::power() {
    return left_to_right(
        ExprKind::kBinary, [this] { return unary(true); },
        [this] { return take_operator({"**"}); });
}

Result<ExprPtr> ExpressionParser::unary(bool with_filters) {
    const int line = stream_.line();
    ExprPtr operand;
    if (stream_.is_operator("-") || stream_.is_operator("+")) {
        if (++depth_ > kMaxBrackets) return stream_.unsupported("too many signs in a row");
        const std::string name = stream_.take().text;
        GYRE_ASSIGN(ExprPtr inner, unary(false));
        --depth_;
        GYRE_ASSIGN(operand, make(ExprKind::kUnary, line, name, args_of(std::move(inner))));
    } else {
        GYRE_ASSIGN(operand, primary());
    }
    GYRE_ASSIGN(operand, postfix(std::move(operand)));
    if (!with_filters) return operand;
    return filters_and_tests(std::move(operand));
}

}  // namespace gyre::chat
