// Seeded random test data: the same numbers on every platform, compiler and library.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace gyre::reference {

// SplitMix64 (Steele, Lea, Flood, OOPSLA 2014). Only integer arithmetic and exact float operations:
// the distributions of the standard library differ between implementations, this one does not.
class Generator {
  public:
    explicit Generator(std::uint64_t seed) : state_(seed) {}

    std::uint64_t bits() {
        state_ += 0x9e3779b97f4a7c15u;
        std::uint64_t z = state_;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        return z ^ (z >> 31);
    }

    // [0, n), n > 0. The bias of the remainder (n / 2^64) does not matter here.
    std::uint32_t below(std::uint32_t n) { return static_cast<std::uint32_t>(bits() % n); }

    // A multiple of 2^-20 in [-1, 1): exact in float32 and in float64.
    float uniform() {
        return static_cast<float>(static_cast<std::int64_t>(bits() >> 43) - (1 << 20)) * 0x1p-20f;
    }

    // Bell-shaped, mean 0, deviation `deviation`: the sum of three uniforms has deviation 1.
    float bell(float deviation = 1.0f) { return (uniform() + uniform() + uniform()) * deviation; }

    std::vector<float> bells(std::size_t count, float deviation = 1.0f) {
        std::vector<float> values(count);
        for (float& value : values)
            value = bell(deviation);
        return values;
    }

  private:
    std::uint64_t state_;
};

// What the reference computes with: the float32 values, widened.
inline std::vector<double> widen(const std::vector<float>& values) {
    return {values.begin(), values.end()};
}

}  // namespace gyre::reference
