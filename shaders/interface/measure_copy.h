// measure_copy.comp
// SPDX-License-Identifier: Apache-2.0
#ifndef GYRE_INTERFACE_MEASURE_COPY_H
#define GYRE_INTERFACE_MEASURE_COPY_H

#include "bindings.h"

#define SPEC_MEASURE_COPY_TEXELS 1  // 1: reads texels, as the products do where they can
#define SPEC_MEASURE_COPY_QUADS  2  // uvec4 that an invocation copies

INTERFACE_BEGIN
struct MeasureCopyParams {
    uint n_quads;  // uvec4 to copy
};
PUSH_CONSTANTS(MeasureCopyParams);
INTERFACE_END

#endif
