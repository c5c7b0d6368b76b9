// The ways of cutting a product that the tests go through.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "runtime/kernels/kernel_table.h"

namespace gyre::test {

inline constexpr Tiling kDecode{.local_size = 64, .rows = 4, .tokens = 1, .k_lanes = 1};
inline constexpr Tiling kDecodeLanes{.local_size = 64, .rows = 2, .tokens = 1, .k_lanes = 8};
inline constexpr Tiling kPrefill{.local_size = 64, .rows = 4, .tokens = 4, .k_lanes = 1};
inline constexpr Tiling kWidePrefill{.local_size = 128, .rows = 2, .tokens = 8, .k_lanes = 1};
inline constexpr Tiling kSmall{.local_size = 16, .rows = 2, .tokens = 3, .k_lanes = 1};
// Scales by four, of rows that are neighbours in the list, and of every second one.
inline constexpr Tiling kEightLanes{.local_size = 8, .rows = 8, .tokens = 2, .k_lanes = 1};
inline constexpr Tiling kFourLanes{.local_size = 4, .rows = 16, .tokens = 2, .k_lanes = 1};
inline constexpr Tiling kOneRow{.local_size = 32, .rows = 1, .tokens = 1, .k_lanes = 32};

inline constexpr Tiling with_texels(Tiling tiling) {
    tiling.texels = true;
    return tiling;
}

// For the device's matrix units, the last one by texels; none where there are none.
inline std::vector<Tiling> cooperative_tilings(const DeviceCaps& caps) {
    std::vector<Tiling> tilings;
    for (const std::uint32_t rows : {32u, 64u}) {
        for (const std::uint32_t tokens : {32u, 64u}) {
            const Tiling tiling = cooperative_tiling(caps, rows, tokens);
            if (can_use_cooperative(caps, tiling)) tilings.push_back(tiling);
        }
    }
    if (!tilings.empty()) tilings.push_back(with_texels(tilings[0]));
    return tilings;
}

// A loop over the blocks of a step.
inline constexpr Tiling rolled(Tiling tiling) {
    tiling.rolled = true;
    return tiling;
}

inline constexpr Tiling in_stages(Tiling tiling) {
    tiling.staged = true;
    return tiling;
}

}  // namespace gyre::test
