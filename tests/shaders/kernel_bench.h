// Runs one kernel on images of its five bindings and brings back what it wrote.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "runtime/kernels/kernels.h"
#include "runtime/vk/command_recorder.h"
#include "runtime/vk/descriptor_set.h"
#include "runtime/vk/device.h"
#include "shaders/interface/bindings.h"
#include "tests/shaders/buffer_image.h"
#include "tests/shaders/random_matrix.h"

namespace gyre::test {

struct KernelBuffers {
    BufferImage state, params, cache;
    std::vector<std::vector<std::uint32_t>>
        weights;  // one entry a slice; one descriptor set for each
    StepState step{};
    SessionParams session{};
    // With words: what the state's texels show instead of all of it (Tiling::fixed: a row of x).
    std::uint32_t texels_offset = 0, texels_words = 0;
};

struct KernelResult {
    std::vector<std::uint32_t> state, cache;  // words, as in the images
};

// Whether kernels may load all of it as texels on this device. Finishes the images.
bool all_texels_fit(const DeviceCaps& caps, KernelBuffers& buffers);

// Whether every slice of the weights fits texels, which is all that Tiling::fixed needs.
bool weight_texels_fit(const DeviceCaps& caps, const KernelBuffers& buffers);

// Called with one set for every weight slice (one set where there are no weights).
using RecordKernel = std::function<void(CommandRecorder&, std::span<const DescriptorSet>)>;

// Uploads the images, runs what `record` records in one submission and downloads. Fails the test on
// any error and on any word that was written without leave; then the result may be empty.
KernelResult run_buffers(Device& device, KernelBuffers& buffers, const RecordKernel& record);

// The weight slices of `weights`, rows_a_slice outputs each (0: one slice), as the record functions
// want them described; adds their words to `buffers`.
WeightMatrix add_weights(const RandomWeights& weights, std::uint32_t rows_a_slice,
                         KernelBuffers& buffers);

}  // namespace gyre::test
