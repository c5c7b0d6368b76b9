// The schedule's kernels, descriptor sets and places, made once a session.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "runtime/engine/schedule.h"

namespace gyre {
namespace {

// What norms and products load as texels.
constexpr TexelViews kNormViews = 1u << BINDING_STATE | 1u << BINDING_PARAMS;
constexpr TexelViews kProductViews = kNormViews | 1u << BINDING_WEIGHTS;
constexpr TexelViews kFixedViews = 1u << BINDING_STATE | 1u << BINDING_WEIGHTS;

}  // namespace

ActivationLayout ActivationLayout::of(const ModelConfig& config, const RotarySpec& rotary,
                                      CacheFormat cache, std::uint32_t chunk, std::uint32_t n_ctx,
                                      std::uint32_t attention_splits) {
    ActivationLayout layout;
    std::uint64_t words = 0;
    const auto place = [&words](std::uint64_t n) {
        const auto at = static_cast<std::uint32_t>(words);
        words += activation_stride(n);
        return at;
    };
    layout.chunk = chunk;
    layout.embd_stride = activation_stride(config.n_embd);
    layout.q_stride = activation_stride(config.n_head * rotary.n_pairs() * 2);
    layout.mix_stride = activation_stride(config.n_head * config.head_dim);
    layout.hidden_stride = activation_stride(config.n_ff);
    layout.x = place(std::uint64_t{chunk} * layout.embd_stride);
    layout.normed = place(std::uint64_t{chunk} * layout.embd_stride);
    layout.q = place(std::uint64_t{chunk} * layout.q_stride);
    layout.mix = place(std::uint64_t{chunk} * layout.mix_stride);
    layout.hidden = place(std::uint64_t{chunk} * layout.hidden_stride);
    if (cache == CacheFormat::kQ8_0) {
        layout.kv_stride = activation_stride(2 * config.n_head_kv * rotary.n_pairs() * 2);
        layout.kv = place(std::uint64_t{chunk} * layout.kv_stride);
    }
    if (rotary.turns()) {
        const std::uint64_t table = std::uint64_t{n_ctx} * rotary.n_pairs() * 2;
        layout.query_table = place(table);
        layout.key_table = rotary.log_decay.empty() ? layout.query_table : place(table);
        layout.value_table = rotary.needs_unit_table() ? place(table) : layout.query_table;
    }
    if (rotary.temperature.active()) layout.scales = place(n_ctx);
    layout.turns = place(2 * std::uint64_t{rotary.n_pairs()} * 2);
    layout.ticket = place(1);
    layout.attention_splits = attention_splits;
    if (attention_splits > 1) {
        layout.attention_tickets = place(config.n_head);
        layout.attention_partials = place(std::uint64_t{config.n_head} * attention_splits *
                                          (2 * std::uint64_t{rotary.n_pairs()} + 2));
    }
    layout.words = words;
    return layout;
}

Result<Schedule> Schedule::create(const Model& model, const KvCache& cache,
                                  const RotarySpec& rotary, const ActivationLayout& layout,
                                  const ScheduleBuffers& buffers, const Progress& progress) {
    Schedule schedule(model, cache, rotary, layout, buffers);
    const auto ignore = [](double) { return Status(); };
    GYRE_TRY(schedule.build(progress ? progress : ignore));
    return schedule;
}

Status Schedule::build(const Progress& progress) {
    const ModelConfig& config = model_->config();
    const ModelWeights& weights = model_->weights();
    KernelTable& kernels = model_->kernels();
    Device& device = model_->device();
    const ModelTilings& tilings = model_->tilings();
    const WeightFormat format = weights.token_embd.format;

    rotary_kernel_ = {rotary_.pairing, rotary_.turns() && rotary_.rotate_keys,
                      rotary_.turns() ? rotary_.values : ValueRotation::kNone};
    GYRE_ASSIGN(embed_kernel_, kernels.embed(format));
    const bool norm_texels = tilings.norm_texels() && vector_texels_fit();
    GYRE_ASSIGN(norm_kernel_, kernels.norm(tilings.norm_size(format), norm_texels));
    GYRE_TRY(build_attention(Tilings::for_device(device.info(), device.caps(), format)));
    GYRE_ASSIGN(shift_kernel_, kernels.shift_cache(cache_->shape().format, rotary_kernel_));
    if (cache_->shape().format == CacheFormat::kQ8_0) {
        GYRE_ASSIGN(quantize_kernel_, kernels.quantize_cache());
    }

    GYRE_TRY(build_sets(weights.token_embd, layout_.x, buffers_.tokens, "embed", embed_sets_));
    GYRE_ASSIGN(
        DescriptorSet norm_set,
        DescriptorSet::create(device, {buffers_.state, {}, weights.params(), {}, buffers_.step},
                              "norm", norm_texels ? kNormViews : 0));
    norm_set_.push_back(std::move(norm_set));

    GYRE_TRY(progress(0.2));
    for (std::uint32_t l = 0; l < config.n_layer; ++l) {
        GYRE_TRY(build_layer(l));
        if (l == 0) GYRE_TRY(progress(0.8));  // the kernels of the others are the same ones
    }
    GYRE_TRY(build_product(weights.output, LinearEpilogue::kLogits, layout_.normed, buffers_.logits,
                           logits_));
    if (buffers_.all_logits.buffer != nullptr) {
        GYRE_TRY(build_product(weights.output, LinearEpilogue::kLogits, layout_.normed,
                               buffers_.all_logits, all_logits_));
    }
    return progress(1.0);
}

Status Schedule::build_layer(std::uint32_t l) {
    const ModelWeights& weights = model_->weights();
    const LayerWeights& w = weights.layers[l];
    Layer& layer = layers_.emplace_back();
    GYRE_TRY(build_qkv(w, cache_->layer(l), layer.qkv));
    GYRE_ASSIGN(DescriptorSet set,
                DescriptorSet::create(
                    model_->device(),
                    {buffers_.state, {}, weights.params(), cache_->layer(l), buffers_.step},
                    "attention", cache_texels() ? 1u << BINDING_CACHE : 0));
    layer.attention.push_back(std::move(set));
    // Every linear module declares the logits' binding, so something has to be bound there.
    const BufferRange& unused = buffers_.logits;
    GYRE_TRY(build_product(w.attn_output.matrix, LinearEpilogue::kResidual, layout_.mix, unused,
                           layer.output));
    GYRE_TRY(build_product(w.ffn_up.matrix, LinearEpilogue::kActivate, layout_.normed, unused,
                           layer.up));
    GYRE_TRY(build_product(w.ffn_down.matrix, LinearEpilogue::kResidual, layout_.hidden, unused,
                           layer.down));
    layer.output.bias = w.attn_output.bias;
    layer.up.bias = w.ffn_up.bias;
    layer.down.bias = w.ffn_down.bias;
    return {};
}

Status Schedule::build_attention(const Tilings& tilings) {
    const ModelConfig& config = model_->config();
    KernelTable& kernels = model_->kernels();
    AttentionVariant attention;
    attention.cache = cache_->shape().format;
    attention.rotary = rotary_kernel_;
    attention.n_pairs = rotary_.n_pairs();
    attention.alibi = config.position == PositionKind::kAlibi;
    attention.window = config.attention.sliding_window != 0;
    attention.scales = rotary_.temperature.active();
    attention.sink_logits = config.attention.sink_logits;
    if (attention.n_pairs > 128) {
        return Status::unsupported("head size " + std::to_string(config.head_dim) +
                                   ": the attention kernel handles at most 256");
    }
    if (tilings.attention_streams == 0) {
        attention.local_size = std::max(tilings.attention_size, attention.n_pairs > 64 ? 128u : 0u);
        GYRE_ASSIGN(prefill_attention_, kernels.attention(attention));
        attention.splits = layout_.attention_splits;
        GYRE_ASSIGN(decode_attention_, kernels.attention(attention));
        return {};
    }
    attention.local_size = tilings.attention_streams;
    attention.texels = cache_texels();
    attention.queries = 1;
    GYRE_ASSIGN(decode_attention_, kernels.attention(attention));
    attention.queries = attention.local_size;
    GYRE_ASSIGN(prefill_attention_, kernels.attention(attention));
    return {};
}

bool Schedule::cache_texels() const {
    return gyre::texels_fit(model_->device().caps(), cache_->layer(0).size);
}

Status Schedule::build_product(const WeightMatrix& matrix, LinearEpilogue epilogue, std::uint32_t x,
                               const BufferRange& out, Product& product) {
    KernelTable& kernels = model_->kernels();
    LinearVariant variant;
    variant.format = matrix.format;
    variant.complex = matrix.complex;
    variant.epilogue = epilogue;
    variant.activation = model_->config().activation;
    variant.tiling = tiling(matrix, false, ProductRole::kPlain);
    GYRE_ASSIGN(product.prefill, kernels.linear(variant));
    variant.norm_quads = x == layout_.normed ? model_->tilings().norm_quads(matrix) : 0;
    if (norms_behind() && epilogue == LinearEpilogue::kResidual) {
        variant.epilogue = LinearEpilogue::kResidualNorm;
    }
    variant.tiling = tiling(matrix, true, product_role(variant));
    GYRE_ASSIGN(product.decode, kernels.linear(variant));
    product.fused_norm = variant.norm_quads != 0;
    product.matrix = &matrix;
    return build_sets(matrix, x, out, "linear", product.sets);
}

Status Schedule::build_qkv(const LayerWeights& weights, const BufferRange& cache,
                           Product& product) {
    const WeightMatrix& matrix = weights.attn_qkv.matrix;
    KernelTable& kernels = model_->kernels();
    QkvVariant variant;
    variant.format = matrix.format;
    variant.complex = matrix.complex;
    variant.cache = cache_->shape().format;
    variant.rotary = rotary_kernel_;
    variant.row_step =
        pair_row_step(rotary_.pairing, matrix.complex, model_->config().head_dim, rotary_.stride);
    variant.tiling = with_even_rows(tiling(matrix, false, ProductRole::kPlain));
    GYRE_ASSIGN(product.prefill, kernels.qkv(variant));
    variant.norm_quads = model_->tilings().norm_quads(matrix);
    product.fused_norm = variant.norm_quads != 0;
    variant.tiling = with_even_rows(
        tiling(matrix, true, product.fused_norm ? ProductRole::kNormInside : ProductRole::kPlain));
    GYRE_ASSIGN(product.decode, kernels.qkv(variant));
    product.matrix = &matrix;
    product.bias = weights.attn_qkv.bias;
    return build_sets(matrix, layout_.normed, cache, "qkv", product.sets);
}

Tiling Schedule::tiling(const WeightMatrix& matrix, bool decode, ProductRole role) const {
    if (takes_fixed_tiles(model_->device().caps(), matrix)) {
        return decode ? kFixedDecode : kFixedPrefill;
    }
    Tiling tiling = model_->tilings().of({matrix.format, matrix.complex, decode, role});
    tiling.texels &= texels_fit(matrix);
    return tiling;
}

Status Schedule::build_sets(const WeightMatrix& matrix, std::uint32_t x, const BufferRange& bound,
                            const char* name, std::vector<DescriptorSet>& sets) {
    const bool fixed = takes_fixed_tiles(model_->device().caps(), matrix);
    const TexelViews views = fixed ? kFixedViews : texels_fit(matrix) ? kProductViews : 0;
    const std::uint64_t x_bytes = std::uint64_t{activation_stride(matrix.n_in)} * sizeof(float);
    const BufferRange x_row{buffers_.state.buffer,
                            buffers_.state.offset + std::uint64_t{x} * sizeof(float), x_bytes};
    for (const WeightSlice& slice : matrix.slices) {
        GYRE_ASSIGN(DescriptorSet set,
                    DescriptorSet::create(model_->device(),
                                          {buffers_.state, slice.range, model_->weights().params(),
                                           bound, buffers_.step},
                                          name, views, fixed ? x_row : BufferRange{}));
        sets.push_back(std::move(set));
    }
    return {};
}

// What products and norms read besides weights.
bool Schedule::vector_texels_fit() const {
    const DeviceCaps& caps = model_->device().caps();
    return gyre::texels_fit(caps, buffers_.state.size) &&
           gyre::texels_fit(caps, model_->weights().params().size);
}

bool Schedule::texels_fit(const WeightMatrix& matrix) const {
    return vector_texels_fit() && gyre::texels_fit(model_->device().caps(), matrix);
}

}  // namespace gyre
