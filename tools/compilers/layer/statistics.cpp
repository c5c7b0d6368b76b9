// Asks a driver for statistics and texts of a pipeline's executables.
// SPDX-License-Identifier: Apache-2.0
#include "statistics.h"

#include <cctype>
#include <fstream>
#include <vector>

#include "settings.h"

namespace compilers {

namespace {

template <typename Info>
Info typed(VkStructureType type) {
    Info info{};
    info.sType = type;
    return info;
}

void add_statistic(JsonObject& out, const VkPipelineExecutableStatisticKHR& statistic) {
    switch (statistic.format) {
        case VK_PIPELINE_EXECUTABLE_STATISTIC_FORMAT_BOOL32_KHR:
            out.add(statistic.name, statistic.value.b32 == VK_TRUE);
            break;
        case VK_PIPELINE_EXECUTABLE_STATISTIC_FORMAT_INT64_KHR:
            out.add(statistic.name, statistic.value.i64);
            break;
        case VK_PIPELINE_EXECUTABLE_STATISTIC_FORMAT_UINT64_KHR:
            out.add(statistic.name, statistic.value.u64);
            break;
        default:
            out.add(statistic.name, statistic.value.f64);
    }
}

JsonObject statistics(const DeviceEntry& device, const VkPipelineExecutableInfoKHR& which) {
    const auto get = below<PFN_vkGetPipelineExecutableStatisticsKHR>(
        device, "vkGetPipelineExecutableStatisticsKHR");
    std::uint32_t count = 0;
    get(device.handle, &which, &count, nullptr);
    std::vector list(count, typed<VkPipelineExecutableStatisticKHR>(
                                VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_STATISTIC_KHR));
    get(device.handle, &which, &count, list.data());
    JsonObject out;
    for (const VkPipelineExecutableStatisticKHR& statistic : list)
        add_statistic(out, statistic);
    return out;
}

std::string file_word(std::string word) {
    for (char& c : word) {
        if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
    }
    return word;
}

// Writes every text into a file; the result says which text lies where.
JsonObject texts(const DeviceEntry& device, const VkPipelineExecutableInfoKHR& which,
                 const std::string& name) {
    const auto get = below<PFN_vkGetPipelineExecutableInternalRepresentationsKHR>(
        device, "vkGetPipelineExecutableInternalRepresentationsKHR");
    std::uint32_t count = 0;
    get(device.handle, &which, &count, nullptr);
    std::vector list(count, typed<VkPipelineExecutableInternalRepresentationKHR>(
                                VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_INTERNAL_REPRESENTATION_KHR));
    get(device.handle, &which, &count, list.data());  // sizes
    std::vector<std::vector<char>> data(count);
    for (std::uint32_t i = 0; i < count; ++i) {
        data[i].resize(list[i].dataSize);
        list[i].pData = data[i].data();
    }
    get(device.handle, &which, &count, list.data());
    JsonObject out;
    for (std::uint32_t i = 0; i < count; ++i) {
        const std::string file = name + "." + std::to_string(which.executableIndex) + "." +
                                 file_word(list[i].name) + ".txt";
        std::size_t size = list[i].dataSize;
        while (size > 0 && data[i][size - 1] == '\0')
            --size;  // drivers count the end of a string
        std::ofstream(settings().texts + "/" + file, std::ios::binary)
            .write(data[i].data(), static_cast<std::streamsize>(size));
        out.add(list[i].name, file);
    }
    return out;
}

}  // namespace

JsonObject describe_executables(const DeviceEntry& device, VkPipeline pipeline,
                                const std::string& name) {
    const auto get = below<PFN_vkGetPipelineExecutablePropertiesKHR>(
        device, "vkGetPipelineExecutablePropertiesKHR");
    auto info = typed<VkPipelineInfoKHR>(VK_STRUCTURE_TYPE_PIPELINE_INFO_KHR);
    info.pipeline = pipeline;
    std::uint32_t count = 0;
    get(device.handle, &info, &count, nullptr);
    std::vector list(count, typed<VkPipelineExecutablePropertiesKHR>(
                                VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_PROPERTIES_KHR));
    get(device.handle, &info, &count, list.data());
    std::string array;
    for (std::uint32_t i = 0; i < count; ++i) {
        auto which =
            typed<VkPipelineExecutableInfoKHR>(VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_INFO_KHR);
        which.pipeline = pipeline;
        which.executableIndex = i;
        JsonObject one;
        one.add("name", list[i].name)
            .add("subgroup", list[i].subgroupSize)
            .raw("stats", statistics(device, which).text());
        if (!settings().texts.empty()) one.raw("texts", texts(device, which, name).text());
        array += (i == 0 ? "" : ",") + one.text();
    }
    JsonObject out;
    out.raw("executables", "[" + array + "]");
    return out;
}

}  // namespace compilers
