// SPDX-License-Identifier: Apache-2.0
#include "runtime/c_api/device_list.h"

#include <memory>
#include <string>
#include <vector>

#include "runtime/c_api/boundary.h"
#include "runtime/vk/instance.h"

struct gyre_device_list {
    std::vector<gyre::DeviceInfo> devices;
};

namespace gyre::c_api {
namespace {

gyre_device_type to_c(DeviceType type) {
    switch (type) {
        case DeviceType::kDiscreteGpu:
            return GYRE_DEVICE_DISCRETE_GPU;
        case DeviceType::kIntegratedGpu:
            return GYRE_DEVICE_INTEGRATED_GPU;
        case DeviceType::kVirtualGpu:
            return GYRE_DEVICE_VIRTUAL_GPU;
        case DeviceType::kCpu:
            return GYRE_DEVICE_CPU;
        case DeviceType::kOther:
            break;
    }
    return GYRE_DEVICE_OTHER;
}

}  // namespace

gyre_device_info to_c(const DeviceInfo& info) {
    gyre_device_info c = GYRE_DEVICE_INFO_INIT;
    c.name = info.name.c_str();
    c.driver_name = info.driver_name.c_str();
    c.driver_info = info.driver_info.c_str();
    c.unusable_because = info.unusable_because.c_str();
    c.type = to_c(info.type);
    c.is_software = info.caps.software ? 1 : 0;
    c.unified_memory = info.caps.unified_memory ? 1 : 0;
    c.vendor_id = info.vendor_id;
    c.device_id = info.device_id;
    c.driver_version = info.driver_version;
    c.api_version = info.api_version;
    c.index = info.index;
    c.subgroup_size = info.caps.subgroup_size;
    c.memory_bytes = info.device_memory_bytes;
    c.max_storage_bytes = info.caps.max_storage_range;
    return c;
}

}  // namespace gyre::c_api

using gyre::Status;
using gyre::c_api::guarded;
using gyre::c_api::null_argument;

gyre_status gyre_device_list_create(gyre_device_list** out_list) {
    return guarded([&]() -> Status {
        if (out_list == nullptr) return null_argument("out_list");
        *out_list = nullptr;
        GYRE_ASSIGN(const auto instance, gyre::Instance::create());
        auto list = std::make_unique<gyre_device_list>();
        list->devices = instance.devices();
        *out_list = list.release();
        return {};
    });
}

void gyre_device_list_destroy(gyre_device_list* list) {
    delete list;
}

size_t gyre_device_list_count(const gyre_device_list* list) {
    return list == nullptr ? 0 : list->devices.size();
}

gyre_status gyre_device_list_get(const gyre_device_list* list, size_t index,
                                 gyre_device_info* info) {
    return guarded([&]() -> Status {
        if (list == nullptr) return null_argument("list");
        if (index >= list->devices.size()) {
            return Status::invalid_argument("index is " + std::to_string(index) +
                                            ", but the list has " +
                                            std::to_string(list->devices.size()) + " devices");
        }
        return gyre::c_api::write_struct(gyre::c_api::to_c(list->devices[index]), info, "info");
    });
}
