// Logits to one token: bias, permission, penalty, temperature, top-k, top-p, min-p and the draw.
// SPDX-License-Identifier: Apache-2.0
//
// The order of operations, which is part of the contract:
//   1. bias: each is added to its token's logit;
//   2. allow: tokens that the callback does not permit drop out;
//   3. repetition_penalty on the logits of the tokens among the last repetition_window of the
//      history (each once, however often it occurs);
//   4. temperature 0: the token with the largest logit, and nothing else happens;
//   5. candidates in descending order of logit; of equal logits the lower id comes first;
//   6. temperature: each candidate gets its integer weight (token_weight in sampler_math.h); those
//      of weight 0, less likely than 2^-31 of the first, drop out;
//   7. top_k: the first top_k candidates stay;
//   8. top_p: of those, the shortest prefix that holds the fraction top_p of their weights stays;
//   9. min_p: of those, the prefix in which every weight is at least min_p times the largest stays;
//  10. draw: random_bits(seed, step) picks a point in the running sum of the weights.
// The same logits, history, options and step give the same token on every platform.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "runtime/base/status.h"

namespace gyre {

struct LogitBias {
    std::uint32_t token = 0;
    float bias = 0.0f;  // finite, or -infinity: the token is excluded
};

// Says which of n_tokens may come next. Bit t % 32 of mask[t / 32] stands for token t and is set;
// the function clears those that may not come. false: no token is to be chosen.
using AllowCallback = std::function<bool(std::uint32_t* mask, std::size_t n_tokens)>;

struct SamplerOptions {
    float temperature = 1.0f;              // 0 = greedy; else 1e-30 to 1e30
    std::uint32_t top_k = 0;               // 0 = off
    float top_p = 1.0f;                    // 0 < top_p <= 1; 1 = off
    float min_p = 0.0f;                    // 0 to 1; 0 = off
    float repetition_penalty = 1.0f;       // 1e-3 to 1e3; 1 = off
    std::uint32_t repetition_window = 64;  // tokens; 0 = off
    std::uint64_t seed = 0;
    std::vector<LogitBias> bias{};  // of each token one at most
    AllowCallback allow{};          // may be empty
};

// What is wrong with the options, by the name of the option.
Status validate(const SamplerOptions& options);
// The same for the tokens of bias, where there are n_tokens to choose from.
Status validate_bias_tokens(const SamplerOptions& options, std::size_t n_tokens);

struct Candidate {
    std::uint32_t id = 0;
    std::uint32_t weight = 0;  // probability = weight / sum of the weights of all candidates
};

// One session's sampler; used by one thread at a time.
class Sampler {
  public:
    static Result<Sampler> create(const SamplerOptions& options);

    // logits [n_vocab]; -infinity excludes a token. history: the tokens so far, the latest last.
    //
    // Returns an error, and counts no step, for a NaN or +infinity (a broken model or device), if
    // every token is excluded, and for a token of the history or of a bias that is not in the
    // vocabulary. kCancelled: allow returned false, and nothing else.
    Result<std::uint32_t> sample(std::span<const float> logits,
                                 std::span<const std::uint32_t> history);

    // Steps 1 to 9: what sample() draws from, in descending order; one candidate if greedy. Never
    // empty. The span is valid until the next call. Counts no step.
    Result<std::span<const Candidate>> candidates(std::span<const float> logits,
                                                  std::span<const std::uint32_t> history);

    // The number of tokens sampled; the next one uses random_bits(seed, step()). A caller that goes
    // back to an earlier token sets it back.
    std::uint64_t step() const { return step_; }
    void set_step(std::uint64_t step) { step_ = step; }
    const SamplerOptions& options() const { return options_; }

  private:
    explicit Sampler(const SamplerOptions& options) : options_(options) {}

    Status load_logits(std::span<const float> logits);
    Status apply_bias();
    Status apply_allow();
    Status apply_repetition_penalty(std::span<const std::uint32_t> history);
    void order_candidates(float max_logit, float inverse_temperature);

    SamplerOptions options_;
    std::uint64_t step_ = 0;
    std::vector<float> logits_;  // scratch, as the vectors below
    std::vector<std::uint32_t> seen_, mask_;
    std::vector<std::uint64_t> keys_, key_scratch_;
    std::vector<Candidate> candidates_;
};

// Steps 8 and 9 and the draw, on candidates in descending order; pure, for tests of other samplers.
// Each returns how many candidates stay, at least one if there is one.
std::size_t keep_top_p(std::span<const Candidate> candidates, float top_p);
std::size_t keep_min_p(std::span<const Candidate> candidates, float min_p);

// The index of the candidate at random / 2^64 of the running sum. The first weight must not be 0.
std::size_t draw(std::span<const Candidate> candidates, std::uint64_t random);

// The position of the largest canonical logit, the lowest one of equals. Not empty, no NaN.
std::uint32_t argmax(std::span<const float> logits);

}  // namespace gyre
