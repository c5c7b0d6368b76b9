// The parser of expressions; precedence as Jinja's, from the loosest to the tightest.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <charconv>
#include <locale>
#include <sstream>

#include "runtime/text/chat_template_builtins.h"
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

namespace {

std::vector<ExprPtr> list_of_two(ExprPtr a, ExprPtr b) {
    std::vector<ExprPtr> args;
    args.push_back(std::move(a));
    args.push_back(std::move(b));
    return args;
}

std::vector<ExprPtr> list_of_one(ExprPtr a) {
    std::vector<ExprPtr> args;
    args.push_back(std::move(a));
    return args;
}

}  // namespace

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
        std::vector<ExprPtr> args = list_of_two(std::move(condition), std::move(value));
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
        GYRE_ASSIGN(left, make(kind, line, std::move(*name),
                               list_of_two(std::move(left), std::move(right))));
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
    return make(ExprKind::kUnary, line, "not", list_of_one(std::move(operand)));
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
        GYRE_ASSIGN(operand, make(ExprKind::kUnary, line, name, list_of_one(std::move(inner))));
    } else {
        GYRE_ASSIGN(operand, primary());
    }
    GYRE_ASSIGN(operand, postfix(std::move(operand)));
    if (!with_filters) return operand;
    return filters_and_tests(std::move(operand));
}

Result<ExprPtr> ExpressionParser::primary() {
    const Token& token = stream_.current();
    const int line = token.line;
    switch (token.kind) {
        case TokenKind::kName:
            return named();
        case TokenKind::kString: {
            std::string text;
            while (stream_.current().kind == TokenKind::kString)
                text += stream_.take().text;
            GYRE_ASSIGN(ExprPtr constant, make(ExprKind::kConstant, line, "", {}));
            constant->constant = make_text(std::move(text), false);
            return constant;
        }
        case TokenKind::kInteger:
        case TokenKind::kFloat:
            return number();
        default:
            break;
    }
    if (stream_.is_operator("[")) return list();
    if (stream_.is_operator("{")) return dict();
    if (!stream_.skip_operator("(")) return stream_.unexpected("an expression");
    GYRE_ASSIGN(ExprPtr inner, tuple(Conditional::kAllowed, true));
    GYRE_TRY(stream_.expect_operator(")"));
    return inner;
}

Result<ExprPtr> ExpressionParser::named() {
    const Token token = stream_.take();
    const std::string& name = token.text;
    const bool is_true = name == "true" || name == "True";
    if (is_true || name == "false" || name == "False") {
        GYRE_ASSIGN(ExprPtr constant, make(ExprKind::kConstant, token.line, "", {}));
        constant->constant = is_true;
        return constant;
    }
    if (name == "none" || name == "None") return make(ExprKind::kConstant, token.line, "", {});
    return make(ExprKind::kName, token.line, name, {});
}

Result<ExprPtr> ExpressionParser::number() {
    const Token token = stream_.take();
    GYRE_ASSIGN(ExprPtr constant, make(ExprKind::kConstant, token.line, "", {}));
    if (token.kind == TokenKind::kInteger) {
        std::int64_t value = 0;
        const char* end = token.text.data() + token.text.size();
        const auto [stop, error] = std::from_chars(token.text.data(), end, value);
        if (error != std::errc() || stop != end)
            return stream_.unsupported("the number " + token.text);
        constant->constant = value;
        return constant;
    }
    double value = 0;
    std::istringstream text(token.text);
    text.imbue(std::locale::classic());
    text >> value;
    constant->constant = value;
    return constant;
}

Result<ExprPtr> ExpressionParser::list() {
    const int line = stream_.take().line;
    std::vector<ExprPtr> items;
    while (!stream_.is_operator("]")) {
        if (!items.empty()) GYRE_TRY(stream_.expect_operator(","));
        if (stream_.is_operator("]")) break;
        GYRE_ASSIGN(ExprPtr item, expression());
        items.push_back(std::move(item));
    }
    stream_.advance();
    return make(ExprKind::kList, line, "", std::move(items));
}

Result<ExprPtr> ExpressionParser::dict() {
    const int line = stream_.take().line;
    std::vector<ExprPtr> items;
    while (!stream_.is_operator("}")) {
        if (!items.empty()) GYRE_TRY(stream_.expect_operator(","));
        if (stream_.is_operator("}")) break;
        GYRE_ASSIGN(ExprPtr key, expression());
        GYRE_TRY(stream_.expect_operator(":"));
        GYRE_ASSIGN(ExprPtr value, expression());
        items.push_back(std::move(key));
        items.push_back(std::move(value));
    }
    stream_.advance();
    return make(ExprKind::kDict, line, "", std::move(items));
}

Result<ExprPtr> ExpressionParser::postfix(ExprPtr operand) {
    while (true) {
        if (stream_.is_operator(".") || stream_.is_operator("[")) {
            GYRE_ASSIGN(operand, subscript(std::move(operand)));
        } else if (stream_.is_operator("(")) {
            GYRE_ASSIGN(ExprPtr call,
                        make(ExprKind::kCall, stream_.line(), "", list_of_one(std::move(operand))));
            GYRE_TRY(call_arguments(*call));
            operand = std::move(call);
        } else {
            return operand;
        }
    }
}

