// SPDX-License-Identifier: Apache-2.0
#include "runtime/text/log_probabilities.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <numeric>

namespace gyre {

LogProbabilities::LogProbabilities(std::span<const float> logits) : logits_(logits) {
    assert(!logits.empty());
    largest_ = *std::max_element(logits.begin(), logits.end());
    double sum = 0.0;
    for (const float logit : logits)
        sum += std::exp(static_cast<double>(logit) - largest_);
    log_sum_ = std::log(sum);
}

float LogProbabilities::of(std::uint32_t token) const {
    return static_cast<float>(static_cast<double>(logits_[token]) - largest_ - log_sum_);
}

std::vector<TokenLogProbability> LogProbabilities::top(std::size_t n) const {
    std::vector<std::uint32_t> tokens(logits_.size());
    std::iota(tokens.begin(), tokens.end(), 0u);
    const auto end = tokens.begin() + static_cast<std::ptrdiff_t>(std::min(n, tokens.size()));
    std::partial_sort(tokens.begin(), end, tokens.end(), [this](std::uint32_t a, std::uint32_t b) {
        return logits_[a] != logits_[b] ? logits_[a] > logits_[b] : a < b;
    });
    std::vector<TokenLogProbability> best;
    for (auto token = tokens.begin(); token != end; ++token)
        best.push_back({*token, of(*token)});
    return best;
}

}  // namespace gyre
