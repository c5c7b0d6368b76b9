// Creation of compute pipelines.
// SPDX-License-Identifier: Apache-2.0
#include "runtime/vk/pipeline.h"

#include <algorithm>
#include <cassert>
#include <utility>
#include <vector>

#include "runtime/vk/device_state.h"
#include "runtime/vk/vk_call.h"

namespace gyre {

namespace {

// Entries and values of VkSpecializationInfo; must stay in place while the info is used.
struct Specialization {
    explicit Specialization(std::span<const SpecConstant> spec) {
        for (const SpecConstant& constant : spec) {
            entries.push_back({constant.id,
                               static_cast<std::uint32_t>(values.size() * sizeof(std::uint32_t)),
                               sizeof(std::uint32_t)});
            values.push_back(constant.value);
        }
        info.mapEntryCount = static_cast<std::uint32_t>(entries.size());
        info.pMapEntries = entries.data();
        info.dataSize = values.size() * sizeof(std::uint32_t);
        info.pData = values.data();
    }
    Specialization(const Specialization&) = delete;
    Specialization& operator=(const Specialization&) = delete;

    std::vector<VkSpecializationMapEntry> entries;
    std::vector<std::uint32_t> values;
    VkSpecializationInfo info{};
};

Status check_fits(const WorkgroupNeeds& workgroup, const std::string& name,
                  const DeviceState& state) {
    const DeviceCaps& caps = state.caps;
    const std::uint32_t most = std::min(caps.max_invocations, caps.max_local_size[0]);
    if (workgroup.local_size == 0 || workgroup.local_size > most) {
        return Status::unsupported("shader " + name + " has workgroups of " +
                                   std::to_string(workgroup.local_size) + " threads, " +
                                   state.info.name + " allows 1 to " + std::to_string(most));
    }
    if (workgroup.shared_bytes > caps.max_shared_bytes) {
        return Status::unsupported("shader " + name + " needs " +
                                   bytes_text(workgroup.shared_bytes) + " of shared memory, " +
                                   state.info.name + " has " + bytes_text(caps.max_shared_bytes));
    }
    return {};
}

}  // namespace

Result<Pipeline> Pipeline::create(Device& owner, const ShaderCode& code,
                                  std::span<const SpecConstant> spec,
                                  const WorkgroupNeeds& workgroup) {
    DeviceState& device = owner.state();
    GYRE_TRY(device.lost_status());
    Pipeline pipeline;
    pipeline.name_ = code.name;
    pipeline.declared_ = code.declared;
    GYRE_TRY(check_fits(workgroup, pipeline.name_, device));

    const Specialization specialization(spec);
    auto module_info =
        vk_struct<VkShaderModuleCreateInfo>(VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO);
    module_info.codeSize = code.words.size_bytes();
    module_info.pCode = code.words.data();
    VkShaderModule module = VK_NULL_HANDLE;
    VK_TRY(device.fn.vkCreateShaderModule(device.device, &module_info, nullptr, &module));
    device.set_name(VK_OBJECT_TYPE_SHADER_MODULE, module, code.name);

    auto info =
        vk_struct<VkComputePipelineCreateInfo>(VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO);
    info.flags = VK_PIPELINE_CREATE_DISPATCH_BASE;  // CommandRecorder::dispatch_from
    info.stage.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO;
    info.stage.stage = VK_SHADER_STAGE_COMPUTE_BIT;
    info.stage.module = module;
    info.stage.pName = "main";
    info.stage.pSpecializationInfo = &specialization.info;
    auto subgroups = vk_struct<VkPipelineShaderStageRequiredSubgroupSizeCreateInfo>(
        VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_REQUIRED_SUBGROUP_SIZE_CREATE_INFO);
    subgroups.requiredSubgroupSize = device.caps.subgroup_size;
    if (workgroup.full_subgroups) {
        assert(device.caps.features.subgroup_size_control);
        info.stage.flags |= VK_PIPELINE_SHADER_STAGE_CREATE_REQUIRE_FULL_SUBGROUPS_BIT;
        info.stage.pNext = &subgroups;
    }
    info.layout = device.pipeline_layout;
    const VkResult result = device.fn.vkCreateComputePipelines(
        device.device, device.pipeline_cache, 1, &info, nullptr, &pipeline.handle_);
    device.fn.vkDestroyShaderModule(device.device, module, nullptr);
    if (result != VK_SUCCESS) pipeline.handle_ = {};
    pipeline.device_ = &device;  // from here on release() destroys it
    if (pipeline.handle_ != VkPipeline{}) ++device.pipelines;
    GYRE_TRY(
        device.check(result, "vkCreateComputePipelines").with_context("shader " + pipeline.name_));
    if (pipeline.handle_ == VkPipeline{}) {  // seen on phones: success and no pipeline
        return Status::internal("shader " + pipeline.name_ + ": " + device.info.name +
                                " made no pipeline and reported no error");
    }
    device.set_name(VK_OBJECT_TYPE_PIPELINE, pipeline.handle_, code.name);
    return pipeline;
}

Pipeline::Pipeline(Pipeline&& other) noexcept {
    *this = std::move(other);
}

Pipeline& Pipeline::operator=(Pipeline&& other) noexcept {
    if (this == &other) return *this;
    release();
    device_ = other.device_;
    handle_ = std::exchange(other.handle_, {});
    name_ = std::move(other.name_);
    declared_ = other.declared_;
    return *this;
}

Pipeline::~Pipeline() {
    release();
}

void Pipeline::release() noexcept {
    if (device_ == nullptr || handle_ == VkPipeline{} || !device_->may_destroy()) return;
    device_->fn.vkDestroyPipeline(device_->device, handle_, nullptr);
    --device_->pipelines;
}

}  // namespace gyre
