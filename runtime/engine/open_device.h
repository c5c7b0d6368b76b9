// Opens the Vulkan instance and the device that OpenOptions ask for.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "runtime/base/status.h"
#include "runtime/engine/model.h"
#include "runtime/vk/device.h"
#include "runtime/vk/instance.h"

namespace gyre {

Result<Instance> create_instance(const OpenOptions& options);

// For the device that was chosen.
DeviceOptions device_options(const OpenOptions& options, const DeviceInfo& device);

}  // namespace gyre