Result<ExprPtr> ExpressionParser::subscript(ExprPtr operand) {
    const int line = stream_.line();
    if (stream_.skip_operator(".")) {
        if (stream_.current().kind == TokenKind::kInteger) {
            GYRE_ASSIGN(ExprPtr index, number());
            return make(ExprKind::kItem, line, "",
                        list_of_two(std::move(operand), std::move(index)));
        }
        GYRE_ASSIGN(std::string name, stream_.expect_any_name());
        return make(ExprKind::kAttribute, line, std::move(name), list_of_one(std::move(operand)));
    }
    stream_.advance();
    std::vector<ExprPtr> args = list_of_one(std::move(operand));
    bool is_slice = false;
    for (int part = 0; part < 3; ++part) {
        ExprPtr bound;
        if (!stream_.is_operator(":") && !stream_.is_operator("]")) {
            GYRE_ASSIGN(bound, expression());
        }
        args.push_back(std::move(bound));
        if (part == 2 || !stream_.skip_operator(":")) break;
        is_slice = true;
    }
    if (stream_.is_operator(",")) return stream_.unsupported("an index of several parts");
    if (!is_slice && args[1] == nullptr) return stream_.unexpected("an index");
    GYRE_TRY(stream_.expect_operator("]"));
    if (is_slice) args.resize(4);
    return make(is_slice ? ExprKind::kSlice : ExprKind::kItem, line, "", std::move(args));
}

Status ExpressionParser::add_argument(Expr& call) {
    std::string name;
    if (stream_.skip_operator("*")) {
        name = "*";
    } else if (stream_.skip_operator("**")) {
        name = "**";
    } else if (stream_.current().kind == TokenKind::kName &&
               TokenStream::is(stream_.next(), TokenKind::kOperator, "=")) {
        name = stream_.take().text;
        stream_.advance();
    } else if (!call.arg_names.empty() && !call.arg_names.back().empty()) {
        return stream_.error("an argument by position comes after one with a name");
    }
    GYRE_ASSIGN(ExprPtr value, expression());
    call.arg_names.push_back(std::move(name));
    call.args.push_back(std::move(value));
    return {};
}

Status ExpressionParser::call_arguments(Expr& call) {
    call.arg_names.assign(call.args.size(), "");
    GYRE_TRY(stream_.expect_operator("("));
    bool first = true;
    while (!stream_.is_operator(")")) {
        if (!first) GYRE_TRY(stream_.expect_operator(","));
        first = false;
        if (stream_.is_operator(")")) break;
        GYRE_TRY(add_argument(call));
    }
    stream_.advance();
    return measure(call);
}

Result<ExprPtr> ExpressionParser::filter(ExprPtr operand) {
    const int line = stream_.line();
    GYRE_ASSIGN(std::string name, stream_.expect_any_name());
    if (branches_ == 0 && find_filter(name) == nullptr)
        return at_line(line, Status::unsupported("the filter '" + name + "'"));
    GYRE_ASSIGN(ExprPtr call,
                make(ExprKind::kFilter, line, std::move(name), list_of_one(std::move(operand))));
    call->arg_names.assign(1, "");
    if (stream_.is_operator("(")) GYRE_TRY(call_arguments(*call));
    return call;
}

Result<ExprPtr> ExpressionParser::test(ExprPtr operand) {
    const int line = stream_.line();
    const bool negated = stream_.skip_name("not");
    GYRE_ASSIGN(std::string name, stream_.expect_any_name());
    if (branches_ == 0 && find_test(name) == nullptr)
        return at_line(line, Status::unsupported("the test '" + name + "'"));
    GYRE_ASSIGN(ExprPtr call,
                make(ExprKind::kTest, line, std::move(name), list_of_one(std::move(operand))));
    call->arg_names.assign(1, "");
    const TokenKind kind = stream_.current().kind;
    const bool keyword = stream_.is_name("else") || stream_.is_name("or") || stream_.is_name("and");
    if (stream_.is_operator("(")) {
        GYRE_TRY(call_arguments(*call));
    } else if ((kind == TokenKind::kName && !keyword) || kind == TokenKind::kString ||
               kind == TokenKind::kInteger || kind == TokenKind::kFloat ||
               stream_.is_operator("[") || stream_.is_operator("{")) {
        if (stream_.is_name("is")) return stream_.error("tests cannot be chained with 'is'");
        GYRE_ASSIGN(ExprPtr argument, primary());
        GYRE_ASSIGN(argument, postfix(std::move(argument)));
        call->args.push_back(std::move(argument));
        call->arg_names.emplace_back();
        GYRE_TRY(measure(*call));
    }
    if (!negated) return call;
    return make(ExprKind::kUnary, line, "not", list_of_one(std::move(call)));
}

Result<ExprPtr> ExpressionParser::filters_and_tests(ExprPtr operand) {
    while (true) {
        if (stream_.skip_operator("|")) {
            GYRE_ASSIGN(operand, filter(std::move(operand)));
        } else if (stream_.skip_name("is")) {
            GYRE_ASSIGN(operand, test(std::move(operand)));
        } else if (stream_.is_operator("(")) {
            GYRE_ASSIGN(ExprPtr call,
                        make(ExprKind::kCall, stream_.line(), "", list_of_one(std::move(operand))));
            GYRE_TRY(call_arguments(*call));
            operand = std::move(call);
        } else {
            return operand;
        }
    }
}

}  // namespace gyre::chat
