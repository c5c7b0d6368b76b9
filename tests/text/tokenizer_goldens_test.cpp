// Published tokenizers, cut down to what a sample of strings needs, against the ids they gave.
// SPDX-License-Identifier: Apache-2.0
//
// tokenizer_goldens.json is made by make_tokenizer_goldens.py of what Hugging Face's tokenizers and
// SentencePiece answer; compare_tokenizers.py compares the whole vocabularies, by hand.
#include <gtest/gtest.h>

#include "tests/text/vocab.h"

namespace gyre::test {
namespace {

using Ids = std::vector<std::uint32_t>;
using nlohmann::json;

TokenizerData data_of(const json& row) {
    TokenizerData data;
    data.tokens = row["tokens"].get<std::vector<std::string>>();
    data.token_types.assign(data.tokens.size(), 1);
    for (const auto& [id, type] : row["types"].items())
        data.token_types.at(std::stoul(id)) = type.get<std::int32_t>();
    if (row["model"] == "gpt2") {
        data.pre = row["pre"];
        data.ignore_merges = row["ignore_merges"].get<bool>();
        const Ids parts = row["merges"].get<Ids>();
        for (std::size_t i = 0; i + 1 < parts.size(); i += 2)
            data.merges.push_back(data.tokens.at(parts[i]) + " " + data.tokens.at(parts[i + 1]));
        return data;
    }
    data.model = TokenizerModel::kLlama;
    data.add_space_prefix = row["add_space_prefix"].get<bool>();
    for (const float rank : row["ranks"].get<std::vector<float>>())
        data.scores.push_back(-rank);
    return data;
}

TEST(TokenizerGoldensTest, GivesThePublishedIds) {
    const json rows = read_json(test_file("tokenizer_goldens.json"));
    ASSERT_GE(rows.size(), 10u);
    for (const json& row : rows) {
        SCOPED_TRACE(row["name"]);
        const Result<Tokenizer> tokenizer = Tokenizer::create(data_of(row));
        ASSERT_TRUE(tokenizer.ok()) << tokenizer.status().message();
        ASSERT_GE(row["strings"].size(), 30u);
        for (const json& string : row["strings"]) {
            const std::string text = string[0];
            EXPECT_EQ(tokenizer->encode(text, true), string[1].get<Ids>()) << string[0];
            const json& plain = string.size() > 2 ? string[2] : string[1];
            EXPECT_EQ(tokenizer->encode(text, false), plain.get<Ids>()) << string[0];
        }
    }
}

}  // namespace
}  // namespace gyre::test
