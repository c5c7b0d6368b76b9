// What the stand-in for the loader knows: objects, what uses them, and what is under way.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "tests/faults/fault_list.h"
#include "tests/faults/fault_loader.h"

namespace gyre::faults {

using Handle = std::uint64_t;

template <typename T>
Handle handle_of(T handle) {
    return (Handle)handle;  // pointer or integer, as Vulkan defines
}

enum class Commands { kInitial, kRecording, kExecutable, kInvalid };

struct Object {
    const char* kind = "";
    std::uint64_t serial = 0;  // a handle may come again
    Handle owner = 0;          // pool of command buffers and sets
    std::map<std::uint64_t, std::pair<Handle, std::uint64_t>> uses;  // by slot: handle, serial
    int pending = 0;                                                 // submissions under way
    Commands commands = Commands::kInitial;
    // Of memory that is mapped and not coherent.
    std::vector<std::byte> shadow;
    std::byte* real = nullptr;
    bool coherent = true;
    std::uint64_t size = 0;
};

class World {
  public:
    std::recursive_mutex mutex;
    bool discrete = false;
    bool lost = false;
    PFN_vkDeviceWaitIdle wait_idle = nullptr;  // the real one
    VkDevice device = VK_NULL_HANDLE;

    // The result with which this call must fail; VK_SUCCESS: none. applies: this call can.
    VkResult strike(Function function, bool (*applies)(VkResult, const void*), const void* call);
    void arm(const Fault& fault) { faults_.push_back({fault, 0}); }
    unsigned disarm();
    std::map<Function, unsigned> count;

    void add(const char* kind, Handle handle, Handle owner = 0);
    // Whether the object may really be destroyed.
    bool remove(const char* function, Handle handle);
    void remove_owned(const char* function, Handle owner);
    Object* find(Handle handle);
    template <typename Do>
    void for_owned(Handle owner, Do act) {
        for (auto& [handle, object] : objects_) {
            if (object.owner == owner) act(object);
        }
    }
    // Notes a violation if the object is not alive or in use.
    Object* idle(const char* function, Handle handle);
    void use(Handle user, std::uint64_t slot, Handle used);
    void record(const char* function, VkCommandBuffer commands, Handle used);
    void violation(const std::string& text);

    void submitted(Handle fence, const std::vector<Handle>& commands);
    bool check_submit(const std::vector<Handle>& commands);
    void told_done(Handle fence);  // and all that was submitted before
    void all_done();
    void lose();
    std::size_t under_way() const { return submissions_.size(); }
    std::map<std::string, int> alive() const;
    std::vector<std::string> take_violations() { return std::exchange(violations_, {}); }

  private:
    struct Armed {
        Fault fault;
        unsigned seen;
    };
    struct Submission {
        Handle fence;
        std::vector<Handle> used;
    };
    void collect(Handle handle, std::map<Handle, bool>& seen);
    void finish_first();

    std::vector<Armed> faults_;
    unsigned struck_ = 0;
    std::unordered_map<Handle, Object> objects_;
    std::uint64_t next_serial_ = 1;
    std::deque<Submission> submissions_;
    std::vector<std::string> violations_;
};

World& world();

}  // namespace gyre::faults
