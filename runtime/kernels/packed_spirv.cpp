// SPDX-License-Identifier: Apache-2.0
#include "runtime/kernels/packed_spirv.h"

#include <unordered_map>

namespace gyre {
namespace {

constexpr std::size_t kHeaderWords = 5;

class Numbers {
  public:
    explicit Numbers(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}

    std::uint32_t next() {
        std::uint32_t value = 0;
        for (unsigned shift = 0; shift < 35; shift += 7) {
            if (at_ == bytes_.size()) break;
            const std::uint8_t byte = bytes_[at_++];
            value |= static_cast<std::uint32_t>(byte & 127u) << shift;
            if (byte < 128) return value;
        }
        failed_ = true;
        return 0;
    }

    bool failed() const { return failed_; }
    bool at_end() const { return at_ == bytes_.size(); }

  private:
    std::span<const std::uint8_t> bytes_;
    std::size_t at_ = 0;
    bool failed_ = false;
};

std::uint32_t unfolded(std::uint32_t number) {
    return number >> 1 ^ (0u - (number & 1u));
}

}  // namespace

std::vector<std::uint32_t> unpack_spirv(std::span<const std::uint8_t> packed, std::size_t n_words) {
    if (n_words < kHeaderWords) return {};
    std::vector<std::uint32_t> words(n_words);
    Numbers numbers(packed);
    for (std::size_t at = 0; at < kHeaderWords; ++at)
        words[at] = numbers.next();
    for (std::size_t at = kHeaderWords; at < n_words;) {
        const std::uint32_t opcode = numbers.next(), length = numbers.next();
        if (numbers.failed() || opcode > 0xffffu || length == 0 || length > n_words - at) return {};
        words[at] = length << 16 | opcode;
        at += length;
    }
    std::unordered_map<std::uint32_t, std::vector<std::uint32_t>> last;  // operands, by opcode
    for (std::size_t at = kHeaderWords; at < n_words;) {
        const std::uint32_t length = words[at] >> 16;
        std::vector<std::uint32_t>& before = last[words[at] & 0xffffu];
        if (before.size() < length) before.resize(length);
        for (std::uint32_t i = 1; i < length; ++i)
            words[at + i] = before[i] += unfolded(numbers.next());
        at += length;
    }
    if (numbers.failed() || !numbers.at_end()) return {};
    return words;
}

}  // namespace gyre
