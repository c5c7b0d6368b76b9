// SPDX-License-Identifier: Apache-2.0
#include "runtime/kernels/kernels.h"

#include <cassert>

#include "shaders/interface/cooperative.h"

namespace gyre {
namespace {

std::uint32_t divide_up(std::uint32_t a, std::uint32_t b) {
    return (a + b - 1) / b;
}

// Blocks of CACHE_BLOCK_PAIRS pairs in a cell, keys and values.
std::uint32_t cache_blocks(std::uint32_t n_head_kv, std::uint32_t n_pairs) {
    return 2 * n_head_kv * divide_up(n_pairs, CACHE_BLOCK_PAIRS);
}

}  // namespace

void describe_slice(const WeightMatrix& matrix, const WeightSlice& slice, EmbedParams& params) {
    params.first_row = slice.first_row;
    params.n_rows = slice.n_rows;
    params.block_rows = slice.block_rows;
    params.block_vecs = slice.block_vecs;
    params.n_chunks = matrix.n_chunks;
}

void describe_slice(const WeightMatrix& matrix, const WeightSlice& slice, LinearParams& params) {
    params.n_in = matrix.n_in;
    params.n_steps = matrix.n_steps;
    params.block_rows = slice.block_rows;
    params.block_vecs = slice.block_vecs;
    params.imag_chunks = slice.imag_chunks;
    params.first_row = slice.first_row;
    params.n_rows = slice.n_rows;
}

void describe_slice(const WeightMatrix& matrix, const WeightSlice& slice, std::uint32_t head_dim,
                    QkvParams& params) {
    assert(slice.first_row % head_dim == 0 && slice.n_rows % head_dim == 0);
    params.n_steps = matrix.n_steps;
    params.block_rows = slice.block_rows;
    params.block_vecs = slice.block_vecs;
    params.imag_chunks = slice.imag_chunks;
    params.first_head = slice.first_row / head_dim;
    params.n_heads = slice.n_rows / head_dim;
}

void record_embed(Dispatcher& recorder, const Kernel& kernel, const DescriptorSet& set,
                  const EmbedParams& params) {
    const std::uint32_t groups = divide_up(params.n_chunks, kernel.tiling.local_size);
    recorder.dispatch(*kernel.pipeline, set, params, Groups{groups, params.n_tokens});
}

void record_norm(Dispatcher& recorder, const Kernel& kernel, const DescriptorSet& set,
                 const NormParams& params, std::uint32_t n_tokens) {
    assert(params.x_offset % 4 == 0 && params.row_stride % 4 == 0 && params.weight_offset % 4 == 0);
    recorder.dispatch(*kernel.pipeline, set, params, Groups{n_tokens});
}

void record_qkv(Dispatcher& recorder, const Kernel& kernel, const DescriptorSet& set,
                const QkvParams& params, std::uint32_t head_dim) {
    assert(params.x_offset % 4 == 0);
    assert((!kernel.tiling.one_tile() || kernel.tiling.tokens > 1 || params.n_tokens == 1) &&
           "its texels show one row");
    const std::uint32_t pairs = params.n_heads * ((head_dim + 1) / 2);
    recorder.dispatch(*kernel.pipeline, set, params,
                      Groups{divide_up(pairs, kernel.tiling.rows_a_workgroup() / 2),
                             divide_up(params.n_tokens, kernel.tiling.tokens)});
}

void record_attention(Dispatcher& recorder, const Kernel& kernel, const DescriptorSet& set,
                      const AttentionParams& params) {
    assert(params.n_head % params.n_head_kv == 0);
    recorder.dispatch(
        *kernel.pipeline, set, params,
        Groups{params.n_head, divide_up(params.n_tokens, kernel.tiling.tokens), kernel.splits});
}

void record_store_kv(Dispatcher& recorder, const Kernel& kernel, const DescriptorSet& set,
                     const StoreKvParams& params, std::uint32_t n_tokens) {
    recorder.dispatch(*kernel.pipeline, set, params,
                      Groups{params.n_head + 2 * params.n_head_kv, n_tokens});
}

void record_quantize_cache(Dispatcher& recorder, const Kernel& kernel, const DescriptorSet& set,
                           const QuantizeCacheParams& params) {
    recorder.dispatch(
        *kernel.pipeline, set, params,
        Groups{divide_up(cache_blocks(params.n_head_kv, params.n_pairs), kernel.tiling.local_size),
               params.n_tokens});
}

void record_shift_cache(Dispatcher& recorder, const Kernel& kernel, const DescriptorSet& set,
                        const ShiftCacheParams& params) {
    assert(params.to < params.from);
    recorder.dispatch(*kernel.pipeline, set, params,
                      Groups{divide_up(cache_blocks(params.n_head_kv, params.n_pairs),
                                       kernel.tiling.local_size)});
}

Groups linear_groups(const Tiling& tiling, std::uint32_t n_rows, std::uint32_t n_tokens) {
    return {divide_up(n_rows, tiling.rows_a_workgroup()), divide_up(n_tokens, tiling.tokens)};
}

void record_linear(Dispatcher& recorder, const Kernel& kernel, const DescriptorSet& set,
                   const LinearParams& params) {
    assert(params.x_offset % 4 == 0 && params.x_stride % ACTIVATION_ALIGN == 0);
    assert((!kernel.tiling.one_tile() || kernel.tiling.tokens > 1 || params.n_tokens == 1) &&
           "its texels show one row");
    recorder.dispatch(*kernel.pipeline, set, params,
                      linear_groups(kernel.tiling, params.n_rows, params.n_tokens));
}

Result<DescriptorSet> make_sample_set(Device& device, const SampleBuffers& buffers) {
    assert(buffers.logits.size % 16 == 0 && "logits are read as vec4");
    assert(buffers.batch.size > SAMPLE_TOKENS_OFFSET && "the token ids are in the same range");
    BindingRanges ranges{};
    ranges[BINDING_STATE] = buffers.scratch;
    ranges[BINDING_WEIGHTS] = buffers.control;
    ranges[BINDING_PARAMS] = buffers.batch;
    ranges[BINDING_CACHE] = buffers.logits;
    ranges[BINDING_STEP] = {buffers.batch.buffer, buffers.batch.offset, sizeof(StepState)};
    return DescriptorSet::create(device, ranges, "sample");
}

SampleScratch SampleScratch::of(std::uint32_t n_logits, std::uint32_t n_ctx) {
    const std::uint32_t n_blocks = divide_up(n_logits, SAMPLE_BLOCK);
    SampleScratch scratch{};
    scratch.params.n_logits = n_logits;
    scratch.params.n_ctx = n_ctx;
    scratch.params.partials = 0;
    scratch.params.histogram = n_blocks * SAMPLE_PARTIAL_WORDS;
    scratch.params.subsets = scratch.params.histogram + 3 * SAMPLE_SLOTS;
    scratch.params.marks = scratch.params.subsets + n_blocks * SAMPLE_SUBSETS;
    scratch.words = std::uint64_t{scratch.params.marks} + n_blocks * (SAMPLE_BLOCK / 32);
    return scratch;
}

void record_sample(Dispatcher& recorder, const SampleKernels& kernels, const DescriptorSet& set,
                   const SampleParams& params) {
    assert(params.n_logits > 0 && params.n_logits <= 65535u * SAMPLE_BLOCK && "no folded grid");
    const Groups blocks{divide_up(params.n_logits, SAMPLE_BLOCK)};
    recorder.dispatch(*kernels.scan.pipeline, set, params, blocks);
    if (params.greedy == 0) recorder.dispatch(*kernels.weigh.pipeline, set, params, blocks);
    recorder.dispatch(*kernels.pick.pipeline, set, params, Groups{1});
}

void record_measure_copy(CommandRecorder& recorder, const Kernel& kernel, const DescriptorSet& set,
                         const MeasureCopyParams& params) {
    const std::uint32_t quads = kernel.tiling.local_size * kernel.tiling.rows;
    recorder.dispatch(*kernel.pipeline, set, params, Groups{divide_up(params.n_quads, quads)});
}

void record_measure_fma(CommandRecorder& recorder, const Kernel& kernel, const DescriptorSet& set,
                        const MeasureFmaParams& params, std::uint32_t n_workgroups) {
    recorder.dispatch(*kernel.pipeline, set, params, Groups{n_workgroups});
}

std::uint64_t measure_fma_flops(const MeasureFmaParams& params) {
    return std::uint64_t{2} * 4 * MEASURE_FMA_CHAINS * MEASURE_FMA_UNROLL * params.n_rounds;
}

void record_measure_matrix(CommandRecorder& recorder, const Kernel& kernel,
                           const DescriptorSet& set, const MeasureMatrixParams& params,
                           std::uint32_t n_workgroups) {
    recorder.dispatch(*kernel.pipeline, set, params, Groups{n_workgroups});
}

std::uint64_t measure_matrix_flops(const CooperativeShape& shape,
                                   const MeasureMatrixParams& params) {
    return std::uint64_t{2} * shape.m * shape.n * shape.k * COOPERATIVE_SUBGROUPS *
           MEASURE_MATRIX_CHAINS * MEASURE_MATRIX_UNROLL * params.n_rounds;
}

}  // namespace gyre
