// What gyre_model_open and gyre_model_estimate share of their options.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "runtime/base/status.h"
#include "runtime/engine/model.h"

namespace gyre::c_api {

// GYRE_VALIDATION, as gyre.h describes it.
Status read_validation_switch(OpenOptions& options);

// Whether a device selector says that no driver is wanted.
bool is_no_device(const char* device);

}  // namespace gyre::c_api
