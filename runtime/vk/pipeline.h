// A compute shader with its constants set, ready to be dispatched.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>

#include "runtime/base/status.h"
#include "runtime/vk/handles.h"
#include "runtime/vk/reflect.h"

namespace gyre {

class Device;
struct DeviceState;

struct ShaderCode {
    const char* name = "";  // "matvec_q8_0"; debug name and word in errors
    std::span<const std::uint32_t> words;
};

class Pipeline {
  public:
    // Every Pipeline has the device's one layout, so any DescriptorSet fits any Pipeline.
    // Errors: kUnsupported when the shader does not fit the device (local size, shared memory) or
    // the layout; kInternal when the driver cannot compile it: the caller takes its next variant.
    // full_subgroups: of DeviceCaps::subgroup_size, with features.subgroup_size_control.
    static Result<Pipeline> create(Device& device, const ShaderCode& code,
                                   std::span<const SpecConstant> spec = {},
                                   bool full_subgroups = false);

    Pipeline(Pipeline&& other) noexcept;
    Pipeline& operator=(Pipeline&& other) noexcept;
    ~Pipeline();  // the device must be done with it

    const std::string& name() const { return name_; }
    const ShaderReflection& info() const { return info_; }
    const std::array<std::uint32_t, 3>& local_size() const { return info_.local_size; }
    std::uint32_t push_bytes() const { return info_.push_constant_bytes; }
    std::uint32_t reads() const { return reads_; }    // bit b: binding b is used
    std::uint32_t writes() const { return writes_; }  // bit b: binding b is used and not readonly

    VkPipeline handle() const { return handle_; }

  private:
    Pipeline() = default;
    Status check(const DeviceState& state) const;
    void release() noexcept;

    DeviceState* device_ = nullptr;
    VkPipeline handle_{};
    std::string name_;
    ShaderReflection info_;
    std::uint32_t reads_ = 0;
    std::uint32_t writes_ = 0;
};

}  // namespace gyre
