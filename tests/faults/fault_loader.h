// What a test says to the stand-in for the Vulkan loader that it is linked with.
// SPDX-License-Identifier: Apache-2.0
//
// The library has the loader's name, libvulkan.so.1, so that the runtime's dlopen() finds it. It
// hands every call on to the real loader, except the one that is to fail: that one does nothing
// else, as in life. After VK_ERROR_OUT_OF_*_MEMORY work that was submitted goes on. A lost device
// stays lost, and its work has ended. What a failed call should have written is garbage.
//
// It knows what is alive, what the work under way uses, and what the caller was told to be done;
// touching anything else is a violation.
#pragma once

#include <vulkan/vulkan_core.h>

#include <map>
#include <string>
#include <vector>

#define GYRE_FAULTS_API __attribute__((visibility("default")))

namespace gyre::faults {

struct Fault {
    std::string function;
    VkResult result = VK_SUCCESS;
    unsigned nth = 1;    // call, counted from arm()
    unsigned times = 1;  // so many calls from there on
};

// Several may be armed.
GYRE_FAULTS_API void arm(const Fault& fault);
// How many calls failed since arm().
GYRE_FAULTS_API unsigned disarm();

// Calls by function since the last begin_count().
GYRE_FAULTS_API void begin_count();
GYRE_FAULTS_API std::map<std::string, unsigned> calls();

GYRE_FAULTS_API std::vector<std::string> take_violations();
// Objects by kind, for example "VkBuffer".
GYRE_FAULTS_API std::map<std::string, int> alive();
// Submissions that the caller does not know to be done.
GYRE_FAULTS_API std::size_t under_way();

// For instances from here on: a device with memory of its own and a host's that is not coherent,
// whose bytes move when they are flushed and invalidated and at no other time.
GYRE_FAULTS_API void use_discrete_memory(bool discrete);

}  // namespace gyre::faults
