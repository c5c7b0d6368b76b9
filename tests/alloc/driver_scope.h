// A way to Vulkan on which what drivers allocate is not the library's.
// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace gyre::alloc {

// Makes the library load Vulkan through wrappers that leave it (Elsewhere) for every call. Before
// the first call that needs Vulkan; false: gyre_last_error() says why not.
bool watch_driver_calls();

}  // namespace gyre::alloc
