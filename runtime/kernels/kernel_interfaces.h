// What each kernel's modules read, write and take: one row for a file of shaders/.
// SPDX-License-Identifier: Apache-2.0
//
// The recorder derives barriers from these rows. A missing write would be a race, one too many a
// barrier: tests/shaders/interface_test.cpp compares each row with every module that is compiled.
#pragma once

#include <span>
#include <string_view>

#include "runtime/vk/pipeline.h"

namespace gyre {

struct KernelInterface {
    const char* kernel;  // "linear" for shaders/linear.comp
    ShaderInterface declared;
};

std::span<const KernelInterface> kernel_interfaces();

const ShaderInterface& interface_of(std::string_view kernel);  // one of kernel_interfaces()

}  // namespace gyre
