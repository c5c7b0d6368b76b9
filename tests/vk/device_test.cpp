// The device as a whole: what it reports, descriptor limits, loss.
// SPDX-License-Identifier: Apache-2.0
#include "runtime/vk/device.h"

#include <chrono>
#include <cstdlib>
#include <thread>

#include "tests/support/gpu_fixture.h"
#include "tests/vk/test_shaders.h"

namespace gyre::test {
namespace {

using DeviceTest = GpuTest;

TEST_F(DeviceTest, ReportsAtLeastTheSpecificationsLimits) {
    const DeviceCaps& caps = device().caps();
    DeviceCaps lowered = caps;
    DeviceCapsLimit::specification_minimum().apply(lowered);
    EXPECT_EQ(lowered.max_storage_range, std::uint64_t{1} << 27);
    EXPECT_EQ(lowered.max_invocations, 128u);
    EXPECT_EQ(lowered.max_shared_bytes, 16384u);
    EXPECT_EQ(lowered.max_groups[0], 65535u);
    EXPECT_EQ(lowered.max_allocation, std::uint64_t{1} << 30);
    EXPECT_LE(caps.non_coherent_atom, 256u);
    EXPECT_LE(caps.storage_alignment, 256u);
    EXPECT_GE(caps.subgroup_size, 1u);
    EXPECT_GT(device().available_device_bytes(), 0u);
    auto plain = make_device({});
    ASSERT_OK(plain);
    EXPECT_FALSE(plain->caps().features.any()) << "nothing optional is enabled unless asked for";
}

TEST_F(DeviceTest, FeaturesAreEnabledWhenAskedForAndSupported) {
    DeviceOptions options;
    options.features = {true, true, true, true, true, true, true};
    auto full = make_device(options);
    ASSERT_OK(full);
    EXPECT_EQ(full->caps().features.float16, device().info().caps.features.float16);
    EXPECT_EQ(full->caps().features.int8, device().info().caps.features.int8);
    EXPECT_EQ(full->caps().features.storage16, device().info().caps.features.storage16);
    EXPECT_EQ(full->caps().features.cooperative_matrix,
              device().info().caps.features.cooperative_matrix);
}

// Catches: matrix units without what their kernels count on.
TEST_F(DeviceTest, MatrixUnitsComeWithWhatTheyNeed) {
    DeviceOptions options;
    options.features.cooperative_matrix = true;
    auto device = make_device(options);
    ASSERT_OK(device);
    const DeviceCaps& caps = device->caps();
    EXPECT_EQ(caps.features.float16, caps.features.cooperative_matrix);
    EXPECT_EQ(caps.features.subgroup_size_control, caps.features.cooperative_matrix);
    EXPECT_EQ(caps.cooperative.m * caps.cooperative.n * caps.cooperative.k != 0,
              caps.features.cooperative_matrix);
    options.limit.no_cooperative_matrix = true;
    auto without = make_device(options);
    ASSERT_OK(without);
    EXPECT_FALSE(without->caps().features.cooperative_matrix);
}

TEST_F(DeviceTest, CanBeChosenByName) {
    const DeviceInfo& info = device().info();
    const auto choice = instance().choose(info.name.substr(1, 5));
    ASSERT_OK(choice);
    EXPECT_EQ(choice->index, info.index);
    EXPECT_EQ(Device::create(instance(), 1000).status().code(), StatusCode::kNoDevice);
}

TEST_F(DeviceTest, RunsAtTheSpecificationsMinimum) {
    DeviceOptions options;
    options.limit = DeviceCapsLimit::specification_minimum();
    options.limit.max_groups_x = 16;
    options.limit.no_unified_memory = true;
    auto small = make_device(options);
    ASSERT_OK(small);
    const std::uint32_t n = 100 * 128;
    const TestBuffer from(small.value(), std::vector<std::uint32_t>(n, 4), n);
    const TestBuffer to(small.value(), {}, n);
    const TestBuffer step(small.value(), std::vector<std::uint32_t>{0}, 1, Memory::kShared);
    KernelRun run;
    run.code = kScaleAdd;
    run.spec = {{kScaleAddLocalSize, 128}};
    run.set_push(ScaleAddParams{n, 2, 1});
    run.groups = {100, 1, 1};  // folded into 7 rows
    run.bindings[0] = to;
    run.bindings[1] = from;
    run.bindings[4] = step;
    run_kernel(small.value(), run);
    EXPECT_EQ(to.words(), std::vector<std::uint32_t>(n, 9));
    EXPECT_EQ(from.words(), std::vector<std::uint32_t>(n, 4));
}

TEST_F(DeviceTest, ABindingBeyondTheLimitIsAStatus) {
    DeviceOptions options;
    options.limit.max_storage_range = 1024;
    auto small = make_device(options);
    ASSERT_OK(small);
    auto buffer = Buffer::create(small.value(), 2048, Memory::kDevice, "weights");
    ASSERT_OK(buffer);
    BindingRanges ranges{};
    ranges[1] = buffer->range();
    const auto set = DescriptorSet::create(small.value(), ranges, "matvec");
    EXPECT_EQ(set.status().code(), StatusCode::kOutOfDeviceMemory);
    EXPECT_NE(set.status().message().find("matvec: binding 1 of 2048 bytes"), std::string::npos)
        << set.status().message();
}

TEST_F(DeviceTest, ManyDescriptorSetsComeAndGo) {
    auto buffer = Buffer::create(device(), 256, Memory::kDevice, "small");
    ASSERT_OK(buffer);
    BindingRanges ranges{};
    ranges[0] = buffer->range();
    for (int round = 0; round < 2; ++round) {
        std::vector<DescriptorSet> sets;
        for (int i = 0; i < 200; ++i) {
            auto set = DescriptorSet::create(device(), ranges, "one of many");
            ASSERT_OK(set);
            sets.push_back(std::move(set).value());
        }
    }
}

TEST_F(DeviceTest, LossIsSticky) {
    auto doomed = make_device({});
    ASSERT_OK(doomed);
    auto recorder = CommandRecorder::create(doomed.value());
    ASSERT_OK(recorder);
    ASSERT_OK(recorder->begin());
    ASSERT_OK(recorder->end());
    auto submission = doomed->submit(recorder.value());
    ASSERT_OK(submission);
    doomed->mark_lost("a test");
    EXPECT_TRUE(doomed->lost());
    EXPECT_EQ(submission->wait().code(), StatusCode::kDeviceLost);
    EXPECT_EQ(doomed->run(recorder.value()).code(), StatusCode::kDeviceLost);
    EXPECT_EQ(recorder->begin().code(), StatusCode::kDeviceLost);
    const auto buffer = Buffer::create(doomed.value(), 64, Memory::kDevice, "late");
    EXPECT_EQ(buffer.status().code(), StatusCode::kDeviceLost);
    EXPECT_NE(buffer.status().message().find("a test"), std::string::npos);
    const SpecConstant spec[] = {{kScaleAddLocalSize, 64}};
    EXPECT_EQ(Pipeline::create(doomed.value(), kScaleAdd, spec).status().code(),
              StatusCode::kDeviceLost);
    EXPECT_EQ(DescriptorSet::create(doomed.value(), {}, "late").status().code(),
              StatusCode::kDeviceLost);
    EXPECT_OK(make_device({})) << "a new device is the way on";
}

// reduce.comp over 4 workgroups, dispatched n times: some drivers end a loop after 65535 rounds.
struct SlowWork {
    static Result<SlowWork> create(Device& device, std::uint32_t n) {
        const SpecConstant spec[] = {{kReduceLocalSize, 64}};
        GYRE_ASSIGN(Pipeline pipeline, Pipeline::create(device, kReduce, spec));
        GYRE_ASSIGN(Buffer in, Buffer::create(device, 4 * 64 * 4, Memory::kDevice, "in"));
        GYRE_ASSIGN(Buffer out, Buffer::create(device, 4 * 4, Memory::kDevice, "out"));
        BindingRanges ranges{};
        ranges[0] = out.range();
        ranges[1] = in.range();
        GYRE_ASSIGN(DescriptorSet set, DescriptorSet::create(device, ranges, "slow"));
        GYRE_ASSIGN(CommandRecorder recorder, CommandRecorder::create(device));
        GYRE_TRY(recorder.begin());
        for (std::uint32_t i = 0; i < n; ++i)
            recorder.dispatch(pipeline, set, ReduceParams{1024}, {4, 1, 1});
        GYRE_TRY(recorder.end());
        return SlowWork{std::move(pipeline), std::move(in), std::move(out), std::move(set),
                        std::move(recorder)};
    }
    Pipeline pipeline;
    Buffer in, out;
    DescriptorSet set;
    CommandRecorder recorder;
};

// So many dispatches keep this device busy for a while, but not the tests after this one.
Result<std::uint32_t> slow_dispatches(Device& device) {
    std::uint32_t n = 1;
    for (std::chrono::nanoseconds time{0}; time < std::chrono::milliseconds(100); n *= 2) {
        GYRE_ASSIGN(SlowWork work, SlowWork::create(device, n));
        GYRE_TRY(device.run(work.recorder));  // some drivers compile in the first run
        const auto start = std::chrono::steady_clock::now();
        GYRE_TRY(device.run(work.recorder));
        time = std::chrono::steady_clock::now() - start;
    }
    return n;
}

TEST_F(DeviceTest, APauseWaitsForWhatIsQueuedAndLetsNothingIn) {
    const auto slow = slow_dispatches(device());
    ASSERT_OK(slow);
    auto other = make_device({});
    ASSERT_OK(other);
    auto work = SlowWork::create(other.value(), slow.value());
    ASSERT_OK(work);
    auto first = other->submit(work->recorder);
    auto second = other->submit(work->recorder);
    ASSERT_OK(first);
    ASSERT_OK(second);
    EXPECT_FALSE(second->done());
    ASSERT_OK(other->pause());
    EXPECT_TRUE(second->done()) << "nobody waited for it but the pause";
    const std::uint64_t submits = other->counters().submits;
    EXPECT_EQ(other->submit(work->recorder).status().code(), StatusCode::kPaused);
    EXPECT_EQ(other->run(work->recorder).code(), StatusCode::kPaused);
    EXPECT_EQ(other->counters().submits, submits);
    ASSERT_OK(other->pause()) << "twice is once";
    EXPECT_EQ(other->paused_status().code(), StatusCode::kPaused);
    EXPECT_OK(first->wait()) << "who waits is not disturbed";
    other->resume();
    other->resume();
    ASSERT_OK(other->paused_status());
    ASSERT_OK(other->run(work->recorder));
    ASSERT_OK(other->pause());  // a device may go while it is paused
}

TEST_F(DeviceTest, ALostDeviceCannotBePaused) {
    auto doomed = make_device({});
    ASSERT_OK(doomed);
    doomed->mark_lost("a test");
    EXPECT_EQ(doomed->pause().code(), StatusCode::kDeviceLost);
    EXPECT_OK(doomed->paused_status());
}

TEST_F(DeviceTest, WorkThatTakesTooLongIsALostDevice) {
    const auto slow = slow_dispatches(device());
    ASSERT_OK(slow);
    DeviceOptions options;
    options.hang_timeout = std::chrono::milliseconds(1);
    auto hanging = make_device(options);
    ASSERT_OK(hanging);
    auto work = SlowWork::create(hanging.value(), slow.value());
    ASSERT_OK(work);
    const Status status = hanging->run(work->recorder);
    EXPECT_EQ(status.code(), StatusCode::kDeviceLost);
    EXPECT_NE(status.message().find("1 ms"), std::string::npos) << status.message();
    EXPECT_EQ(hanging->run(work->recorder).code(), StatusCode::kDeviceLost);
    // What is overdue may still end; then everything can be destroyed. Otherwise nothing is.
    for (int i = 0; i < 600 && hanging->hung(); ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
    EXPECT_FALSE(hanging->hung());
    EXPECT_TRUE(hanging->lost()) << "it stays lost";
}

// Nothing may be destroyed that a device still uses, and nothing may be touched that is gone. In a
// process of its own: what is left behind stays until that one ends.
TEST_F(DeviceTest, ADeviceMayGoWhileItsWorkIsOverdue) {
    const auto slow = slow_dispatches(device());
    ASSERT_OK(slow);
    const auto leave_at_work = [&] {
        {
            DeviceOptions options;
            options.hang_timeout = std::chrono::milliseconds(1);
            auto hanging = make_device(options);
            auto work = SlowWork::create(hanging.value(), 8 * slow.value());
            const Status status = hanging->run(work->recorder);
            if (status.code() != StatusCode::kDeviceLost || !hanging->hung()) std::_Exit(1);
        }
        std::_Exit(0);
    };
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    EXPECT_EXIT(leave_at_work(), testing::ExitedWithCode(0), "");
}

// Objects that were to go while work was overdue are never destroyed, also if it ends later. Then
// the VkDevice may not go either: the layers say so.
TEST_F(DeviceTest, WhatWasLeftBehindKeepsItsDevice) {
    const auto slow = slow_dispatches(device());
    ASSERT_OK(slow);
    const auto leave_objects = [&] {
        DeviceOptions options;
        options.hang_timeout = std::chrono::milliseconds(1);
        {
            auto hanging = make_device(options);
            {
                auto work = SlowWork::create(hanging.value(), 8 * slow.value());
                if (hanging->run(work->recorder).ok() || !hanging->hung()) std::_Exit(1);
            }
            for (int i = 0; i < 6000 && hanging->hung(); ++i)
                std::this_thread::sleep_for(std::chrono::milliseconds(10));
            if (hanging->hung()) std::_Exit(2);
        }
        std::_Exit(take_messages().empty() ? 0 : 3);
    };
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    EXPECT_EXIT(leave_objects(), testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace gyre::test
