// Philox4x32-10 with 32-bit multiplications whose both halves are used.
// SPDX-License-Identifier: Apache-2.0
#include "runtime/text/random.h"

namespace gyre {
namespace {

constexpr std::uint32_t kMultiplier0 = 0xD2511F53, kMultiplier1 = 0xCD9E8D57;
constexpr std::uint32_t kWeyl0 = 0x9E3779B9;  // golden ratio
constexpr std::uint32_t kWeyl1 = 0xBB67AE85;  // sqrt(3) - 1
constexpr int kRounds = 10;

std::uint32_t low(std::uint64_t x) {
    return static_cast<std::uint32_t>(x);
}
std::uint32_t high(std::uint64_t x) {
    return static_cast<std::uint32_t>(x >> 32);
}

}  // namespace

PhiloxCounter philox4x32_10(PhiloxCounter c, PhiloxKey key) {
    for (int round = 0; round < kRounds; ++round) {
        const std::uint64_t p0 = std::uint64_t{kMultiplier0} * c[0];
        const std::uint64_t p1 = std::uint64_t{kMultiplier1} * c[2];
        c = {high(p1) ^ c[1] ^ key[0], low(p1), high(p0) ^ c[3] ^ key[1], low(p0)};
        key[0] += kWeyl0;
        key[1] += kWeyl1;
    }
    return c;
}

std::uint64_t random_bits(std::uint64_t seed, std::uint64_t step) {
    const PhiloxCounter words =
        philox4x32_10({low(step), high(step), 0, 0}, {low(seed), high(seed)});
    return (std::uint64_t{words[1]} << 32) | words[0];
}

}  // namespace gyre
