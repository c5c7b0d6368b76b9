// gyre devices: the Vulkan devices of this machine.
// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "apps/gyre/handles.h"

namespace gyre::app {
namespace {

const char* to_string(gyre_device_type type) {
    switch (type) {
        case GYRE_DEVICE_INTEGRATED_GPU:
            return "integrated_gpu";
        case GYRE_DEVICE_DISCRETE_GPU:
            return "discrete_gpu";
        case GYRE_DEVICE_VIRTUAL_GPU:
            return "virtual_gpu";
        case GYRE_DEVICE_CPU:
            return "cpu";
        case GYRE_DEVICE_OTHER:
        case GYRE_DEVICE_TYPE_FORCE_32:
            break;
    }
    return "other";
}

std::string version_text(std::uint32_t v) {
    return std::to_string((v >> 22) & 0x7f) + "." + std::to_string((v >> 12) & 0x3ff) + "." +
           std::to_string(v & 0xfff);
}

nlohmann::ordered_json to_json(const gyre_device_info& info) {
    nlohmann::ordered_json json;
    json["index"] = info.index;
    json["name"] = info.name;
    json["type"] = to_string(info.type);
    json["is_software"] = info.is_software != 0;
    json["usable"] = *info.unusable_because == '\0';
    json["unusable_because"] = info.unusable_because;
    json["driver"] = info.driver_name;
    json["driver_info"] = info.driver_info;
    json["driver_version"] = info.driver_version;
    json["api_version"] = version_text(info.api_version);
    json["vendor_id"] = info.vendor_id;
    json["device_id"] = info.device_id;
    json["memory_bytes"] = info.memory_bytes;
    json["unified_memory"] = info.unified_memory != 0;
    json["max_storage_bytes"] = info.max_storage_bytes;
    json["subgroup_size"] = info.subgroup_size;
    return json;
}

void print_text(const gyre_device_info& info) {
    std::printf("%u  %s\n", info.index, info.name);
    std::printf("   %s%s, Vulkan %s, driver %s %s\n", to_string(info.type),
                info.is_software != 0 ? " (software)" : "", version_text(info.api_version).c_str(),
                info.driver_name, info.driver_info);
    std::printf("   %.0f MB%s, subgroups of %u\n", static_cast<double>(info.memory_bytes) / 1e6,
                info.unified_memory != 0 ? " shared with the host" : "", info.subgroup_size);
    if (*info.unusable_because != '\0') std::printf("   not usable: %s\n", info.unusable_because);
}

void print_devices(bool json) {
    gyre_device_list* created = nullptr;
    check(gyre_device_list_create(&created));
    const DeviceList list(created);
    nlohmann::ordered_json devices = nlohmann::ordered_json::array();
    for (std::size_t i = 0; i < gyre_device_list_count(created); ++i) {
        gyre_device_info info = GYRE_DEVICE_INFO_INIT;
        check(gyre_device_list_get(created, i, &info));
        if (json) {
            devices.push_back(to_json(info));
        } else {
            print_text(info);
        }
    }
    if (!json) return;
    const nlohmann::ordered_json object = {{"devices", devices}};
    const auto replace = nlohmann::ordered_json::error_handler_t::replace;
    std::printf("%s\n", object.dump(-1, ' ', false, replace).c_str());
}

}  // namespace

Command add_devices(CLI::App& program) {
    CLI::App* parser = program.add_subcommand("devices", "List the Vulkan devices");
    const auto json = std::make_shared<bool>(false);
    parser->add_flag("--json", *json, "One JSON object");
    return {parser, [json] { print_devices(*json); }};
}

}  // namespace gyre::app
