// Activations of the feed-forward block.
// SPDX-License-Identifier: Apache-2.0
#include "linear.h"

// Hendrycks and Gimpel, arXiv:1606.08415, the tanh form that GPT-2 uses; 0.7978845608 = sqrt(2 / pi).
// tanh(u) is written with one exp of a value that is never positive: exact limits, no overflow.
float gelu_tanh(float x) {
    float u = 0.7978845608 * (x + 0.044715 * x * x * x);
    float e = exp(-2.0 * abs(u));
    float t = (1.0 - e) / (1.0 + e);
    return 0.5 * x * (1.0 + (u < 0.0 ? -t : t));
}

// 0.5 x erfc(-x / sqrt 2) without cancellation for negative x. erfc(z), z >= 0, is Numerical Recipes'
// Chebyshev fit (Press et al., section 6.2): relative error below 1.2e-7 everywhere.
float gelu_erf(float x) {
    precise float z = abs(x) * 0.7071067812;  // else compilers make one product of this and 0.5 * z
    precise float t = 1.0 / (1.0 + 0.5 * z);
    precise float poly = t * (1.00002368 + t * (0.37409196 + t * (0.09678418 + t * (-0.18628806 +
                 t * (0.27886807 + t * (-1.13520398 + t * (1.48851587 + t * (-0.82215223 +
                 t * 0.17087277))))))));
    precise float erfc_z = t * exp(-z * z - 1.26551223 + poly);
    return 0.5 * x * (x < 0.0 ? erfc_z : 2.0 - erfc_z);
}

// So et al., Primer, arXiv:2109.08668: squared ReLU.
float relu2(float x) {
    float r = max(x, 0.0);
    return r * r;
}

// Hendrycks and Gimpel, arXiv:1606.08415: x times the logistic function. exp may overflow to infinity.
float silu(float x) {
    return x / (1.0 + exp(-x));
}

float activate(uint activation, float x) {
    switch (activation) {
#define ACTIVATION_CASE(id, name, function) \
    case id:                                \
        return function(x);
        ACTIVATION_LIST(ACTIVATION_CASE)
    }
    return x;
}
