// One record function for each operation: it takes parameters in the model's words and computes the
// grid.
// SPDX-License-Identifier: Apache-2.0
//
// Every function is one dispatch. What a kernel does, its bindings and its shapes are in the head
// comment of shaders/<operation>.comp; barriers follow from what it declares.
#pragma once

#include "runtime/kernels/kernel_table.h"
#include "runtime/kernels/tensor.h"
#include "runtime/vk/command_recorder.h"
#include "shaders/interface/attention.h"
#include "shaders/interface/embed.h"
#include "shaders/interface/linear.h"
#include "shaders/interface/measure_copy.h"
#include "shaders/interface/measure_fma.h"
#include "shaders/interface/measure_matrix.h"
#include "shaders/interface/norm.h"
#include "shaders/interface/qkv.h"
#include "shaders/interface/quantize_cache.h"
#include "shaders/interface/sample.h"
#include "shaders/interface/shift_cache.h"
#include "shaders/interface/store_kv.h"

namespace gyre {

// Fills what a kernel needs to know of the weights' layout into its parameters.
void describe_slice(const WeightMatrix& matrix, const WeightSlice& slice, EmbedParams& params);
void describe_slice(const WeightMatrix& matrix, const WeightSlice& slice, LinearParams& params);
// The slice must begin and end at a head.
void describe_slice(const WeightMatrix& matrix, const WeightSlice& slice, std::uint32_t head_dim,
                    QkvParams& params);

void record_embed(Dispatcher& recorder, const Kernel& kernel, const DescriptorSet& set,
                  const EmbedParams& params);
void record_norm(Dispatcher& recorder, const Kernel& kernel, const DescriptorSet& set,
                 const NormParams& params, std::uint32_t n_tokens);
// head_dim: the session's.
void record_qkv(Dispatcher& recorder, const Kernel& kernel, const DescriptorSet& set,
                const QkvParams& params, std::uint32_t head_dim);
void record_attention(Dispatcher& recorder, const Kernel& kernel, const DescriptorSet& set,
                      const AttentionParams& params);
void record_store_kv(Dispatcher& recorder, const Kernel& kernel, const DescriptorSet& set,
                     const StoreKvParams& params, std::uint32_t n_tokens);
void record_quantize_cache(Dispatcher& recorder, const Kernel& kernel, const DescriptorSet& set,
                           const QuantizeCacheParams& params);
void record_shift_cache(Dispatcher& recorder, const Kernel& kernel, const DescriptorSet& set,
                        const ShiftCacheParams& params);
// What record_linear dispatches.
Groups linear_groups(const Tiling& tiling, std::uint32_t n_rows, std::uint32_t n_tokens);
void record_linear(Dispatcher& recorder, const Kernel& kernel, const DescriptorSet& set,
                   const LinearParams& params);

// The buffers of the sampler.
struct SampleBuffers {
    BufferRange scratch;  // SampleScratch::words
    BufferRange control;  // SampleControl
    BufferRange logits;   // [n_logits] f32 and any padding, a multiple of 16 bytes
    // StepState, the token ids SAMPLE_TOKENS_OFFSET bytes after it: both as the other kernels have
    // them, in one range.
    BufferRange batch;
};

// One set for the three kernels.
Result<DescriptorSet> make_sample_set(Device& device, const SampleBuffers& buffers);

// Where things lie in the scratch buffer, and the parameters that say so.
struct SampleScratch {
    SampleParams params;  // greedy: 0
    std::uint64_t words = 0;

    static SampleScratch of(std::uint32_t n_logits, std::uint32_t n_ctx);
};

// One token from the logits: 3 dispatches, 2 where params.greedy is set.
void record_sample(Dispatcher& recorder, const SampleKernels& kernels, const DescriptorSet& set,
                   const SampleParams& params);

// The kernels that measure the device.
void record_measure_copy(CommandRecorder& recorder, const Kernel& kernel, const DescriptorSet& set,
                         const MeasureCopyParams& params);
void record_measure_fma(CommandRecorder& recorder, const Kernel& kernel, const DescriptorSet& set,
                        const MeasureFmaParams& params, std::uint32_t n_workgroups);

// Floating point operations of one invocation of measure_fma: a multiplication and an addition each
// count as one.
std::uint64_t measure_fma_flops(const MeasureFmaParams& params);

void record_measure_matrix(CommandRecorder& recorder, const Kernel& kernel,
                           const DescriptorSet& set, const MeasureMatrixParams& params,
                           std::uint32_t n_workgroups);

// The same of one workgroup of measure_matrix.
std::uint64_t measure_matrix_flops(const CooperativeShape& shape,
                                   const MeasureMatrixParams& params);

}  // namespace gyre
