// Where barriers are needed, and where not; folding of large dispatches.
// SPDX-License-Identifier: Apache-2.0
#include "runtime/vk/barrier_tracker.h"

#include <gtest/gtest.h>

#include <vector>

#include "runtime/vk/command_recorder.h"

namespace gyre {
namespace {

VkBuffer buffer(std::uint64_t n) {
    return (VkBuffer)n;  // NOLINT: a pointer, or where pointers have 32 bits a number
}

constexpr std::uint32_t kCompute = 1u << static_cast<std::uint32_t>(Stage::kCompute);
constexpr std::uint32_t kTransfer = 1u << static_cast<std::uint32_t>(Stage::kTransfer);

using Touch = BarrierTracker::Touch;

// A tracker past the first barrier, with `first` recorded by `stage`.
BarrierTracker after(Stage stage, const Touch& first) {
    BarrierTracker tracker;
    tracker.barrier(Stage::kCompute);
    tracker.barrier(Stage::kTransfer);
    tracker.add(stage, {&first, 1});
    return tracker;
}

std::uint32_t ask(const BarrierTracker& tracker, Stage stage, const Touch& touch) {
    return tracker.stages_to_wait_for(stage, {&touch, 1});
}

TEST(BarrierTracker, FirstCommandOfAStageWaitsForWhatIsUnknown) {
    BarrierTracker tracker;
    const Touch read{buffer(1), 0, 16, false};
    EXPECT_EQ(ask(tracker, Stage::kCompute, read), kCompute | kTransfer);
    tracker.barrier(Stage::kCompute);
    EXPECT_EQ(ask(tracker, Stage::kCompute, read), 0u);
    EXPECT_EQ(ask(tracker, Stage::kTransfer, read), kCompute | kTransfer);
    tracker.reset();
    EXPECT_EQ(ask(tracker, Stage::kCompute, read), kCompute | kTransfer);
}

TEST(BarrierTracker, TableOfHazards) {
    const struct {
        const char* name;
        bool first_writes, second_writes;
        std::uint64_t begin, end;  // of the second; the first is [16, 32) of buffer 1
        std::uintptr_t buffer;
        bool barrier;
    } cases[] = {
        {"read after write", true, false, 16, 32, 1, true},
        {"write after read", false, true, 16, 32, 1, true},
        {"write after write", true, true, 16, 32, 1, true},
        {"read after read", false, false, 16, 32, 1, false},
        {"one byte at the end", true, false, 31, 40, 1, true},
        {"one byte at the start", true, false, 0, 17, 1, true},
        {"inside", true, false, 20, 24, 1, true},
        {"around", true, false, 0, 64, 1, true},
        {"after", true, true, 32, 48, 1, false},
        {"before", true, true, 0, 16, 1, false},
        {"another buffer", true, true, 16, 32, 2, false},
    };
    for (const auto& c : cases) {
        const auto tracker = after(Stage::kCompute, {buffer(1), 16, 32, c.first_writes});
        const Touch second{buffer(c.buffer), c.begin, c.end, c.second_writes};
        EXPECT_EQ(ask(tracker, Stage::kCompute, second), c.barrier ? kCompute : 0u) << c.name;
    }
}

TEST(BarrierTracker, ABarrierForOneStageIsNoneForTheOther) {
    BarrierTracker tracker = after(Stage::kTransfer, {buffer(1), 0, 16, true});
    const Touch read{buffer(1), 0, 16, false};
    EXPECT_EQ(ask(tracker, Stage::kCompute, read), kTransfer);
    tracker.barrier(Stage::kCompute);
    EXPECT_EQ(ask(tracker, Stage::kCompute, read), 0u);
    EXPECT_EQ(ask(tracker, Stage::kTransfer, read), kTransfer);
}

TEST(BarrierTracker, OneBarrierWaitsForEverythingPending) {
    BarrierTracker tracker = after(Stage::kTransfer, {buffer(1), 0, 16, true});
    const Touch other{buffer(2), 0, 16, true};
    tracker.add(Stage::kCompute, {&other, 1});
    const Touch read{buffer(1), 0, 16, false};
    EXPECT_EQ(ask(tracker, Stage::kCompute, read), kCompute | kTransfer);
    tracker.barrier(Stage::kCompute);
    EXPECT_EQ(ask(tracker, Stage::kCompute, {buffer(2), 0, 16, false}), 0u);
}

TEST(FoldGroups, CoversEveryGroupWithFewOver) {
    const std::uint32_t minimum[3] = {65535, 65535, 65535};
    const std::uint32_t small[3] = {16, 65535, 65535};
    for (const std::uint64_t n : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{16},
                                  std::uint64_t{17}, std::uint64_t{65535}, std::uint64_t{65536},
                                  std::uint64_t{65537}, std::uint64_t{1000003}}) {
        for (const auto* limits : {&minimum, &small}) {
            const Groups groups = fold_groups(n, *limits);
            const std::uint64_t total = std::uint64_t{groups.x} * groups.y * groups.z;
            EXPECT_LE(groups.x, (*limits)[0]) << n;
            EXPECT_LE(groups.y, (*limits)[1]) << n;
            EXPECT_GE(total, n);
            EXPECT_LT(total - n, groups.y) << n;
            if (n <= (*limits)[0]) {
                EXPECT_EQ(total, n);
            }
        }
    }
}

}  // namespace
}  // namespace gyre
