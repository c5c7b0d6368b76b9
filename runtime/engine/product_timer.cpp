// SPDX-License-Identifier: Apache-2.0
#include "runtime/engine/product_timer.h"

#include <time.h>

#include <algorithm>
#include <bit>
#include <chrono>
#include <cstring>
#include <thread>

namespace gyre {
namespace {

constexpr int kRepeats = 7;
constexpr double kRepeatsUs = 20'000;  // no more repeats after these, nor layers
constexpr double kOneUs = 100'000;     // one is enough of what takes so long

constexpr float kInput = 0.01f;  // of every element: neither zero nor denormal

// Tokens of a prompt: enough for every tile, and for a GPU to be busy.
std::uint32_t n_tokens(const DeviceCaps& caps, const ProductKind& kind) {
    if (kind.decode) return 1;
    return caps.software ? 32 : 128;
}

// Of the state buffer, in words: x, out, normed, ticket.
struct Layout {
    std::uint32_t tokens, out, normed, ticket, words;
};
Layout layout_of(const DeviceCaps& caps, const TunedProduct& product) {
    const WeightMatrix& matrix = *product.matrices[0];
    Layout layout{};
    layout.tokens = n_tokens(caps, product.kind);
    layout.out = layout.tokens * activation_stride(matrix.n_in);
    layout.normed = layout.out + layout.tokens * activation_stride(matrix.n_rows);
    layout.ticket = layout.normed + activation_stride(matrix.n_rows);
    layout.words = layout.ticket + ACTIVATION_ALIGN;
    return layout;
}

// Of this process, in all its threads.
double cpu_us() {
    timespec time{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_nsec) / 1e3;
}

// What a dispatch takes on cores that are its own, each of which runs whole workgroups. A software
// driver's clock says too which of its threads happened to share a core: twice as much, or not.
double undisturbed_us(double cpu_us, const TunedProduct& product, const Tiling& tiling,
                      std::uint32_t n_tokens) {
    const Groups groups = linear_groups(tiling, product.matrices[0]->slices[0].n_rows, n_tokens);
    const std::uint32_t n_groups = groups.x * groups.y;
    const std::uint32_t n_cores = std::max(1u, std::thread::hardware_concurrency());
    const std::uint32_t rounds = (n_groups + n_cores - 1) / n_cores;
    return cpu_us * rounds / n_groups;
}

}  // namespace

Result<ProductTimer> ProductTimer::create(const Model& model,
                                          std::span<const TunedProduct> products) {
    Device& device = model.device();
    std::uint32_t words = ACTIVATION_ALIGN;
    for (const TunedProduct& product : products) {
        words = std::max(words, layout_of(device.caps(), product).words);
    }
    GYRE_ASSIGN(Buffer state,
                Buffer::create(device, std::uint64_t{words} * 4, Memory::kDevice, "tuner state"));
    GYRE_ASSIGN(Buffer step,
                Buffer::create(device, sizeof(StepBlock), Memory::kShared, "tuner step"));
    GYRE_ASSIGN(Buffer logits, Buffer::create(device, std::uint64_t{model.config().n_vocab} * 4,
                                              Memory::kDevice, "tuner logits"));
    GYRE_ASSIGN(CommandRecorder recorder,
                CommandRecorder::create(device, {.debug_name = "tuner", .max_timestamps = 2}));
    return ProductTimer(model, std::move(state), std::move(step), std::move(logits),
                        std::move(recorder));
}

ProductTimer::ProductTimer(const Model& model, Buffer state, Buffer step, Buffer logits,
                           CommandRecorder recorder)
    : model_(&model),
      state_(std::move(state)),
      step_(std::move(step)),
      logits_(std::move(logits)),
      recorder_(std::move(recorder)) {
    const DeviceCaps& caps = model.device().caps();
    device_clock_ = caps.timestamp_period_ns != 0 && !caps.software;
}

Result<Kernel> ProductTimer::kernel(const TunedProduct& product, const Tiling& tiling) {
    LinearVariant variant = product.variant;
    variant.tiling = tiling;
    return model_->kernels().get(variant);
}

void ProductTimer::forget(const TunedProduct& product, const Tiling& tiling) {
    const Result<Kernel> found = kernel(product, tiling);
    if (found.ok()) model_->kernels().forget(found.value());
}

Status ProductTimer::record(const TunedProduct& product, const Kernel& kernel,
                            std::size_t n_matrices) {
    const ModelWeights& weights = model_->weights();
    const Layout layout = layout_of(model_->device().caps(), product);
    const TexelViews views = 1u << BINDING_STATE | 1u << BINDING_PARAMS | 1u << BINDING_WEIGHTS;
    StepBlock block = {};
    block.session.norm_epsilon = model_->config().layer_norm_epsilon;
    block.session.normed_offset = layout.normed;
    block.session.ticket = layout.ticket;
    std::memcpy(step_.mapped(), &block, sizeof(block));
    GYRE_TRY(step_.flush(0, sizeof(block)));
    sets_.clear();
    GYRE_TRY(recorder_.begin());
    recorder_.fill(state_.range(0, std::uint64_t{layout.ticket} * 4),
                   std::bit_cast<std::uint32_t>(kInput));
    recorder_.fill(state_.range(std::uint64_t{layout.ticket} * 4, 4), 0);
    recorder_.timestamp("begin");
    for (const WeightMatrix* matrix : std::span(product.matrices).first(n_matrices)) {
        const WeightSlice& slice = matrix->slices[0];
        GYRE_ASSIGN(DescriptorSet set,
                    DescriptorSet::create(model_->device(),
                                          {state_.range(), slice.range, weights.params(),
                                           logits_.range(), step_.range()},
                                          "tuner", kernel.tiling.texels ? views : 0));
        sets_.push_back(std::move(set));
        LinearParams params = {};
        describe_slice(*matrix, slice, params);
        const bool logits = product.variant.epilogue == LinearEpilogue::kLogits;
        params.x_stride = activation_stride(matrix->n_in);
        params.n_tokens = layout.tokens;
        params.norm_weight_offset = weights.output_norm.weight;
        params.norm_bias_offset = weights.output_norm.bias;
        params.bias_offset = NO_OFFSET;
        params.out_offset = logits ? 0 : layout.out;
        params.out_stride = activation_stride(matrix->n_rows);
        record_linear(recorder_, kernel, sets_.back(), params);
    }
    recorder_.timestamp("end");
    return recorder_.end();
}

Result<ProductTime> ProductTimer::run() {
    using Clock = std::chrono::steady_clock;
    const double cpu_begin = cpu_us();
    const Clock::time_point begin = Clock::now();
    GYRE_TRY(model_->device().run(recorder_));
    ProductTime time;
    if (!device_clock_) {
        time.us = std::chrono::duration<double, std::micro>(Clock::now() - begin).count();
        if (model_->device().caps().software) time.cpu_us = cpu_us() - cpu_begin;
        return time;
    }
    GYRE_ASSIGN(const std::vector<TimestampValue> times, recorder_.timestamps());
    if (times.size() != 2) return Status::internal("the device gave no timestamps");
    time.us = times[1].ns / 1000;
    return time;
}

Result<ProductTime> ProductTimer::time(const TunedProduct& product, const Tiling& tiling) {
    GYRE_ASSIGN(const Kernel timed, kernel(product, tiling));
    std::size_t n = 1;
    GYRE_TRY(record(product, timed, n));
    GYRE_TRY(run().status());  // compiles, where the driver does so late
    GYRE_ASSIGN(ProductTime best, run());
    if (product.matrices.size() > 1 && 2 * best.us < kRepeatsUs) {
        n = std::min(product.matrices.size(), static_cast<std::size_t>(kRepeatsUs / best.us));
        GYRE_TRY(record(product, timed, n));
        GYRE_ASSIGN(best, run());
    }
    double spent = best.us;
    for (int i = 1; i < kRepeats && spent < (i == 1 ? kOneUs : kRepeatsUs); ++i) {
        GYRE_ASSIGN(const ProductTime one, run());
        best.us = std::min(best.us, one.us);
        best.cpu_us = std::min(best.cpu_us, one.cpu_us);
        spent += one.us;
    }
    best.us /= static_cast<double>(n);
    best.cpu_us /= static_cast<double>(n);
    const DeviceCaps& caps = model_->device().caps();
    if (caps.software) {
        best.us = undisturbed_us(best.cpu_us, product, tiling, n_tokens(caps, product.kind));
    }
    return best;
}

}  // namespace gyre
