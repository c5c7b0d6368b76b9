// Buffers of every intent, and arenas.
// SPDX-License-Identifier: Apache-2.0
#include "runtime/vk/buffer.h"

#include <numeric>

#include "runtime/vk/transfer.h"
#include "tests/support/gpu_fixture.h"

namespace gyre::test {
namespace {

using BufferTest = GpuTest;

std::vector<std::uint32_t> counted(std::size_t n) {
    std::vector<std::uint32_t> values(n);
    std::iota(values.begin(), values.end(), 1000u);
    return values;
}

TEST_F(BufferTest, EveryIntentTakesAndGivesBytes) {
    for (const Memory memory :
         {Memory::kDevice, Memory::kUpload, Memory::kReadback, Memory::kShared}) {
        auto buffer = Buffer::create(device(), 4000, memory, "intent");
        ASSERT_OK(buffer);
        EXPECT_EQ(buffer->size(), 4000u);
        EXPECT_EQ(buffer->mapped() != nullptr,
                  memory != Memory::kDevice || device().caps().unified_memory);
        const auto values = counted(1000);
        auto uploader = Uploader::create(device());
        ASSERT_OK(uploader);
        ASSERT_OK(uploader->write(buffer->range(), std::as_bytes(std::span(values))));
        ASSERT_OK(uploader->finish());
        std::vector<std::uint32_t> back(1000);
        ASSERT_OK(download(device(), buffer->range(), back.data()));
        EXPECT_EQ(back, values);
    }
}

TEST_F(BufferTest, FlushAndInvalidateTakeAnyRange) {
    auto buffer = Buffer::create(device(), 1004, Memory::kShared, "ranges");
    ASSERT_OK(buffer);
    for (const auto& [offset, size] : {std::pair{0u, 1004u}, {1000u, 4u}, {3u, 1u}, {1004u, 0u}}) {
        ASSERT_OK(buffer->flush(offset, size));  // the layers say so if a range is wrong
        ASSERT_OK(buffer->invalidate(offset, size));
    }
}

TEST_F(BufferTest, IsCountedWhileItLives) {
    const DeviceCounters before = device().counters();
    {
        auto buffer = Buffer::create(device(), 1 << 20, Memory::kDevice, "counted");
        ASSERT_OK(buffer);
        Buffer moved = std::move(buffer).value();
        const DeviceCounters during = device().counters();
        EXPECT_EQ(during.allocations, before.allocations + 1);
        EXPECT_GE(during.allocated_bytes, before.allocated_bytes + (1 << 20));
        EXPECT_GE(during.peak_bytes, during.allocated_bytes);
    }
    EXPECT_EQ(device().counters().allocations, before.allocations);
    EXPECT_EQ(device().counters().allocated_bytes, before.allocated_bytes);
}

TEST_F(BufferTest, TooLargeIsAStatusWithNumbers) {
    DeviceOptions options;
    options.limit.max_allocation = 1 << 20;
    auto small = make_device(options);
    ASSERT_OK(small);
    const auto buffer = Buffer::create(small.value(), (1 << 20) + 4, Memory::kDevice, "big");
    EXPECT_EQ(buffer.status().code(), StatusCode::kOutOfDeviceMemory);
    EXPECT_NE(buffer.status().message().find("big"), std::string::npos);
    EXPECT_NE(buffer.status().message().find("1048580 bytes"), std::string::npos)
        << buffer.status().message();
    EXPECT_NE(buffer.status().message().find("1048576 bytes"), std::string::npos);
    // Beyond every real device too.
    const auto huge = Buffer::create(device(), std::uint64_t{1} << 50, Memory::kDevice, "huge");
    EXPECT_EQ(huge.status().code(), StatusCode::kOutOfDeviceMemory);
}

TEST_F(BufferTest, TheNumberOfAllocationsIsLimited) {
    DeviceOptions options;
    options.limit.max_allocations = 3;  // one is the device's own
    auto small = make_device(options);
    ASSERT_OK(small);
    auto first = Buffer::create(small.value(), 64, Memory::kShared, "first");
    auto second = Buffer::create(small.value(), 64, Memory::kDevice, "second");
    ASSERT_OK(first);
    ASSERT_OK(second);
    EXPECT_EQ(Buffer::create(small.value(), 64, Memory::kDevice, "third").status().code(),
              StatusCode::kOutOfDeviceMemory);
    EXPECT_EQ(small->counters().allocations, 3u) << "a failure is not counted";
}

TEST_F(BufferTest, ArenaCutsAlignedRangesThatDoNotOverlap) {
    Arena arena = Arena::create(device(), Memory::kDevice, "arena", 0, 64 * 1024);
    const std::uint64_t alignment = device().caps().storage_alignment;
    std::vector<BufferRange> ranges;
    for (const std::uint64_t size : {4u, 100u, 1000u, 60000u, 8u, 100000u, 12u, 7u}) {
        auto range = arena.allocate(size);
        ASSERT_OK(range);
        EXPECT_EQ(range->offset % alignment, 0u);
        EXPECT_EQ(range->offset % 16, 0u);
        EXPECT_EQ(range->size, (size + 3) / 4 * 4);
        EXPECT_LE(range->offset + range->size, range->buffer->size());
        for (const BufferRange& other : ranges) {
            if (other.buffer != range->buffer) continue;
            EXPECT_TRUE(range->offset >= other.offset + other.size ||
                        other.offset >= range->offset + range->size);
        }
        ranges.push_back(range.value());
    }
    const Arena moved = std::move(arena);
    EXPECT_GT(ranges.back().buffer->size(), 0u) << "ranges outlive a move";
    EXPECT_GE(moved.allocated(), moved.used());
}

TEST_F(BufferTest, ArenaWithAnExpectationIsOneBlock) {
    const DeviceCounters before = device().counters();
    Arena arena = Arena::create(device(), Memory::kDevice, "arena", 10 * 4096);
    for (int i = 0; i < 10; ++i)
        ASSERT_OK(arena.allocate(4096));
    EXPECT_EQ(arena.allocated(), 10u * 4096);
    EXPECT_EQ(device().counters().allocations, before.allocations + 1);
}

TEST_F(BufferTest, ArenaRefusesWhatNoKernelCanBind) {
    DeviceOptions options;
    options.limit.max_storage_range = 1 << 16;
    auto small = make_device(options);
    ASSERT_OK(small);
    Arena arena = Arena::create(small.value(), Memory::kDevice, "weights");
    EXPECT_OK(arena.allocate(1 << 16));
    const auto range = arena.allocate((1 << 16) + 4);
    EXPECT_EQ(range.status().code(), StatusCode::kOutOfDeviceMemory);
    EXPECT_NE(range.status().message().find("weights"), std::string::npos);
}

}  // namespace
}  // namespace gyre::test
