// What a session needs: its checks, its layouts, and the bytes of everything that it allocates.
// SPDX-License-Identifier: Apache-2.0
//
// Session::create carries a plan out; to know how much memory a session would take, the plan alone
// is enough.
#pragma once

#include <cstdint>
#include <vector>

#include "runtime/base/status.h"
#include "runtime/engine/session.h"
#include "runtime/model/model_config.h"
#include "runtime/vk/device_info.h"

namespace gyre {

struct SessionPlan {
    // ModelSpec::rotary_specs(); frequencies that depend on the length are those of the last
    // position.
    std::vector<RotarySpec> rotary;
    ActivationLayout layout;
    CacheShape cache;
    std::uint32_t n_choices = 0;  // tokens that the sampler chooses from

    // Bytes of the buffers.
    std::uint64_t state = 0, batch = 0, logits = 0, readback = 0;
    TokenLoop::Bytes loop;
    std::uint64_t cache_bytes = 0;
    std::uint32_t n_buffers = 0;  // allocations

    // OK, or the first limit of the device that is exceeded (kOutOfDeviceMemory): then the bytes
    // are what the session would take without it.
    Status exceeded;

    std::uint64_t work_bytes() const {
        return state + batch + logits + readback + loop.control + loop.scratch;
    }

    // embedding: the format of token_embd. Errors are the caller's mistakes: kInvalidArgument,
    // kUnsupported.
    static Result<SessionPlan> of(const ModelConfig& config, WeightFormat embedding,
                                  const DeviceInfo& device, const DeviceCaps& caps,
                                  const SessionOptions& options);
};

}  // namespace gyre
