// The table of kernels: made once, in several threads, and nothing left of what failed.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <thread>
#include <vector>

#include "tests/shaders/kernel_test.h"

namespace gyre::test {
namespace {

class KernelTableTest : public KernelTest {
  protected:
    static std::vector<KernelVariant> some() {
        return {EmbedVariant{WeightFormat::kF16}, NormVariant{},
                EmbedVariant{WeightFormat::kF16}, EmbedVariant{WeightFormat::kF32},
                QuantizeCacheVariant{},           NormVariant{.rms = true}};
    }
};

TEST_F(KernelTableTest, CompilesEachOnceAndTellsHowFarItIs) {
    KernelTable table(device());
    std::vector<double> told;
    ASSERT_OK(table.compile(some(), [&](double fraction) -> Status {
        told.push_back(fraction);
        return {};
    }));
    EXPECT_EQ(table.pipeline_count(), 5u);
    ASSERT_FALSE(told.empty());
    EXPECT_TRUE(std::is_sorted(told.begin(), told.end()));
    EXPECT_EQ(told.back(), 1.0);
    for (const KernelVariant& variant : some())
        EXPECT_TRUE(table.get(variant).ok());
    EXPECT_EQ(table.pipeline_count(), 5u);
}

TEST_F(KernelTableTest, ThreadsThatAskForTheSameShareIt) {
    KernelTable table(device());
    std::vector<const Pipeline*> found(4);
    std::vector<std::thread> threads;
    for (const Pipeline*& pipeline : found) {
        threads.emplace_back([&table, &pipeline] {
            const Result<Kernel> kernel = table.get(EmbedVariant{WeightFormat::kQ8_0});
            if (kernel.ok()) pipeline = kernel.value().pipeline;
        });
    }
    for (std::thread& thread : threads)
        thread.join();
    EXPECT_EQ(table.pipeline_count(), 1u);
    for (const Pipeline* pipeline : found) {
        EXPECT_NE(pipeline, nullptr);
        EXPECT_EQ(pipeline, found[0]);
    }
}

// More invocations per workgroup than any device has.
TEST_F(KernelTableTest, OneThatFailsIsNamedAndLeavesNothing) {
    KernelTable table(device());
    std::vector<KernelVariant> variants = {NormVariant{.local_size = 1u << 20}};
    const Status status = table.compile(variants, [](double) { return Status(); });
    EXPECT_EQ(status.code(), StatusCode::kUnsupported);
    EXPECT_NE(status.message().find("norm"), std::string::npos) << status.message();
    EXPECT_EQ(table.pipeline_count(), 0u);
    EXPECT_EQ(table.get(variants[0]).status().code(), StatusCode::kUnsupported) << "asked again";
}

TEST_F(KernelTableTest, ProgressThatFailsEndsIt) {
    KernelTable table(device());
    const Status status =
        table.compile(some(), [](double) { return Status::cancelled("that is enough"); });
    EXPECT_EQ(status.code(), StatusCode::kCancelled);
    EXPECT_LT(table.pipeline_count(), 6u);
}

}  // namespace
}  // namespace gyre::test
