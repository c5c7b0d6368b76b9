// SPDX-License-Identifier: Apache-2.0
#include "runtime/engine/device_rates.h"

#include <algorithm>
#include <cassert>
#include <chrono>

#include "runtime/kernels/kernels.h"
#include "runtime/vk/command_recorder.h"
#include "shaders/interface/cooperative.h"

namespace gyre {
namespace {

constexpr std::uint64_t kMostCopyBytes = std::uint64_t{128} << 20;  // larger than caches
constexpr std::uint64_t kLeastCopyBytes = std::uint64_t{1} << 20;
constexpr double kSubmitSeconds = 0.02;  // of one timed submit: long beside what it costs itself
constexpr std::uint32_t kFmaWorkgroups = 4096;  // more than any device runs at once
constexpr std::uint32_t kMatrixWorkgroups = 1024;
constexpr std::uint32_t kMostCopies = 256;  // a submit
constexpr std::uint32_t kMostRounds = 1u << 16;

double seconds_since(std::chrono::steady_clock::time_point start) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// Records n times the work and runs it, n growing until a submit takes kSubmitSeconds; then repeats
// it until `seconds` have passed. Returns the shortest time for one piece of work.
template <typename Record>
Result<double> best_seconds(Device& device, CommandRecorder& recorder, double seconds,
                            std::uint32_t most, Record record) {
    const auto start = std::chrono::steady_clock::now();
    std::uint32_t n = 1;
    double best = 0.0;
    bool again = false;  // the driver may compile during the first run: it is not timed
    while (true) {
        GYRE_TRY(recorder.begin());
        record(recorder, n);
        GYRE_TRY(recorder.end());
        const auto begin = std::chrono::steady_clock::now();
        GYRE_TRY(device.run(recorder));
        const double passed = seconds_since(begin);
        if (again && (best == 0.0 || passed / n < best)) best = passed / n;
        if (again && seconds_since(start) >= seconds) return best;
        if (again && passed < kSubmitSeconds) n = std::min(most, n * 2);
        again = true;
    }
}

struct CopyBuffers {
    Buffer from, to;
};

// As much as is useful and there: half a binding's range at most, so that small devices are left
// some memory.
Result<CopyBuffers> make_copy_buffers(Device& device) {
    const DeviceCaps& caps = device.caps();
    std::uint64_t bytes = std::min({kMostCopyBytes, caps.max_storage_range, caps.max_allocation,
                                    device.available_device_bytes() / 4});
    bytes = std::max(kLeastCopyBytes, bytes / kLeastCopyBytes * kLeastCopyBytes);
    while (true) {
        Result<Buffer> from = Buffer::create(device, bytes, Memory::kDevice, "copy from");
        if (from.ok()) {
            Result<Buffer> to = Buffer::create(device, bytes, Memory::kDevice, "copy to");
            if (to.ok()) return CopyBuffers{std::move(from).value(), std::move(to).value()};
            from = to.status();
        }
        if (from.status().code() != StatusCode::kOutOfDeviceMemory || bytes <= kLeastCopyBytes) {
            return from.status();
        }
        bytes = std::max(kLeastCopyBytes, bytes / 2);
    }
}

Status measure_copy(Device& device, KernelTable& kernels, CommandRecorder& recorder, double seconds,
                    DeviceRates& rates) {
    GYRE_ASSIGN(const CopyBuffers buffers, make_copy_buffers(device));
    const std::uint64_t bytes = buffers.from.size();
    const bool texels = texels_fit(device.caps(), bytes);
    // A software driver runs a workgroup's invocations one small group after the other: only where
    // a workgroup is no larger does it go through memory from one end to the other.
    const Tiling tiling = device.caps().software
                              ? Tiling{.local_size = 8, .rows = 64, .texels = texels}
                              : Tiling{.local_size = 64, .rows = 8, .texels = texels};
    GYRE_ASSIGN(const Kernel kernel, kernels.get(MeasureCopyVariant{tiling}));
    BindingRanges ranges{};
    ranges[BINDING_STATE] = buffers.to.range();
    ranges[BINDING_WEIGHTS] = buffers.from.range();
    GYRE_ASSIGN(const DescriptorSet set,
                DescriptorSet::create(device, ranges, "copy", texels ? 1u << BINDING_WEIGHTS : 0));
    // Memory that nobody wrote may not be there: some systems read one page of zeros.
    GYRE_TRY(recorder.begin());
    recorder.fill(buffers.from.range(), 0x9e3779b9u);
    GYRE_TRY(recorder.end());
    GYRE_TRY(device.run(recorder));
    const MeasureCopyParams params{static_cast<std::uint32_t>(bytes / 16)};
    const auto copies = [&](CommandRecorder& commands, std::uint32_t n) {
        for (std::uint32_t i = 0; i < n; ++i)
            record_measure_copy(commands, kernel, set, params);
    };
    GYRE_ASSIGN(const double best, best_seconds(device, recorder, seconds, kMostCopies, copies));
    rates.copy_bytes = 2 * bytes;
    rates.copy_bytes_per_second = static_cast<double>(rates.copy_bytes) / best;
    return {};
}

// Where a kernel that measures puts its sums.
struct Sums {
    Buffer buffer;
    DescriptorSet set;
};

Result<Sums> make_sums(Device& device, std::uint64_t floats) {
    GYRE_ASSIGN(Buffer buffer, Buffer::create(device, floats * 4, Memory::kDevice, "sums"));
    BindingRanges ranges{};
    ranges[BINDING_STATE] = buffer.range();
    GYRE_ASSIGN(DescriptorSet set, DescriptorSet::create(device, ranges, "sums"));
    return Sums{std::move(buffer), std::move(set)};
}

Status measure_fma(Device& device, KernelTable& kernels, CommandRecorder& recorder, double seconds,
                   DeviceRates& rates) {
    constexpr std::uint64_t kInvocations = std::uint64_t{kFmaWorkgroups} * 64;
    GYRE_ASSIGN(const Sums sums, make_sums(device, kInvocations));
    for (const bool fused : {true, false}) {
        GYRE_ASSIGN(const Kernel kernel, kernels.get(MeasureFmaVariant{fused}));
        assert(kernel.tiling.local_size * std::uint64_t{kFmaWorkgroups} == kInvocations);
        // Near 1, so that long chains neither overflow nor become denormal, which some devices
        // compute slowly.
        MeasureFmaParams params{1, 0.999f, 0.001f};
        const auto flops = static_cast<double>(measure_fma_flops(params) * kInvocations);
        const auto chains = [&](CommandRecorder& commands, std::uint32_t n) {
            params.n_rounds = n;
            record_measure_fma(commands, kernel, sums.set, params, kFmaWorkgroups);
        };
        GYRE_ASSIGN(const double best,
                    best_seconds(device, recorder, seconds / 2, kMostRounds, chains));
        rates.fma_flops_per_second = std::max(rates.fma_flops_per_second, flops / best);
    }
    return {};
}

Status measure_matrix(Device& device, KernelTable& kernels, CommandRecorder& recorder,
                      double seconds, DeviceRates& rates) {
    const DeviceCaps& caps = device.caps();
    const Tiling tiling = cooperative_tiling(caps);
    if (!can_use_cooperative(caps, tiling)) return {};
    GYRE_ASSIGN(const Kernel kernel, kernels.get(MeasureMatrixVariant{tiling}));
    const std::uint64_t floats = std::uint64_t{kMatrixWorkgroups} * COOPERATIVE_SUBGROUPS *
                                 caps.cooperative.m * caps.cooperative.n;
    GYRE_ASSIGN(const Sums sums, make_sums(device, floats));
    MeasureMatrixParams params{1, 0.01f, 0.01f};
    const auto flops =
        static_cast<double>(measure_matrix_flops(caps.cooperative, params) * kMatrixWorkgroups);
    const auto chains = [&](CommandRecorder& commands, std::uint32_t n) {
        params.n_rounds = n;
        record_measure_matrix(commands, kernel, sums.set, params, kMatrixWorkgroups);
    };
    GYRE_ASSIGN(const double best, best_seconds(device, recorder, seconds, kMostRounds, chains));
    rates.matrix_flops_per_second = flops / best;
    return {};
}

}  // namespace

Result<DeviceRates> measure_device(Device& device, KernelTable& kernels, double seconds) {
    DeviceRates rates;
    GYRE_ASSIGN(CommandRecorder recorder,
                CommandRecorder::create(device, {.debug_name = "measure"}));
    GYRE_TRY(measure_copy(device, kernels, recorder, seconds, rates));
    GYRE_TRY(measure_fma(device, kernels, recorder, seconds, rates));
    GYRE_TRY(measure_matrix(device, kernels, recorder, seconds, rates));
    return rates;
}

}  // namespace gyre
