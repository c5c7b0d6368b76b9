// The parser of expressions: operands, from constants to calls, filters and tests.
// SPDX-License-Identifier: Apache-2.0
#include <charconv>
#include <locale>
#include <sstream>

#include "runtime/text/chat_template_builtins.h"
#include "runtime/text/chat_template_parser_base.h"

namespace gyre::chat {

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

Result<ExprPtr> ExpressionParser::call(ExprPtr operand) {
    GYRE_ASSIGN(ExprPtr made,
                make(ExprKind::kCall, stream_.line(), "", args_of(std::move(operand))));
    GYRE_TRY(call_arguments(*made));
    return made;
}

Result<ExprPtr> ExpressionParser::postfix(ExprPtr operand) {
    while (true) {
        if (stream_.is_operator(".") || stream_.is_operator("[")) {
            GYRE_ASSIGN(operand, subscript(std::move(operand)));
        } else if (stream_.is_operator("(")) {
            GYRE_ASSIGN(operand, call(std::move(operand)));
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
            return make(ExprKind::kItem, line, "", args_of(std::move(operand), std::move(index)));
        }
        GYRE_ASSIGN(std::string name, stream_.expect_any_name());
        return make(ExprKind::kAttribute, line, std::move(name), args_of(std::move(operand)));
    }
    stream_.advance();
    std::vector<ExprPtr> args = args_of(std::move(operand));
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
                make(ExprKind::kFilter, line, std::move(name), args_of(std::move(operand))));
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
                make(ExprKind::kTest, line, std::move(name), args_of(std::move(operand))));
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
    return make(ExprKind::kUnary, line, "not", args_of(std::move(call)));
}

Result<ExprPtr> ExpressionParser::filters_and_tests(ExprPtr operand) {
    while (true) {
        if (stream_.skip_operator("|")) {
            GYRE_ASSIGN(operand, filter(std::move(operand)));
        } else if (stream_.skip_name("is")) {
            GYRE_ASSIGN(operand, test(std::move(operand)));
        } else if (stream_.is_operator("(")) {
            GYRE_ASSIGN(operand, call(std::move(operand)));
        } else {
            return operand;
        }
    }
}

}  // namespace gyre::chat
