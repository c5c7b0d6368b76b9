// The ids of many strings, for tests/text/compare_tokenizers.py; and how fast they are made.
// SPDX-License-Identifier: Apache-2.0
//
//   tokenize_strings FILE.gguf special|plain < strings > ids
//   tokenize_strings NAME pieces < strings > sizes  what the split of this name makes of them, in
//   bytes tokenize_strings FILE.gguf time < text          MB/s of the whole text at once, best of
//   five
//
// strings: for each its length in bytes (uint32, as this machine has it) and the bytes.
// ids: for each string their number (uint32) and the ids (uint32).
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>

#include "runtime/c_api/tokenizer_keys.h"

namespace {

std::string all_of(std::istream& in) {
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

void write_u32(std::uint32_t value) {
    std::cout.write(reinterpret_cast<const char*>(&value), sizeof value);
}

// Calls each with each string of input.
template <class Each>
void for_each_string(std::string_view input, Each&& each) {
    for (std::size_t i = 0; i + 4 <= input.size();) {
        std::uint32_t length = 0;
        std::memcpy(&length, input.data() + i, sizeof length);
        each(input.substr(i + 4, length));
        i += 4 + length;
    }
}

void write_list(const std::vector<std::uint32_t>& list) {
    write_u32(static_cast<std::uint32_t>(list.size()));
    for (const std::uint32_t value : list)
        write_u32(value);
}

int print_pieces(const std::string& name) {
    const gyre::PreSplit* split = gyre::find_pre_split(name);
    if (split == nullptr) throw std::runtime_error("no split is called " + name);
    for_each_string(all_of(std::cin), [&](std::string_view text) {
        std::vector<std::uint32_t> sizes;
        gyre::for_each_piece(split->passes, text, [&](std::string_view piece) {
            sizes.push_back(static_cast<std::uint32_t>(piece.size()));
        });
        write_list(sizes);
    });
    return 0;
}

int run(const std::string& path, const std::string& mode) {
    if (mode == "pieces") return print_pieces(path);
    std::ifstream stream(path, std::ios::binary);
    const std::string file = all_of(stream);
    const auto bytes = std::span(reinterpret_cast<const std::uint8_t*>(file.data()), file.size());
    const auto gguf = gyre::Gguf::parse(bytes);
    if (!gguf.ok()) throw std::runtime_error(gguf.status().message());
    gyre::GgufReading reading(gguf.value());
    const auto data = gyre::c_api::read_tokenizer_data(reading);
    if (!data.ok()) throw std::runtime_error(data.status().message());
    const auto begin = std::chrono::steady_clock::now();
    const auto tokenizer = gyre::Tokenizer::create(data.value());
    if (!tokenizer.ok()) throw std::runtime_error(tokenizer.status().message());
    const std::chrono::duration<double> made = std::chrono::steady_clock::now() - begin;
    const std::string input = all_of(std::cin);
    if (mode == "time") {
        double best = 1e9;
        for (int i = 0; i < 5; ++i) {
            const auto start = std::chrono::steady_clock::now();
            const auto ids = tokenizer->encode(input, true);
            const std::chrono::duration<double> s = std::chrono::steady_clock::now() - start;
            best = std::min(best, s.count());
        }
        std::printf("%.1f MB/s; made in %.0f ms, %.1f MB\n",
                    static_cast<double>(input.size()) / best * 1e-6, made.count() * 1e3,
                    static_cast<double>(tokenizer->memory_bytes()) * 1e-6);
        return 0;
    }
    for_each_string(input, [&](std::string_view text) {
        write_list(tokenizer->encode(text, mode == "special"));
    });
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    try {
        if (argc == 3) return run(argv[1], argv[2]);
        std::cerr << "usage: tokenize_strings FILE.gguf special|plain|time, or NAME pieces\n";
    } catch (const std::exception& error) {
        std::cerr << "tokenize_strings: " << error.what() << '\n';
    }
    return 1;
}
