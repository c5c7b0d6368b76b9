// Estimates on devices with smaller limits: what is cut is planned as it is cut.
// SPDX-License-Identifier: Apache-2.0
#include "runtime/engine/memory_need.h"

#include <string>

#include "tests/engine/engine_fixture.h"

namespace gyre::test {
namespace {

class MemoryNeedTest : public EngineTest {
  protected:
    static Result<MemoryNeed> estimate(const std::string& name, const DeviceCapsLimit& limit,
                                       const SessionOptions& session) {
        auto file = ModelFile::open(golden_path(name));
        require(file.status());
        file.value().forget_data();
        OpenOptions options;
        options.limit = limit;
        return estimate_memory(file.value(), options, session);
    }

    static void expect_exact(const std::string& name, const DeviceCapsLimit& limit,
                             const SessionOptions& options) {
        SCOPED_TRACE(name);
        const auto need = estimate(name, limit, options);
        ASSERT_OK(need);
        const auto model = open_golden(name, limit);
        const auto session = EngineTest::session(model, options);
        EXPECT_EQ(need->weights, model->weights().device_bytes());
        EXPECT_EQ(need->cache, session->cache_bytes());
        EXPECT_EQ(need->work, session->work_bytes());
        EXPECT_OK(need->unfit);
    }
};

// Catches: padding, slices, blocks or alignments that the plan does not have.
TEST_F(MemoryNeedTest, IsExactUnderEveryLimit) {
    DeviceCapsLimit sliced;
    sliced.max_storage_range = 12000;
    DeviceCapsLimit few_texels;
    few_texels.max_texel_range = 14000;
    DeviceCapsLimit coarse = sliced;
    coarse.storage_alignment = 256;
    DeviceCapsLimit small_blocks;
    small_blocks.max_allocation = 100'000;
    DeviceCapsLimit narrow;
    narrow.max_groups_x = 16;
    DeviceCapsLimit staged;
    staged.no_unified_memory = true;
    SessionOptions options;
    options.n_ctx = 23;
    options.chunk = 1;
    for (const char* name : {"untied", "f16_odd", "crope"}) {
        for (const DeviceCapsLimit& limit : {sliced, few_texels, coarse, small_blocks, narrow,
                                             staged, DeviceCapsLimit::specification_minimum()}) {
            expect_exact(name, limit, options);
        }
    }
}

// Not as a software driver: workgroups that share a query have partial sums of their own.
TEST_F(MemoryNeedTest, IsExactAsAGpu) {
    DeviceCapsLimit gpu;
    gpu.not_software = true;
    SessionOptions options;
    options.n_ctx = 600;
    expect_exact("rove_half", gpu, options);
}

TEST_F(MemoryNeedTest, WhatCannotBeCutDoesNotFit) {
    DeviceCapsLimit limit;
    limit.max_storage_range = 512;  // not four rows of 60 floats
    const auto need = estimate("rope_half", limit, {});
    ASSERT_OK(need);
    EXPECT_EQ(need->unfit.code(), StatusCode::kOutOfDeviceMemory);
    EXPECT_NE(need->unfit.message().find("token_embd.weight"), std::string::npos)
        << need->unfit.message();
    const auto whole = estimate("rope_half", {}, {});
    ASSERT_OK(whole);
    EXPECT_GE(need->weights, whole->weights - (1u << 20)) << "but for the vectors";
    // What rotates and stores is an operation of its own where the cache is cut: rows of 3 heads of
    // 20 queries, keys and values, padded, for a chunk of the whole context.
    EXPECT_EQ(need->work, whole->work + 64 * 256 * 4);

    DeviceCapsLimit few;
    few.max_allocations = 8;  // the device's own, weights, cache, six of the session
    const auto many = estimate("rope_half", few, {});
    ASSERT_OK(many);
    EXPECT_NE(many->unfit.message().find("9 allocations"), std::string::npos)
        << many->unfit.message();
    few.max_allocations = 9;
    EXPECT_OK(estimate("rope_half", few, {})->unfit);
    const auto session = Session::create(open_golden("rope_half", few), {});
    EXPECT_OK(session);
}

}  // namespace
}  // namespace gyre::test
