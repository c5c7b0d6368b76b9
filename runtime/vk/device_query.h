// Asks a physical device what it is and can do.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <volk.h>

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "runtime/vk/device_info.h"
#include "runtime/vk/loader.h"
#include "runtime/vk/vk_call.h"

namespace gyre {

class DeviceExtensions {
  public:
    DeviceExtensions(const InstanceTable& fn, VkPhysicalDevice device);
    bool has(std::string_view name) const;
    const Status& status() const { return status_; }  // an error: the driver failed to say

  private:
    std::vector<VkExtensionProperties> list_;
    Status status_;
};

// The structures of all optional features, chained as far as the device knows them: for asking what
// is supported and for enabling. A structure that a driver does not know must not be in the chain:
// some fill it all the same, and wrongly.
struct FeatureChain {
    explicit FeatureChain(const DeviceExtensions& extensions);
    FeatureChain(const FeatureChain&) = delete;
    FeatureChain& operator=(const FeatureChain&) = delete;

    DeviceFeatures get() const;
    void set(const DeviceFeatures& features);

    VkPhysicalDeviceFeatures2 head =
        vk_struct<VkPhysicalDeviceFeatures2>(VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2);
    VkPhysicalDevice16BitStorageFeatures storage16 =
        vk_struct<VkPhysicalDevice16BitStorageFeatures>(
            VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_16BIT_STORAGE_FEATURES);
    VkPhysicalDevice8BitStorageFeatures storage8 = vk_struct<VkPhysicalDevice8BitStorageFeatures>(
        VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_8BIT_STORAGE_FEATURES);
    VkPhysicalDeviceShaderFloat16Int8Features float16_int8 =
        vk_struct<VkPhysicalDeviceShaderFloat16Int8Features>(
            VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_FLOAT16_INT8_FEATURES);
    VkPhysicalDeviceShaderIntegerDotProductFeatures dot =
        vk_struct<VkPhysicalDeviceShaderIntegerDotProductFeatures>(
            VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_INTEGER_DOT_PRODUCT_FEATURES);
    VkPhysicalDeviceSubgroupSizeControlFeatures subgroup_size =
        vk_struct<VkPhysicalDeviceSubgroupSizeControlFeatures>(
            VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_FEATURES);
    VkPhysicalDeviceVulkanMemoryModelFeatures memory_model =
        vk_struct<VkPhysicalDeviceVulkanMemoryModelFeatures>(
            VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_MEMORY_MODEL_FEATURES);
#ifdef VK_KHR_cooperative_matrix
    VkPhysicalDeviceCooperativeMatrixFeaturesKHR cooperative =
        vk_struct<VkPhysicalDeviceCooperativeMatrixFeaturesKHR>(
            VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_FEATURES_KHR);
#endif
};

// Extensions that a Device enables for these features, and those that it always enables if present.
std::vector<const char*> device_extension_names(const DeviceExtensions& extensions,
                                                const DeviceFeatures& features);

struct ComputeQueue {
    std::uint32_t family = 0;
    std::uint32_t timestamp_bits = 0;  // 0: no timestamps
};

// The first family that computes: on every known driver the universal one, the best tested.
std::optional<ComputeQueue> compute_queue(const InstanceTable& fn, VkPhysicalDevice device);

// Bytes that VK_EXT_memory_budget, which the device must have, leaves this process of a heap;
// nothing where the driver does not know.
std::optional<std::uint64_t> heap_budget_left(const InstanceTable& fn, VkPhysicalDevice device,
                                              std::uint32_t heap);

DeviceInfo query_device_info(const InstanceTable& fn, VkPhysicalDevice device, std::uint32_t index);

}  // namespace gyre
