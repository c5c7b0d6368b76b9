// A hash that tells model files apart, so that a saved session is loaded with its own model only.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "runtime/model/gguf.h"

namespace gyre {

// A hash of all that stands before the tensors' data (metadata, names, shapes and types; of a split
// file in every part), of the
// notes about what of the file is ignored, and of 256 bytes at the beginning, the middle and the
// end of every tensor. Files with the same fingerprint are taken for the same model; it finds
// mistakes, not malice.
std::uint64_t model_fingerprint(const Gguf& gguf, std::span<const std::string> ignored);

}  // namespace gyre
