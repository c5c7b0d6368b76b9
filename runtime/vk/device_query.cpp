// Fills DeviceInfo and DeviceCaps.
// SPDX-License-Identifier: Apache-2.0
#include "runtime/vk/device_query.h"

#include <algorithm>

namespace gyre {

namespace {

// Present since its first version of 2020; the macro is behind VK_ENABLE_BETA_EXTENSIONS.
constexpr const char* kPortabilitySubset = "VK_KHR_portability_subset";

template <typename Head, typename Next>
void chain(Head& head, Next& next) {
    next.pNext = head.pNext;
    head.pNext = &next;
}

DeviceType device_type(VkPhysicalDeviceType type) {
    switch (type) {
        case VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU:
            return DeviceType::kDiscreteGpu;
        case VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU:
            return DeviceType::kIntegratedGpu;
        case VK_PHYSICAL_DEVICE_TYPE_VIRTUAL_GPU:
            return DeviceType::kVirtualGpu;
        case VK_PHYSICAL_DEVICE_TYPE_CPU:
            return DeviceType::kCpu;
        default:
            return DeviceType::kOther;
    }
}

void fill_limits(DeviceCaps& caps, const VkPhysicalDeviceLimits& limits) {
    caps.max_storage_range = limits.maxStorageBufferRange;
    caps.max_uniform_range = limits.maxUniformBufferRange;
    caps.max_texel_range = std::uint64_t{limits.maxTexelBufferElements} * 16;
    caps.max_allocations = limits.maxMemoryAllocationCount;
    // Both are powers of two, so the larger one is a multiple of the other.
    caps.storage_alignment = static_cast<std::uint32_t>(
        std::max(limits.minStorageBufferOffsetAlignment, limits.minTexelBufferOffsetAlignment));
    caps.uniform_alignment = static_cast<std::uint32_t>(limits.minUniformBufferOffsetAlignment);
    caps.non_coherent_atom = static_cast<std::uint32_t>(limits.nonCoherentAtomSize);
    caps.max_invocations = limits.maxComputeWorkGroupInvocations;
    caps.max_shared_bytes = limits.maxComputeSharedMemorySize;
    std::copy_n(limits.maxComputeWorkGroupSize, 3, caps.max_local_size);
    std::copy_n(limits.maxComputeWorkGroupCount, 3, caps.max_groups);
}

void fill_memory(DeviceInfo& info, const VkPhysicalDeviceMemoryProperties& memory) {
    bool only_local_heaps = true;
    for (std::uint32_t i = 0; i < memory.memoryHeapCount; ++i) {
        if ((memory.memoryHeaps[i].flags & VK_MEMORY_HEAP_DEVICE_LOCAL_BIT) != 0) {
            info.device_memory_bytes += memory.memoryHeaps[i].size;
        } else {
            only_local_heaps = false;
        }
    }
    constexpr VkMemoryPropertyFlags kBoth =
        VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT | VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT;
    bool host_sees_local = false;
    for (std::uint32_t i = 0; i < memory.memoryTypeCount; ++i) {
        host_sees_local |= (memory.memoryTypes[i].propertyFlags & kBoth) == kBoth;
    }
    // A discrete GPU with a window into its memory is not unified: the window may be small and
    // slow.
    const bool shares = only_local_heaps || info.type == DeviceType::kIntegratedGpu ||
                        info.type == DeviceType::kCpu;
    info.caps.unified_memory = host_sees_local && shares;
}

// Returns whether a compute pipeline may ask for a subgroup size.
bool fill_properties(DeviceInfo& info, const InstanceTable& fn, VkPhysicalDevice device,
                     const DeviceExtensions& extensions) {
    auto properties =
        vk_struct<VkPhysicalDeviceProperties2>(VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2);
    auto maintenance3 = vk_struct<VkPhysicalDeviceMaintenance3Properties>(
        VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_3_PROPERTIES);
    auto subgroup = vk_struct<VkPhysicalDeviceSubgroupProperties>(
        VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_PROPERTIES);
    auto driver = vk_struct<VkPhysicalDeviceDriverProperties>(
        VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRIVER_PROPERTIES);
    auto maintenance4 = vk_struct<VkPhysicalDeviceMaintenance4Properties>(
        VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_4_PROPERTIES);
    auto subgroup_sizes = vk_struct<VkPhysicalDeviceSubgroupSizeControlProperties>(
        VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_PROPERTIES);
    auto float_controls = vk_struct<VkPhysicalDeviceFloatControlsProperties>(
        VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FLOAT_CONTROLS_PROPERTIES);
    chain(properties, maintenance3);
    chain(properties, subgroup);
    if (extensions.has(VK_KHR_DRIVER_PROPERTIES_EXTENSION_NAME)) chain(properties, driver);
    if (extensions.has(VK_KHR_MAINTENANCE_4_EXTENSION_NAME)) chain(properties, maintenance4);
    if (extensions.has(VK_EXT_SUBGROUP_SIZE_CONTROL_EXTENSION_NAME)) {
        chain(properties, subgroup_sizes);
    }
    if (extensions.has(VK_KHR_SHADER_FLOAT_CONTROLS_EXTENSION_NAME)) {
        chain(properties, float_controls);
    }
    fn.vkGetPhysicalDeviceProperties2(device, &properties);

    info.driver_name = driver.driverName;
    info.driver_info = driver.driverInfo;
    info.driver_id = static_cast<std::uint32_t>(driver.driverID);
    DeviceCaps& caps = info.caps;
    caps.max_allocation = maintenance3.maxMemoryAllocationSize;
    if (maintenance4.maxBufferSize != 0) {
        caps.max_allocation = std::min(caps.max_allocation, maintenance4.maxBufferSize);
    }
    // Software drivers do not say that they keep subnormal numbers, and do: x86 and ARM have
    // instructions for float16, and the tests ask for it.
    caps.flushes_halves = !caps.software && float_controls.shaderDenormPreserveFloat16 != VK_TRUE;
    caps.subgroup_size = subgroup.subgroupSize;
    const bool sizes = subgroup_sizes.minSubgroupSize != 0;
    caps.min_subgroup_size = sizes ? subgroup_sizes.minSubgroupSize : subgroup.subgroupSize;
    caps.max_subgroup_size = sizes ? subgroup_sizes.maxSubgroupSize : subgroup.subgroupSize;
    if ((subgroup.supportedStages & VK_SHADER_STAGE_COMPUTE_BIT) != 0) {
        const VkSubgroupFeatureFlags operations = subgroup.supportedOperations;
        caps.subgroup_arithmetic = (operations & VK_SUBGROUP_FEATURE_ARITHMETIC_BIT) != 0;
        caps.subgroup_ballot = (operations & VK_SUBGROUP_FEATURE_BALLOT_BIT) != 0;
        caps.subgroup_shuffle = (operations & VK_SUBGROUP_FEATURE_SHUFFLE_BIT) != 0;
    }
    return (subgroup_sizes.requiredSubgroupSizeStages & VK_SHADER_STAGE_COMPUTE_BIT) != 0;
}

// The largest of the device's shapes that tiles of our kernels are multiples of; none: 0.
CooperativeShape cooperative_shape([[maybe_unused]] const InstanceTable& fn,
                                   [[maybe_unused]] VkPhysicalDevice device) {
    CooperativeShape best;
#ifdef VK_KHR_cooperative_matrix
    const auto query = fn.vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR;
    std::uint32_t count = 0;
    if (query == nullptr || query(device, &count, nullptr) != VK_SUCCESS) return best;
    std::vector<VkCooperativeMatrixPropertiesKHR> list(
        count, vk_struct<VkCooperativeMatrixPropertiesKHR>(
                   VK_STRUCTURE_TYPE_COOPERATIVE_MATRIX_PROPERTIES_KHR));
    const VkResult result = query(device, &count, list.data());
    if (result != VK_SUCCESS && result != VK_INCOMPLETE) return best;
    list.resize(count);
    const auto fits = [](std::uint32_t size) { return size == 8 || size == 16; };
    for (const VkCooperativeMatrixPropertiesKHR& entry : list) {
        const bool types = entry.AType == VK_COMPONENT_TYPE_FLOAT16_KHR &&
                           entry.BType == VK_COMPONENT_TYPE_FLOAT16_KHR &&
                           entry.CType == VK_COMPONENT_TYPE_FLOAT32_KHR &&
                           entry.ResultType == VK_COMPONENT_TYPE_FLOAT32_KHR;
        const bool ours = types && entry.scope == VK_SCOPE_SUBGROUP_KHR &&
                          entry.saturatingAccumulation == VK_FALSE && fits(entry.MSize) &&
                          fits(entry.NSize) && (fits(entry.KSize) || entry.KSize == 32);
        if (ours && entry.MSize * entry.NSize * entry.KSize > best.m * best.n * best.k) {
            best = {entry.MSize, entry.NSize, entry.KSize};
        }
    }
#endif
    return best;
}

}  // namespace

DeviceExtensions::DeviceExtensions(const InstanceTable& fn, VkPhysicalDevice device) {
    std::uint32_t count = 0;
    VkResult result = fn.vkEnumerateDeviceExtensionProperties(device, nullptr, &count, nullptr);
    if (result == VK_SUCCESS) {
        list_.resize(count);
        result = fn.vkEnumerateDeviceExtensionProperties(device, nullptr, &count, list_.data());
    }
    const bool listed = result == VK_SUCCESS || result == VK_INCOMPLETE;
    list_.resize(listed ? count : 0);
    if (!listed) status_ = status_of(result, "vkEnumerateDeviceExtensionProperties");
}

bool DeviceExtensions::has(std::string_view name) const {
    return std::any_of(list_.begin(), list_.end(), [name](const VkExtensionProperties& entry) {
        return name == entry.extensionName;
    });
}

FeatureChain::FeatureChain(const DeviceExtensions& extensions) {
    chain(head, storage16);  // core in Vulkan 1.1
    if (extensions.has(VK_KHR_8BIT_STORAGE_EXTENSION_NAME)) chain(head, storage8);
    if (extensions.has(VK_KHR_SHADER_FLOAT16_INT8_EXTENSION_NAME)) chain(head, float16_int8);
    if (extensions.has(VK_KHR_SHADER_INTEGER_DOT_PRODUCT_EXTENSION_NAME)) chain(head, dot);
    if (extensions.has(VK_EXT_SUBGROUP_SIZE_CONTROL_EXTENSION_NAME)) chain(head, subgroup_size);
    if (extensions.has(VK_KHR_VULKAN_MEMORY_MODEL_EXTENSION_NAME)) chain(head, memory_model);
#ifdef VK_KHR_cooperative_matrix
    if (extensions.has(VK_KHR_COOPERATIVE_MATRIX_EXTENSION_NAME)) chain(head, cooperative);
#endif
}

DeviceFeatures FeatureChain::get() const {
    DeviceFeatures features;
    features.float16 = float16_int8.shaderFloat16 == VK_TRUE;
    features.int8 = float16_int8.shaderInt8 == VK_TRUE;
    features.storage16 = storage16.storageBuffer16BitAccess == VK_TRUE;
    features.storage8 = storage8.storageBuffer8BitAccess == VK_TRUE;
    features.integer_dot_product = dot.shaderIntegerDotProduct == VK_TRUE;
    features.subgroup_size_control = subgroup_size.subgroupSizeControl == VK_TRUE &&
                                     subgroup_size.computeFullSubgroups == VK_TRUE;
#ifdef VK_KHR_cooperative_matrix
    features.cooperative_matrix = cooperative.cooperativeMatrix == VK_TRUE && features.float16 &&
                                  features.subgroup_size_control &&
                                  memory_model.vulkanMemoryModel == VK_TRUE &&
                                  memory_model.vulkanMemoryModelDeviceScope == VK_TRUE;
#endif
    return features;
}

void FeatureChain::set(const DeviceFeatures& features) {
    float16_int8.shaderFloat16 = features.float16 ? VK_TRUE : VK_FALSE;
    float16_int8.shaderInt8 = features.int8 ? VK_TRUE : VK_FALSE;
    storage16.storageBuffer16BitAccess = features.storage16 ? VK_TRUE : VK_FALSE;
    storage8.storageBuffer8BitAccess = features.storage8 ? VK_TRUE : VK_FALSE;
    dot.shaderIntegerDotProduct = features.integer_dot_product ? VK_TRUE : VK_FALSE;
    subgroup_size.subgroupSizeControl = features.subgroup_size_control ? VK_TRUE : VK_FALSE;
    subgroup_size.computeFullSubgroups = subgroup_size.subgroupSizeControl;
    memory_model.vulkanMemoryModel = features.cooperative_matrix ? VK_TRUE : VK_FALSE;
    // Other kernels order their memory between workgroups, which the model then wants named.
    memory_model.vulkanMemoryModelDeviceScope = memory_model.vulkanMemoryModel;
#ifdef VK_KHR_cooperative_matrix
    cooperative.cooperativeMatrix = features.cooperative_matrix ? VK_TRUE : VK_FALSE;
#endif
}

std::vector<const char*> device_extension_names(const DeviceExtensions& extensions,
                                                const DeviceFeatures& features) {
    std::vector<const char*> names;
    // The specification wants it enabled where it is offered.
    if (extensions.has(kPortabilitySubset)) names.push_back(kPortabilitySubset);
    if (extensions.has(VK_EXT_MEMORY_BUDGET_EXTENSION_NAME)) {
        names.push_back(VK_EXT_MEMORY_BUDGET_EXTENSION_NAME);
    }
    if (!features.any()) return names;
    // A structure in the FeatureChain needs its extension, whether its own feature is wanted or
    // not.
    for (const char* name : {
             VK_KHR_8BIT_STORAGE_EXTENSION_NAME,
             VK_KHR_SHADER_FLOAT16_INT8_EXTENSION_NAME,
             VK_KHR_SHADER_INTEGER_DOT_PRODUCT_EXTENSION_NAME,
             VK_EXT_SUBGROUP_SIZE_CONTROL_EXTENSION_NAME,
             VK_KHR_VULKAN_MEMORY_MODEL_EXTENSION_NAME,
#ifdef VK_KHR_cooperative_matrix
             VK_KHR_COOPERATIVE_MATRIX_EXTENSION_NAME,
#endif
         }) {
        if (extensions.has(name)) names.push_back(name);
    }
    return names;
}

std::optional<ComputeQueue> compute_queue(const InstanceTable& fn, VkPhysicalDevice device) {
    std::uint32_t count = 0;
    fn.vkGetPhysicalDeviceQueueFamilyProperties(device, &count, nullptr);
    std::vector<VkQueueFamilyProperties> families(count);
    fn.vkGetPhysicalDeviceQueueFamilyProperties(device, &count, families.data());
    for (std::uint32_t i = 0; i < count; ++i) {
        if ((families[i].queueFlags & VK_QUEUE_COMPUTE_BIT) != 0) {
            return ComputeQueue{i, families[i].timestampValidBits};
        }
    }
    return std::nullopt;
}

std::optional<std::uint64_t> heap_budget_left(const InstanceTable& fn, VkPhysicalDevice device,
                                              std::uint32_t heap) {
    auto properties = vk_struct<VkPhysicalDeviceMemoryProperties2>(
        VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_PROPERTIES_2);
    auto budget = vk_struct<VkPhysicalDeviceMemoryBudgetPropertiesEXT>(
        VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_BUDGET_PROPERTIES_EXT);
    properties.pNext = &budget;
    fn.vkGetPhysicalDeviceMemoryProperties2(device, &properties);
    // A budget of zero for a heap that exists is a driver that does not know.
    if (budget.heapBudget[heap] == 0) return std::nullopt;
    return budget.heapBudget[heap] - std::min(budget.heapBudget[heap], budget.heapUsage[heap]);
}

DeviceInfo query_device_info(const InstanceTable& fn, VkPhysicalDevice device,
                             std::uint32_t index) {
    DeviceInfo info;
    info.index = index;
    VkPhysicalDeviceProperties properties{};
    fn.vkGetPhysicalDeviceProperties(device, &properties);
    info.name = properties.deviceName;
    info.api_version = properties.apiVersion;
    info.driver_version = properties.driverVersion;
    info.vendor_id = properties.vendorID;
    info.device_id = properties.deviceID;
    info.type = device_type(properties.deviceType);
    info.caps.software = info.type == DeviceType::kCpu;
    fill_limits(info.caps, properties.limits);
    VkPhysicalDeviceMemoryProperties memory{};
    fn.vkGetPhysicalDeviceMemoryProperties(device, &memory);
    fill_memory(info, memory);
    // A newer instance says nothing about the device: the functions below need 1.1 of both.
    if (properties.apiVersion < VK_API_VERSION_1_1) {
        info.unusable_because =
            "its driver has Vulkan " + api_version_text(info.api_version) +
            "; 1.1 or newer is needed. A newer driver, or the vendor's own, may have it; "
            "else choose another device";
        return info;
    }
    const auto queue = compute_queue(fn, device);
    if (!queue) {
        info.unusable_because = "it has no queue that computes";
        return info;
    }
    const DeviceExtensions extensions(fn, device);
    if (!extensions.status().ok()) {
        info.unusable_because = "its extensions are unknown: " + extensions.status().message();
        return info;
    }
    const bool sized_subgroups = fill_properties(info, fn, device, extensions);
    if (queue->timestamp_bits != 0) {
        info.caps.timestamp_period_ns = static_cast<double>(properties.limits.timestampPeriod);
    }
    FeatureChain features(extensions);
    fn.vkGetPhysicalDeviceFeatures2(device, &features.head);
    DeviceFeatures& supported = info.caps.features;
    supported = features.get();
    supported.subgroup_size_control &= sized_subgroups;
    supported.cooperative_matrix &= sized_subgroups && trusts_matrix_units(info);
    if (supported.cooperative_matrix) {
        info.caps.cooperative = cooperative_shape(fn, device);
        supported.cooperative_matrix = info.caps.cooperative.m != 0;
    }
    return info;
}

}  // namespace gyre
