// What is behind a gyre_model.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "gyre/gyre.h"
#include "runtime/c_api/model_card.h"
#include "runtime/engine/model.h"

namespace gyre::c_api {

// Immutable; shared by the handle and the sessions.
struct OpenModel {
    ModelFile file;  // without its data
    ModelCard card;
    std::shared_ptr<const Model> engine;  // null: opened with "none"
};

}  // namespace gyre::c_api

struct gyre_model {
    std::shared_ptr<const gyre::c_api::OpenModel> open;
};
