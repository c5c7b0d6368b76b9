// Recording: derived barriers, resubmission, large dispatches, timestamps.
// SPDX-License-Identifier: Apache-2.0
#include "runtime/vk/command_recorder.h"

#include <numeric>
#include <optional>
#include <thread>

#include "tests/support/gpu_fixture.h"
#include "tests/vk/test_shaders.h"

namespace gyre::test {
namespace {

constexpr SpecConstant kSpec[] = {{kScaleAddLocalSize, 64}};

std::vector<std::uint32_t> counted(std::size_t n) {
    std::vector<std::uint32_t> values(n);
    std::iota(values.begin(), values.end(), 0u);
    return values;
}

class RecorderTest : public GpuTest {
  protected:
    void SetUp() override {
        GpuTest::SetUp();
        auto pipeline = Pipeline::create(device(), kScaleAdd, kSpec);
        ASSERT_OK(pipeline);
        pipeline_.emplace(std::move(pipeline).value());
        auto recorder = CommandRecorder::create(device(), {"test", 4, true});
        ASSERT_OK(recorder);
        recorder_.emplace(std::move(recorder).value());
        step_.emplace(input<std::uint32_t>({0}, Memory::kShared));
    }
    void TearDown() override {
        recorder_.reset();
        step_.reset();
        pipeline_.reset();
        GpuTest::TearDown();
    }

    DescriptorSet bind(const BufferRange& to, const BufferRange& from) {
        BindingRanges ranges{};
        ranges[0] = to;
        ranges[1] = from;
        ranges[4] = *step_;
        auto set = DescriptorSet::create(device(), ranges, "test");
        EXPECT_OK(set);
        return std::move(set).value();
    }

    // to = from * multiply + add, over n words
    void dispatch(const DescriptorSet& set, std::uint32_t n, std::uint32_t multiply,
                  std::uint32_t add) {
        recorder_->dispatch(*pipeline_, set, ScaleAddParams{n, multiply, add},
                            {(n + 63) / 64, 1, 1});
    }

