// Sampling on the host; a sampler on the device is tested against this one bit for bit.
// SPDX-License-Identifier: Apache-2.0
#include "runtime/text/sampler.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <limits>
#include <string>
#include <utility>

#include "runtime/text/random.h"
#include "runtime/text/sampler_math.h"

namespace gyre {
namespace {

Status out_of_range(const char* option, float value, const char* allowed) {
    char number[32];
    std::snprintf(number, sizeof(number), "%g", static_cast<double>(value));
    return Status::invalid_argument(std::string(option) + " = " + number + ": " + allowed);
}

std::uint64_t sum_of_weights(std::span<const Candidate> candidates) {
    std::uint64_t sum = 0;  // at most 2^31 * 2^32
    for (const Candidate& c : candidates)
        sum += c.weight;
    return sum;
}

// Sorts keys whose low halves already ascend: three counting passes over the high halves, each of
// which keeps the order of equals. Several times faster than a comparison sort for a whole
// vocabulary, slower for a few keys.
constexpr std::size_t kCountingSortMin = 4096;  // keys
void sort_keys_in_id_order(std::vector<std::uint64_t>& keys, std::vector<std::uint64_t>& scratch) {
    constexpr unsigned kDigitBits = 11;
    constexpr std::size_t kMask = (std::size_t{1} << kDigitBits) - 1;
    scratch.resize(keys.size());
    for (unsigned shift = 32; shift < 64; shift += kDigitBits) {
        std::array<std::size_t, kMask + 1> begins{};
        for (const std::uint64_t key : keys)
            ++begins[static_cast<std::size_t>(key >> shift) & kMask];
        std::size_t begin = 0;
        for (std::size_t& b : begins)
            begin += std::exchange(b, begin);
        for (const std::uint64_t key : keys) {
            scratch[begins[static_cast<std::size_t>(key >> shift) & kMask]++] = key;
        }
        keys.swap(scratch);
    }
}

constexpr float kExcluded = -std::numeric_limits<float>::infinity();

// Each token has one bias at most, and each bias is a number, or -infinity.
Status validate_biases(std::span<const LogitBias> biases) {
    std::vector<std::uint32_t> tokens;
    tokens.reserve(biases.size());
    for (const LogitBias& b : biases) {
        if (!(b.bias <= std::numeric_limits<float>::max())) {
            return Status::invalid_argument(
                "bias of token " + std::to_string(b.token) + " is " +
                (std::isnan(b.bias) ? "NaN" : "infinity") +
                ": it must be a number, or -infinity, which excludes the token");
        }
        tokens.push_back(b.token);
    }
    std::sort(tokens.begin(), tokens.end());
    const auto twice = std::adjacent_find(tokens.begin(), tokens.end());
    if (twice == tokens.end()) return {};
    return Status::invalid_argument("bias names token " + std::to_string(*twice) +
                                    " twice: add the two up");
}

// exp_nonpositive(-22) * 2^31 is below 1: whoever is further from the maximum has weight 0.
constexpr float kLowestExponent = -22.0f;

}  // namespace

Status validate(const SamplerOptions& o) {
    // The comparisons are written so that a NaN fails them.
    if (!(o.temperature == 0.0f || (o.temperature >= 1e-30f && o.temperature <= 1e30f))) {
        return out_of_range("temperature", o.temperature, "it must be 0 (greedy) or 1e-30 to 1e30");
    }
    if (!(o.top_p > 0.0f && o.top_p <= 1.0f)) {
        return out_of_range("top_p", o.top_p, "it must be above 0 and at most 1 (off)");
    }
    if (!(o.min_p >= 0.0f && o.min_p <= 1.0f)) {
        return out_of_range("min_p", o.min_p, "it must be 0 (off) to 1");
    }
    if (!(o.repetition_penalty >= 1e-3f && o.repetition_penalty <= 1e3f)) {
        return out_of_range("repetition_penalty", o.repetition_penalty,
                            "it must be 0.001 to 1000; 1 is off");
    }
    return validate_biases(o.bias);
}

Status validate_bias_tokens(const SamplerOptions& options, std::size_t n_tokens) {
    for (const LogitBias& b : options.bias) {
        if (b.token < n_tokens) continue;
        return Status::invalid_argument("bias names token " + std::to_string(b.token) +
                                        ", but there are " + std::to_string(n_tokens) +
                                        " to choose from");
    }
    return {};
}

Result<Sampler> Sampler::create(const SamplerOptions& options) {
    GYRE_TRY(validate(options));
    return Sampler(options);
}

Status Sampler::load_logits(std::span<const float> logits) {
    if (logits.empty() || logits.size() > std::numeric_limits<std::uint32_t>::max()) {
        return Status::invalid_argument(std::to_string(logits.size()) + " logits to sample from");
    }
    logits_.resize(logits.size());
    for (std::size_t i = 0; i < logits.size(); ++i) {
        if (!(logits[i] <= std::numeric_limits<float>::max())) {
            return Status::internal("the logit of token " + std::to_string(i) + " is " +
                                    (std::isnan(logits[i]) ? "NaN" : "infinite") +
                                    ": the model or the device computed no number");
        }
        logits_[i] = canonical_logit(logits[i]);
    }
    return {};
}

Status Sampler::apply_bias() {
    GYRE_TRY(validate_bias_tokens(options_, logits_.size()));
    for (const LogitBias& b : options_.bias) {
        const float sum = logits_[b.token] + b.bias;
        logits_[b.token] = canonical_logit(std::min(sum, std::numeric_limits<float>::max()));
    }
    return {};
}

Status Sampler::apply_allow() {
    if (!options_.allow) return {};
    const std::size_t n_tokens = logits_.size();
    mask_.assign((n_tokens + 31) / 32, ~0u);
    if (n_tokens % 32 != 0) mask_.back() = (1u << n_tokens % 32) - 1;
    if (!options_.allow(mask_.data(), n_tokens)) {
        return Status::cancelled("allow said that no token is to be chosen");
    }
    bool any = false;
    for (std::size_t t = 0; t < n_tokens; ++t) {
        const bool allowed = (mask_[t / 32] >> t % 32 & 1u) != 0;
        any = any || allowed;
        if (!allowed) logits_[t] = kExcluded;
    }
    if (any) return {};
    return Status::invalid_argument(
        "allow leaves no token: it has to leave one, or to return 0, which ends the text");
}

Status Sampler::apply_repetition_penalty(std::span<const std::uint32_t> history) {
    const std::size_t window = std::min<std::size_t>(history.size(), options_.repetition_window);
    if (options_.repetition_penalty == 1.0f || window == 0) return {};
    const auto recent = history.last(window);
    seen_.assign(recent.begin(), recent.end());
    std::sort(seen_.begin(), seen_.end());
    seen_.erase(std::unique(seen_.begin(), seen_.end()), seen_.end());
    if (seen_.back() >= logits_.size()) {
        return Status::invalid_argument("token " + std::to_string(seen_.back()) +
                                        " of the history is out of range: there are " +
                                        std::to_string(logits_.size()) + " logits");
    }
    const float inverse = 1.0f / options_.repetition_penalty;
    for (const std::uint32_t id : seen_) {
        logits_[id] = penalized_logit(logits_[id], options_.repetition_penalty, inverse);
    }
    return {};
}

// Steps 5 to 7. Most candidates of weight 0 are left out before the sort: they stand at its end.
void Sampler::order_candidates(float max_logit, float inverse_temperature) {
    keys_.clear();
    for (std::uint32_t id = 0; id < logits_.size(); ++id) {
        const float x = (logits_[id] - max_logit) * inverse_temperature;
        if (x >= kLowestExponent) keys_.push_back(order_key(logits_[id], id));
    }
    const std::size_t n_weighted = keys_.size();
    if (options_.top_k > 0 && options_.top_k < n_weighted) {
        const auto end = keys_.begin() + static_cast<std::ptrdiff_t>(options_.top_k);
        std::nth_element(keys_.begin(), end, keys_.end());
        keys_.erase(end, keys_.end());
    }
    if (keys_.size() == n_weighted && n_weighted >= kCountingSortMin) {
        sort_keys_in_id_order(keys_, key_scratch_);
    } else {
        std::sort(keys_.begin(), keys_.end());
    }
    candidates_.clear();
    for (const std::uint64_t key : keys_) {
        const std::uint32_t weight =
            token_weight(order_key_logit(key), max_logit, inverse_temperature);
        if (weight == 0) break;  // and so have all that follow
        candidates_.push_back({order_key_id(key), weight});
    }
}

Result<std::span<const Candidate>> Sampler::candidates(std::span<const float> logits,
                                                       std::span<const std::uint32_t> history) {
    GYRE_TRY(load_logits(logits));
    GYRE_TRY(apply_bias());
    GYRE_TRY(apply_allow());
    GYRE_TRY(apply_repetition_penalty(history));
    const std::uint32_t best = argmax(logits_);
    if (logits_[best] == kExcluded) {
        return Status::invalid_argument("every token is excluded: all logits are -infinity");
    }
    if (options_.temperature == 0.0f) {
        candidates_.assign(1, {best, kMaxWeight});
        return std::span<const Candidate>(candidates_);
    }
    order_candidates(logits_[best], 1.0f / options_.temperature);
    candidates_.resize(keep_top_p(candidates_, options_.top_p));
    candidates_.resize(keep_min_p(candidates_, options_.min_p));
    return std::span<const Candidate>(candidates_);
}

Result<std::uint32_t> Sampler::sample(std::span<const float> logits,
                                      std::span<const std::uint32_t> history) {
    GYRE_ASSIGN(const std::span<const Candidate> kept, candidates(logits, history));
    const std::uint32_t id = kept[draw(kept, random_bits(options_.seed, step_))].id;
    ++step_;
    return id;
}

std::size_t keep_top_p(std::span<const Candidate> candidates, float top_p) {
    if (!(top_p < 1.0f)) return candidates.size();
    const std::uint64_t needed = top_p_threshold(top_p, sum_of_weights(candidates));
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < candidates.size(); ++i) {
        sum += candidates[i].weight;
        if (sum >= needed) return i + 1;
    }
    return candidates.size();
}

std::size_t keep_min_p(std::span<const Candidate> candidates, float min_p) {
    const std::uint32_t needed = min_p_threshold(min_p);
    std::size_t kept = std::min<std::size_t>(candidates.size(), 1);
    while (kept < candidates.size() && candidates[kept].weight >= needed)
        ++kept;
    return kept;
}

std::size_t draw(std::span<const Candidate> candidates, std::uint64_t random) {
    const std::uint64_t point = multiply_high(random, sum_of_weights(candidates));
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < candidates.size(); ++i) {
        sum += candidates[i].weight;
        if (point < sum) return i;
    }
    return 0;  // not reached: point is below the sum of all weights
}

std::uint32_t argmax(std::span<const float> logits) {
    std::uint32_t best = 0;
    for (std::uint32_t i = 1; i < logits.size(); ++i) {
        if (canonical_logit(logits[i]) > canonical_logit(logits[best])) best = i;
    }
    return best;
}

}  // namespace gyre
