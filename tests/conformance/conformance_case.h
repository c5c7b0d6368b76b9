// The cases of tests/conformance/cases as the tests use them; formats: docs/conformance.md.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "runtime/base/status.h"
#include "runtime/model/model_config.h"
#include "shaders/interface/cache.h"

namespace gyre::test {

struct ConformanceCase {
    std::string name;  // "rove_17"
    std::uint32_t n_tokens = 0;
    std::uint32_t first_position = 0;
    std::uint32_t n_ctx = 0;  // positions of the session, for rules that depend on it
    CacheFormat cache = CacheFormat::kF32;
    ModelConfig config;  // read from a model file with the case's keys and tensors
    // Inputs drawn from the seed, by tensor name; "x" is [n_tokens][n_embd].
    std::map<std::string, std::vector<float>> arrays;
    std::vector<float> expected;  // [n_tokens][n_head * head_dim]
    double tolerance = 0.0;       // of |result - expected|, every element

    RotarySpec spec() const { return config.rotary_spec(n_ctx); }
    bool is_complex() const { return config.attention.qkv == ProjectionKind::kComplex; }
    // The array, or an empty one.
    const std::vector<float>& array(const std::string& name) const;
};

struct ConformanceSystem {
    std::string name, about;
    std::vector<ConformanceCase> cases;
};

// Names of all systems, sorted: the files of the folder.
std::vector<std::string> conformance_systems();

// Errors name the file and the case; also what the model layer says of a case's keys.
Result<ConformanceSystem> load_conformance_system(const std::string& name);

}  // namespace gyre::test
