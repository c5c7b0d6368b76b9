// SPDX-License-Identifier: Apache-2.0
#include "runtime/engine/open_device.h"

#include "runtime/engine/device_tiles.h"

namespace gyre {
namespace {

bool wants_matrix_units(MatrixUnits wanted, const DeviceInfo& device) {
    return wanted == MatrixUnits::kOn ||
           (wanted == MatrixUnits::kAuto && device_tiles(device).matrix_units);
}

}  // namespace

Result<Instance> create_instance(const OpenOptions& options) {
    InstanceOptions instance_options;
    instance_options.validation = options.validation;
    instance_options.sync_validation = options.sync_validation;
    instance_options.on_message = options.on_validation_message;
    return Instance::create(instance_options);
}

DeviceOptions device_options(const OpenOptions& options, const DeviceInfo& device) {
    DeviceOptions of_device;
    of_device.pipeline_cache_path = options.pipeline_cache_path;
    of_device.limit = options.limit;
    of_device.features.cooperative_matrix = wants_matrix_units(options.matrix_units, device);
    return of_device;
}

}  // namespace gyre
