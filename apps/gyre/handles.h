// gyre.h's handles with their destructors, and its status as an exception.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "apps/gyre/command.h"
#include "gyre/gyre.h"

namespace gyre::app {

struct Destroy {
    void operator()(gyre_device_list* list) const { gyre_device_list_destroy(list); }
    void operator()(gyre_model* model) const { gyre_model_destroy(model); }
    void operator()(gyre_session* session) const { gyre_session_destroy(session); }
};
using DeviceList = std::unique_ptr<gyre_device_list, Destroy>;
using Model = std::unique_ptr<gyre_model, Destroy>;
using Session = std::unique_ptr<gyre_session, Destroy>;

inline void check(gyre_status status) {
    if (status != GYRE_OK) throw Failure(gyre_last_error());
}

}  // namespace gyre::app
