// The Vulkan loader and the list of devices; the first call into Vulkan of a process happens here.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/status.h"
#include "runtime/vk/device_info.h"

namespace gyre {

struct InstanceState;

struct InstanceOptions {
    bool validation = false;  // VK_LAYER_KHRONOS_validation; kUnsupported if it is not installed
    bool sync_validation = false;  // with validation: also synchronization validation
    bool gpu_validation = false;   // with validation: also every index of a shader
    // Warnings and errors of layers and drivers; from any thread. Empty: they go to the log.
    std::function<void(const char* message)> on_message;
};

// May be used from several threads. Must outlive its Devices.
class Instance {
  public:
    // Opens the Vulkan loader if this process has not done so. kNoDevice: no loader, no
    // driver, or a loader older than Vulkan 1.1.
    static Result<Instance> create(const InstanceOptions& options = {});

    Instance(Instance&&) noexcept;
    Instance& operator=(Instance&&) noexcept;
    ~Instance();

    // In the loader's order; also those that Gyre cannot use, with the reason.
    const std::vector<DeviceInfo>& devices() const;

    Result<DeviceChoice> choose(std::string_view request) const {
        return choose_device(devices(), request);
    }

    // As Device::available_device_bytes, of a device that this process has not made.
    std::uint64_t available_device_bytes(std::uint32_t index) const;

    InstanceState& state() const { return *state_; }  // for runtime/vk only

  private:
    explicit Instance(std::unique_ptr<InstanceState> state);
    std::unique_ptr<InstanceState> state_;
};

}  // namespace gyre
