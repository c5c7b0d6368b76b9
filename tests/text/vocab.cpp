// Reads GPT-2's published vocabulary and makes small ones.
// SPDX-License-Identifier: Apache-2.0
#include "tests/text/vocab.h"

#include <cstdlib>
#include <fstream>
#include <stdexcept>

#include "runtime/text/utf8.h"

namespace gyre::test {
namespace {

std::ifstream open_or_throw(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) {
        throw std::runtime_error("cannot read " + path +
                                 ": run scripts/fetch-gpt2-vocab build/gpt2-vocab, or set "
                                 "GYRE_GPT2_VOCAB_DIR to the folder it filled");
    }
    return file;
}

}  // namespace

std::string alphabet_char(std::uint8_t byte) {
    const auto printable = [](unsigned b) {
        return ('!' <= b && b <= '~') || (0xA1 <= b && b <= 0xAC) || (0xAE <= b && b <= 0xFF);
    };
    std::uint32_t code_point = byte;
    if (!printable(byte)) {
        code_point = 256;
        for (unsigned b = 0; b < byte; ++b)
            code_point += printable(b) ? 0 : 1;
    }
    std::string text;
    append_utf8(code_point, text);
    return text;
}

TokenizerData byte_vocabulary() {
    TokenizerData data;
    for (unsigned b = 0; b < 256; ++b)
        data.tokens.push_back(alphabet_char(static_cast<std::uint8_t>(b)));
    return data;
}

TokenizerData small_vocabulary(const std::vector<std::string>& merges) {
    TokenizerData data = byte_vocabulary();
    for (const std::string& merge : merges) {
        const std::size_t space = merge.find(' ');
        data.tokens.push_back(merge.substr(0, space) + merge.substr(space + 1));
    }
    data.merges = merges;
    return data;
}

std::uint32_t add_token(TokenizerData& data, const std::string& text, TokenType type) {
    data.token_types.resize(data.tokens.size(), 1);
    data.tokens.push_back(text);
    data.token_types.push_back(static_cast<std::int32_t>(type));
    return static_cast<std::uint32_t>(data.tokens.size() - 1);
}

std::uint32_t add_piece(TokenizerData& data, const std::string& text, float score, TokenType type) {
    data.scores.push_back(score);
    return add_token(data, text, type);
}

std::string gpt2_vocab_dir() {
    const char* dir = std::getenv("GYRE_GPT2_VOCAB_DIR");
    return dir != nullptr ? dir : GYRE_GPT2_VOCAB_DIR;
}

nlohmann::json read_json(const std::string& path) {
    std::ifstream file = open_or_throw(path);
    return nlohmann::json::parse(file);
}

TokenizerData gpt2_vocabulary() {
    TokenizerData data;
    const nlohmann::json encoder = read_json(gpt2_vocab_dir() + "/encoder.json");
    data.tokens.resize(encoder.size());
    for (const auto& [token, id] : encoder.items())
        data.tokens.at(id.get<std::size_t>()) = token;

    std::ifstream file = open_or_throw(gpt2_vocab_dir() + "/vocab.bpe");
    std::string line;
    std::getline(file, line);  // "#version: 0.2"
    while (std::getline(file, line)) {
        if (!line.empty()) data.merges.push_back(line);
    }
    data.eos_id = 50256;
    data.bos_id = 50256;
    data.pre = "gpt-2";
    return data;
}

std::string test_file(const std::string& name) {
    return std::string(GYRE_SOURCE_DIR) + "/tests/text/" + name;
}

std::string from_hex(const std::string& hex) {
    std::string bytes;
    for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
        bytes.push_back(static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16)));
    }
    return bytes;
}

}  // namespace gyre::test
