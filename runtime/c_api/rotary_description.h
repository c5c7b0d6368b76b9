// How a model's positions rotate, in words and as JSON.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "runtime/model/model_config.h"

namespace gyre::c_api {

// One line: "RoVE: queries, keys and values rotate, outputs rotate back; half pairing, ...".
std::string rotary_text(const ModelConfig& config);

// One object; its keys are those of gyre.* and ARCH.rope.* with '.' as '_'. Written by hand, since
// the library brings no JSON code along for this.
std::string rotary_json(const ModelConfig& config);

}  // namespace gyre::c_api
