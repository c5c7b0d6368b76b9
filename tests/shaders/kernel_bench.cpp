// Runs one kernel on images of its five bindings and brings back what it wrote.
// SPDX-License-Identifier: Apache-2.0
#include "tests/shaders/kernel_bench.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>

#include "runtime/model/weight_formats.h"
#include "tests/support/gpu_fixture.h"
#include "tests/support/test_buffer.h"

namespace gyre::test {
namespace {

// Everything that fits is shown as texels: kernels choose by their constant. A part of the state is
// shown if there is one.
TexelViews views_of(const DeviceCaps& caps, const BindingRanges& ranges,
                    const BufferRange& state_texels) {
    TexelViews views = 0;
    for (const std::uint32_t b : kTexelSource) {
        const bool part = b == BINDING_STATE && state_texels.buffer != nullptr;
        if (ranges[b].buffer != nullptr && (part || texels_fit(caps, ranges[b].size)))
            views |= 1u << b;
    }
    return views;
}

Status run(Device& device, const BindingRanges& ranges, const BufferRange& state_texels,
           const std::vector<TestBuffer>& slices, const RecordKernel& record) {
    std::vector<DescriptorSet> sets;
    for (std::size_t i = 0; i < std::max<std::size_t>(slices.size(), 1); ++i) {
        BindingRanges of_slice = ranges;
        if (!slices.empty()) of_slice[BINDING_WEIGHTS] = slices[i];
        const TexelViews views = views_of(device.caps(), of_slice, state_texels);
        GYRE_ASSIGN(DescriptorSet set,
                    DescriptorSet::create(device, of_slice, "kernel test", views, state_texels));
        sets.push_back(std::move(set));
    }
    GYRE_ASSIGN(CommandRecorder recorder, CommandRecorder::create(device));
    GYRE_TRY(recorder.begin());
    record(recorder, sets);
    GYRE_TRY(recorder.end());
    return device.run(recorder);
}

TestBuffer filled(Device& device, std::span<const std::uint32_t> words) {
    return TestBuffer(device, words, words.size());
}

// Layers that look at every index are shown a buffer that ends where its contents do; drivers,
// which would give zeros after the end, are shown the canaries too.
BufferRange bound(const TestBuffer& buffer, const BufferImage& image) {
    BufferRange range = buffer;
    if (GpuTest::validates_indices() && image.end() > 0) range.size = image.end() * 4;
    return range;
}

}  // namespace

KernelResult run_buffers(Device& device, KernelBuffers& buffers, const RecordKernel& record) {
    buffers.state.finish();
    buffers.params.finish();
    buffers.cache.finish();
    const TestBuffer state = filled(device, buffers.state.words());
    const TestBuffer params = filled(device, buffers.params.words());
    const TestBuffer cache = filled(device, buffers.cache.words());
    const StepBlock block{buffers.step, buffers.session};
    const TestBuffer step = filled(device, to_words(std::span<const StepBlock>(&block, 1)));
    std::vector<TestBuffer> slices;
    for (const auto& slice : buffers.weights)
        slices.push_back(filled(device, slice));

    BindingRanges ranges;
    ranges[BINDING_STATE] = bound(state, buffers.state);
    ranges[BINDING_PARAMS] = bound(params, buffers.params);
    ranges[BINDING_CACHE] = bound(cache, buffers.cache);
    if (slices.empty()) ranges[BINDING_VALUES] = ranges[BINDING_CACHE];
    ranges[BINDING_STEP] = step;
    BufferRange state_texels;
    if (buffers.texels_words != 0) {
        state_texels = ranges[BINDING_STATE];
        state_texels.offset += std::uint64_t{buffers.texels_offset} * 4;
        state_texels.size = std::uint64_t{buffers.texels_words} * 4;
    }
    const Status status = run(device, ranges, state_texels, slices, record);
    EXPECT_TRUE(status.ok()) << status.message();
    if (!status.ok()) return {};
    const KernelResult result{state.words(), cache.words()};
    EXPECT_EQ(buffers.state.difference(result.state), "") << "in the state buffer";
    EXPECT_EQ(buffers.cache.difference(result.cache), "") << "in the cache buffer";
    return result;
}

bool all_texels_fit(const DeviceCaps& caps, KernelBuffers& buffers) {
    const auto fits = [&caps](std::size_t words) { return texels_fit(caps, words * 4); };
    for (BufferImage* image : {&buffers.state, &buffers.params, &buffers.cache}) {
        image->finish();
        if (!fits(image->words().size())) return false;
    }
    return weight_texels_fit(caps, buffers);
}

bool weight_texels_fit(const DeviceCaps& caps, const KernelBuffers& buffers) {
    return std::all_of(buffers.weights.begin(), buffers.weights.end(),
                       [&caps](const auto& slice) { return texels_fit(caps, slice.size() * 4); });
}

WeightMatrix add_weights(const RandomWeights& weights, std::uint32_t rows_a_slice,
                         KernelBuffers& buffers) {
    WeightMatrix description;
    description.format = weights.real.format;
    description.n_rows = weights.n_rows;
    description.n_in = weights.n_in;
    description.complex = weights.is_complex;
    description.n_chunks = weights.real.n_chunks();
    description.n_steps = weights.real.n_steps();
    const std::uint32_t most = rows_a_slice == 0 ? weights.n_rows : rows_a_slice;
    const std::uint32_t outputs = weights.is_complex ? 2 : 1;  // of a stored row
    for (std::uint32_t first = 0; first < weights.n_rows; first += most) {
        const std::uint32_t n_rows = std::min(most, weights.n_rows - first),
                            stored = n_rows / outputs;
        std::vector<std::uint32_t> words = weights.real.device_words(first / outputs, stored);
        const DeviceMatrix layout{weights.real.format, stored, weights.real.n_in};
        WeightSlice slice{{}, first, n_rows, layout.block_rows(), layout.block_vecs(), 0};
        if (weights.is_complex) {
            slice.imag_chunks = static_cast<std::uint32_t>(words.size() / 4);
            const auto imag = weights.imag.device_words(first / outputs, stored);
            words.insert(words.end(), imag.begin(), imag.end());
        }
        buffers.weights.push_back(std::move(words));
        description.slices.push_back(slice);
    }
    return description;
}

}  // namespace gyre::test
