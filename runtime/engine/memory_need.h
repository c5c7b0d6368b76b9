// How much memory a model and a session on it will take, computed before they are made.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "runtime/base/status.h"
#include "runtime/engine/model.h"
#include "runtime/engine/session.h"

namespace gyre {

// Bytes of the device's memory, as ModelWeights::device_bytes, Session::cache_bytes and work_bytes
// will be; without the driver's own.
struct MemoryNeed {
    std::uint64_t weights = 0;
    std::uint64_t cache = 0;
    std::uint64_t work = 0;       // activations, tables, logits, the sampler
    std::uint64_t available = 0;  // for the three of them
    std::uint32_t device_index = 0;
    // OK, or why they do not fit (kOutOfDeviceMemory); what cannot be cut to the device's limits is
    // counted in one piece then.
    Status unfit;

    std::uint64_t total() const { return weights + cache + work; }
};

// Of a file whose data need not be there, on options.device: loads the driver, makes no device.
// Errors as Model::open and Session::create, but for those of memory.
Result<MemoryNeed> estimate_memory(const ModelFile& file, const OpenOptions& options,
                                   const SessionOptions& session);

// Of one session more on an open model, whose weights count as if they were not there yet.
Result<MemoryNeed> estimate_memory(const Model& model, const SessionOptions& session);

}  // namespace gyre
