// SPDX-License-Identifier: Apache-2.0
#include "runtime/engine/session_plan.h"

#include <algorithm>
#include <string>

namespace gyre {
namespace {

constexpr std::uint32_t kDefaultChunk = 128;  // tokens

// xPos multiplies keys by up to exp(n_ctx / 2 * 1.25 / 512): what the cache's format can hold.
Status check_decay(const RotarySpec& rotary, CacheFormat cache, std::uint32_t n_ctx) {
    if (rotary.log_decay.empty()) return {};
    const std::uint32_t limit = cache == CacheFormat::kF32 ? 65536 : 4096;
    if (n_ctx <= limit) return {};
    return Status::invalid_argument("n_ctx " + std::to_string(n_ctx) +
                                    ": xPos's decay fits a cache of " +
                                    (cache == CacheFormat::kF32 ? "f32" : "f16 or q8_0") +
                                    " up to " + std::to_string(limit) + " positions");
}

// Positions that the model can tell apart: a table's rows, or what the file was made for.
Status check_positions(const ModelConfig& config, std::uint32_t first_position,
                       std::uint32_t n_ctx) {
    if (has_position_rows(config)) {
        const std::string rows =
            "this model has " + std::to_string(config.n_ctx) + " rows of absolute positions";
        if (n_ctx > config.n_ctx) {
            return Status::invalid_argument("n_ctx " + std::to_string(n_ctx) + ": " + rows);
        }
        if (first_position != 0) {
            return Status::invalid_argument("first_position " + std::to_string(first_position) +
                                            ": " + rows + ", which begin at 0");
        }
    }
    constexpr std::uint32_t kMaxContext = 1u << 20;
    if (n_ctx > kMaxContext) {
        return Status::invalid_argument("n_ctx " + std::to_string(n_ctx) + ": at most " +
                                        std::to_string(kMaxContext));
    }
    return {};
}

// A slide must free something, and what it moves must be movable.
Status check_sliding(const ModelConfig& config, const SessionOptions& options,
                     std::uint32_t n_ctx) {
    if (options.when_full != WhenFull::kSlide) return {};
    if (has_position_rows(config)) return Session::cannot_move(config);
    const std::uint32_t kept = std::max(options.keep_tokens, config.attention.sink_tokens);
    if (kept > n_ctx / 2) {
        return Status::invalid_argument("keep_tokens " + std::to_string(kept) +
                                        ": at most half of n_ctx " + std::to_string(n_ctx));
    }
    return {};
}

Status check_options(const ModelConfig& config, const SessionOptions& options,
                     std::uint32_t n_ctx) {
    GYRE_TRY(check_positions(config, options.first_position, n_ctx));
    GYRE_TRY(check_sliding(config, options, n_ctx));
    if (!(options.submit_budget_ms > 0.0 && options.submit_budget_ms <= kMaxSubmitBudgetMs)) {
        return Status::invalid_argument("submit budget " +
                                        std::to_string(options.submit_budget_ms) +
                                        " ms: it must be above 0, at most " +
                                        std::to_string(static_cast<int>(kMaxSubmitBudgetMs)));
    }
    return {};
}

Status check_limits(const SessionPlan& plan, const DeviceInfo& device, const DeviceCaps& caps) {
    if (plan.state > caps.max_storage_range) {
        return Status::out_of_device_memory(
            "activations and rotary tables need " + std::to_string(plan.state) +
            " bytes, this device binds at most " + std::to_string(caps.max_storage_range) +
            ": use a smaller context or chunk");
    }
    GYRE_TRY(check_buffer_bytes(device, caps, plan.state, "state"));
    GYRE_TRY(check_buffer_bytes(device, caps, plan.logits, "logits"));
    return check_buffer_bytes(device, caps, plan.loop.scratch, "sampler scratch");
}

}  // namespace

Result<SessionPlan> SessionPlan::of(const ModelConfig& config, WeightFormat embedding,
                                    const DeviceInfo& device, const DeviceCaps& caps,
                                    const SessionOptions& options) {
    const std::uint32_t n_ctx = options.n_ctx == 0 ? config.n_ctx : options.n_ctx;
    GYRE_TRY(check_options(config, options, n_ctx));
    // Half the context is free after a slide.
    const std::uint32_t room = options.when_full == WhenFull::kSlide ? (n_ctx + 3) / 4 : n_ctx;
    // Tokens are workgroups of a grid's second dimension.
    const std::uint32_t chunk =
        std::min({options.chunk == 0 ? kDefaultChunk : options.chunk, room, caps.max_groups[1]});
    SessionPlan plan;
    // Frequencies that depend on the length are those of the last position, frozen here.
    const std::uint64_t end = std::uint64_t{options.first_position} + n_ctx;
    plan.rotary =
        config.rotary_specs(static_cast<std::uint32_t>(std::min<std::uint64_t>(end, 0xffffffffu)));
    GYRE_TRY(check_decay(plan.rotary[0], options.cache, n_ctx));
    const Tilings tilings = Tilings::for_device(device, caps, embedding);
    plan.cache = CacheShape::of(config, options.cache, n_ctx, caps.max_storage_range);
    plan.layout = ActivationLayout::of(config, plan.rotary, plan.cache, chunk,
                                       tilings.attention_splits(n_ctx));
    plan.n_choices = config.n_tokens == 0 ? config.n_vocab : config.n_tokens;

    plan.state = plan.layout.words * 4;
    plan.batch = SAMPLE_TOKENS_OFFSET + std::uint64_t{chunk} * 4;
    plan.logits = (std::uint64_t{config.n_vocab} + 3) / 4 * 16;  // the sampler reads whole vec4
    plan.readback = std::uint64_t{config.n_vocab} * 4;
    plan.loop = TokenLoop::Bytes::of(plan.n_choices, n_ctx);
    plan.cache_bytes = plan.cache.layer_bytes() * config.n_layer;
    plan.n_buffers = 6;  // one for each of the sizes above
    plan.exceeded = check_limits(plan, device, caps);
    const Result<ArenaPlan> cache = KvCache::plan(device, caps, config, plan.cache);
    if (cache.ok()) {
        plan.cache_bytes = cache.value().allocated();
        plan.n_buffers += cache.value().n_blocks();
    } else if (plan.exceeded.ok()) {
        plan.exceeded = cache.status();
    }
    return plan;
}

}  // namespace gyre
