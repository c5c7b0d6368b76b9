// SPDX-License-Identifier: Apache-2.0
#include "tests/faults/fault_case.h"

#include <algorithm>
#include <sstream>
#include <stdexcept>

namespace gyre::faults {
namespace {

const char* result_name(VkResult result) {
    switch (result) {
#define GYRE_RESULT_CASE(name) \
    case name:                 \
        return #name;
        GYRE_RESULT_CASE(VK_NOT_READY)
        GYRE_RESULT_CASE(VK_TIMEOUT)
        GYRE_RESULT_CASE(VK_INCOMPLETE)
        GYRE_RESULT_CASE(VK_ERROR_OUT_OF_HOST_MEMORY)
        GYRE_RESULT_CASE(VK_ERROR_OUT_OF_DEVICE_MEMORY)
        GYRE_RESULT_CASE(VK_ERROR_INITIALIZATION_FAILED)
        GYRE_RESULT_CASE(VK_ERROR_DEVICE_LOST)
        GYRE_RESULT_CASE(VK_ERROR_MEMORY_MAP_FAILED)
        GYRE_RESULT_CASE(VK_ERROR_LAYER_NOT_PRESENT)
        GYRE_RESULT_CASE(VK_ERROR_EXTENSION_NOT_PRESENT)
        GYRE_RESULT_CASE(VK_ERROR_FEATURE_NOT_PRESENT)
        GYRE_RESULT_CASE(VK_ERROR_INCOMPATIBLE_DRIVER)
        GYRE_RESULT_CASE(VK_ERROR_TOO_MANY_OBJECTS)
        GYRE_RESULT_CASE(VK_ERROR_FRAGMENTED_POOL)
        GYRE_RESULT_CASE(VK_ERROR_OUT_OF_POOL_MEMORY)
        GYRE_RESULT_CASE(VK_ERROR_FRAGMENTATION)
        GYRE_RESULT_CASE(VK_ERROR_INVALID_SHADER_NV)
        GYRE_RESULT_CASE(VK_ERROR_UNKNOWN)
#undef GYRE_RESULT_CASE
        default:
            return "a VkResult without a name here";
    }
}

}  // namespace

std::string to_line(const FaultCase& fault) {
    std::ostringstream line;
    line << kPhaseNames[static_cast<std::size_t>(fault.phase)] << ' ' << fault.fault.function << ' '
         << static_cast<int>(fault.fault.result) << ' ' << fault.fault.nth << ' '
         << fault.fault.times;
    return line.str();
}

FaultCase from_line(const std::string& line) {
    std::istringstream in(line);
    std::string phase;
    FaultCase fault;
    int result = 0;
    in >> phase >> fault.fault.function >> result >> fault.fault.nth >> fault.fault.times;
    const auto* name = std::find(kPhaseNames.begin(), kPhaseNames.end(), phase);
    if (!in || name == kPhaseNames.end()) throw std::runtime_error("no fault: " + line);
    fault.phase = static_cast<Phase>(name - kPhaseNames.begin());
    fault.fault.result = static_cast<VkResult>(result);
    return fault;
}

std::string describe(const FaultCase& fault) {
    std::string text = std::string(kPhaseNames[static_cast<std::size_t>(fault.phase)]) + ": call " +
                       std::to_string(fault.fault.nth) + " of " + fault.fault.function +
                       " returns " + result_name(fault.fault.result);
    if (fault.fault.times > 1) text += ", and those after it";
    return text;
}

}  // namespace gyre::faults
