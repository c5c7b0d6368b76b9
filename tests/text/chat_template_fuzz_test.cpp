// Chat templates from nobody: mutations of good ones and heaps of tokens, the same at every run,
// give a text or an error.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <fstream>
#include <random>

#include "runtime/text/chat_template.h"
#include "tests/text/chat_json.h"

namespace gyre::test {
namespace {

const char* const kTokens[] = {"{{ ",      " }}",        "{% ",
                               " %}",      "{%- ",       " -%}",
                               "{# ",      " #}",        "if ",
                               "else",     "elif ",      "endif",
                               "for ",     " in ",       "endfor",
                               "set ",     "endset",     "macro m(",
                               "endmacro", "call m(",    "endcall",
                               "filter ",  "endfilter",  "break",
                               "continue", "generation", "endgeneration",
                               "x",        "y",          "m",
                               "ns",       "ns.x",       "messages",
                               "loop",     "loop.index", "namespace(",
                               "range(",   "dict(",      "(",
                               ")",        "[",          "]",
                               "{",        "}",          ":",
                               ",",        ".",          "|",
                               "~",        "+",          "-",
                               "*",        "/",          "//",
                               "%",        "**",         "==",
                               "!=",       "<",          ">=",
                               "=",        " is ",       " not ",
                               " and ",    " or ",       "none",
                               "true",     "0",          "1",
                               "-1",       "9999999999", "1.5",
                               "'a'",      "\"b c\"",    "''",
                               "'%s'",     "upper",      "tojson",
                               "join",     "map",        "select",
                               "sort",     "list",       "length",
                               "items",    "dictsort",   "replace",
                               "indent",   "split",      "strip",
                               "defined",  "string",     "mapping",
                               "content",  "role",       "\n",
                               " ",        "\t",         "\xff",
                               "é",        "\\",         "'",
                               "\"",       "*",          "default(",
                               "recursive"};

class Fuzz : public ::testing::Test {
  protected:
    void SetUp() override {
        std::ifstream file(GYRE_SOURCE_DIR "/tests/text/chat_goldens.json");
        const auto json = nlohmann::ordered_json::parse(file);
        for (const auto& golden : json["goldens"])
            sources_.push_back(golden["template"].get<std::string>());
        conversation_ = variables(json["conversations"]["tools called, prompt"]);
    }

    std::size_t below(std::size_t n) {
        return std::uniform_int_distribution<std::size_t>(0, n - 1)(random_);
    }
    std::string token() { return kTokens[below(std::size(kTokens))]; }

    std::string mutated(std::string source) {
        const std::size_t n = 1 + below(4);
        for (std::size_t i = 0; i < n; ++i) {
            const std::size_t at = below(source.size() + 1);
            const std::size_t length = std::min(below(12), source.size() - at);
            switch (below(4)) {
                case 0:
                    source.erase(at, length);
                    break;
                case 1:
                    source.insert(at, token());
                    break;
                case 2:
                    source.insert(at, source.substr(below(source.size() + 1), 1 + below(30)));
                    break;
                default:
                    if (at < source.size()) source[at] = static_cast<char>(below(256));
            }
        }
        return source;
    }

    // Whether it was rendered.
    bool run(const std::string& source) {
        const auto parsed = ChatTemplate::parse(source);
        Status status = parsed.status();
        if (parsed.ok()) {
            chat::Limits limits;
            limits.steps = 20000;
            limits.memory_bytes = 1 << 20;
            const auto text =
                parsed.value().render(conversation_, time_of({2026, 1, 1, 0, 0, 0}), limits);
            status = text.status();
            if (text.ok()) check_spans(text.value());
        }
        if (!status.ok()) check_error(status.message(), source);
        return status.ok();
    }

    static void check_spans(const MarkedText& text) {
        std::size_t end = 0;
        for (const ByteRange& span : text.spans()) {
            EXPECT_LT(span.begin, span.end);
            EXPECT_TRUE(span.begin > end || (span.begin == 0 && end == 0));
            end = span.end;
        }
        EXPECT_LE(end, text.size());
    }

    // One line, and the template's.
    static void check_error(const std::string& message, const std::string& source) {
        EXPECT_TRUE(message.starts_with("chat template: line ")) << message << " of " << source;
        EXPECT_EQ(message.find_first_of("\n\r\x1b"), std::string::npos) << message;
        EXPECT_LT(message.size(), 700u);
    }

    std::mt19937 random_{17};
    std::vector<std::string> sources_;
    std::vector<std::pair<std::string, chat::Value>> conversation_;
};

TEST_F(Fuzz, MutatedTemplates) {
    std::size_t rendered = 0;
    constexpr std::size_t kCases = 20000;
    for (std::size_t i = 0; i < kCases; ++i)
        rendered += run(mutated(sources_[below(sources_.size())])) ? 1 : 0;
    EXPECT_GT(rendered, kCases / 20);  // else most of the interpreter would not be reached
    EXPECT_LT(rendered, kCases * 3 / 4);
}

TEST_F(Fuzz, HeapsOfTokens) {
    std::size_t rendered = 0;
    for (std::size_t i = 0; i < 20000; ++i) {
        std::string source = below(2) == 0 ? "{{ x" : "{% set x = 1";
        const std::size_t n = below(10);
        for (std::size_t j = 0; j < n; ++j)
            source += token();
        source += source.starts_with("{{") ? " }}" : " %}";
        rendered += run(source) ? 1 : 0;
    }
    EXPECT_GT(rendered, 500u);
}

}  // namespace
}  // namespace gyre::test
