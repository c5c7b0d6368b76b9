// What takes dispatches: a recorder, or what spreads them over several.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <type_traits>

#include "runtime/vk/buffer.h"
#include "runtime/vk/descriptor_set.h"
#include "runtime/vk/device.h"
#include "runtime/vk/pipeline.h"

namespace gyre {

// Workgroups by dimension.
struct Groups {
    std::uint32_t x = 1;
    std::uint32_t y = 1;
    std::uint32_t z = 1;
};

// A range that a dispatch reads or writes, when that is less than what is bound.
struct Access {
    BufferRange range;
    bool write = false;
};

class Dispatcher {
  public:
    // groups.x beyond caps().max_groups[0] is folded into y (then y must be 1); 0 groups are no
    // dispatch. push: exactly pipeline.declared().push_bytes bytes. The pipeline and the buffers in
    // the set must live as long as the recording is submitted. accesses: replaces what would be
    // derived from bindings; then it must list every range that the dispatch touches and somebody
    // writes.
    virtual void dispatch(const Pipeline& pipeline, const DescriptorSet& set, const void* push,
                          std::uint32_t push_bytes, Groups groups,
                          std::span<const Access> accesses) = 0;

    template <typename Params>
    void dispatch(const Pipeline& pipeline, const DescriptorSet& set, const Params& params,
                  Groups groups, std::span<const Access> accesses = {}) {
        static_assert(std::is_trivially_copyable_v<Params> && sizeof(Params) % 4 == 0 &&
                      sizeof(Params) <= kMaxPushBytes);
        dispatch(pipeline, set, &params, static_cast<std::uint32_t>(sizeof(Params)), groups,
                 accesses);
    }

    // How much the next dispatch computes: so much of a kind of work, as the caller counts them.
    // For those who cut by time.
    virtual void next_costs(std::uint32_t kind, double amount) {
        static_cast<void>(kind);
        static_cast<void>(amount);
    }

    // For recorders that take them: the time when all before is done.
    virtual void timestamp(const char* label, std::uint32_t index) {
        static_cast<void>(label);
        static_cast<void>(index);
    }

  protected:
    Dispatcher() = default;
    Dispatcher(const Dispatcher&) = default;
    Dispatcher& operator=(const Dispatcher&) = default;
    ~Dispatcher() = default;
};

}  // namespace gyre
