// Creates the VkInstance, with layers and messenger where asked for, and lists the devices.
// SPDX-License-Identifier: Apache-2.0
#include "runtime/vk/instance.h"

#include <algorithm>
#include <cstring>

#include "runtime/base/log.h"
#include "runtime/vk/device_query.h"
#include "runtime/vk/install_hints.h"
#include "runtime/vk/loader.h"
#include "runtime/vk/vk_call.h"

namespace gyre {

namespace {

constexpr const char* kValidationLayer = "VK_LAYER_KHRONOS_validation";

VKAPI_ATTR VkBool32 VKAPI_CALL forward_message(VkDebugUtilsMessageSeverityFlagBitsEXT severity,
                                               VkDebugUtilsMessageTypeFlagsEXT,
                                               const VkDebugUtilsMessengerCallbackDataEXT* data,
                                               void* user) {
    const auto* state = static_cast<const InstanceState*>(user);
    const char* message = data->pMessage != nullptr ? data->pMessage : "";
    if (state->on_message) {
        state->on_message(message);
    } else {
        const bool error = (severity & VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT) != 0;
        log(error ? LogLevel::kError : LogLevel::kWarning, std::string("Vulkan: ") + message);
    }
    return VK_FALSE;
}

VkDebugUtilsMessengerCreateInfoEXT messenger_info(InstanceState& state) {
    auto info = vk_struct<VkDebugUtilsMessengerCreateInfoEXT>(
        VK_STRUCTURE_TYPE_DEBUG_UTILS_MESSENGER_CREATE_INFO_EXT);
    info.messageSeverity = VK_DEBUG_UTILS_MESSAGE_SEVERITY_WARNING_BIT_EXT |
                           VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT;
    info.messageType = VK_DEBUG_UTILS_MESSAGE_TYPE_GENERAL_BIT_EXT |
                       VK_DEBUG_UTILS_MESSAGE_TYPE_VALIDATION_BIT_EXT |
                       VK_DEBUG_UTILS_MESSAGE_TYPE_PERFORMANCE_BIT_EXT;
    info.pfnUserCallback = forward_message;
    info.pUserData = &state;
    return info;
}

Result<std::vector<VkExtensionProperties>> instance_extensions(const char* layer) {
    std::uint32_t count = 0;
    VK_TRY(vkEnumerateInstanceExtensionProperties(layer, &count, nullptr));
    std::vector<VkExtensionProperties> list(count);
    const VkResult result = vkEnumerateInstanceExtensionProperties(layer, &count, list.data());
    if (result != VK_INCOMPLETE)
        GYRE_TRY(status_of(result, "vkEnumerateInstanceExtensionProperties"));
    list.resize(count);
    return list;
}

bool contains(const std::vector<VkExtensionProperties>& list, const char* name) {
    for (const VkExtensionProperties& entry : list) {
        if (std::strcmp(entry.extensionName, name) == 0) return true;
    }
    return false;
}

Status check_validation_layer(const InstanceOptions& options) {
    std::uint32_t count = 0;
    VK_TRY(vkEnumerateInstanceLayerProperties(&count, nullptr));
    std::vector<VkLayerProperties> layers(count);
    const VkResult result = vkEnumerateInstanceLayerProperties(&count, layers.data());
    if (result != VK_INCOMPLETE) GYRE_TRY(status_of(result, "vkEnumerateInstanceLayerProperties"));
    bool found = false;
    for (const VkLayerProperties& layer : layers) {
        found = found || std::strcmp(layer.layerName, kValidationLayer) == 0;
    }
    if (!found) {
        return Status::unsupported(
            "VK_LAYER_KHRONOS_validation is not installed (Debian: vulkan-validationlayers)");
    }
    if (options.sync_validation || options.gpu_validation) {
        GYRE_ASSIGN(const auto extensions, instance_extensions(kValidationLayer));
        if (!contains(extensions, VK_EXT_VALIDATION_FEATURES_EXTENSION_NAME)) {
            return Status::unsupported(
                "VK_LAYER_KHRONOS_validation is too old for synchronization and GPU validation");
        }
    }
    return {};
}

Status create_instance(InstanceState& state, const InstanceOptions& options) {
    GYRE_ASSIGN(const auto available, instance_extensions(nullptr));
    std::vector<const char*> extensions;
    const bool debug_utils = contains(available, VK_EXT_DEBUG_UTILS_EXTENSION_NAME);
    if (debug_utils) extensions.push_back(VK_EXT_DEBUG_UTILS_EXTENSION_NAME);

    auto application = vk_struct<VkApplicationInfo>(VK_STRUCTURE_TYPE_APPLICATION_INFO);
    application.pApplicationName = "gyre";
    application.pEngineName = "gyre";
    application.apiVersion = VK_API_VERSION_1_1;
    auto info = vk_struct<VkInstanceCreateInfo>(VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO);
    info.pApplicationInfo = &application;
    if (contains(available, VK_KHR_PORTABILITY_ENUMERATION_EXTENSION_NAME)) {
        extensions.push_back(VK_KHR_PORTABILITY_ENUMERATION_EXTENSION_NAME);
        info.flags |= VK_INSTANCE_CREATE_ENUMERATE_PORTABILITY_BIT_KHR;
    }

    // In the chain it also sees what goes wrong in vkCreateInstance itself.
    VkDebugUtilsMessengerCreateInfoEXT messenger = messenger_info(state);
    if (debug_utils) info.pNext = &messenger;
    std::vector<VkValidationFeatureEnableEXT> enabled;
    if (options.sync_validation) {
        enabled.push_back(VK_VALIDATION_FEATURE_ENABLE_SYNCHRONIZATION_VALIDATION_EXT);
    }
    if (options.gpu_validation) {
        enabled.push_back(VK_VALIDATION_FEATURE_ENABLE_GPU_ASSISTED_EXT);
    }
    auto features = vk_struct<VkValidationFeaturesEXT>(VK_STRUCTURE_TYPE_VALIDATION_FEATURES_EXT);
    if (options.validation) {
        GYRE_TRY(check_validation_layer(options));
        info.enabledLayerCount = 1;
        info.ppEnabledLayerNames = &kValidationLayer;
        if (!enabled.empty()) {
            extensions.push_back(VK_EXT_VALIDATION_FEATURES_EXTENSION_NAME);
            features.enabledValidationFeatureCount = static_cast<std::uint32_t>(enabled.size());
            features.pEnabledValidationFeatures = enabled.data();
            features.pNext = info.pNext;
            info.pNext = &features;
        }
    }
    info.enabledExtensionCount = static_cast<std::uint32_t>(extensions.size());
    info.ppEnabledExtensionNames = extensions.data();

    const VkResult result = vkCreateInstance(&info, nullptr, &state.instance);
    if (result != VK_SUCCESS) state.instance = VK_NULL_HANDLE;
    if (result == VK_ERROR_INCOMPATIBLE_DRIVER) {
        return Status::no_device(kNoDriver);
    }
    GYRE_TRY(status_of(result, "vkCreateInstance"));
    GYRE_TRY(state.fn.load(state.instance, debug_utils));
    if (debug_utils && state.fn.vkCreateDebugUtilsMessengerEXT != nullptr) {
        VK_MAKE(state.messenger, state.fn.vkCreateDebugUtilsMessengerEXT(
                                     state.instance, &messenger, nullptr, &state.messenger));
    }
    return {};
}

Status list_devices(InstanceState& state) {
    std::uint32_t count = 0;
    VkResult result = state.fn.vkEnumeratePhysicalDevices(state.instance, &count, nullptr);
    if (result == VK_SUCCESS) {
        state.physical.resize(count);
        result = state.fn.vkEnumeratePhysicalDevices(state.instance, &count, state.physical.data());
    }
    // Some loaders say this instead of "none" when every driver fails to start.
    if (result == VK_ERROR_INITIALIZATION_FAILED)
        count = 0;
    else if (result != VK_INCOMPLETE)
        GYRE_TRY(status_of(result, "vkEnumeratePhysicalDevices"));
    state.physical.resize(count);
    for (std::uint32_t i = 0; i < count; ++i) {
        state.devices.push_back(query_device_info(state.fn, state.physical[i], i));
    }
    return {};
}

}  // namespace

Result<Instance> Instance::create(const InstanceOptions& options) {
    GYRE_TRY(open_loader());
    auto state = std::make_unique<InstanceState>();
    state->on_message = options.on_message;
    GYRE_TRY(create_instance(*state, options));
    GYRE_TRY(list_devices(*state));
    return Instance(std::move(state));
}

Instance::Instance(std::unique_ptr<InstanceState> state) : state_(std::move(state)) {}
Instance::Instance(Instance&&) noexcept = default;
Instance& Instance::operator=(Instance&&) noexcept = default;
Instance::~Instance() = default;

const std::vector<DeviceInfo>& Instance::devices() const {
    return state_->devices;
}

std::uint64_t Instance::available_device_bytes(std::uint32_t index) const {
    const VkPhysicalDevice device = state_->physical[index];
    const bool has_budget =
        DeviceExtensions(state_->fn, device).has(VK_EXT_MEMORY_BUDGET_EXTENSION_NAME);
    VkPhysicalDeviceMemoryProperties memory{};
    state_->fn.vkGetPhysicalDeviceMemoryProperties(device, &memory);
    std::uint64_t best = 0;
    for (std::uint32_t heap = 0; heap < memory.memoryHeapCount; ++heap) {
        if ((memory.memoryHeaps[heap].flags & VK_MEMORY_HEAP_DEVICE_LOCAL_BIT) == 0) continue;
        const std::optional<std::uint64_t> left =
            has_budget ? heap_budget_left(state_->fn, device, heap) : std::nullopt;
        best = std::max(best, left.value_or(memory.memoryHeaps[heap].size));
    }
    return best;
}

}  // namespace gyre
