// DeviceInfo as gyre.h tells it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "gyre/gyre.h"
#include "runtime/vk/device_info.h"

namespace gyre::c_api {

// The strings are info's.
gyre_device_info to_c(const DeviceInfo& info);

}  // namespace gyre::c_api
