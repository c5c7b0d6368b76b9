// The schedule's kernels and descriptor sets, made once a session.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "runtime/engine/schedule.h"

namespace gyre {
namespace {

// What norms and products load as texels.
constexpr TexelViews kNormViews = 1u << BINDING_STATE | 1u << BINDING_PARAMS;
constexpr TexelViews kProductViews = kNormViews | 1u << BINDING_WEIGHTS;
constexpr TexelViews kOneTileViews = 1u << BINDING_STATE | 1u << BINDING_WEIGHTS;

}  // namespace

Result<Schedule> Schedule::create(const Model& model, const KvCache& cache,
                                  std::span<const RotarySpec> rotary,
                                  const ActivationLayout& layout, const ScheduleBuffers& buffers,
                                  const Progress& progress) {
    Schedule schedule(model, cache, rotary, layout, buffers);
    const auto ignore = [](double) { return Status(); };
    GYRE_TRY(schedule.build(progress ? progress : ignore));
    return schedule;
}

Status Schedule::build(const Progress& progress) {
    const CacheFormat format = cache_->shape().format;
    const FusedPlan plan = FusedPlan::of(model_->plan(), model_->tilings(), model_->weights(),
                                         rules_of(cache_->shape()));
    const bool every = buffers_.all_logits.buffer != nullptr;
    const struct {
        const Operations& operations;
        StepsOf of;
        Steps& steps;
    } lists[] = {
        {plan.decode, {true, buffers_.logits}, decode_},
        {plan.prompt, {false, {}}, prompt_},
        {plan.last_logits, {true, buffers_.logits}, last_logits_},
        {every ? plan.all_logits : Operations(), {false, buffers_.all_logits}, all_logits_},
    };
    const ShiftCacheVariant shift{format, rotary_kernel(rotary_[0])};
    std::vector<KernelVariant> variants = {shift};
    for (const auto& list : lists) {
        for (const Operation& operation : list.operations)
            GYRE_TRY(append_variants(operation, list.of.decode, variants));
    }
    GYRE_TRY(model_->kernels().compile(variants, progress));

    GYRE_ASSIGN(shift_kernel_, model_->kernels().get(shift));
    for (const auto& list : lists) {
        for (const Operation& operation : list.operations)
            GYRE_TRY(build_step(operation, list.of, list.steps.emplace_back()));
    }
    return {};
}

// What the operation's kernels are compiled for: a variant for each of its matrices, or one.
Status Schedule::append_variants(const Operation& operation, bool decode,
                                 std::vector<KernelVariant>& variants) const {
    switch (operation.kind) {
        case OperationKind::kEmbed:
        case OperationKind::kProduct:
            for (std::size_t p = 0; p < operation.parts.size(); ++p) {
                const WeightMatrix& matrix = model_->weights().matrix(operation.matrix(p));
                variants.push_back(matrix_variant(operation, matrix, decode));
            }
            return {};
        case OperationKind::kNorm:
            variants.emplace_back(norm_variant(operation));
            return {};
        case OperationKind::kStore:
            variants.emplace_back(store_variant(operation));
            return {};
        case OperationKind::kQuantize:
            variants.emplace_back(QuantizeCacheVariant{});
            return {};
        case OperationKind::kAttend:
            GYRE_TRY(check_head_size());
            variants.emplace_back(attention_variant(operation, decode));
            return {};
    }
    return {};
}

Status Schedule::build_step(const Operation& operation, const StepsOf& of, Step& step) {
    step.operation = operation;
    step.label = profile_label(operation);
    std::vector<KernelVariant> variants;
    GYRE_TRY(append_variants(operation, of.decode, variants));
    if (!operation.parts.empty()) return build_parts(variants, of, step);
    GYRE_ASSIGN(step.kernel, model_->kernels().get(variants[0]));
    if (operation.kind == OperationKind::kNorm) {
        GYRE_ASSIGN(step.sets, sets_of(nullptr, 0, {}, norm_texels() ? kNormViews : 0, "norm"));
        return {};
    }
    GYRE_ASSIGN(step.sets, cache_sets(operation.layer));
    return {};
}

// A matrix after the other, each with its kernel and sets.
Status Schedule::build_parts(std::span<const KernelVariant> variants, const StepsOf& of,
                             Step& step) {
    const Operation& operation = step.operation;
    const bool stores = operation.then == Then::kStore;
    for (std::size_t p = 0; p < operation.parts.size(); ++p) {
        const MatrixId id = operation.matrix(p);
        Part& part = step.parts.emplace_back();
        part.matrix = &model_->weights().matrix(id);
        GYRE_ASSIGN(part.kernel, model_->kernels().get(variants[p]));
        if (operation.kind == OperationKind::kEmbed) {
            GYRE_ASSIGN(part.sets, sets_of(part.matrix, 0, buffers_.tokens, 0, "embed"));
            continue;
        }
        part.bias = model_->weights().bias(id);
        part.first_row = first_row_of(model_->config(), id.role);
        // Every linear module declares the logits' binding, so something has to be bound there.
        const BufferRange& bound = stores ? cache_->layer(operation.layer).front().keys
                                   : operation.out == Place::kLogits ? of.logits
                                                                     : buffers_.logits;
        const bool one_tile = part.kernel.tiling.one_tile();
        const TexelViews views = one_tile                   ? kOneTileViews
                                 : texels_fit(*part.matrix) ? kProductViews
                                                            : 0;
        GYRE_ASSIGN(part.sets, sets_of(part.matrix, one_tile ? layout_.at(operation.in).offset : 0,
                                       bound, views, stores ? "qkv" : "linear"));
    }
    return {};
}

NormVariant Schedule::norm_variant(const Operation& operation) const {
    const WeightFormat format = model_->weights().token_embd.format;
    return {.local_size = model_->tilings().norm_size(format),
            .texels = norm_texels(),
            .rms = model_->config().norm == NormKind::kRms,
            .add = operation.then == Then::kAdd};
}

// Of an operation that reads a matrix.
KernelVariant Schedule::matrix_variant(const Operation& operation, const WeightMatrix& matrix,
                                       bool decode) const {
    if (operation.kind == OperationKind::kEmbed)
        return EmbedVariant{matrix.format, model_->config().embedding_scale != 1.0f,
                            matrix.integer_halves};
    if (operation.then == Then::kStore) return qkv_variant(operation, matrix, decode);
    LinearVariant variant = linear_variant(operation, matrix, model_->config(), model_->tilings());
    variant.integer_halves = matrix.integer_halves;
    variant.tiling = tiling(matrix, decode, decode ? product_role(variant) : ProductRole::kPlain);
    return variant;
}

QkvVariant Schedule::qkv_variant(const Operation& operation, const WeightMatrix& matrix,
                                 bool decode) const {
    QkvVariant variant;
    variant.format = matrix.format;
    variant.complex = matrix.complex;
    variant.integer_halves = matrix.integer_halves;
    variant.cache = cache_->shape().format;
    const RotarySpec& rotary = rotary_of(operation);
    variant.rotary = rotary_kernel(rotary);
    variant.rms_norm = model_->config().norm == NormKind::kRms;
    variant.row_step =
        pair_row_step(rotary.pairing, matrix.complex, model_->config().head_dim, rotary.stride);
    const bool inside = operation.norm_place == NormPlace::kInside;
    if (inside) variant.norm_quads = model_->tilings().norm_quads(matrix);
    variant.tiling = with_even_rows(
        tiling(matrix, decode, inside ? ProductRole::kNormInside : ProductRole::kPlain));
    return variant;
}

const RotarySpec& Schedule::rotary_of(const Operation& operation) const {
    return rotary_[model_->config().rotary_of(operation.layer)];
}

// All layers have the same pairing, and rotate the same, if some rotate at all.
RotaryKernelSpec Schedule::rotary_kernel(const RotarySpec& rotary) const {
    const bool rotates = any_rotates(rotary_);
    return {rotary.pairing, rotates && rotary.rotate_keys,
            rotates ? rotary.values : ValueRotation::kNone};
}

StoreVariant Schedule::store_variant(const Operation& operation) const {
    StoreVariant variant;
    variant.cache = cache_->shape().format;
    variant.rotary = rotary_kernel(rotary_of(operation));
    variant.norm = model_->config().attention.qk_norm;
    variant.rms_norm = model_->config().norm == NormKind::kRms;
    variant.clamp = operation.clamp;
    return variant;
}

Status Schedule::check_head_size() const {
    const std::uint32_t size = model_->config().head_dim;
    if (size <= 256) return {};
    return Status::unsupported("head size " + std::to_string(size) +
                               ": the attention kernel handles at most 256");
}

AttentionVariant Schedule::attention_variant(const Operation& operation, bool decode) const {
    const ModelSpec& spec = model_->config();
    const RotarySpec& rotary = rotary_of(operation);
    AttentionVariant attention;
    attention.cache = cache_->shape().format;
    attention.rotary = rotary_kernel(rotary);
    attention.n_pairs = rotary.n_pairs();
    attention.alibi = spec.position == PositionKind::kAlibi;
    attention.window = spec.window(operation.layer) != 0;
    attention.scales = rotary_[0].temperature.active();
    attention.sink_logits = spec.attention.sink_logits;
    attention.cap = spec.attention.score_cap != 0.0f;
    Device& device = model_->device();
    const Tilings tilings =
        Tilings::for_device(device.info(), device.caps(), model_->weights().token_embd.format);
    if (tilings.attention_streams == 0) {
        attention.local_size = std::max(tilings.attention_size, attention.n_pairs > 64 ? 128u : 0u);
        attention.splits = decode ? layout_.attention_splits : 1;
    } else {
        attention.local_size = tilings.attention_streams;
        attention.texels = cache_texels();
        attention.queries = decode ? 1 : attention.local_size;
    }
    return attention;
}

Result<const std::vector<DescriptorSet>*> Schedule::sets_of(const WeightMatrix* matrix,
                                                            std::uint32_t x,
                                                            const BufferRange& bound,
                                                            TexelViews views, const char* name) {
    const SetKey key{matrix, x, bound.buffer, bound.offset, views};
    if (const auto found = sets_.find(key); found != sets_.end()) return &found->second;
    std::vector<BufferRange> slices;
    if (matrix == nullptr) slices.emplace_back();
    for (std::size_t s = 0; matrix != nullptr && s < matrix->slices.size(); ++s)
        slices.push_back(matrix->slices[s].range);
    BufferRange x_row;  // of the modules for one tile, whose texels begin there
    if (views == kOneTileViews) {
        x_row = {buffers_.state.buffer, buffers_.state.offset + std::uint64_t{x} * sizeof(float),
                 std::uint64_t{activation_stride(matrix->n_in)} * sizeof(float)};
    }
    std::vector<DescriptorSet> sets;
    for (const BufferRange& slice : slices) {
        GYRE_ASSIGN(DescriptorSet set,
                    DescriptorSet::create(
                        model_->device(),
                        {buffers_.state, slice, model_->weights().params(), bound, buffers_.step},
                        name, views, x_row));
        sets.push_back(std::move(set));
    }
    return &sets_.emplace(key, std::move(sets)).first->second;
}

Result<const std::vector<DescriptorSet>*> Schedule::cache_sets(std::uint32_t layer) {
    const TexelViews views = cache_texels() ? 1u << BINDING_CACHE | 1u << BINDING_VALUES : 0;
    const std::span<const CacheSlice> slices = cache_->layer(layer);
    const BufferRange& first = slices.front().keys;
    const SetKey key{nullptr, 0, first.buffer, first.offset, views};
    if (const auto found = sets_.find(key); found != sets_.end()) return &found->second;
    std::vector<DescriptorSet> sets;
    for (const CacheSlice& slice : slices) {
        BindingRanges ranges{buffers_.state, {}, model_->weights().params(), {}, buffers_.step};
        ranges[BINDING_CACHE] = slice.keys;
        ranges[BINDING_VALUES] = slice.values;
        GYRE_ASSIGN(DescriptorSet set,
                    DescriptorSet::create(model_->device(), ranges, "attention", views));
        sets.push_back(std::move(set));
    }
    return &sets_.emplace(key, std::move(sets)).first->second;
}

Tiling Schedule::tiling(const WeightMatrix& matrix, bool decode, ProductRole role) const {
    if (takes_fixed_tiles(model_->device().caps(), matrix)) {
        return decode ? kFixedDecode : kFixedPrefill;
    }
    Tiling tiling = model_->tilings().of({matrix.format, matrix.complex, decode, role});
    tiling.texels &= texels_fit(matrix);
    return tiling;
}

bool Schedule::cache_texels() const {
    return gyre::texels_fit(model_->device().caps(), cache_->largest_range());
}

bool Schedule::norm_texels() const {
    return model_->tilings().norm_texels() && vector_texels_fit();
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
