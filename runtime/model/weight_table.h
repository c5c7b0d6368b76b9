// The table of weight formats as constants, made of WEIGHT_FORMAT_LIST.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>

#include "runtime/model/weight_formats.h"

namespace gyre {

struct WeightScalesInfo {
    std::uint32_t elements;  // that share a scale
    std::uint32_t words;     // of a group
    std::uint32_t steps;     // of a group
};

inline constexpr WeightScalesInfo kWeightScales[] = {
#define GYRE_ROW(name, NAME, elements, words, steps) {elements, words, steps},
    WEIGHT_SCALES_LIST(GYRE_ROW)
#undef GYRE_ROW
};

inline constexpr std::int32_t kWeightOffsets[] = {
#define GYRE_ROW(name, NAME, offset) offset,
    WEIGHT_MAP_LIST(GYRE_ROW)
#undef GYRE_ROW
};

namespace weight_table {
// The list names maps and scales as the shaders do.
#define GYRE_ROW(name, NAME, offset) inline constexpr WeightMap MAP_##NAME = WeightMap::k##name;
WEIGHT_MAP_LIST(GYRE_ROW)
#undef GYRE_ROW
#define GYRE_ROW(name, NAME, elements, words, steps) \
    inline constexpr WeightScales SCALES_##NAME = WeightScales::k##name;
WEIGHT_SCALES_LIST(GYRE_ROW)
#undef GYRE_ROW

inline constexpr WeightFormatInfo kFormats[] = {
#define GYRE_ROW(id, NAME, name, number, elements, bytes, low, low_at, low_run, high, high_at, \
                 high_run, map, scales, chunk, tiles)                                          \
    {                                                                                          \
        WeightFormat::k##name,                                                                 \
        #NAME,                                                                                 \
        number,                                                                                \
        elements,                                                                              \
        bytes,                                                                                 \
        {low, low_at, low_run},                                                                \
        {high, high_at, high_run},                                                             \
        MAP_##map,                                                                             \
        SCALES_##scales,                                                                       \
        chunk,                                                                                 \
        tiles},
    WEIGHT_FORMAT_LIST(GYRE_ROW)
#undef GYRE_ROW
};
}  // namespace weight_table

using weight_table::kFormats;

constexpr bool weight_ids_are_places() {
    for (std::uint32_t i = 0; i < std::size(kFormats); ++i) {
        if (kFormats[i].format != static_cast<WeightFormat>(i)) return false;
    }
    return true;
}
static_assert(weight_ids_are_places(), "a format's id is its place in the list");

// Calls visit.template operator()<id>() for the format's id, a constant: code for each format comes
// out of one template.
template <std::uint32_t id = 0, typename Visit>
decltype(auto) with_format(WeightFormat format, Visit visit) {
    if constexpr (id + 1 < std::size(kFormats)) {
        if (format != static_cast<WeightFormat>(id)) return with_format<id + 1>(format, visit);
    }
    return visit.template operator()<id>();
}

}  // namespace gyre
