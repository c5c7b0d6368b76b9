// Pipelines: specialization, refusals, the cache on disk.
// SPDX-License-Identifier: Apache-2.0
#include "runtime/vk/pipeline.h"

#include <filesystem>
#include <fstream>

#include "tests/support/gpu_fixture.h"
#include "tests/support/platform.h"
#include "tests/vk/test_shaders.h"

namespace gyre::test {
namespace {

using PipelineTest = GpuTest;

TEST_F(PipelineTest, SpecializationChangesWhatIsComputed) {
    const std::vector<float> values = {1, 2, 3, 4, 5, 6, 7, 8};
    for (const std::uint32_t local_size : {2u, 4u, 8u}) {
        for (const std::uint32_t negate : {0u, 1u}) {
            const TestBuffer in = input(values);
            const TestBuffer out = output(8 / local_size);
            KernelRun run;
            run.code = kReduce;
            run.spec = {{kReduceLocalSize, local_size}, {kReduceNegate, negate}};
            run.set_push(ReduceParams{1});
            run.groups = {8 / local_size, 1, 1};
            run.bindings[0] = out;
            run.bindings[1] = in;
            run_kernel(run);
            std::vector<float> expected(8 / local_size, 0.0f);
            for (std::size_t i = 0; i < 8; ++i) {
                expected[i / local_size] += negate != 0 ? -values[i] : values[i];
            }
            ExpectClose(out.read<float>(), expected, 0, "small integers are exact in float");
        }
    }
}

TEST_F(PipelineTest, RefusesWhatDoesNotFitTheDevice) {
    DeviceOptions options;
    options.limit.max_invocations = 64;
    options.limit.max_shared_bytes = 1024;
    auto small = make_device(options);
    ASSERT_OK(small);
    const SpecConstant spec[] = {{kReduceLocalSize, 64}};
    const auto create = [&](const WorkgroupNeeds& workgroup) {
        return Pipeline::create(small.value(), kReduce, spec, workgroup).status();
    };
    const Status threads = create({.local_size = 128});
    EXPECT_EQ(threads.code(), StatusCode::kUnsupported);
    EXPECT_NE(threads.message().find("128 threads"), std::string::npos);
    const Status shared = create({.local_size = 64, .shared_bytes = 1344});
    EXPECT_EQ(shared.code(), StatusCode::kUnsupported);
    EXPECT_NE(shared.message().find("1344 bytes"), std::string::npos) << shared.message();
    EXPECT_OK(create({.local_size = 64, .shared_bytes = 1024}));
    EXPECT_EQ(create({.local_size = 0}).code(), StatusCode::kUnsupported);
}

TEST_F(PipelineTest, ACacheFileIsWrittenUsedAndReplacedWhenDamaged) {
    const std::filesystem::path folder =
        std::filesystem::temp_directory_path() / ("gyre-pipelines-" + test::process_id_text());
    DeviceOptions options;
    options.pipeline_cache_path = (folder / "cache.bin").string();
    const SpecConstant spec[] = {{kReduceLocalSize, 32}};
    const auto once = [&] {
        auto cached = make_device(options);
        ASSERT_OK(cached);
        ASSERT_OK(Pipeline::create(cached.value(), kReduce, spec));
    };  // the device saves when it goes
    once();
    ASSERT_TRUE(std::filesystem::exists(options.pipeline_cache_path));
    const auto size = std::filesystem::file_size(options.pipeline_cache_path);
    once();
    // Not equal: SwiftShader puts a new header before the data that it is given.
    EXPECT_GE(std::filesystem::file_size(options.pipeline_cache_path), size);
    std::filesystem::resize_file(options.pipeline_cache_path, size - 1);
    once();
    EXPECT_EQ(std::filesystem::file_size(options.pipeline_cache_path), size) << "replaced";
    std::ofstream(options.pipeline_cache_path, std::ios::trunc) << "nonsense";
    once();
    EXPECT_EQ(std::filesystem::file_size(options.pipeline_cache_path), size) << "replaced";
    std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace gyre::test
