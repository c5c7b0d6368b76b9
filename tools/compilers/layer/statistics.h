// What a driver shows of a compiled pipeline (VK_KHR_pipeline_executable_properties).
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "json.h"
#include "tables.h"

namespace compilers {

// The member "executables": name, subgroup size and statistics of each, and the files under
// settings().texts that got its texts, named NAME.<executable>.<what the driver calls the text>.
JsonObject describe_executables(const DeviceEntry& device, VkPipeline pipeline,
                                const std::string& name);

}  // namespace compilers
