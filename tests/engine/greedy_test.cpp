// Greedy continuations equal those of the float64 reference, token by token and byte by byte.
// SPDX-License-Identifier: Apache-2.0
//
// tests/engine/make_greedy.py writes greedy_*.txt; it refuses prompts where two logits are so close
// that rounding could decide.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "runtime/text/tokenizer.h"
#include "tests/engine/engine_fixture.h"

namespace gyre::test {
namespace {

struct GreedyText {
    std::string model;  // path
    std::string prompt, text;
    std::vector<std::uint32_t> prompt_ids, ids;
};

std::filesystem::path source(const std::string& path) {
    return std::filesystem::path(GYRE_SOURCE_DIR) / path;
}

std::string from_hex(const std::string& hex) {
    std::string bytes;
    for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
        bytes += static_cast<char>(std::stoul(hex.substr(i, 2), nullptr, 16));
    return bytes;
}

std::vector<std::uint32_t> from_list(const std::string& list) {
    std::vector<std::uint32_t> ids;
    std::istringstream in(list);
    for (std::string id; std::getline(in, id, ',');)
        ids.push_back(static_cast<std::uint32_t>(std::stoul(id)));
    return ids;
}

GreedyText read_greedy(const std::string& name) {
    std::ifstream file(source("tests/engine/greedy_" + name + ".txt"));
    std::map<std::string, std::string> fields;
    for (std::string line; std::getline(file, line);) {
        const std::size_t space = line.find(' ');
        if (line[0] != '#') fields[line.substr(0, space)] = line.substr(space + 1);
    }
    GreedyText greedy;
    greedy.model = source(fields["model"]).string();
    greedy.prompt = from_hex(fields["prompt_bytes"]);
    greedy.text = from_hex(fields["bytes"]);
    greedy.prompt_ids = from_list(fields["prompt_ids"]);
    greedy.ids = from_list(fields["ids"]);
    return greedy;
}

std::vector<std::string> greedy_names() {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(source("tests/engine"))) {
        const std::string stem = entry.path().stem().string();
        if (entry.path().extension() == ".txt" && stem.rfind("greedy_", 0) == 0)
            names.push_back(stem.substr(7));
    }
    std::sort(names.begin(), names.end());
    return names;
}

Tokenizer tokenizer_of(const Gguf& gguf) {
    TokenizerData data;
    const auto strings = [&](const char* key) {
        const auto values = gguf.get_strings(key);
        require(values.status());
        return std::vector<std::string>(values->begin(), values->end());
    };
    data.tokens = strings("tokenizer.ggml.tokens");
    data.merges = strings("tokenizer.ggml.merges");
    auto tokenizer = Tokenizer::create(data);
    require(tokenizer.status());
    return std::move(tokenizer).value();
}

std::vector<std::uint32_t> generate(Session& session, Ids prompt, std::size_t n) {
    session.reset();
    require(session.feed(prompt));
    std::vector<std::uint32_t> ids;
    while (true) {
        const auto best = std::max_element(session.logits().begin(), session.logits().end());
        ids.push_back(static_cast<std::uint32_t>(best - session.logits().begin()));
        if (ids.size() == n) return ids;
        require(session.decode(ids.back()));
    }
}

class GreedyTest : public EngineTest, public testing::WithParamInterface<std::string> {};

// Catches: what single steps hide: a cell overwritten after some tokens, a position one off after
// the prompt, a tokenizer and a model that do not belong together.
TEST_P(GreedyTest, TextIsThatOfTheReference) {
    const GreedyText greedy = read_greedy(GetParam());
    ASSERT_GE(greedy.ids.size(), 32u);
    const auto model = open(greedy.model);
    const auto file = ModelFile::open(greedy.model);
    ASSERT_OK(file);
    const Tokenizer tokenizer = tokenizer_of(file->gguf);
    const auto prompt = tokenizer.encode(greedy.prompt, false);
    ASSERT_EQ(prompt, greedy.prompt_ids);
    for (const CacheFormat cache : {CacheFormat::kF16, CacheFormat::kF32}) {
        SCOPED_TRACE(cache == CacheFormat::kF16 ? "F16 cache" : "F32 cache");
        const auto session = EngineTest::session(model, 0, cache);
        const auto ids = generate(*session, prompt, greedy.ids.size());
        EXPECT_EQ(ids, greedy.ids);
        const auto text = tokenizer.decode(ids);
        ASSERT_OK(text);
        EXPECT_EQ(text.value(), greedy.text);
        // Again, after a reset.
        EXPECT_EQ(generate(*session, prompt, greedy.ids.size()), greedy.ids);
    }
}

INSTANTIATE_TEST_SUITE_P(Texts, GreedyTest, testing::ValuesIn(greedy_names()),
                         [](const auto& test) { return test.param; });

}  // namespace
}  // namespace gyre::test
