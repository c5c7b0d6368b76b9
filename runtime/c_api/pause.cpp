// gyre_model_pause and gyre_model_resume.
// SPDX-License-Identifier: Apache-2.0
#include "runtime/c_api/boundary.h"
#include "runtime/c_api/model_handle.h"

namespace {

using gyre::Device;
using gyre::Result;
using gyre::Status;
using gyre::c_api::guarded;
using gyre::c_api::null_argument;

Result<Device*> device_of(const gyre_model* model) {
    if (model == nullptr) return null_argument("model");
    if (model->open->engine == nullptr) {
        return Status::no_device("the model was opened with the device \"none\"");
    }
    return &model->open->engine->device();
}

}  // namespace

gyre_status gyre_model_pause(gyre_model* model) {
    return guarded([&]() -> Status {
        GYRE_ASSIGN(Device* const device, device_of(model));
        return device->pause();
    });
}

gyre_status gyre_model_resume(gyre_model* model) {
    return guarded([&]() -> Status {
        GYRE_ASSIGN(Device* const device, device_of(model));
        device->resume();
        return {};
    });
}
