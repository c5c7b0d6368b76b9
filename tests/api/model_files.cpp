// SPDX-License-Identifier: Apache-2.0
#include "tests/api/model_files.h"

#include <cstring>

#include "tests/api/api_support.h"

namespace gyre::test {
namespace {

// GPT-2's alphabet: printable bytes are themselves, the others U+0100 and up.
std::vector<std::string> byte_tokens() {
    const auto is_itself = [](unsigned b) {
        return (b >= 0x21 && b <= 0x7e) || (b >= 0xa1 && b <= 0xac) || b >= 0xae;
    };
    std::vector<std::string> tokens;
    unsigned next = 0x100;
    for (unsigned b = 0; b < 256; ++b) {
        const unsigned c = is_itself(b) ? b : next++;
        if (c < 0x80) {
            tokens.emplace_back(1, static_cast<char>(c));
        } else {
            tokens.push_back(
                {static_cast<char>(0xc0 | c >> 6), static_cast<char>(0x80 | (c & 0x3f))});
        }
    }
    return tokens;
}

}  // namespace

testing::GgufBuilder model_with_tokenizer() {
    testing::GgufBuilder b = testing::small_model();
    b.u32("gpt2.block_count", 1).erase("gyre.position").tensor("position_embd.weight", {8, 8});
    std::erase_if(b.tensors,
                  [](const testing::BuilderTensor& t) { return t.name.starts_with("blk.1."); });
    std::vector<std::string> tokens = byte_tokens();
    tokens.emplace_back("<|endoftext|>");
    tokens.emplace_back("he");
    std::vector<std::int32_t> types(tokens.size(), 1);
    types[256] = 3;
    b.tensor("token_embd.weight", {8, tokens.size()}, 0.5f, 1e-4f);
    b.string("tokenizer.ggml.model", "gpt2").string("tokenizer.ggml.pre", "gpt-2");
    b.strings("tokenizer.ggml.tokens", tokens).array("tokenizer.ggml.token_type", 5, types);
    b.strings("tokenizer.ggml.merges", {"h e"}).u32("tokenizer.ggml.eos_token_id", 256);
    return b;
}

void write_model(const std::string& path, const testing::GgufBuilder& builder) {
    const testing::Bytes bytes = builder.build();
    write_file(path, {bytes.begin(), bytes.end()});
}

namespace {

// The file with one pair more at the front of its metadata.
std::string with_pair(const std::string& file, const testing::Bytes& pair) {
    constexpr std::size_t kCountAt = 16;  // of the pairs, in the header
    EXPECT_EQ(pair.size() % 32, 0u) << "the tensors would not be aligned any more";
    std::uint64_t n_pairs = 0;
    std::memcpy(&n_pairs, file.data() + kCountAt, sizeof n_pairs);
    ++n_pairs;
    std::string out = file;
    std::memcpy(out.data() + kCountAt, &n_pairs, sizeof n_pairs);
    out.insert(kCountAt + sizeof n_pairs, std::string(pair.begin(), pair.end()));
    return out;
}

}  // namespace

std::string with_logit_scale(const std::string& file, float value) {
    testing::Bytes pair;
    testing::append_string(pair, "gpt2.logit_scale");
    testing::append<std::uint32_t>(pair, 6);
    testing::append(pair, value);
    return with_pair(file, pair);
}

std::string with_chat_template(const std::string& file, std::string text) {
    testing::Bytes pair;
    testing::append_string(pair, "tokenizer.chat_template");
    testing::append<std::uint32_t>(pair, 8);
    const std::size_t n = pair.size() + sizeof(std::uint64_t) + text.size() + 4;
    text += "{#" + std::string((32 - n % 32) % 32, ' ') + "#}";
    testing::append_string(pair, text);
    return with_pair(file, pair);
}

}  // namespace gyre::test
