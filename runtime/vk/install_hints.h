// What is missing on a machine without Vulkan, and how one gets it there: the words of errors, by
// system.
// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace gyre {

#if defined(_WIN32)
constexpr const char* kNoLoader =
    "the Vulkan loader (vulkan-1.dll) was not found: install the driver of your GPU, which brings "
    "it";
constexpr const char* kNoDriver = "no Vulkan driver was found: install the one of your GPU's maker";
#elif defined(__APPLE__)
constexpr const char* kNoLoader =
    "neither the Vulkan loader (libvulkan.dylib) nor MoltenVK (libMoltenVK.dylib) was found: "
    "install the Vulkan SDK";
constexpr const char* kNoDriver =
    "no Vulkan driver was found: install MoltenVK, which is part of the Vulkan SDK";
#elif defined(__ANDROID__)
constexpr const char* kNoLoader =
    "the Vulkan loader (libvulkan.so) was not found: this device has no Vulkan, and none to "
    "install";
constexpr const char* kNoDriver =
    "no Vulkan driver was found: this device has none, and none to install";
#elif defined(__linux__)
constexpr const char* kNoLoader =
    "the Vulkan loader (libvulkan.so.1) was not found: install it (Debian: libvulkan1) and a "
    "driver for your GPU";
constexpr const char* kNoDriver =
    "no Vulkan driver was found: install one for your GPU (Debian: mesa-vulkan-drivers, which has "
    "a software driver as well)";
#else
constexpr const char* kNoLoader =
    "the Vulkan loader (libvulkan.so) was not found: install it and a driver for your GPU";
constexpr const char* kNoDriver = "no Vulkan driver was found: install one for your GPU";
#endif

}  // namespace gyre
