// SPDX-License-Identifier: Apache-2.0
#include "runtime/engine/schedule.h"

#include <algorithm>
#include <cmath>

#include "runtime/engine/work_rates.h"

namespace gyre {
namespace {

// What norms and the like take for an element, in multiplications of a product.
constexpr double kElementCosts = 8.0;

double multiplications(const WeightMatrix& matrix, std::uint32_t n_rows, std::uint32_t n_tokens) {
    return static_cast<double>(n_rows) * matrix.n_in * n_tokens;
}

void describe_norm(const NormWeights& norm, const ModelConfig& config, LinearParams& params) {
    params.norm_weight_offset = norm.weight;
    params.norm_bias_offset = norm.bias;
    params.norm_epsilon = config.layer_norm_epsilon;
}

}  // namespace

void Schedule::Phase::product_costs(double multiplications) const {
    const WorkKind kind = decode ? WorkKind::kTokenProduct : WorkKind::kPromptProduct;
    recorder.next_costs(static_cast<std::uint32_t>(kind), multiplications);
}

void Schedule::Phase::elements_cost(double n) const {
    product_costs(n * kElementCosts);
}

void Schedule::record_decode(Dispatcher& recorder, std::uint32_t first_position) const {
    forward({recorder, true, 1, first_position, norms_behind()}, LogitsOf::kLastToken);
}

void Schedule::record_prefill(Dispatcher& recorder, std::uint32_t n_tokens, LogitsOf logits,
                              std::uint32_t first_position) const {
    assert(n_tokens >= 1 && n_tokens <= layout_.chunk);
    forward({recorder, false, n_tokens, first_position}, logits);
}

void Schedule::record_shift(Dispatcher& recorder, std::uint32_t from, std::uint32_t to,
                            std::uint32_t n_cells) const {
    ShiftCacheParams params = {};
    params.cache = cache_->shape().layout();
    params.from = from;
    params.to = to;
    params.n_cells = n_cells;
    params.n_head_kv = cache_->shape().n_head_kv;
    params.n_pairs = cache_->shape().n_pairs;
    params.key_turn = layout_.turns;
    params.value_turn = layout_.turns + 2 * params.n_pairs;
    for (const Layer& layer : layers_) {
        record_shift_cache(recorder, shift_kernel_, layer.attention[0], params);
    }
}

void Schedule::forward(const Phase& phase, LogitsOf logits) const {
    embed(phase);
    for (std::uint32_t l = 0; l < model_->config().n_layer; ++l) {
        norm_qkv_rotary(phase, l);
        quantize_cache(phase, l);
        attention(phase, l);
        if (model_->config().parallel_residual) {  // GPT-NeoX: both blocks read the layer's input
            norm_up_activate(phase, l);
            project(phase, l);
        } else {
            project(phase, l);
            norm_up_activate(phase, l);
        }
        down(phase, l);
    }
    norm_logits(phase, logits);
}

void Schedule::embed(const Phase& phase) const {
    const ModelWeights& weights = model_->weights();
    EmbedParams params = {};
    params.out_offset = layout_.x;
    params.row_stride = layout_.embd_stride;
    params.n_embd = model_->config().n_embd;
    params.n_tokens = phase.n_tokens;
    params.position_offset = weights.positions;
    for (std::size_t s = 0; s < weights.token_embd.slices.size(); ++s) {
        describe_slice(weights.token_embd, weights.token_embd.slices[s], params);
        phase.elements_cost(static_cast<double>(params.n_embd) * params.n_tokens);
        record_embed(phase.recorder, embed_kernel_, embed_sets_[s], params);
    }
    if (phase.norms_behind) dispatch_norm(phase, weights.layers[0].attn_norm, layout_.x, 1);
    phase.recorder.timestamp("embed", kNoLayer);
}

void Schedule::norm_qkv_rotary(const Phase& phase, std::uint32_t l) const {
    const ModelConfig& config = model_->config();
    const LayerWeights& weights = model_->weights().layers[l];
    const Product& qkv = layers_[l].qkv;
    QkvParams params = {};
    params.x_offset = norm(phase, qkv, weights.attn_norm, layout_.x, phase.n_tokens);
    params.row_stride = layout_.embd_stride;
    params.n_tokens = phase.n_tokens;
    params.norm_weight_offset = weights.attn_norm.weight;
    params.norm_bias_offset = weights.attn_norm.bias;
    params.norm_epsilon = config.layer_norm_epsilon;
    params.bias_offset = qkv.bias;
    params.n_head = config.n_head;
    params.n_head_kv = config.n_head_kv;
    params.head_dim = config.head_dim;
    params.rotary_stride = rotary_.stride;
    params.query_table = layout_.query_table;
    params.key_table = layout_.key_table;
    params.value_table = layout_.value_table;
    params.q_offset = layout_.q;
    params.q_stride = layout_.q_stride;
    params.kv_offset = layout_.kv;
    params.kv_stride = layout_.kv_stride;
    params.cache = cache_->shape().layout();
    for (std::size_t s = 0; s < qkv.sets.size(); ++s) {
        describe_slice(*qkv.matrix, qkv.matrix->slices[s], params);
        phase.product_costs(
            multiplications(*qkv.matrix, qkv.matrix->slices[s].n_rows, phase.n_tokens));
        record_qkv(phase.recorder, phase.decode ? qkv.decode : qkv.prefill, qkv.sets[s], params);
    }
    phase.recorder.timestamp("norm_qkv_rotary", l);
}

// A query's head meets the keys and the values of every cell that it sees.
double Schedule::attention_costs(const Phase& phase) const {
    const ModelConfig& config = model_->config();
    double cells = phase.first_position + (phase.n_tokens + 1) / 2.0;
    const std::uint32_t window = config.attention.sliding_window;
    if (window != 0) cells = std::min(cells, 1.0 * window + config.attention.sink_tokens);
    return 2.0 * cells * phase.n_tokens * config.n_head * config.head_dim;
}

// A Q8_0 cache needs whole blocks of pairs for their scales; the others are written by
// norm_qkv_rotary.
void Schedule::quantize_cache(const Phase& phase, std::uint32_t l) const {
    if (cache_->shape().format != CacheFormat::kQ8_0) return;
    QuantizeCacheParams params = {};
    params.cache = cache_->shape().layout();
    params.kv_offset = layout_.kv;
    params.kv_stride = layout_.kv_stride;
    params.n_tokens = phase.n_tokens;
    params.n_head_kv = cache_->shape().n_head_kv;
    params.n_pairs = cache_->shape().n_pairs;
    phase.elements_cost(static_cast<double>(layout_.kv_stride) * phase.n_tokens);
    record_quantize_cache(phase.recorder, quantize_kernel_, layers_[l].attention[0], params);
    phase.recorder.timestamp("quantize_cache", l);
}

void Schedule::attention(const Phase& phase, std::uint32_t l) const {
    const ModelConfig& config = model_->config();
    const ModelWeights& weights = model_->weights();
    AttentionParams params = {};
    params.q_offset = layout_.q;
    params.q_stride = layout_.q_stride;
    params.mix_offset = layout_.mix;
    params.mix_stride = layout_.mix_stride;
    params.n_tokens = phase.n_tokens;
    params.n_head = config.n_head;
    params.n_head_kv = config.n_head_kv;
    params.head_dim = config.head_dim;
    params.rotary_stride = rotary_.stride;
    params.value_table = layout_.value_table;
    params.cache = cache_->shape().layout();
    params.scale = static_cast<float>(1.0 / std::sqrt(static_cast<double>(config.head_dim)));
    params.slopes_offset = weights.alibi_slopes;
    params.window = config.attention.sliding_window;
    params.sink_tokens = config.attention.sink_tokens;
    params.scales_offset = layout_.scales;
    params.sink_logits_offset = weights.layers[l].attn_sinks;
    params.partials = layout_.attention_partials;
    params.tickets = layout_.attention_tickets;
    phase.recorder.next_costs(static_cast<std::uint32_t>(WorkKind::kAttention),
                              attention_costs(phase));
    record_attention(phase.recorder, phase.decode ? decode_attention_ : prefill_attention_,
                     layers_[l].attention[0], params);
    phase.recorder.timestamp("attention", l);
}

void Schedule::project(const Phase& phase, std::uint32_t l) const {
    LinearParams params = {};
    params.x_offset = layout_.mix;
    params.x_stride = layout_.mix_stride;
    add_product(phase, layers_[l].output, model_->weights().layers[l].ffn_norm, params);
    phase.recorder.timestamp("project", l);
}

void Schedule::norm_up_activate(const Phase& phase, std::uint32_t l) const {
    const NormWeights& ffn_norm = model_->weights().layers[l].ffn_norm;
    LinearParams params = {};
    describe_norm(ffn_norm, model_->config(), params);
    params.x_offset = norm(phase, layers_[l].up, ffn_norm, layout_.x, phase.n_tokens);
    params.x_stride = layout_.embd_stride;
    params.out_offset = layout_.hidden;
    params.out_stride = layout_.hidden_stride;
    linear(phase, layers_[l].up, phase.n_tokens, params);
    phase.recorder.timestamp("norm_up_activate", l);
}

void Schedule::down(const Phase& phase, std::uint32_t l) const {
    LinearParams params = {};
    params.x_offset = layout_.hidden;
    params.x_stride = layout_.hidden_stride;
    const ModelWeights& weights = model_->weights();
    const bool last = l + 1 == model_->config().n_layer;
    add_product(phase, layers_[l].down,
                last ? weights.output_norm : weights.layers[l + 1].attn_norm, params);
    phase.recorder.timestamp("down", l);
}

void Schedule::add_product(const Phase& phase, const Product& product, const NormWeights& next,
                           LinearParams params) const {
    params.out_offset = layout_.x;
    params.out_stride = layout_.embd_stride;
    if (phase.norms_behind) {
        describe_norm(next, model_->config(), params);
        params.normed_offset = layout_.normed;
        params.ticket = layout_.ticket;
    }
    linear(phase, product, phase.n_tokens, params);
}

void Schedule::norm_logits(const Phase& phase, LogitsOf logits) const {
    if (logits == LogitsOf::kNone) return;
    const bool every = logits == LogitsOf::kEveryToken;
    const std::uint32_t n_tokens = every ? phase.n_tokens : 1;
    const NormWeights& output_norm = model_->weights().output_norm;
    const Product& product = every ? all_logits_ : logits_;
    // One row is the decode kernels' work, also at the end of a prompt.
    const Phase head{phase.recorder, phase.decode || !every, n_tokens, phase.first_position,
                     phase.norms_behind};
    LinearParams params = {};
    describe_norm(output_norm, model_->config(), params);
    params.x_offset = norm(head, product, output_norm,
                           layout_.x + (phase.n_tokens - n_tokens) * layout_.embd_stride, n_tokens);
    params.x_stride = layout_.embd_stride;
    params.out_offset = 0;
    params.out_stride = model_->config().n_vocab;
    linear(head, product, n_tokens, params);
    phase.recorder.timestamp("norm_logits", kNoLayer);
}

std::uint32_t Schedule::n_timestamps() const {
    constexpr std::uint32_t kOperations = 6;  // of a layer
    return 3 + kOperations * model_->config().n_layer;
}

std::uint32_t Schedule::norm(const Phase& phase, const Product& product, const NormWeights& norm,
                             std::uint32_t x, std::uint32_t n_tokens) const {
    if (phase.decode && product.fused_norm) return x;
    if (!phase.norms_behind) dispatch_norm(phase, norm, x, n_tokens);
    return layout_.normed;
}

void Schedule::dispatch_norm(const Phase& phase, const NormWeights& norm, std::uint32_t x,
                             std::uint32_t n_tokens) const {
    NormParams params = {};
    params.x_offset = x;
    params.out_offset = layout_.normed;
    params.row_stride = layout_.embd_stride;
    params.n_embd = model_->config().n_embd;
    params.weight_offset = norm.weight;
    params.bias_offset = norm.bias;
    params.epsilon = model_->config().layer_norm_epsilon;
    phase.elements_cost(static_cast<double>(params.n_embd) * n_tokens);
    record_norm(phase.recorder, norm_kernel_, norm_set_[0], params, n_tokens);
}

void Schedule::linear(const Phase& phase, const Product& product, std::uint32_t n_tokens,
                      LinearParams params) const {
    params.n_tokens = n_tokens;
    for (std::size_t s = 0; s < product.sets.size(); ++s) {
        const WeightSlice& slice = product.matrix->slices[s];
        describe_slice(*product.matrix, slice, params);
        params.bias_offset = product.bias == NO_OFFSET ? NO_OFFSET : product.bias + slice.first_row;
        phase.product_costs(multiplications(*product.matrix, slice.n_rows, n_tokens));
        record_linear(phase.recorder, phase.decode ? product.decode : product.prefill,
                      product.sets[s], params);
    }
}

}  // namespace gyre
