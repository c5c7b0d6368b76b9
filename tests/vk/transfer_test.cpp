// Uploads with and without staging, copies, fills.
// SPDX-License-Identifier: Apache-2.0
#include "runtime/vk/transfer.h"

#include <numeric>

#include "tests/support/gpu_fixture.h"

namespace gyre::test {
namespace {

using TransferTest = GpuTest;

std::vector<std::uint32_t> counted(std::size_t n, std::uint32_t first) {
    std::vector<std::uint32_t> values(n);
    std::iota(values.begin(), values.end(), first);
    return values;
}

TEST_F(TransferTest, StagingInPiecesGivesTheSameBytes) {
    DeviceOptions options;
    options.limit.no_unified_memory = true;
    auto discrete = make_device(options);
    ASSERT_OK(discrete);
    auto buffer = Buffer::create(discrete.value(), 40000, Memory::kDevice, "weights");
    ASSERT_OK(buffer);
    ASSERT_EQ(buffer->mapped(), nullptr);
    auto uploader = Uploader::create(discrete.value(), 1024);
    ASSERT_OK(uploader);
    const auto values = counted(10000, 1);
    ASSERT_OK(uploader->write(buffer->range(), std::as_bytes(std::span(values))));
    const auto part = counted(700, 500000);
    auto staged = uploader->stage(buffer->range(4000, 2800));
    ASSERT_OK(staged);
    std::memcpy(staged.value(), part.data(), 2800);
    ASSERT_OK(uploader->commit());
    ASSERT_OK(uploader->finish());
    std::vector<std::uint32_t> back(10000);
    ASSERT_OK(download(discrete.value(), buffer->range(), back.data()));
    auto expected = values;
    std::copy(part.begin(), part.end(), expected.begin() + 1000);
    EXPECT_EQ(back, expected);
}

TEST_F(TransferTest, StageWritesInPlaceWhereMemoryIsUnified) {
    auto buffer = Buffer::create(device(), 4096, Memory::kShared, "mapped");
    ASSERT_OK(buffer);
    auto uploader = Uploader::create(device());
    ASSERT_OK(uploader);
    auto staged = uploader->stage(buffer->range(256, 64));
    ASSERT_OK(staged);
    EXPECT_EQ(staged.value(), static_cast<std::byte*>(buffer->mapped()) + 256);
    EXPECT_OK(uploader->commit());
    EXPECT_OK(uploader->finish());
}

TEST_F(TransferTest, CopyAndFillAreOrdered) {
    auto a = Buffer::create(device(), 1024, Memory::kDevice, "a");
    auto b = Buffer::create(device(), 1024, Memory::kReadback, "b");
    auto recorder = CommandRecorder::create(device());
    ASSERT_OK(a);
    ASSERT_OK(b);
    ASSERT_OK(recorder);
    ASSERT_OK(recorder->begin());
    recorder->fill(a->range(), 7);
    EXPECT_EQ(recorder->barrier_count(), 1u) << "the first command waits for earlier submissions";
    recorder->fill(a->range(512, 256), 9);  // write after write
    EXPECT_EQ(recorder->barrier_count(), 2u);
    recorder->copy(a->range(), b->range());  // read after write
    EXPECT_EQ(recorder->barrier_count(), 3u);
    recorder->fill(a->range(0, 4), 11);  // write after read
    EXPECT_EQ(recorder->barrier_count(), 4u);
    recorder->host_read_barrier();
    ASSERT_OK(recorder->end());
    ASSERT_OK(device().run(recorder.value()));
    ASSERT_OK(b->invalidate(0, 1024));
    const auto* words = static_cast<const std::uint32_t*>(b->mapped());
    EXPECT_EQ(words[0], 7u);
    EXPECT_EQ(words[128], 9u);
    EXPECT_EQ(words[191], 9u);
    EXPECT_EQ(words[192], 7u);
}

TEST_F(TransferTest, DownloadInPieces) {
    const std::uint64_t bytes = Uploader::kStagingBytes + 1028;
    auto buffer = Buffer::create(device(), bytes, Memory::kDevice, "large");
    ASSERT_OK(buffer);
    const auto values = counted(bytes / 4, 3);
    auto uploader = Uploader::create(device());
    ASSERT_OK(uploader);
    ASSERT_OK(uploader->write(buffer->range(), std::as_bytes(std::span(values))));
    ASSERT_OK(uploader->finish());
    std::vector<std::uint32_t> back(values.size());
    ASSERT_OK(download(device(), buffer->range(), back.data()));
    EXPECT_TRUE(back == values);
}

}  // namespace
}  // namespace gyre::test
