// Creation of compute pipelines.
// SPDX-License-Identifier: Apache-2.0
#include "runtime/vk/pipeline.h"

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

}  // namespace

Status Pipeline::check(const DeviceState& state) const {
    const DeviceCaps& caps = state.caps;
    std::uint64_t threads = 1;
    bool fits = true;
    for (std::size_t i = 0; i < 3; ++i) {
        threads *= info_.local_size[i];
        fits = fits && info_.local_size[i] > 0 && info_.local_size[i] <= caps.max_local_size[i];
    }
    if (info_.conflicting_defaults) {
        return Status::invalid_argument("shader " + name_ +
                                        ": a specialization constant has two defaults; set it");
    }
    if (!fits || threads > caps.max_invocations) {
        return Status::unsupported("shader " + name_ + " has workgroups of " +
                                   std::to_string(threads) + " threads, " + state.info.name +
                                   " allows 1 to " + std::to_string(caps.max_invocations));
    }
    if (info_.shared_bytes > caps.max_shared_bytes) {
        return Status::unsupported("shader " + name_ + " needs " + bytes_text(info_.shared_bytes) +
                                   " of shared memory, " + state.info.name + " has " +
                                   bytes_text(caps.max_shared_bytes));
    }
    if (info_.push_constant_bytes > kMaxPushBytes) {
        return Status::unsupported("shader " + name_ + " has " +
                                   bytes_text(info_.push_constant_bytes) +
                                   " of push constants, the layout has 128");
    }
    for (const ReflectedBinding& binding : info_.bindings) {
        const BindingKind expected = binding.binding < kStorageBindings   ? BindingKind::kStorage
                                     : binding.binding == kUniformBinding ? BindingKind::kUniform
                                                                          : BindingKind::kTexels;
        const bool known = binding.set == 0 && binding.binding < kBindings + kTexelBindings;
        if (!known || binding.kind != expected) {
            return Status::unsupported("shader " + name_ + ": binding " +
                                       std::to_string(binding.binding) + " of set " +
                                       std::to_string(binding.set) +
                                       " does not fit the layout (storage 0 to 3, uniform 4, "
                                       "texels 5 to 8)");
        }
    }
    return {};
}

Result<Pipeline> Pipeline::create(Device& owner, const ShaderCode& code,
                                  std::span<const SpecConstant> spec, bool full_subgroups) {
    DeviceState& device = owner.state();
    GYRE_TRY(device.lost_status());
    Pipeline pipeline;
    pipeline.name_ = code.name;
    auto reflected = reflect(code.words, spec);
    if (!reflected.ok()) return reflected.status().with_context("shader " + pipeline.name_);
    pipeline.info_ = std::move(reflected).value();
    GYRE_TRY(pipeline.check(device));
    for (const ReflectedBinding& binding : pipeline.info_.bindings) {
        const bool texels = binding.kind == BindingKind::kTexels;
        const std::uint32_t range =
            texels ? kTexelSource[binding.binding - kFirstTexelBinding] : binding.binding;
        if (binding.used) pipeline.reads_ |= 1u << range;
        if (binding.writable) pipeline.writes_ |= 1u << binding.binding;
    }

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
    info.stage.pName = pipeline.info_.entry_point.c_str();
    info.stage.pSpecializationInfo = &specialization.info;
    auto subgroups = vk_struct<VkPipelineShaderStageRequiredSubgroupSizeCreateInfo>(
        VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_REQUIRED_SUBGROUP_SIZE_CREATE_INFO);
    subgroups.requiredSubgroupSize = device.caps.subgroup_size;
    if (full_subgroups) {
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
    info_ = std::move(other.info_);
    reads_ = other.reads_;
    writes_ = other.writes_;
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
