// SPDX-License-Identifier: Apache-2.0
#include "runtime/engine/warm_up.h"

#include <algorithm>

namespace gyre {

bool KernelList::add(const Pipeline& pipeline) {
    if (std::find(kernels_.begin(), kernels_.end(), &pipeline) != kernels_.end()) return false;
    kernels_.push_back(&pipeline);
    return true;
}

void KernelList::dispatch(const Pipeline& pipeline, const DescriptorSet& /*set*/,
                          const void* /*push*/, std::uint32_t /*push_bytes*/, Groups /*groups*/,
                          std::span<const Access> /*accesses*/) {
    add(pipeline);
}

void WarmUp::dispatch(const Pipeline& pipeline, const DescriptorSet& set, const void* push,
                      std::uint32_t push_bytes, Groups groups, std::span<const Access> accesses) {
    if (!status_.ok() || !warm_.add(pipeline)) return;
    status_ = [&]() -> Status {
        GYRE_TRY(recorder_.begin());
        recorder_.dispatch(pipeline, set, push, push_bytes, groups, accesses);
        GYRE_TRY(recorder_.end());
        GYRE_TRY(queue_.run(recorder_));
        return done_(warm_.size());
    }();
}

}  // namespace gyre
