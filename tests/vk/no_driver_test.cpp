// A machine without Vulkan is a Status, not a crash.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "runtime/vk/instance.h"
#include "tests/support/platform.h"

namespace gyre {
namespace {

TEST(NoDriver, IsAStatusThatSaysWhatToInstall) {
    // This program makes no other instance, so nothing else sees the variables.
    test::set_environment("VK_DRIVER_FILES", "/nonexistent");
    test::set_environment("VK_ICD_FILENAMES", "/nonexistent");
    const auto instance = Instance::create();
    if (instance.ok()) {  // some loaders start without drivers
        EXPECT_TRUE(instance->devices().empty());
        EXPECT_EQ(instance->choose("auto").status().code(), StatusCode::kNoDevice);
        return;
    }
    EXPECT_EQ(instance.status().code(), StatusCode::kNoDevice);
    EXPECT_NE(instance.status().message().find("install"), std::string::npos)
        << instance.status().message();
}

}  // namespace
}  // namespace gyre
