// Cuts a model into the parts of a split file, as llama-gguf-split and gguf-py write them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include "tests/model/gguf_builder.h"

namespace gyre::testing {

// number: from 1.
inline std::string part_name(const std::string& stem, std::size_t number, std::size_t count) {
    std::array<char, 64> ending{};
    std::snprintf(ending.data(), ending.size(), "-%05zu-of-%05zu.gguf", number, count);
    return stem + ending.data();
}

inline void set_split_keys(GgufBuilder& part, std::size_t number, std::size_t count,
                           std::size_t n_tensors) {
    part.scalar("split.no", 2, static_cast<std::uint16_t>(number - 1));
    part.scalar("split.count", 2, static_cast<std::uint16_t>(count));
    part.scalar("split.tensors.count", 5, static_cast<std::int32_t>(n_tensors));
}

// sizes: how many tensors each part has; in all, as many as the model. The first has the metadata.
inline std::vector<GgufBuilder> split_model(const GgufBuilder& whole,
                                            const std::vector<std::size_t>& sizes) {
    std::vector<GgufBuilder> parts(sizes.size());
    parts[0] = whole;
    auto next = whole.tensors.begin();
    for (std::size_t i = 0; i < sizes.size(); ++i) {
        const auto end = next + static_cast<std::ptrdiff_t>(sizes[i]);
        parts[i].tensors.assign(next, end);
        set_split_keys(parts[i], i + 1, sizes.size(), whole.tensors.size());
        next = end;
    }
    return parts;
}

}  // namespace gyre::testing
