// A buffer between two fences of known words, so that a kernel that writes beside its output is
// seen.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>
#include <vector>

#include "runtime/vk/buffer.h"
#include "runtime/vk/device.h"

namespace gyre::test {

inline constexpr std::uint32_t kPoison = 0x7fc0dead;  // a quiet NaN: a value nobody wrote stays one
inline constexpr std::uint32_t kCanary = 0xc0ffee11;

class TestBuffer {
  public:
    // n_words 32-bit words; every word is `words[i]`, or poison beyond words.size().
    TestBuffer(Device& device, std::span<const std::uint32_t> words, std::size_t n_words,
               Memory memory = Memory::kDevice);

    // What to bind: the words without the fences.
    BufferRange range() const { return buffer_.range(offset_, n_words_ * 4); }
    operator BufferRange() const { return range(); }  // NOLINT: implicit on purpose

    std::size_t n_words() const { return n_words_; }

    // The words, after all work submitted so far. Fails the running test if a fence was damaged.
    std::vector<std::uint32_t> words() const;

    // The same as another 4-byte type, e.g. read<float>().
    template <typename T>
    std::vector<T> read() const {
        static_assert(sizeof(T) == 4 && std::is_trivially_copyable_v<T>);
        const std::vector<std::uint32_t> raw = words();
        std::vector<T> values(raw.size());
        if (!raw.empty()) std::memcpy(values.data(), raw.data(), raw.size() * 4);
        return values;
    }

    // Replaces the words from the start.
    void write(std::span<const std::uint32_t> words);

  private:
    Device* device_;
    std::size_t n_words_;
    std::uint64_t offset_;  // bytes of the fence before the words
    Buffer buffer_;
};

// 4-byte values as words; other sizes are packed, lowest byte first, and padded with zeros.
template <typename T>
std::vector<std::uint32_t> to_words(std::span<const T> values) {
    static_assert(std::is_trivially_copyable_v<T>);
    std::vector<std::uint32_t> words((values.size_bytes() + 3) / 4);
    if (!values.empty()) std::memcpy(words.data(), values.data(), values.size_bytes());
    return words;
}

template <typename T>
std::vector<std::uint32_t> to_words(const std::vector<T>& values) {
    return to_words(std::span<const T>(values));
}

}  // namespace gyre::test
