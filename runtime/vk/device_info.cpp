// Choice of a device, lowered limits and names for people. No Vulkan call.
// SPDX-License-Identifier: Apache-2.0
#include "runtime/vk/device_info.h"

#include <algorithm>
#include <cctype>
#include <charconv>

namespace gyre {

namespace {

// Smaller is preferred.
int preference(const DeviceInfo& device) {
    switch (device.type) {
        case DeviceType::kDiscreteGpu:
            return 0;
        case DeviceType::kIntegratedGpu:
            return 1;
        case DeviceType::kVirtualGpu:
            return 2;
        case DeviceType::kOther:
            return 3;
        case DeviceType::kCpu:
            return 4;
    }
    return 5;
}

std::string lower(std::string_view text) {
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return out;
}

std::string list_names(std::span<const DeviceInfo> devices) {
    std::string text;
    for (const DeviceInfo& device : devices) {
        if (!text.empty()) text += ", ";
        text += std::to_string(device.index) + ": " + device.name;
        if (!device.usable()) text += " (not usable: " + device.unusable_because + ")";
    }
    return text.empty() ? "none" : text;
}

bool is_index(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(),
                                        [](unsigned char c) { return std::isdigit(c) != 0; });
}

template <typename Limit>
void lower_to(Limit& value, const std::optional<Limit>& limit) {
    if (limit) value = std::min(value, *limit);
}

template <typename Limit>
void raise_to(Limit& value, const std::optional<Limit>& limit) {
    if (limit) value = std::max(value, *limit);
}

}  // namespace

const char* device_type_name(DeviceType type) {
    switch (type) {
        case DeviceType::kDiscreteGpu:
            return "discrete GPU";
        case DeviceType::kIntegratedGpu:
            return "integrated GPU";
        case DeviceType::kVirtualGpu:
            return "virtual GPU";
        case DeviceType::kCpu:
            return "software";
        case DeviceType::kOther:
            break;
    }
    return "other";
}

// Seen by llama.cpp's users: AMD's own driver for integrated GPUs brings down the process that asks
// it for its shapes (ggml-org/llama.cpp#22750); Intel's for Windows crashes with the kernels
// (#24005), and Arc of the first generation is many times slower with them (#24404).
bool trusts_matrix_units(const DeviceInfo& device) {
    constexpr std::uint32_t kVendorIntel = 0x8086;
    constexpr std::uint32_t kDriverAmdProprietary = 1, kDriverAmdOpenSource = 2;  // VkDriverId
    const bool amd_own =
        device.driver_id == kDriverAmdProprietary || device.driver_id == kDriverAmdOpenSource;
    return device.vendor_id != kVendorIntel &&
           !(amd_own && device.type == DeviceType::kIntegratedGpu);
}

std::string api_version_text(std::uint32_t api_version) {
    return std::to_string((api_version >> 22) & 0x7fu) + "." +
           std::to_string((api_version >> 12) & 0x3ffu) + "." +
           std::to_string(api_version & 0xfffu);
}

DeviceCapsLimit DeviceCapsLimit::specification_minimum() {
    DeviceCapsLimit limit;
    limit.max_storage_range = std::uint64_t{1} << 27;   // maxStorageBufferRange
    limit.max_texel_range = std::uint64_t{65536} * 16;  // maxTexelBufferElements
    limit.max_allocation = std::uint64_t{1} << 30;      // maxMemoryAllocationSize
    limit.max_allocations = 4096;                       // maxMemoryAllocationCount
    limit.storage_alignment = 256;                      // minStorageBufferOffsetAlignment
    limit.uniform_alignment = 256;                      // minUniformBufferOffsetAlignment
    limit.max_invocations = 128;                        // maxComputeWorkGroupInvocations
    limit.max_shared_bytes = 16384;                     // maxComputeSharedMemorySize
    limit.max_groups_x = 65535;                         // maxComputeWorkGroupCount
    limit.no_timestamps = true;
    limit.no_subgroup_operations = true;
    limit.no_cooperative_matrix = true;
    return limit;
}

void DeviceCapsLimit::apply(DeviceCaps& caps) const {
    lower_to(caps.max_storage_range, max_storage_range);
    lower_to(caps.max_texel_range, max_texel_range);
    lower_to(caps.max_allocation, max_allocation);
    lower_to(caps.max_allocations, max_allocations);
    raise_to(caps.storage_alignment, storage_alignment);
    raise_to(caps.uniform_alignment, uniform_alignment);
    lower_to(caps.max_invocations, max_invocations);
    lower_to(caps.max_shared_bytes, max_shared_bytes);
    for (int i = 0; i < 3; ++i) {
        lower_to(caps.max_local_size[i], max_invocations);
        lower_to(caps.max_groups[i], max_groups_x);
    }
    if (no_timestamps) caps.timestamp_period_ns = 0;
    if (no_unified_memory) caps.unified_memory = false;
    caps.flushes_halves |= flushes_halves;
    if (no_subgroup_operations) {
        caps.subgroup_arithmetic = caps.subgroup_ballot = caps.subgroup_shuffle = false;
    }
    if (no_cooperative_matrix) caps.features.cooperative_matrix = false;
    if (not_software) caps.software = false;
}

Result<DeviceChoice> choose_device(std::span<const DeviceInfo> devices, std::string_view request) {
    if (is_index(request)) {
        std::uint32_t index = 0;
        const auto parsed = std::from_chars(request.data(), request.data() + request.size(), index);
        if (parsed.ec != std::errc() || index >= devices.size()) {
            return Status::no_device("there is no device " + std::string(request) +
                                     "; there are: " + list_names(devices));
        }
        if (!devices[index].usable()) {
            return Status::invalid_argument("device " + std::string(request) + " (" +
                                            devices[index].name +
                                            ") cannot be used: " + devices[index].unusable_because);
        }
        return DeviceChoice{index, false};
    }
    const std::string wanted = lower(request);
    const bool automatic = wanted.empty() || wanted == "auto";
    const DeviceInfo* best = nullptr;
    const DeviceInfo* unusable = nullptr;
    for (const DeviceInfo& device : devices) {
        const bool match = automatic || lower(device.name).find(wanted) != std::string::npos ||
                           lower(device.driver_name).find(wanted) != std::string::npos;
        if (!match) continue;
        if (!device.usable()) {
            unusable = &device;
        } else if (best == nullptr || preference(device) < preference(*best)) {
            best = &device;
        }
    }
    if (best != nullptr) {
        return DeviceChoice{best->index, automatic && best->type == DeviceType::kCpu};
    }
    if (automatic) {
        return Status::no_device("no Vulkan device can be used; there are: " + list_names(devices));
    }
    if (unusable != nullptr) {
        return Status::invalid_argument("device \"" + unusable->name +
                                        "\" cannot be used: " + unusable->unusable_because);
    }
    return Status::no_device("no device has \"" + std::string(request) +
                             "\" in its name; there are: " + list_names(devices));
}

}  // namespace gyre
