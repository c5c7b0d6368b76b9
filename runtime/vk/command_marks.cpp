// What a recording says about itself: labels for debuggers, and timestamps.
// SPDX-License-Identifier: Apache-2.0
#include <cassert>

#include "runtime/vk/command_recorder.h"
#include "runtime/vk/device_state.h"
#include "runtime/vk/vk_call.h"

namespace gyre {

void CommandRecorder::label_begin(const char* label) {
    const InstanceTable& fn = device_->instance->fn;
    if (fn.vkCmdBeginDebugUtilsLabelEXT == nullptr) return;
    auto info = vk_struct<VkDebugUtilsLabelEXT>(VK_STRUCTURE_TYPE_DEBUG_UTILS_LABEL_EXT);
    info.pLabelName = label;
    fn.vkCmdBeginDebugUtilsLabelEXT(commands_, &info);
}

void CommandRecorder::label_end() {
    const InstanceTable& fn = device_->instance->fn;
    if (fn.vkCmdEndDebugUtilsLabelEXT != nullptr) fn.vkCmdEndDebugUtilsLabelEXT(commands_);
}

void CommandRecorder::timestamp(const char* label, std::uint32_t index) {
    assert(recording_);
    const auto query = static_cast<std::uint32_t>(taken_.size());
    if (query >= max_timestamps_) return;
    taken_.push_back({label, index, dispatches_});
    device_->fn.vkCmdWriteTimestamp(commands_, VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT, queries_,
                                    query);
}

Result<std::vector<TimestampValue>> CommandRecorder::timestamps() const {
    const auto count = static_cast<std::uint32_t>(taken_.size());
    if (count == 0) return std::vector<TimestampValue>{};
    std::vector<std::uint64_t> ticks(count);
    const VkResult result = device_->fn.vkGetQueryPoolResults(
        device_->device, queries_, 0, count, count * sizeof(std::uint64_t), ticks.data(),
        sizeof(std::uint64_t), VK_QUERY_RESULT_64_BIT);
    GYRE_TRY(device_->check(result, "vkGetQueryPoolResults"));
    const std::uint32_t bits = device_->timestamp_bits;
    const std::uint64_t mask = bits >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << bits) - 1;
    std::vector<TimestampValue> values;
    values.reserve(count);
    for (std::uint32_t i = 0; i < count; ++i) {
        const std::uint64_t passed = (ticks[i] - ticks[0]) & mask;  // also right across a wrap
        values.push_back({taken_[i].label, taken_[i].index, taken_[i].dispatches,
                          static_cast<double>(passed) * device_->caps.timestamp_period_ns});
    }
    return values;
}

}  // namespace gyre
