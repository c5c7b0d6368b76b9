// SPDX-License-Identifier: Apache-2.0
#include "runtime/text/chat_template_lexer.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "runtime/text/chat_template_strings.h"
#include "runtime/text/terminal_text.h"
#include "runtime/text/utf8.h"

namespace gyre::chat {
namespace {

// Every line break becomes '\n', and the last one goes.
std::string normalize_newlines(std::string_view source) {
    std::string text;
    text.reserve(source.size());
    for (std::size_t i = 0; i < source.size(); ++i) {
        if (source[i] == '\r' && i + 1 < source.size() && source[i + 1] == '\n') continue;
        text += source[i] == '\r' ? '\n' : source[i];
    }
    if (text.ends_with('\n')) text.pop_back();
    return text;
}

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

bool is_name(char c) {
    return is_digit(c) || c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

class Lexer {
  public:
    explicit Lexer(std::string_view source) : source_(normalize_newlines(source)) {}

    Result<std::vector<Token>> run() {
        while (at_ < source_.size())
            GYRE_TRY(data_and_tag());
        add(TokenKind::kEnd, "");
        return std::move(tokens_);
    }

  private:
    std::string_view rest() const { return std::string_view(source_).substr(at_); }
    bool next_is(std::string_view text) const { return rest().starts_with(text); }
    Status error(const std::string& text) const { return at_line(line_, Status::bad_file(text)); }
    void add(TokenKind kind, std::string text) {
        tokens_.push_back({kind, line_, std::move(text)});
    }

    void advance(std::size_t n) {
        const auto begin = source_.begin() + static_cast<std::ptrdiff_t>(at_);
        line_ += static_cast<int>(std::count(begin, begin + static_cast<std::ptrdiff_t>(n), '\n'));
        at_ += n;
    }
    void skip_space() { advance(strip(rest(), nullptr, true, false).begin); }

    Status data_and_tag();
    std::size_t kept_of(std::string_view text, char kind, char sign) const;
    bool end_of(std::string_view closing, bool trims_newline);
    Status comment();
    Status tag(char kind);
    Status token();
    Status string();
    Status escape(std::string_view text, std::size_t& i, std::string& value) const;
    void number();
    Status bracket(char c);

    std::string source_;
    std::size_t at_ = 0;
    int line_ = 1;
    bool line_begins_ = true;  // what was read last ended with a newline
    std::vector<Token> tokens_;
    std::string open_;  // the closing brackets that are awaited
};

// How much of the text in front of a tag stays.
std::size_t Lexer::kept_of(std::string_view text, char kind, char sign) const {
    if (sign == '-') return strip(text, nullptr, false, true).end;
    if (sign == '+' || kind == '{') return text.size();
    const std::size_t newline = text.rfind('\n');
    if (newline == text.npos && !line_begins_) return text.size();
    const std::size_t begin = newline == text.npos ? 0 : newline + 1;
    const bool blank = strip(text.substr(begin), nullptr, true, false).begin == text.size() - begin;
    return blank ? begin : text.size();
}

Status Lexer::data_and_tag() {
    std::size_t open = source_.find('{', at_);
    while (open != source_.npos) {
        const char kind = open + 1 < source_.size() ? source_[open + 1] : ' ';
        if (kind == '{' || kind == '%' || kind == '#') break;
        open = source_.find('{', open + 1);
    }
    if (open == source_.npos) {
        add(TokenKind::kData, std::string(rest()));
        at_ = source_.size();
        return {};
    }
    const char kind = source_[open + 1];
    const char sign = open + 2 < source_.size() ? source_[open + 2] : ' ';
    const std::string_view text = rest().substr(0, open - at_);
    const std::size_t kept = kept_of(text, kind, sign);
    if (kept > 0) add(TokenKind::kData, std::string(text.substr(0, kept)));
    advance(text.size() + 2 + (sign == '-' || sign == '+' ? 1 : 0));
    return kind == '#' ? comment() : tag(kind);
}

// Whether the tag ends here; then it is passed, with the white space that it takes along.
bool Lexer::end_of(std::string_view closing, bool trims_newline) {
    const bool strips = next_is("-");
    const bool keeps = trims_newline && next_is("+");
    if (!rest().substr(strips || keeps ? 1 : 0).starts_with(closing)) return false;
    const std::size_t begin = at_;
    advance(closing.size() + (strips || keeps ? 1 : 0));
    if (strips) {
        skip_space();
    } else if (trims_newline && !keeps && next_is("\n")) {
        advance(1);
    }
    line_begins_ = at_ > begin && source_[at_ - 1] == '\n';
    return true;
}

Status Lexer::comment() {
    const int begin = line_;
    while (at_ < source_.size()) {
        if (end_of("#}", true)) return {};
        advance(1);
    }
    return at_line(begin, Status::bad_file("a comment has no end"));
}

Status Lexer::tag(char kind) {
    const bool variable = kind == '{';
    add(variable ? TokenKind::kVariableBegin : TokenKind::kBlockBegin, "");
    while (at_ < source_.size()) {
        if (open_.empty() && end_of(variable ? "}}" : "%}", !variable)) {
            add(variable ? TokenKind::kVariableEnd : TokenKind::kBlockEnd, "");
            return {};
        }
        GYRE_TRY(token());
    }
    return error(variable ? "'{{' has no end" : "'{%' has no end");
}

Status Lexer::token() {
    const Utf8CodePoint c = decode_utf8(source_, at_);
    if (is_space(c.value)) {
        skip_space();
        return {};
    }
    const char first = source_[at_];
    if (is_digit(first)) {
        number();
        return {};
    }
    if (is_name(first)) {
        std::size_t n = 1;
        while (at_ + n < source_.size() && is_name(source_[at_ + n]))
            ++n;
        add(TokenKind::kName, std::string(rest().substr(0, n)));
        at_ += n;
        return {};
    }
    if (first == '\'' || first == '"') return string();
    constexpr std::array<std::string_view, 6> kTwo = {"//", "**", "==", "!=", ">=", "<="};
    for (const std::string_view two : kTwo) {
        if (!next_is(two)) continue;
        add(TokenKind::kOperator, std::string(two));
        at_ += 2;
        return {};
    }
    constexpr std::string_view kOne = "+-/*%~[](){}<>=.:|,;";
    if (kOne.find(first) == kOne.npos) {
        return error("unexpected character '" + shown(rest().substr(0, c.length)) + "'");
    }
    GYRE_TRY(bracket(first));
    add(TokenKind::kOperator, std::string(1, first));
    ++at_;
    return {};
}

Status Lexer::bracket(char c) {
    const std::size_t opening = std::string_view("([{").find(c);
    if (opening != std::string_view::npos) {
        open_ += ")]}"[opening];
    } else if (c == ')' || c == ']' || c == '}') {
        if (open_.empty()) return error(std::string("unexpected '") + c + "'");
        if (open_.back() != c) {
            return error(std::string("unexpected '") + c + "', expected '" + open_.back() + "'");
        }
        open_.pop_back();
    }
    return {};
}

// Digits, with single underscores between them; a fraction, an exponent, or another base.
void Lexer::number() {
    const auto digits = [&](std::size_t from) {
        std::size_t at = from;
        while (at < source_.size() && (is_digit(source_[at]) || (source_[at] == '_' && at > from)))
            ++at;
        while (at > from && source_[at - 1] == '_')
            --at;
        return at;
    };
    std::size_t end = digits(at_);
    bool fraction = false;
    const bool after_point = at_ > 0 && source_[at_ - 1] == '.';
    if (!after_point && end + 1 < source_.size() && source_[end] == '.' &&
        is_digit(source_[end + 1])) {
        fraction = true;
        end = digits(end + 1);
    }
    if (!after_point && end < source_.size() && (source_[end] == 'e' || source_[end] == 'E')) {
        const bool sign =
            end + 1 < source_.size() && (source_[end + 1] == '+' || source_[end + 1] == '-');
        const std::size_t from = end + (sign ? 2 : 1);
        if (from < source_.size() && is_digit(source_[from])) {
            fraction = true;
            end = digits(from);
        }
    }
    std::string text = source_.substr(at_, end - at_);
    text.erase(std::remove(text.begin(), text.end(), '_'), text.end());
    add(fraction ? TokenKind::kFloat : TokenKind::kInteger, std::move(text));
    at_ = end;
}

Status Lexer::string() {
    const char quote = source_[at_];
    std::string value;
    std::size_t i = at_ + 1;
    for (; i < source_.size() && source_[i] != quote; ++i) {
        if (source_[i] == '\\' && i + 1 < source_.size()) {
            GYRE_TRY(escape(source_, i, value));
        } else {
            value += source_[i];
        }
    }
    if (i >= source_.size()) return error("a string has no end");
    add(TokenKind::kString, std::move(value));
    advance(i + 1 - at_);
    return {};
}

// Python's escapes. i is at the backslash, and then at the last character of it.
Status Lexer::escape(std::string_view text, std::size_t& i, std::string& value) const {
    constexpr std::string_view kFrom = "\\'\"abfnrtv";
    constexpr std::string_view kTo = "\\'\"\a\b\f\n\r\t\v";
    const char c = text[i + 1];
    const std::size_t known = kFrom.find(c);
    if (known != kFrom.npos) {
        value += kTo[known];
        ++i;
        return {};
    }
    const bool octal = c >= '0' && c <= '7';
    const std::size_t digits = octal ? 3 : c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
    if (digits == 0 && c != '\n') {
        if (c == 'N') return error("the escape \\N in a string is not supported");
        value += '\\';  // stays what it is
        return {};
    }
    const std::size_t from = i + (octal ? 1 : 2);
    std::size_t n = 0;
    std::uint32_t code = 0;
    for (; n < digits && from + n < text.size(); ++n) {
        const std::string_view kDigits = "0123456789abcdef";
        const auto lower =
            static_cast<char>(std::tolower(static_cast<unsigned char>(text[from + n])));
        const std::size_t digit = kDigits.find(lower);
        if (digit >= (octal ? 8u : 16u)) break;
        code = code * (octal ? 8 : 16) + static_cast<std::uint32_t>(digit);
    }
    if (!octal && n < digits) return error("an escape in a string has too few digits");
    if (code > 0x10FFFF || (code >= 0xD800 && code < 0xE000))
        return error("an escape in a string is no character");
    if (digits > 0) append_utf8(code, value);
    i = from + n - 1;  // a newline after a backslash is nothing
    return {};
}

}  // namespace

Status at_line(int line, const Status& status) {
    if (status.ok()) return status;
    constexpr std::size_t kLongest = 600;  // the template's own strings may stand in it
    const std::string text = shown(status.message().substr(0, kLongest));
    return Status(status.code(), "line " + std::to_string(line) + ": " + text);
}

Result<std::vector<Token>> tokenize(std::string_view source) {
    return Lexer(source).run();
}

}  // namespace gyre::chat
