// Creates one compute pipeline from a SPIR-V file with the product's layout, on the first Vulkan
// device.
// SPDX-License-Identifier: Apache-2.0
//
// usage: one_pipeline FILE.spv [ID=VALUE...]
//
// It prints nothing of the pipeline: the layer beside it does (tools/compilers/one_pipeline.py runs
// both). Exit code 0 when the driver made the pipeline, 1 when it did not, 2 when it was not asked.
#include <vulkan/vulkan.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

// Bindings of shaders/interface/bindings.h: four storage buffers, one uniform buffer, four texel
// buffers.
constexpr std::uint32_t kStorageBindings = 4;
constexpr std::uint32_t kUniformBinding = 4;
constexpr std::uint32_t kBindings = 9;
constexpr std::uint32_t kPushBytes = 128;

void check(VkResult result, const char* call) {
    if (result != VK_SUCCESS) {
        throw std::runtime_error(std::string(call) + " returned " + std::to_string(result));
    }
}

template <typename Info>
Info typed(VkStructureType type) {
    Info info{};
    info.sType = type;
    return info;
}

std::vector<std::uint32_t> read_words(const char* path) {
    std::ifstream file(path, std::ios::binary);
    std::vector<std::uint32_t> words(file ? std::filesystem::file_size(path) / 4 : 0);
    file.read(reinterpret_cast<char*>(words.data()),
              static_cast<std::streamsize>(words.size() * 4));
    if (!file || words.empty() || words[0] != 0x07230203u) {
        throw std::runtime_error(std::string(path) + " is not a SPIR-V file");
    }
    return words;
}

VkPhysicalDevice first_device(VkInstance instance) {
    std::uint32_t count = 1;
    VkPhysicalDevice device = VK_NULL_HANDLE;
    const VkResult result = vkEnumeratePhysicalDevices(instance, &count, &device);
    if (result < 0 || count == 0) throw std::runtime_error("there is no Vulkan device");
    VkPhysicalDeviceProperties properties{};
    vkGetPhysicalDeviceProperties(device, &properties);
    std::printf("%s\n", properties.deviceName);
    return device;
}

VkDevice make_device(VkPhysicalDevice physical) {
    const float priority = 1;
    auto queue = typed<VkDeviceQueueCreateInfo>(VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO);
    queue.queueCount = 1;
    queue.pQueuePriorities = &priority;
    auto info = typed<VkDeviceCreateInfo>(VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO);
    info.queueCreateInfoCount = 1;
    info.pQueueCreateInfos = &queue;
    VkDevice device = VK_NULL_HANDLE;
    check(vkCreateDevice(physical, &info, nullptr, &device), "vkCreateDevice");
    return device;
}

VkPipelineLayout make_layout(VkDevice device) {
    std::array<VkDescriptorSetLayoutBinding, kBindings> bindings{};
    for (std::uint32_t b = 0; b < kBindings; ++b) {
        bindings[b].binding = b;
        bindings[b].descriptorType = b < kStorageBindings ? VK_DESCRIPTOR_TYPE_STORAGE_BUFFER
                                     : b == kUniformBinding
                                         ? VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER
                                         : VK_DESCRIPTOR_TYPE_UNIFORM_TEXEL_BUFFER;
        bindings[b].descriptorCount = 1;
        bindings[b].stageFlags = VK_SHADER_STAGE_COMPUTE_BIT;
    }
    auto set_info =
        typed<VkDescriptorSetLayoutCreateInfo>(VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO);
    set_info.bindingCount = kBindings;
    set_info.pBindings = bindings.data();
    VkDescriptorSetLayout set = VK_NULL_HANDLE;
    check(vkCreateDescriptorSetLayout(device, &set_info, nullptr, &set),
          "vkCreateDescriptorSetLayout");
    const VkPushConstantRange push{VK_SHADER_STAGE_COMPUTE_BIT, 0, kPushBytes};
    auto info = typed<VkPipelineLayoutCreateInfo>(VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO);
    info.setLayoutCount = 1;
    info.pSetLayouts = &set;
    info.pushConstantRangeCount = 1;
    info.pPushConstantRanges = &push;
    VkPipelineLayout layout = VK_NULL_HANDLE;
    check(vkCreatePipelineLayout(device, &info, nullptr, &layout), "vkCreatePipelineLayout");
    return layout;
}

struct Constants {
    std::vector<VkSpecializationMapEntry> entries;
    std::vector<std::uint32_t> values;

    void add(const std::string& text) {
        unsigned id = 0;
        unsigned value = 0;
        char rest = 0;
        if (std::sscanf(text.c_str(), "%u=%u%c", &id, &value, &rest) != 2) {
            throw std::runtime_error("'" + text + "' is not ID=VALUE");
        }
        entries.push_back({id, static_cast<std::uint32_t>(4 * values.size()), 4});
        values.push_back(value);
    }
};

int run(int argc, char** argv) {
    if (argc < 2) throw std::runtime_error("usage: one_pipeline FILE.spv [ID=VALUE...]");
    const std::vector<std::uint32_t> words = read_words(argv[1]);
    Constants constants;
    for (int i = 2; i < argc; ++i)
        constants.add(argv[i]);

    auto application = typed<VkApplicationInfo>(VK_STRUCTURE_TYPE_APPLICATION_INFO);
    application.pApplicationName = application.pEngineName = "gyre";
    application.apiVersion = VK_API_VERSION_1_1;
    auto instance_info = typed<VkInstanceCreateInfo>(VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO);
    instance_info.pApplicationInfo = &application;
    VkInstance instance = VK_NULL_HANDLE;
    check(vkCreateInstance(&instance_info, nullptr, &instance), "vkCreateInstance");
    const VkDevice device = make_device(first_device(instance));

    auto module_info = typed<VkShaderModuleCreateInfo>(VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO);
    module_info.codeSize = 4 * words.size();
    module_info.pCode = words.data();
    VkShaderModule module = VK_NULL_HANDLE;
    check(vkCreateShaderModule(device, &module_info, nullptr, &module), "vkCreateShaderModule");
    const VkSpecializationInfo specialization{static_cast<std::uint32_t>(constants.entries.size()),
                                              constants.entries.data(), 4 * constants.values.size(),
                                              constants.values.data()};
    auto info = typed<VkComputePipelineCreateInfo>(VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO);
    info.flags = VK_PIPELINE_CREATE_DISPATCH_BASE;  // as the product does
    info.stage.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO;
    info.stage.stage = VK_SHADER_STAGE_COMPUTE_BIT;
    info.stage.module = module;
    info.stage.pName = "main";
    info.stage.pSpecializationInfo = &specialization;
    info.layout = make_layout(device);
    VkPipeline pipeline = VK_NULL_HANDLE;
    const VkResult result =
        vkCreateComputePipelines(device, VK_NULL_HANDLE, 1, &info, nullptr, &pipeline);
    std::fflush(stdout);
    std::_Exit(result == VK_SUCCESS ? 0 : 1);  // nothing was done that would have to be undone
}

}  // namespace

int main(int argc, char** argv) {
    try {
        return run(argc, argv);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "one_pipeline: %s\n", error.what());
        return 2;
    }
}
