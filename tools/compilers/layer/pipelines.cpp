// Shader modules and compute pipelines: each one that is created becomes one line.
// SPDX-License-Identifier: Apache-2.0
#include <atomic>
#include <cstring>
#include <ctime>
#include <map>
#include <optional>
#include <string>

#include "child.h"
#include "dry.h"
#include "json.h"
#include "settings.h"
#include "statistics.h"
#include "tables.h"

namespace compilers {

namespace {

struct Module {
    std::uint64_t hash = 0;
    std::uint64_t bytes = 0;
    std::string name;  // what the program calls it (VK_EXT_debug_utils); empty if it does not
};

std::mutex modules_mutex;
std::map<VkShaderModule, Module> modules;

class Fnv1a {
  public:
    void add(const void* data, std::size_t size) {
        const auto* bytes = static_cast<const unsigned char*>(data);
        for (std::size_t i = 0; i < size; ++i)
            state_ = (state_ ^ bytes[i]) * 0x100000001b3u;
    }
    void add(std::uint32_t value) { add(&value, sizeof(value)); }
    void add(std::uint64_t value) { add(&value, sizeof(value)); }
    std::uint64_t value() const { return state_; }

  private:
    std::uint64_t state_ = 0xcbf29ce484222325u;
};

struct Description {
    std::string key;   // the same for pipelines that a driver must compile alike
    std::string name;  // of the module, or its hash
    JsonObject members;
};

std::map<std::uint32_t, std::uint32_t> constants(const VkSpecializationInfo* info) {
    std::map<std::uint32_t, std::uint32_t> values;
    if (info == nullptr) return values;
    for (std::uint32_t i = 0; i < info->mapEntryCount; ++i) {
        const VkSpecializationMapEntry& entry = info->pMapEntries[i];
        std::uint32_t value = 0;
        const char* const from = static_cast<const char*>(info->pData) + entry.offset;
        std::memcpy(&value, from, entry.size < sizeof(value) ? entry.size : sizeof(value));
        values[entry.constantID] = value;
    }
    return values;
}

std::uint32_t required_subgroup(const VkPipelineShaderStageCreateInfo& stage) {
    for (auto* at = static_cast<const VkBaseInStructure*>(stage.pNext); at; at = at->pNext) {
        if (at->sType ==
            VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_REQUIRED_SUBGROUP_SIZE_CREATE_INFO) {
            return reinterpret_cast<const VkPipelineShaderStageRequiredSubgroupSizeCreateInfo*>(at)
                ->requiredSubgroupSize;
        }
    }
    return 0;
}

Description describe(const VkComputePipelineCreateInfo& info) {
    static std::atomic<int> next_id{0};
    const VkPipelineShaderStageCreateInfo& stage = info.stage;
    Module module;
    {
        const std::lock_guard lock(modules_mutex);
        module = modules[stage.module];
    }
    Fnv1a key;
    key.add(module.hash);
    key.add(stage.pName, std::strlen(stage.pName));
    JsonObject spec;
    for (const auto& [id, value] : constants(stage.pSpecializationInfo)) {
        spec.add(std::to_string(id), value);
        key.add(id);
        key.add(value);
    }
    key.add(required_subgroup(stage));
    key.add(static_cast<std::uint32_t>(stage.flags));
    Description out;
    out.key = hex(key.value());
    out.name = module.name.empty() ? hex(module.hash) : module.name;
    out.members.add("id", next_id++)
        .add("module", out.name)
        .raw("spec", spec.text())
        .add("key", out.key)
        .add("spirv_hash", hex(module.hash))
        .add("spirv_bytes", module.bytes)
        .add("required_subgroup", required_subgroup(stage))
        .add("stage_flags", static_cast<std::uint32_t>(stage.flags));
    return out;
}

void write_event(const char* event, const Description& description, const JsonObject& more) {
    JsonObject line;
    line.add("event", event).append(description.members).append(more);
    write_line(line.text());
}

double cpu_now() {
    timespec now{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);  // all threads: some drivers start their own
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

struct Compiled {
    VkResult result = VK_ERROR_UNKNOWN;
    VkPipeline pipeline = VK_NULL_HANDLE;
    JsonObject members;
};

Compiled compile(const DeviceEntry& device, VkPipelineCache cache, VkComputePipelineCreateInfo info,
                 const VkAllocationCallbacks* allocator, const std::string& name) {
    const auto create = below<PFN_vkCreateComputePipelines>(device, "vkCreateComputePipelines");
    if (device.shows_executables) {
        info.flags |= VK_PIPELINE_CREATE_CAPTURE_STATISTICS_BIT_KHR;
        if (!settings().texts.empty()) {
            info.flags |= VK_PIPELINE_CREATE_CAPTURE_INTERNAL_REPRESENTATIONS_BIT_KHR;
        }
    }
    Compiled out;
    const double start = cpu_now();
    out.result = create(device.handle, cache, 1, &info, allocator, &out.pipeline);
    out.members.add("cpu_seconds", cpu_now() - start);
    out.members.add("result", static_cast<int>(out.result));
    if (out.result == VK_SUCCESS && device.shows_executables) {
        out.members.append(describe_executables(device, out.pipeline, name));
    }
    return out;
}

// The child's answer is the result as a number, a space, and the rest of the line.
VkResult compile_in_child(const DeviceEntry& device, const VkComputePipelineCreateInfo& info,
                          const VkAllocationCallbacks* allocator, const Description& description,
                          const std::string& name, VkPipeline* out) {
    const std::string messages =
        settings().texts.empty() ? "" : settings().texts + "/" + name + ".messages.txt";
    const ChildResult child = run_in_child(settings().cpu_seconds, messages, [&] {
        const Compiled compiled = compile(device, VK_NULL_HANDLE, info, allocator, name);
        JsonObject line;
        line.add("event", "pipeline").append(description.members).append(compiled.members);
        return std::to_string(static_cast<int>(compiled.result)) + " " + line.text();
    });
    *out = dry_handle<VkPipeline>();
    const std::size_t space = child.answer.find(' ');
    if (!child.why.empty() || space == std::string::npos) {
        JsonObject more;
        more.add("cpu_seconds", child.cpu_seconds)
            .add("why", child.why.empty() ? std::string("no answer") : child.why);
        write_event("died", description, more);
        return VK_SUCCESS;  // so that the pipelines after it are compiled too
    }
    write_line(std::string_view(child.answer).substr(space + 1));
    const auto result = static_cast<VkResult>(std::atoi(child.answer.c_str()));
    if (result != VK_SUCCESS) *out = VK_NULL_HANDLE;
    return result;
}

VkResult create_one(const DeviceEntry& device, VkPipelineCache cache,
                    const VkComputePipelineCreateInfo& info, const VkAllocationCallbacks* allocator,
                    VkPipeline* out) {
    const Description description = describe(info);
    const std::string name = description.name + "." + description.key;
    if (settings().dry && settings().known.contains(description.key)) {
        write_event("known", description, {});
        *out = dry_handle<VkPipeline>();
        return VK_SUCCESS;
    }
    if (settings().dry && settings().cpu_seconds > 0) {
        return compile_in_child(device, info, allocator, description, name, out);
    }
    const Compiled compiled = compile(device, cache, info, allocator, name);
    write_event("pipeline", description, compiled.members);
    *out = compiled.pipeline;
    return compiled.result;
}

VKAPI_ATTR VkResult VKAPI_CALL create_pipelines(VkDevice handle, VkPipelineCache cache,
                                                std::uint32_t count,
                                                const VkComputePipelineCreateInfo* infos,
                                                const VkAllocationCallbacks* allocator,
                                                VkPipeline* out) {
    const DeviceEntry device = device_of(handle);
    VkResult result = VK_SUCCESS;
    for (std::uint32_t i = 0; i < count; ++i) {
        const VkResult one = create_one(device, cache, infos[i], allocator, &out[i]);
        if (one != VK_SUCCESS) result = one;
    }
    return result;
}

VKAPI_ATTR void VKAPI_CALL destroy_pipeline(VkDevice handle, VkPipeline pipeline,
                                            const VkAllocationCallbacks* allocator) {
    if (is_dry_handle(pipeline)) return;
    const DeviceEntry device = device_of(handle);
    below<PFN_vkDestroyPipeline>(device, "vkDestroyPipeline")(handle, pipeline, allocator);
}

VKAPI_ATTR VkResult VKAPI_CALL create_module(VkDevice handle, const VkShaderModuleCreateInfo* info,
                                             const VkAllocationCallbacks* allocator,
                                             VkShaderModule* out) {
    const DeviceEntry device = device_of(handle);
    const VkResult result = below<PFN_vkCreateShaderModule>(device, "vkCreateShaderModule")(
        handle, info, allocator, out);
    if (result != VK_SUCCESS) return result;
    Fnv1a hash;
    hash.add(info->pCode, info->codeSize);
    const std::lock_guard lock(modules_mutex);
    modules[*out] = Module{hash.value(), info->codeSize, ""};
    return result;
}

VKAPI_ATTR VkResult VKAPI_CALL set_name(VkDevice handle,
                                        const VkDebugUtilsObjectNameInfoEXT* info) {
    if (info->objectType == VK_OBJECT_TYPE_SHADER_MODULE && info->pObjectName != nullptr) {
        const std::lock_guard lock(modules_mutex);
        modules[(VkShaderModule)info->objectHandle].name = info->pObjectName;
    }
    if (settings().dry) return VK_SUCCESS;  // the object may be one of ours
    const DeviceEntry device = device_of(handle);
    const auto next =
        below<PFN_vkSetDebugUtilsObjectNameEXT>(device, "vkSetDebugUtilsObjectNameEXT");
    return next != nullptr ? next(handle, info) : VK_SUCCESS;
}

}  // namespace

PFN_vkVoidFunction pipeline_hook(const char* name) {
    static const Hook hooks[] = {
        GYRE_HOOK("CreateShaderModule", create_module),
        GYRE_HOOK("CreateComputePipelines", create_pipelines),
        GYRE_HOOK("DestroyPipeline", destroy_pipeline),
        GYRE_HOOK("SetDebugUtilsObjectNameEXT", set_name),
    };
    for (const Hook& hook : hooks) {
        if (std::strcmp(name, hook.name) == 0) return hook.function;
    }
    return nullptr;
}

}  // namespace compilers
