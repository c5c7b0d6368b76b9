// A compute shader with its constants set, ready to be dispatched.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "runtime/base/status.h"
#include "runtime/vk/handles.h"

namespace gyre {

class Device;
struct DeviceState;

struct SpecConstant {
    std::uint32_t id = 0;     // constant_id in GLSL
    std::uint32_t value = 0;  // the bits: uint, int, float; 0 or 1 for bool
};

// What a shader binds and takes, declared where it is used; barriers come from it. Tests compare
// what is declared with the compiled words.
struct ShaderInterface {
    std::uint32_t push_bytes = 0;
    std::uint32_t uses = 0;    // bit b: binding b is read or written, as texels too
    std::uint32_t writes = 0;  // bit b: binding b is written
};

struct ShaderCode {
    const char* name = "";                 // "linear_q8_0"; debug name and word in errors
    std::span<const std::uint32_t> words;  // SPIR-V with one entry point, "main"
    ShaderInterface declared;
};

// What a workgroup takes of the device, with the constants set.
struct WorkgroupNeeds {
    std::uint32_t local_size = 1;    // invocations, all of them in x
    std::uint64_t shared_bytes = 0;  // without padding
    // Of DeviceCaps::subgroup_size, with features.subgroup_size_control.
    bool full_subgroups = false;
};

class Pipeline {
  public:
    // Every Pipeline has the device's one layout, so any DescriptorSet fits any Pipeline.
    // Errors: kUnsupported when the workgroup does not fit the device; kInternal when the driver
    // cannot compile the shader: the caller takes its next variant.
    static Result<Pipeline> create(Device& device, const ShaderCode& code,
                                   std::span<const SpecConstant> spec = {},
                                   const WorkgroupNeeds& workgroup = {});

    Pipeline(Pipeline&& other) noexcept;
    Pipeline& operator=(Pipeline&& other) noexcept;
    ~Pipeline();  // the device must be done with it

    const std::string& name() const { return name_; }
    const ShaderInterface& declared() const { return declared_; }

    VkPipeline handle() const { return handle_; }

  private:
    Pipeline() = default;
    void release() noexcept;

    DeviceState* device_ = nullptr;
    VkPipeline handle_{};
    std::string name_;
    ShaderInterface declared_;
};

}  // namespace gyre
