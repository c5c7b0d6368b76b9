// pack_spirv IN.spv OUT: rewrites a module so that gzip makes half as much of it.
// SPDX-License-Identifier: Apache-2.0
//
// Runs on the machine that builds. runtime/kernels/packed_spirv.h has the form and reads it.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <utility>
#include <vector>

namespace {

constexpr std::size_t kHeaderWords = 5;

void put(std::vector<char>& out, std::uint32_t value) {
    for (; value >= 128; value >>= 7)
        out.push_back(static_cast<char>(value % 128 + 128));
    out.push_back(static_cast<char>(value));
}

// 0, -1, 1, -2, 2, ... as 0, 1, 2, 3, 4, ...
std::uint32_t folded(std::uint32_t difference) {
    return difference << 1 ^ (difference >> 31 != 0 ? 0xffffffffu : 0u);
}

// Empty where an instruction exceeds the module.
std::vector<char> pack(const std::vector<std::uint32_t>& words) {
    std::vector<char> heads, operands;
    std::map<std::pair<std::uint32_t, std::size_t>, std::uint32_t> last;  // by opcode and position
    for (std::size_t at = 0; at < kHeaderWords && at < words.size(); ++at)
        put(heads, words[at]);
    for (std::size_t at = kHeaderWords; at < words.size();) {
        const std::uint32_t opcode = words[at] & 0xffffu, length = words[at] >> 16;
        if (length == 0 || length > words.size() - at) return {};
        put(heads, opcode);
        put(heads, length);
        for (std::size_t i = 1; i < length; ++i) {
            std::uint32_t& before = last[{opcode, i}];
            put(operands, folded(words[at + i] - before));
            before = words[at + i];
        }
        at += length;
    }
    heads.insert(heads.end(), operands.begin(), operands.end());
    return heads;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 3) {
        std::fprintf(stderr, "pack_spirv IN.spv OUT\n");
        return EXIT_FAILURE;
    }
    std::ifstream in(argv[1], std::ios::binary);
    std::vector<std::uint32_t> words;
    for (std::uint32_t word = 0; in.read(reinterpret_cast<char*>(&word), sizeof word);)
        words.push_back(word);
    const std::vector<char> packed = pack(words);
    std::ofstream out(argv[2], std::ios::binary);
    out.write(packed.data(), static_cast<std::streamsize>(packed.size()));
    if (words.size() < kHeaderWords || packed.empty() || !out.flush()) {
        std::fprintf(stderr, "pack_spirv: %s: no SPIR-V, or %s cannot be written\n", argv[1],
                     argv[2]);
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}
