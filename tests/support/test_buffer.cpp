// Canaries and poison.
// SPDX-License-Identifier: Apache-2.0
#include "tests/support/test_buffer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>

#include "runtime/base/host_size.h"
#include "runtime/vk/transfer.h"

namespace gyre::test {

namespace {

constexpr std::uint64_t kFenceBytes = 1024;

std::uint64_t fence_bytes(const Device& device) {
    return std::max<std::uint64_t>(kFenceBytes, device.caps().storage_alignment);
}

// A test cannot go on without its buffers, and a constructor cannot say so.
template <typename T>
T must(Result<T> result) {
    if (!result.ok()) {
        std::cerr << "test buffer: " << result.status().message() << std::endl;
        std::abort();
    }
    return std::move(result).value();
}

void must(const Status& status) {
    if (status.ok()) return;
    std::cerr << "test buffer: " << status.message() << std::endl;
    std::abort();
}

void upload(Device& device, const BufferRange& to, std::span<const std::uint32_t> words) {
    Uploader uploader = must(Uploader::create(device));
    must(uploader.write(to, std::as_bytes(words)));
    must(uploader.finish());
}

}  // namespace

TestBuffer::TestBuffer(Device& device, std::span<const std::uint32_t> words, std::size_t n_words,
                       Memory memory)
    : device_(&device),
      n_words_(std::max<std::size_t>(n_words, 1)),
      offset_(fence_bytes(device)),
      buffer_(must(Buffer::create(device, 2 * offset_ + n_words_ * 4, memory, "test buffer"))) {
    const std::size_t fence = host_size(offset_ / 4);
    std::vector<std::uint32_t> all(2 * fence + n_words_, kCanary);
    std::fill_n(all.begin() + static_cast<std::ptrdiff_t>(fence), n_words_, kPoison);
    std::copy(words.begin(), words.end(), all.begin() + static_cast<std::ptrdiff_t>(fence));
    upload(device, buffer_.range(), all);
}

void TestBuffer::write(std::span<const std::uint32_t> words) {
    ASSERT_LE(words.size(), n_words_);
    upload(*device_, buffer_.range(offset_, words.size_bytes()), words);
}

std::vector<std::uint32_t> TestBuffer::words() const {
    const std::size_t fence = host_size(offset_ / 4);
    std::vector<std::uint32_t> all(2 * fence + n_words_);
    must(download(*device_, buffer_.range(), all.data()));
    for (std::size_t i = 0; i < fence; ++i) {
        if (all[i] != kCanary) {
            ADD_FAILURE() << "word " << fence - i << " before the buffer was overwritten";
            break;
        }
    }
    for (std::size_t i = 0; i < fence; ++i) {
        if (all[fence + n_words_ + i] != kCanary) {
            ADD_FAILURE() << "word " << i << " after the buffer was overwritten";
            break;
        }
    }
    const auto first = all.begin() + static_cast<std::ptrdiff_t>(fence);
    return {first, first + static_cast<std::ptrdiff_t>(n_words_)};
}

}  // namespace gyre::test
