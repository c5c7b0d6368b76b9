// measure_matrix.comp
// SPDX-License-Identifier: Apache-2.0
#ifndef GYRE_INTERFACE_MEASURE_MATRIX_H
#define GYRE_INTERFACE_MEASURE_MATRIX_H

#include "bindings.h"

#define MEASURE_MATRIX_CHAINS 4  // sums of a subgroup that do not wait for one another
#define MEASURE_MATRIX_UNROLL 4  // products of every chain a round

INTERFACE_BEGIN
struct MeasureMatrixParams {
    uint n_rounds;  // of MEASURE_MATRIX_UNROLL products
    float a;        // the left factor's first row; 16 times that is a float16
    float b;        // the right one's first column
};
PUSH_CONSTANTS(MeasureMatrixParams);
INTERFACE_END

#endif
