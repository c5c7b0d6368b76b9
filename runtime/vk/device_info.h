// What a Vulkan device is and can do, as plain data, and how one is chosen from a list.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/status.h"

namespace gyre {

enum class DeviceType { kDiscreteGpu, kIntegratedGpu, kVirtualGpu, kCpu, kOther };

const char* device_type_name(DeviceType type);  // "discrete GPU", "integrated GPU", "software", ...

// Optional features. No kernel of the baseline needs one.
struct DeviceFeatures {
    bool float16 = false;                // float16 arithmetic in shaders
    bool int8 = false;                   // int8 arithmetic in shaders
    bool storage16 = false;              // 16-bit members in storage buffers
    bool storage8 = false;               // 8-bit members in storage buffers
    bool integer_dot_product = false;    // VK_KHR_shader_integer_dot_product
    bool subgroup_size_control = false;  // a pipeline may ask for a subgroup size
    // Products of matrices by whole subgroups, DeviceCaps::cooperative (VK_KHR_cooperative_matrix).
    // Enabled with float16, subgroup_size_control and the Vulkan memory model, which it needs.
    bool cooperative_matrix = false;

    bool any() const {
        return float16 || int8 || storage16 || storage8 || integer_dot_product ||
               subgroup_size_control || cooperative_matrix;
    }
};

// m x k times k x n, float16, with float32 sums.
struct CooperativeShape {
    std::uint32_t m = 0, n = 0, k = 0;
};

// The limits that matter to kernels and to memory planning. Sizes are bytes.
struct DeviceCaps {
    std::uint64_t max_storage_range = 0;  // what one storage binding may cover
    std::uint64_t max_uniform_range = 0;  // what one uniform binding may cover
    std::uint64_t max_allocation = 0;     // largest Buffer
    std::uint32_t max_allocations = 0;    // number of Buffers that may live at once
    std::uint64_t max_texel_range = 0;    // what one texel binding may cover
    std::uint32_t storage_alignment = 0;  // offset of a storage or texel binding: a multiple of it
    std::uint32_t uniform_alignment = 0;  // offset of a uniform binding is a multiple of this
    std::uint32_t non_coherent_atom = 0;  // granularity of flush and invalidate

    std::uint32_t max_invocations = 0;     // threads in a workgroup
    std::uint32_t max_local_size[3] = {};  // threads in a workgroup, by dimension
    std::uint32_t max_shared_bytes = 0;    // shared memory of a workgroup
    std::uint32_t max_groups[3] = {};      // workgroups in a dispatch, by dimension

    std::uint32_t subgroup_size = 0;      // what the driver reports; a kernel may see another
    std::uint32_t min_subgroup_size = 0;  // equal to subgroup_size without subgroup_size_control
    std::uint32_t max_subgroup_size = 0;
    bool subgroup_arithmetic = false;  // subgroupAdd and the like in compute shaders
    bool subgroup_ballot = false;      // subgroupBroadcast among them
    bool subgroup_shuffle = false;
    CooperativeShape cooperative;  // with features.cooperative_matrix: the largest for our kernels

    double timestamp_period_ns = 0;  // one tick of a timestamp; 0: the queue has no timestamps
    bool flushes_halves = false;     // shaders may read subnormal float16 numbers as zero
    bool unified_memory = false;     // the host can write the memory that is fastest for the device
    bool software = false;           // a CPU pretends to be a GPU

    DeviceFeatures features;  // in DeviceInfo: supported; in Device::caps(): supported and enabled
};

// Lowers what a device offers, so that tests meet limits that this machine does not have. An entry
// can only make the device smaller (alignments: coarser); other values are ignored.
struct DeviceCapsLimit {
    std::optional<std::uint64_t> max_storage_range;
    std::optional<std::uint64_t> max_texel_range;
    std::optional<std::uint64_t> max_allocation;
    std::optional<std::uint32_t> max_allocations;
    std::optional<std::uint32_t> storage_alignment;  // power of two
    std::optional<std::uint32_t> uniform_alignment;  // power of two
    std::optional<std::uint32_t> max_invocations;    // also limits max_local_size
    std::optional<std::uint32_t> max_shared_bytes;
    std::optional<std::uint32_t> max_groups_x;  // y and z as well
    bool no_timestamps = false;
    bool no_unified_memory = false;  // weights go through staging; kDevice memory is not mapped
    bool no_subgroup_operations = false;
    bool no_cooperative_matrix = false;
    bool not_software = false;  // a software driver is treated like a GPU
    bool flushes_halves = false;

    // What the Vulkan 1.1 specification guarantees (table "Required Limits").
    static DeviceCapsLimit specification_minimum();

    void apply(DeviceCaps& caps) const;
};

struct DeviceInfo {
    std::uint32_t index = 0;      // what Device::create and --device take
    std::string name;             // "llvmpipe (LLVM 15.0.6, 256 bits)"
    std::string driver_name;      // "llvmpipe"; empty if the driver does not say
    std::string driver_info;      // "Mesa 22.3.6 (LLVM 15.0.6)"; empty if the driver does not say
    std::uint32_t driver_id = 0;  // VkDriverId; 0 if the driver does not say
    std::uint32_t driver_version = 0;  // in the vendor's own packing
    std::uint32_t api_version = 0;     // packed as Vulkan does; see api_version_text
    std::uint32_t vendor_id = 0;
    std::uint32_t device_id = 0;
    DeviceType type = DeviceType::kOther;
    std::uint64_t device_memory_bytes = 0;  // sum of the device-local heaps
    DeviceCaps caps;
    std::string unusable_because;  // empty: Gyre can run here
    bool usable() const { return unusable_because.empty(); }
};

// Whether a driver that offers cooperative matrices is asked about them at all: reports of others
// say which ones crash, some of them when asked. From vendor_id, driver_id and type.
bool trusts_matrix_units(const DeviceInfo& device);

std::string api_version_text(std::uint32_t api_version);  // "1.3.239"

struct DeviceChoice {
    std::uint32_t index = 0;
    bool software_fallback =
        false;  // "auto" found no GPU and took a software driver: tell the user
};

// request: "" or "auto" (discrete, then integrated, then virtual GPU, then software), a decimal
// index, or a part of the name or of the driver's name, whatever the case; of several devices that
// match, the one that "auto" would prefer. Errors: kNoDevice lists what there is; kInvalidArgument
// when the device asked for exists but cannot be used.
Result<DeviceChoice> choose_device(std::span<const DeviceInfo> devices, std::string_view request);

}  // namespace gyre