    std::optional<Pipeline> pipeline_;
    std::optional<CommandRecorder> recorder_;
    std::optional<TestBuffer> step_;
};

// Catches: workgroups that begin at 0 again, a part that is not counted or has no barrier.
TEST_F(RecorderTest, PartsOfADispatchDoWhatTheWholeDoes) {
    const TestBuffer from = input(counted(300));
    const TestBuffer to = output(300);
    const DescriptorSet set = bind(to, from);
    const ScaleAddParams params{300, 3, 1};
    ASSERT_OK(recorder_->begin());
    const std::uint32_t cuts[] = {0, 1, 4, 5};
    for (std::size_t i = 0; i + 1 < std::size(cuts); ++i) {
        recorder_->dispatch_from({cuts[i], 0, 0}, *pipeline_, set, &params, sizeof(params),
                                 {cuts[i + 1] - cuts[i], 1, 1});
    }
    ASSERT_OK(recorder_->end());
    EXPECT_EQ(recorder_->dispatch_count(), 3u);
    EXPECT_EQ(recorder_->barrier_count(), 3u);
    EXPECT_EQ(recorder_->descriptor_bind_count(), 1u);
    ASSERT_OK(device().run(*recorder_));
    const auto result = to.words();
    for (std::uint32_t i = 0; i < 300; ++i)
        ASSERT_EQ(result[i], 3 * i + 1);
}

TEST_F(RecorderTest, IndependentDispatchesShareOneBarrier) {
    const TestBuffer from = input(counted(64));
    const TestBuffer a = output(64);
    const TestBuffer b = output(64);
    const DescriptorSet to_a = bind(a, from);
    const DescriptorSet to_b = bind(b, from);
    ASSERT_OK(recorder_->begin());
    dispatch(to_a, 64, 1, 1);
    dispatch(to_b, 64, 1, 2);
    ASSERT_OK(recorder_->end());
    EXPECT_EQ(recorder_->dispatch_count(), 2u);
    EXPECT_EQ(recorder_->barrier_count(), 1u) << "only the first one's, for earlier submissions";
    ASSERT_OK(device().run(*recorder_));
    EXPECT_EQ(a.words()[63], 64u);
    EXPECT_EQ(b.words()[63], 65u);
}

TEST_F(RecorderTest, DependentDispatchesGetOneBarrierEach) {
    const TestBuffer x = input(counted(64));
    const TestBuffer y = output(64);
    const DescriptorSet forth = bind(y, x);
    const DescriptorSet back = bind(x, y);
    ASSERT_OK(recorder_->begin());
    for (int i = 0; i < 5; ++i) {
        dispatch(forth, 64, 2, 0);
        dispatch(back, 64, 1, 1);
    }
    ASSERT_OK(recorder_->end());
    EXPECT_EQ(recorder_->barrier_count(), 10u);
    ASSERT_OK(device().run(*recorder_));
    EXPECT_EQ(x.words()[3], 3u * 32 + 31);
}

TEST_F(RecorderTest, RangesOfOneBufferAreApart) {
    const std::uint64_t stride = std::max(256u, device().caps().storage_alignment);
    auto arena = Buffer::create(device(), 4 * stride, Memory::kDevice, "arena");
    ASSERT_OK(arena);
    const DescriptorSet first = bind(arena->range(0, 256), arena->range(stride, 256));
    const DescriptorSet second = bind(arena->range(2 * stride, 256), arena->range(3 * stride, 256));
    const DescriptorSet third = bind(arena->range(3 * stride, 256), arena->range(0, 256));
    ASSERT_OK(recorder_->begin());
    recorder_->fill(arena->range(), 5);
    dispatch(first, 64, 1, 1);
    dispatch(second, 64, 1, 2);
    EXPECT_EQ(recorder_->barrier_count(), 2u);
    dispatch(third, 64, 1, 0);
    EXPECT_EQ(recorder_->barrier_count(), 3u) << "reads what the first wrote";
    ASSERT_OK(recorder_->end());
}

TEST_F(RecorderTest, StatedAccessesReplaceTheBoundRanges) {
    const TestBuffer from = input(counted(64));
    const TestBuffer both = output(128);
    const DescriptorSet set = bind(both, from);
    const Access none[] = {{from.range(), false}};
    ASSERT_OK(recorder_->begin());
    recorder_->dispatch(*pipeline_, set, ScaleAddParams{0, 1, 1}, {1, 1, 1}, none);
    recorder_->dispatch(*pipeline_, set, ScaleAddParams{0, 1, 1}, {1, 1, 1}, none);
    EXPECT_EQ(recorder_->barrier_count(), 1u);
    ASSERT_OK(recorder_->end());
    ASSERT_OK(device().run(*recorder_));
}

TEST_F(RecorderTest, OneRecordingRunsAHundredTimes) {
    const TestBuffer x = input(counted(100));
    const DescriptorSet set = bind(x, x);
    ASSERT_OK(recorder_->begin());
    dispatch(set, 100, 3, 1);
    recorder_->host_read_barrier();
    ASSERT_OK(recorder_->end());
    for (int i = 0; i < 100; ++i)
        ASSERT_OK(device().run(*recorder_));
    std::vector<std::uint32_t> expected = counted(100);
    for (int i = 0; i < 100; ++i) {
        for (std::uint32_t& value : expected)
            value = value * 3 + 1;
    }
    EXPECT_EQ(x.words(), expected);
    // Again: several times in one submission, the next before the last is done.
    const std::vector<CommandRecorder*> ten(10, &*recorder_);
    auto first = device().submit(ten);
    ASSERT_OK(first);
    auto second = device().submit(ten);
    ASSERT_OK(second);
    EXPECT_OK(first->wait());
    EXPECT_OK(second->wait());
    EXPECT_TRUE(second->done());
    for (int i = 0; i < 20; ++i) {
        for (std::uint32_t& value : expected)
            value = value * 3 + 1;
    }
    EXPECT_EQ(x.words(), expected);
}

TEST_F(RecorderTest, StepStateChangesBetweenSubmissionsOfOneRecording) {
    auto step = Buffer::create(device(), 64, Memory::kShared, "step");
    ASSERT_OK(step);
    const TestBuffer from = input(counted(4));
    const TestBuffer to = output(4);
    BindingRanges ranges{};
    ranges[0] = to;
    ranges[1] = from;
    ranges[4] = step->range();
    auto set = DescriptorSet::create(device(), ranges, "step");
    ASSERT_OK(set);
    ASSERT_OK(recorder_->begin());
    dispatch(set.value(), 4, 1, 0);
    ASSERT_OK(recorder_->end());
    for (const std::uint32_t value : {10u, 20u}) {
        *static_cast<std::uint32_t*>(step->mapped()) = value;
        ASSERT_OK(step->flush(0, 4));
        ASSERT_OK(device().run(*recorder_));
        EXPECT_EQ(to.words()[2], value + 2);
    }
}

TEST_F(RecorderTest, MoreThan65535GroupsAreFolded) {
    const std::uint32_t n = 65536 * 64 + 5;  // 65537 groups of 64
    const TestBuffer x = input(counted(n));
    const DescriptorSet set = bind(x, x);
    ASSERT_OK(recorder_->begin());
    dispatch(set, n, 1, 7);
    ASSERT_OK(recorder_->end());
    ASSERT_OK(device().run(*recorder_));
    const auto words = x.words();
    std::size_t wrong = 0;
    for (std::uint32_t i = 0; i < n; ++i)
        wrong += words[i] != i + 7 ? 1 : 0;
    EXPECT_EQ(wrong, 0u);
}

TEST_F(RecorderTest, NoGroupsAreNoDispatch) {
    const TestBuffer x = input(counted(4));
    const DescriptorSet set = bind(x, x);
    ASSERT_OK(recorder_->begin());
    dispatch(set, 0, 1, 1);
    ASSERT_OK(recorder_->end());
    EXPECT_EQ(recorder_->dispatch_count(), 0u);
    ASSERT_OK(device().run(*recorder_));
}

TEST_F(RecorderTest, BindsOfSetsAreCounted) {
    const TestBuffer from = input(counted(64)), to = output(64);
    const DescriptorSet one = bind(to, from), other = bind(to, from);
    ASSERT_OK(recorder_->begin());
    for (const DescriptorSet* set : {&one, &one, &other, &one})
        dispatch(*set, 64, 1, 0);
    ASSERT_OK(recorder_->end());
    EXPECT_EQ(recorder_->descriptor_bind_count(), 3u);
    ASSERT_OK(recorder_->begin());
    ASSERT_OK(recorder_->end());
    EXPECT_EQ(recorder_->descriptor_bind_count(), 0u);
}

// One workgroup of the first dispatch, which is 64 words; again in the next recording.
TEST_F(RecorderTest, WarmUpRunsEveryPipelineOnce) {
    auto other = Pipeline::create(device(), kScaleAdd, kSpec);
    ASSERT_OK(other);
    const TestBuffer from = input(counted(200)), to = output(200), to_other = output(200);
    const DescriptorSet set = bind(to, from), set_other = bind(to_other, from);
    recorder_.reset();
    auto made = CommandRecorder::create(device(), {.warm_up = true});
    ASSERT_OK(made);
    recorder_.emplace(std::move(made).value());
    for (int round = 0; round < 2; ++round) {
        ASSERT_OK(recorder_->begin());
        dispatch(set, 200, 1, 1000);
        dispatch(set, 200, 1, 2000);
        recorder_->dispatch(other.value(), set_other, ScaleAddParams{200, 1, 3000}, {4, 1, 1});
        recorder_->dispatch(*pipeline_, set_other, ScaleAddParams{200, 1, 4000}, {4, 1, 1});
        ASSERT_OK(recorder_->end());
        EXPECT_EQ(recorder_->dispatch_count(), 2u);
        ASSERT_OK(device().run(*recorder_));
    }
    const std::vector<std::uint32_t> words = to.words(), others = to_other.words();
    EXPECT_EQ(words[63], 1063u);
    EXPECT_EQ(words[64], kPoison) << "one workgroup";
    EXPECT_EQ(others[63], 3063u);
    EXPECT_EQ(others[64], kPoison);
    recorder_.reset();
}

TEST_F(RecorderTest, TimestampsGrow) {
    const TestBuffer x = input(counted(64));
    const DescriptorSet set = bind(x, x);
    ASSERT_OK(recorder_->begin());
    recorder_->label_begin("measured");
    recorder_->timestamp("start");
    dispatch(set, 64, 1, 1);
    recorder_->timestamp("end");
    recorder_->label_end();
    ASSERT_OK(recorder_->end());
    ASSERT_OK(device().run(*recorder_));
    const auto times = recorder_->timestamps();
    ASSERT_OK(times);
    if (device().caps().timestamp_period_ns == 0) {
        EXPECT_TRUE(times->empty());
        return;
    }
    ASSERT_EQ(times->size(), 2u);
    EXPECT_EQ(times.value()[0].ns, 0);
    EXPECT_EQ(times.value()[1].label, "end");
    EXPECT_GE(times.value()[1].ns, 0);
}

TEST_F(RecorderTest, TwoThreadsShareTheQueue) {
    const auto work = [this](std::uint32_t add) {
        const TestBuffer x(device(), {}, 64);
        auto recorder = CommandRecorder::create(device());
        ASSERT_OK(recorder);
        auto pipeline = Pipeline::create(device(), kScaleAdd, kSpec);
        ASSERT_OK(pipeline);
        const DescriptorSet set = bind(x, x);
        ASSERT_OK(recorder->begin());
        recorder->fill(x, 0);
        for (int i = 0; i < 10; ++i) {
            recorder->dispatch(pipeline.value(), set, ScaleAddParams{64, 1, add}, {1, 1, 1});
        }
        ASSERT_OK(recorder->end());
        for (int i = 0; i < 50; ++i) {
            ASSERT_OK(device().run(recorder.value()));
            ASSERT_EQ(x.words(), std::vector<std::uint32_t>(64, 10 * add));
        }
    };
    std::thread other(work, 3);
    work(5);
    other.join();
}

}  // namespace
}  // namespace gyre::test
