// What the kernel tests share: the device of the fixture, a kernel table, small helpers.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <stdexcept>
#include <string>

#include "tests/shaders/kernel_bench.h"
#include "tests/shaders/rounding.h"
#include "tests/support/gpu_fixture.h"

namespace gyre::test {

class KernelTest : public GpuTest {
  protected:
    KernelTable& kernels() {
        if (!kernels_) kernels_.emplace(device());
        return *kernels_;
    }
    // The pipeline; ends the test where it cannot be made (GoogleTest reports exceptions).
    static Kernel built(Result<Kernel> kernel) {
        if (!kernel.ok()) throw std::runtime_error(kernel.status().message());
        return std::move(kernel).value();
    }
    KernelResult run(KernelBuffers& buffers, const RecordKernel& record) {
        return run_buffers(device(), buffers, record);
    }

  private:
    std::optional<KernelTable> kernels_;
};

// Words from one activation row to the next.
inline std::uint32_t activation_stride(std::uint32_t n) {
    return (n + ACTIVATION_ALIGN - 1) / ACTIVATION_ALIGN * ACTIVATION_ALIGN;
}

template <typename Case>
std::string case_name(const testing::TestParamInfo<Case>& info) {
    return info.param.name;
}

}  // namespace gyre::test
