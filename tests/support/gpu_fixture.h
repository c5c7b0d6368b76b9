// Tests that need a device: class MyTest : public GpuTest.
// SPDX-License-Identifier: Apache-2.0
//
// One instance and one device serve all tests of a program. The Khronos validation layer is always
// on, and a test fails for every message that it gives during the test. Environment:
//   GYRE_TEST_DRIVER=lavapipe|swiftshader|any   must be set; without such a device the program
//   fails
//                                               ("any": the device that "auto" chooses)
//   GYRE_TEST_SYNC_VALIDATION=1                 synchronization validation as well
//   GYRE_TEST_GPU_VALIDATION=1                  GPU-assisted validation as well: every index
#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "runtime/vk/command_recorder.h"
#include "runtime/vk/descriptor_set.h"
#include "runtime/vk/device.h"
#include "runtime/vk/instance.h"
#include "runtime/vk/pipeline.h"
#include "tests/support/compare.h"
#include "tests/support/test_buffer.h"

namespace gyre::test {

// What one dispatch needs.
struct KernelRun {
    ShaderCode code;
    std::vector<SpecConstant> spec;
    WorkgroupNeeds workgroup;
    std::vector<std::byte> push;  // set_push
    Groups groups;
    BindingRanges bindings{};  // bindings[b] = a TestBuffer

    template <typename Params>
    void set_push(const Params& params) {
        static_assert(std::is_trivially_copyable_v<Params>);
        push.resize(sizeof(Params));
        std::memcpy(push.data(), &params, sizeof(Params));
    }
};

class GpuTest : public testing::Test {
  public:
    static Instance& instance();
    static Device& device();

    // Under GYRE_TEST_GPU_VALIDATION: a shader's access after the end of a bound range is a
    // message.
    static bool validates_indices();

    // A second device with other limits, e.g. DeviceCapsLimit::specification_minimum().
    static Result<Device> make_device(const DeviceOptions& options);

    // Messages of layers and driver since the last call.
    static std::vector<std::string> take_messages();

  protected:
    void SetUp() override;
    void TearDown() override;  // every message is a failure

    // Buffers on the shared device.
    template <typename T>
    static TestBuffer input(const std::vector<T>& values, Memory memory = Memory::kDevice) {
        const std::vector<std::uint32_t> words = to_words(values);
        return TestBuffer(device(), words, words.size(), memory);
    }
    static TestBuffer output(std::size_t n_words) { return TestBuffer(device(), {}, n_words); }

    // Builds the pipeline, dispatches once and waits. The test fails if anything does.
    static void run_kernel(const KernelRun& run);
    static void run_kernel(Device& device, const KernelRun& run);
};

// ASSERT_OK(status or result): fails the test with the message.
inline testing::AssertionResult is_ok(const Status& status) {
    if (status.ok()) return testing::AssertionSuccess();
    return testing::AssertionFailure() << status.message();
}
template <typename T>
testing::AssertionResult is_ok(const Result<T>& result) {
    return is_ok(result.status());
}

#define ASSERT_OK(expr) ASSERT_TRUE(::gyre::test::is_ok(expr))
#define EXPECT_OK(expr) EXPECT_TRUE(::gyre::test::is_ok(expr))

}  // namespace gyre::test
