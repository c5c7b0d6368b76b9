// What one device buffer holds before a kernel runs, and which of its words the kernel may write.
// SPDX-License-Identifier: Apache-2.0
#include "tests/shaders/buffer_image.h"

#include <bit>
#include <cassert>
#include <cstdio>

namespace gyre::test {

float as_float(std::uint32_t word) {
    return std::bit_cast<float>(word);
}
std::uint32_t as_word(float value) {
    return std::bit_cast<std::uint32_t>(value);
}

BufferImage BufferImage::without_gap_before(std::uint32_t n) {
    BufferImage image;
    image.words_.resize(n, kUntouched);
    image.writable_.resize(n, false);
    return image;
}

std::uint32_t BufferImage::begin_region(std::uint32_t align) {
    std::size_t begin = words_.size() + kGap;
    begin = (begin + align - 1) / align * align;
    words_.resize(begin, kUntouched);
    writable_.resize(begin, false);
    return static_cast<std::uint32_t>(begin);
}

std::uint32_t BufferImage::add_words(std::span<const std::uint32_t> words, std::uint32_t align) {
    const std::uint32_t begin = begin_region(align);
    words_.insert(words_.end(), words.begin(), words.end());
    writable_.resize(words_.size(), false);
    return begin;
}

std::uint32_t BufferImage::add_floats(std::span<const float> values, std::uint32_t align) {
    const std::uint32_t begin = begin_region(align);
    for (const float value : values)
        words_.push_back(as_word(value));
    writable_.resize(words_.size(), false);
    return begin;
}

std::uint32_t BufferImage::add_rows(std::span<const float> values, std::uint32_t n_cols,
                                    std::uint32_t stride, std::uint32_t align) {
    assert(n_cols <= stride && values.size() % n_cols == 0);
    std::vector<float> rows(values.size() / n_cols * stride, 0.0f);
    for (std::size_t i = 0; i < values.size(); ++i)
        rows[i / n_cols * stride + i % n_cols] = values[i];
    return add_floats(rows, align);
}

std::uint32_t BufferImage::add_output_rows(std::uint32_t n_rows, std::uint32_t n_cols,
                                           std::uint32_t stride, std::uint32_t align) {
    assert(n_cols <= stride);
    const std::uint32_t begin = add_canaries(n_rows * stride, align);
    for (std::uint32_t row = 0; row < n_rows; ++row)
        allow(begin + row * stride, n_cols);
    return begin;
}

std::uint32_t BufferImage::add_canaries(std::uint32_t n, std::uint32_t align) {
    const std::uint32_t begin = begin_region(align);
    words_.resize(begin + n, kUntouched);
    writable_.resize(words_.size(), false);
    return begin;
}

void BufferImage::allow(std::uint32_t first, std::uint32_t n) {
    allow_in_place(first, n);
    for (std::uint32_t at = first; at < first + n; ++at)
        words_[at] = kPoison;
}

void BufferImage::allow_in_place(std::uint32_t first, std::uint32_t n) {
    assert(first + n <= words_.size());
    for (std::uint32_t at = first; at < first + n; ++at)
        writable_[at] = true;
}

void BufferImage::finish() {
    if (end_ == 0) end_ = (words_.size() + 3) / 4 * 4;
    begin_region(4);  // whole texels
}

std::string BufferImage::difference(std::span<const std::uint32_t> after) const {
    for (std::size_t at = 0; at < words_.size(); ++at) {
        if (writable_[at] || after[at] == words_[at]) continue;
        char text[128];
        std::snprintf(text, sizeof text,
                      "word %zu was 0x%08x and is 0x%08x (%g): written outside the output", at,
                      words_[at], after[at], static_cast<double>(as_float(after[at])));
        return text;
    }
    return "";
}

std::vector<float> rows_at(std::span<const std::uint32_t> words, std::uint32_t offset,
                           std::uint32_t n_rows, std::uint32_t n_cols, std::uint32_t stride) {
    std::vector<float> values;
    for (std::uint32_t row = 0; row < n_rows && !words.empty(); ++row) {
        for (std::uint32_t col = 0; col < n_cols; ++col) {
            values.push_back(as_float(words[offset + row * stride + col]));
        }
    }
    return values;
}

}  // namespace gyre::test
