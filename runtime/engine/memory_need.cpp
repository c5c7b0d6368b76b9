// SPDX-License-Identifier: Apache-2.0
#include "runtime/engine/memory_need.h"

#include <string>

#include "runtime/engine/open_device.h"
#include "runtime/engine/session_plan.h"

namespace gyre {
namespace {

constexpr std::uint32_t kOwnBuffers = 1;  // of a Device: what it binds where nothing is

// The first reason stays.
void note(Status& unfit, const Status& reason) {
    if (unfit.ok()) unfit = reason;
}

void add_session(const SessionPlan& plan, MemoryNeed& need) {
    need.cache = plan.cache_bytes;
    need.work = plan.work_bytes();
    note(need.unfit, plan.exceeded);
}

void compare(const DeviceInfo& device, const DeviceCaps& caps, std::uint64_t n_buffers,
             MemoryNeed& need) {
    if (n_buffers > caps.max_allocations) {
        note(need.unfit,
             Status::out_of_device_memory("model and session need " + std::to_string(n_buffers) +
                                          " allocations, " + device.name + " allows " +
                                          std::to_string(caps.max_allocations)));
    }
    if (need.total() > need.available) {
        note(need.unfit, Status::out_of_device_memory(
                             "model and session need " + std::to_string(need.total()) + " bytes, " +
                             std::to_string(need.available) + " are available on " + device.name +
                             ": use a smaller context, a cache of fewer bits or a smaller model"));
    }
}

}  // namespace

Result<MemoryNeed> estimate_memory(const ModelFile& file, const OpenOptions& options,
                                   const SessionOptions& session) {
    const Status supported = check_supported(file.config);
    if (!supported.ok()) return supported.with_context(file.source);
    GYRE_ASSIGN(const Instance instance, create_instance(options));
    GYRE_ASSIGN(const DeviceChoice choice, instance.choose(options.device));
    const DeviceInfo& device = instance.devices()[choice.index];
    const DeviceCaps caps = caps_of(device, device_options(options, device));

    MemoryNeed need;
    need.device_index = choice.index;
    need.available = instance.available_device_bytes(choice.index);
    GYRE_ASSIGN(
        const SessionPlan plan,
        SessionPlan::of(file.config, file.tensors.token_embd->format, device, caps, session));
    std::uint64_t n_buffers = kOwnBuffers + plan.n_buffers;
    const std::vector<MatrixId> order = matrices_of(file.config, gyre::plan(file.config));
    const auto weights = WeightsPlan::of(device, caps, file.config, file.tensors, order);
    if (weights.ok()) {
        need.weights = weights.value().device_bytes;
        n_buffers += weights.value().n_blocks;
    } else {
        need.weights = matrix_device_bytes(file.tensors, order);
        need.unfit = weights.status();
    }
    add_session(plan, need);
    compare(device, caps, n_buffers, need);
    return need;
}

Result<MemoryNeed> estimate_memory(const Model& model, const SessionOptions& session) {
    const Device& device = model.device();
    MemoryNeed need;
    need.device_index = device.info().index;
    need.weights = model.weights().device_bytes();
    need.available = device.available_device_bytes() + need.weights;
    GYRE_ASSIGN(const SessionPlan plan,
                SessionPlan::of(model.config(), model.weights().token_embd.format, device.info(),
                                device.caps(), session));
    add_session(plan, need);
    compare(device.info(), device.caps(), device.counters().allocations + plan.n_buffers, need);
    return need;
}

}  // namespace gyre
