// SPDX-License-Identifier: Apache-2.0
#include "runtime/engine/schedule.h"

#include <algorithm>
#include <cassert>
#include <cmath>

#include "runtime/engine/work_rates.h"

namespace gyre {
namespace {

// What norms and the like take for an element, in multiplications of a product.
constexpr double kElementCosts = 8.0;

double multiplications(const WeightMatrix& matrix, std::uint32_t n_rows, std::uint32_t n_tokens) {
    return static_cast<double>(n_rows) * matrix.n_in * n_tokens;
}

// Of a product that normalises: what it reads, or its sum.
template <typename Params>
void describe_norm(const Operation& operation, const Model& model, Params& params) {
    params.norm_bias_offset = NO_OFFSET;
    if (operation.norm_place == NormPlace::kApart) return;
    const NormWeights& norm = model.weights().norm(operation.norm_id());
    params.norm_weight_offset = norm.weight;
    params.norm_bias_offset = norm.bias;
}

}  // namespace

SessionParams session_params(const Model& model, const CacheShape& cache,
                             std::span<const RotarySpec> rotary, const ActivationLayout& layout) {
    const ModelSpec& spec = model.config();
    SessionParams params = {};
    params.n_ctx = cache.n_ctx;
    params.head_words = cache.head_words;
    params.n_head = spec.n_head;
    params.n_head_kv = spec.n_head_kv;
    params.head_dim = spec.head_dim;
    params.n_embd = spec.n_embd;
    params.row_stride = layout.at(Place::kX).stride;
    params.qkv_stride = layout.at(Place::kQkv).stride;
    params.q_offset = layout.at(Place::kQ).offset;
    params.q_stride = layout.at(Place::kQ).stride;
    params.kv_offset = layout.at(Place::kKv).offset;
    params.kv_stride = layout.at(Place::kKv).stride;
    params.mix_stride = layout.at(Place::kMix).stride;
    params.normed_offset = layout.at(Place::kNormed).offset;
    params.ticket = layout.ticket;
    params.norm_epsilon = spec.layer_norm_epsilon;
    params.logit_cap = spec.logit_cap;
    params.score_cap = spec.attention.score_cap;
    params.sink_tokens = spec.attention.sink_tokens;
    params.scales_offset = rotary[0].temperature.active() ? layout.scales : 0;
    params.partials = layout.attention_partials;
    params.tickets = layout.attention_tickets;
    params.qkv_offset = layout.at(Place::kQkv).offset;
    params.qkv_clamp = spec.attention.clamp;
    return params;
}

void Schedule::Rows::product_costs(double multiplications) const {
    const WorkKind kind = decode ? WorkKind::kTokenProduct : WorkKind::kPromptProduct;
    recorder.next_costs(static_cast<std::uint32_t>(kind), multiplications);
}

void Schedule::Rows::elements_cost(double elements) const {
    product_costs(elements * kElementCosts);
}

void Schedule::record_decode(Dispatcher& recorder, std::uint32_t first_position) const {
    record({recorder, true, 1, 0, first_position}, decode_);
}

void Schedule::record_prefill(Dispatcher& recorder, std::uint32_t n_tokens, LogitsOf logits,
                              std::uint32_t first_position) const {
    assert(n_tokens >= 1 && n_tokens <= layout_.chunk);
    record({recorder, false, n_tokens, 0, first_position}, prompt_);
    if (logits == LogitsOf::kLastToken) {
        record({recorder, true, 1, n_tokens - 1, first_position}, last_logits_);
    } else if (logits == LogitsOf::kEveryToken) {
        record({recorder, false, n_tokens, 0, first_position}, all_logits_);
    }
}

void Schedule::record_shift(Dispatcher& recorder, std::uint32_t from, std::uint32_t to,
                            std::uint32_t n_cells) const {
    ShiftCacheParams params = {};
    params.from = from;
    params.to = to;
    params.n_cells = n_cells;
    params.n_pairs = cache_->shape().n_pairs;
    for (const Step& step : prompt_) {
        if (step.operation.kind != OperationKind::kAttend) continue;
        params.key_rotation =
            layout_.rotary[model_->config().rotary_of(step.operation.layer)].rotations;
        params.value_rotation = params.key_rotation + 2 * params.n_pairs;
        const std::span<const CacheSlice> slices = cache_->layer(step.operation.layer);
        for (std::size_t s = 0; s < slices.size(); ++s) {
            params.cache = slices[s].layout;
            params.n_head_kv = slices[s].n_heads;
            record_shift_cache(recorder, shift_kernel_, (*step.sets)[s], params);
        }
    }
}

std::uint32_t Schedule::n_timestamps() const {
    const auto labels = [](const Steps& steps) {
        return std::count_if(steps.begin(), steps.end(),
                             [](const Step& step) { return !step.label.empty(); });
    };
    const auto prompt = labels(prompt_) + std::max(labels(last_logits_), labels(all_logits_));
    return 1 + static_cast<std::uint32_t>(std::max(labels(decode_), prompt));
}

void Schedule::record(const Rows& rows, const Steps& steps) const {
    for (const Step& step : steps) {
        record(rows, step);
        if (!step.label.empty()) {
            rows.recorder.timestamp(step.label.c_str(), step.operation.layer);
        }
    }
}

void Schedule::record(const Rows& rows, const Step& step) const {
    switch (step.operation.kind) {
        case OperationKind::kEmbed:
            return embed(rows, step);
        case OperationKind::kNorm:
            return norm(rows, step);
        case OperationKind::kProduct:
            return step.operation.then == Then::kStore ? product_and_store(rows, step)
                                                       : product(rows, step);
        case OperationKind::kStore:
            return store(rows, step);
        case OperationKind::kQuantize:
            return quantize_cache(rows, step);
        case OperationKind::kAttend:
            return attend(rows, step);
    }
}

std::uint32_t Schedule::first_row(const Rows& rows, Place place) const {
    const PlaceRows& at = layout_.at(place);
    return at.offset + (place == Place::kX ? rows.first * at.stride : 0);
}

void Schedule::embed(const Rows& rows, const Step& step) const {
    const PlaceRows& out = layout_.at(step.operation.out);
    EmbedParams params = {};
    params.out_offset = out.offset;
    params.row_stride = out.stride;
    params.n_embd = model_->config().n_embd;
    params.n_tokens = rows.n;
    params.position_offset = model_->weights().positions;
    params.scale = model_->config().embedding_scale;
    const Part& table = step.parts[0];
    for (std::size_t s = 0; s < table.sets->size(); ++s) {
        describe_slice(*table.matrix, table.matrix->slices[s], params);
        rows.elements_cost(static_cast<double>(params.n_embd) * params.n_tokens);
        record_embed(rows.recorder, table.kernel, (*table.sets)[s], params);
    }
}

void Schedule::norm(const Rows& rows, const Step& step) const {
    const NormWeights& norm = model_->weights().norm(step.operation.norm_id());
    NormParams params = {};
    params.x_offset = first_row(rows, step.operation.in);
    params.out_offset = first_row(rows, step.operation.out);
    params.row_stride = layout_.at(step.operation.in).stride;
    params.n_embd = model_->config().n_embd;
    params.weight_offset = norm.weight;
    params.bias_offset = norm.bias;
    params.epsilon = model_->config().layer_norm_epsilon;
    params.scale = model_->config().residual_scale;
    rows.elements_cost(static_cast<double>(params.n_embd) * rows.n);
    record_norm(rows.recorder, step.kernel, step.sets->front(), params, rows.n);
}

void Schedule::product(const Rows& rows, const Step& step) const {
    const Operation& operation = step.operation;
    LinearParams params = {};
    describe_norm(operation, *model_, params);
    params.x_offset = first_row(rows, operation.in);
    params.x_stride = layout_.at(operation.in).stride;
    params.n_tokens = rows.n;
    const ModelSpec& spec = model_->config();
    const bool logits = operation.out == Place::kLogits;
    const PlaceRows& out = layout_.at(operation.out);
    params.out_stride = logits ? spec.n_vocab : out.stride;
    params.scale = logits ? spec.logit_scale : spec.residual_scale;
    for (const Part& part : step.parts) {
        params.out_offset = out.offset + part.first_row;
        for (std::size_t s = 0; s < part.sets->size(); ++s) {
            const WeightSlice& slice = part.matrix->slices[s];
            describe_slice(*part.matrix, slice, params);
            params.bias_offset = part.bias == NO_OFFSET ? NO_OFFSET : part.bias + slice.first_row;
            rows.product_costs(multiplications(*part.matrix, slice.n_rows, rows.n));
            record_linear(rows.recorder, part.kernel, (*part.sets)[s], params);
        }
    }
}

template <typename Params>
void Schedule::describe_store(const Operation& operation, Params& params) const {
    const ModelSpec& spec = model_->config();
    const RotaryTables& tables = layout_.rotary[spec.rotary_of(operation.layer)];
    params.rotary_stride = rotary_of(operation).stride;
    params.query_table = tables.query;
    params.key_table = tables.key;
    params.value_table = tables.value;
}

std::uint32_t Schedule::query_heads(std::uint32_t kv_heads) const {
    return kv_heads * (model_->config().n_head / model_->config().n_head_kv);
}

void Schedule::product_and_store(const Rows& rows, const Step& step) const {
    const Operation& operation = step.operation;
    QkvParams params = {};
    describe_norm(operation, *model_, params);
    describe_store(operation, params);
    const std::uint32_t head_dim = model_->config().head_dim;
    params.v_offset = cache_->shape().layout().v_offset;
    params.x_offset = first_row(rows, operation.in);
    params.n_tokens = rows.n;
    for (const Part& part : step.parts) {
        // The kernel counts biases over all heads, as they lie.
        params.bias_offset = part.bias == NO_OFFSET ? NO_OFFSET : part.bias - part.first_row;
        for (std::size_t s = 0; s < part.sets->size(); ++s) {
            const WeightSlice& slice = part.matrix->slices[s];
            describe_slice(*part.matrix, slice, head_dim, params);
            params.first_head += part.first_row / head_dim;
            rows.product_costs(multiplications(*part.matrix, slice.n_rows, rows.n));
            record_qkv(rows.recorder, part.kernel, (*part.sets)[s], params, head_dim);
        }
    }
}

void Schedule::store(const Rows& rows, const Step& step) const {
    const Operation& operation = step.operation;
    const ModelSpec& spec = model_->config();
    const PlaceRows& in = layout_.at(operation.in);
    StoreKvParams params = {};
    describe_store(operation, params);
    const QkNorm norm = spec.attention.qk_norm;
    const bool own_gains = norm == QkNorm::kHeadsOwn || norm == QkNorm::kRows;  // [heads][head_dim]
    const std::span<const CacheSlice> slices = cache_->layer(operation.layer);
    for (std::size_t s = 0; s < slices.size(); ++s) {
        const CacheSlice& slice = slices[s];
        const std::uint32_t first_query = query_heads(slice.first_head);
        if (operation.norm) {
            const std::uint32_t gains = own_gains ? spec.head_dim : 0;  // from head to head
            params.q_gain = model_->weights().norm({NormRole::kQ, operation.layer}).weight +
                            first_query * gains;
            params.k_gain = model_->weights().norm({NormRole::kK, operation.layer}).weight +
                            slice.first_head * gains;
        }
        params.n_head = query_heads(slice.n_heads);
        params.n_head_kv = slice.n_heads;
        params.q_in = in.offset + first_query * spec.head_dim;
        params.k_in = in.offset + (spec.n_head + slice.first_head) * spec.head_dim;
        params.v_in = params.k_in + spec.n_head_kv * spec.head_dim;
        params.q_offset =
            layout_.at(Place::kQ).offset + first_query * 2 * rotary_of(operation).n_pairs();
        params.v_offset = slice.layout.v_offset;
        params.key_scales = slice.layout.key_scales;
        params.value_scales = slice.layout.value_scales;
        rows.elements_cost(static_cast<double>(params.n_head + 2 * params.n_head_kv) *
                           spec.head_dim * rows.n);
        record_store_kv(rows.recorder, step.kernel, (*step.sets)[s], params, rows.n);
    }
}

void Schedule::quantize_cache(const Rows& rows, const Step& step) const {
    const PlaceRows& kv = layout_.at(step.operation.in);
    QuantizeCacheParams params = {};
    params.cache = cache_->shape().layout();
    params.kv_offset = kv.offset;
    params.kv_stride = kv.stride;
    params.n_tokens = rows.n;
    params.n_head_kv = cache_->shape().n_head_kv;
    params.n_pairs = cache_->shape().n_pairs;
    rows.elements_cost(static_cast<double>(kv.stride) * rows.n);
    record_quantize_cache(rows.recorder, step.kernel, step.sets->front(), params);
}

// A query's head meets the keys and the values of every cell that it sees.
double Schedule::attention_costs(const Rows& rows, std::uint32_t layer) const {
    const ModelSpec& spec = model_->config();
    double cells = rows.first_position + (rows.n + 1) / 2.0;
    const std::uint32_t window = spec.window(layer);
    if (window != 0) cells = std::min(cells, 1.0 * window + spec.attention.sink_tokens);
    return 2.0 * cells * rows.n * spec.n_head * spec.head_dim;
}

void Schedule::attend(const Rows& rows, const Step& step) const {
    const ModelSpec& spec = model_->config();
    const ModelWeights& weights = model_->weights();
    const PlaceRows& q = layout_.at(step.operation.in);
    const PlaceRows& mix = layout_.at(step.operation.out);
    AttentionParams params = {};
    params.n_tokens = rows.n;
    params.rotary_stride = rotary_of(step.operation).stride;
    params.value_table = layout_.rotary[spec.rotary_of(step.operation.layer)].value;
    params.scale = spec.attention.score_scale;
    if (params.scale == 0.0f) {
        params.scale = static_cast<float>(1.0 / std::sqrt(static_cast<double>(spec.head_dim)));
    }
    params.window = spec.window(step.operation.layer);
    const std::span<const CacheSlice> slices = cache_->layer(step.operation.layer);
    for (std::size_t s = 0; s < slices.size(); ++s) {
        const CacheSlice& slice = slices[s];
        const std::uint32_t first_query = query_heads(slice.first_head);
        params.n_head = query_heads(slice.n_heads);
        params.n_head_kv = slice.n_heads;
        params.cache = slice.layout;
        params.q_offset = q.offset + first_query * 2 * rotary_of(step.operation).n_pairs();
        params.mix_offset = mix.offset + first_query * spec.head_dim;
        params.slopes_offset = weights.alibi_slopes + first_query;
        params.sink_logits_offset = weights.layers[step.operation.layer].attn_sinks + first_query;
        rows.recorder.next_costs(
            static_cast<std::uint32_t>(WorkKind::kAttention),
            attention_costs(rows, step.operation.layer) * params.n_head / spec.n_head);
        record_attention(rows.recorder, step.kernel, (*step.sets)[s], params);
    }
}

}  // namespace gyre
