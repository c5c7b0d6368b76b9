// The fixture itself: canaries, poison and messages of the layers fail a test.
// SPDX-License-Identifier: Apache-2.0
#include "tests/support/gpu_fixture.h"

#include <gtest/gtest-spi.h>

#include <cmath>

#include "tests/vk/test_shaders.h"

namespace gyre::test {
namespace {

class FixtureTest : public GpuTest {
  protected:
    // scale_add over n words into `to`, which may be too small for them.
    void run(const BufferRange& to, std::uint32_t n) {
        const TestBuffer from = input(std::vector<std::uint32_t>(n, 1));
        const TestBuffer step = input<std::uint32_t>({0});
        KernelRun run;
        run.code = kScaleAdd;
        run.spec = {{kScaleAddLocalSize, 64}};
        run.set_push(ScaleAddParams{n, 1, 1});
        run.bindings[0] = to;
        run.bindings[1] = from;
        run.bindings[4] = step;
        run_kernel(run);
    }
};

TEST_F(FixtureTest, WordsThatNobodyWroteAreNotANumber) {
    const TestBuffer out = output(10);
    run(out, 7);
    EXPECT_EQ(out.words()[6], 2u);
    EXPECT_TRUE(std::isnan(out.read<float>()[7]));
}

TEST_F(FixtureTest, AWriteBehindTheBufferIsSeen) {
    const TestBuffer out = output(10);
    // Binds the fence after the words too, so that the driver lets the kernel write there.
    BufferRange wide = out.range();
    wide.size += 4;
    run(wide, 11);
    EXPECT_NONFATAL_FAILURE((void)out.words(), "word 0 after the buffer was overwritten");
}

TEST_F(FixtureTest, MessagesOfTheLayersArrive) {
    // A set that goes before the commands that use it is a mistake that only the layer can know.
    const TestBuffer x = output(1);
    auto recorder = CommandRecorder::create(device());
    ASSERT_OK(recorder);
    ASSERT_OK(recorder->begin());
    {
        BindingRanges ranges{};
        ranges[0] = ranges[1] = ranges[4] = x;
        auto set = DescriptorSet::create(device(), ranges, "short-lived");
        ASSERT_OK(set);
        const SpecConstant spec[] = {{kScaleAddLocalSize, 64}};
        auto pipeline = Pipeline::create(device(), kScaleAdd, spec);
        ASSERT_OK(pipeline);
        recorder->dispatch(pipeline.value(), set.value(), ScaleAddParams{1, 1, 1}, {1, 1, 1});
    }
    (void)recorder->end();
    const auto messages = take_messages();
    ASSERT_FALSE(messages.empty());
    EXPECT_NE(messages[0].find("short-lived"), std::string::npos) << messages[0];
}

}  // namespace
}  // namespace gyre::test
