// What one device buffer holds before a kernel runs, and which of its words the kernel may write.
// SPDX-License-Identifier: Apache-2.0
//
// Every word that is neither an input nor an output is a canary: a NaN, so that a kernel that reads
// it spoils its result, and compared bit for bit afterwards, so that a kernel that writes it is
// found. Outputs begin as another NaN, so that a kernel that leaves one out is found too.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "tests/support/test_buffer.h"  // kPoison: an output before it is written

namespace gyre::test {

inline constexpr std::uint32_t kUntouched = 0x7fc0ca7au;  // a canary

class BufferImage {
  public:
    BufferImage() = default;
    // n words of canaries that begin with the buffer: for what has no offset of its own.
    static BufferImage without_gap_before(std::uint32_t n);

    // Each add returns the word offset of what it added. align: in words; between two regions there
    // are at least kGap canaries.
    std::uint32_t add_floats(std::span<const float> values, std::uint32_t align = 1);
    std::uint32_t add_words(std::span<const std::uint32_t> words, std::uint32_t align = 1);
    // [n_rows][stride], of which the first n_cols of a row are values and the rest zero:
    // activations.
    std::uint32_t add_rows(std::span<const float> values, std::uint32_t n_cols,
                           std::uint32_t stride, std::uint32_t align);
    // The same for results: values to be written, and canaries in the padding.
    std::uint32_t add_output_rows(std::uint32_t n_rows, std::uint32_t n_cols, std::uint32_t stride,
                                  std::uint32_t align);
    // n words of canaries; what of them is written is said with allow().
    std::uint32_t add_canaries(std::uint32_t n, std::uint32_t align = 1);

    // The kernel may (and must) write these words; they are poisoned.
    void allow(std::uint32_t first, std::uint32_t n);
    // The kernel may write these words; they keep what they hold (read and written in place).
    void allow_in_place(std::uint32_t first, std::uint32_t n);
    void set(std::uint32_t at, std::uint32_t word) { words_[at] = word; }
    void finish();  // canaries after the last region

    std::span<const std::uint32_t> words() const { return words_; }
    // Words to the end of the last region, in whole texels.
    std::size_t end() const { return end_; }

    // Empty, or which word that was not to be written holds what.
    std::string difference(std::span<const std::uint32_t> after) const;

    static constexpr std::uint32_t kGap = 67;  // odd, and more than a workgroup's overhang of 64

  private:
    std::uint32_t begin_region(std::uint32_t align);

    std::vector<std::uint32_t> words_;
    std::vector<bool> writable_;
    std::size_t end_ = 0;  // 0: not finished
};

float as_float(std::uint32_t word);
std::uint32_t as_word(float value);

// n_rows rows of n_cols floats from words[offset + row * stride].
std::vector<float> rows_at(std::span<const std::uint32_t> words, std::uint32_t offset,
                           std::uint32_t n_rows, std::uint32_t n_cols, std::uint32_t stride);

}  // namespace gyre::test
