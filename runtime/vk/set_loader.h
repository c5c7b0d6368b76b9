// Which Vulkan loader a process opens. Without a header of Vulkan, so that the C API can include
// it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "runtime/base/status.h"

namespace gyre {

// A vkGetInstanceProcAddr, in C's types.
using LoaderFunction = void (*)();
using GetInstanceProcAddr = LoaderFunction (*)(void* instance, const char* name);

// What open_loader() opens in place of the system's: a library, or a function that the program has.
// Exactly one is not null. kInvalidArgument once the loader is open.
Status set_loader(const char* path, GetInstanceProcAddr get_instance_proc_addr);

}  // namespace gyre
