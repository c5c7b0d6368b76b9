// measure_fma.comp
// SPDX-License-Identifier: Apache-2.0
#ifndef GYRE_INTERFACE_MEASURE_FMA_H
#define GYRE_INTERFACE_MEASURE_FMA_H

#include "bindings.h"

#define SPEC_MEASURE_FMA_FUSED 1  // 1: fma(), 0: a product and a sum

#define MEASURE_FMA_CHAINS 2   // vec4 chains of an invocation that do not wait for one another
#define MEASURE_FMA_UNROLL 4   // links of every chain a round

INTERFACE_BEGIN
struct MeasureFmaParams {
    uint n_rounds;  // of MEASURE_FMA_UNROLL links
    float factor;   // x = x * factor + addend
    float addend;
};
PUSH_CONSTANTS(MeasureFmaParams);
INTERFACE_END

#endif
