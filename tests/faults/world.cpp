// SPDX-License-Identifier: Apache-2.0
#include "tests/faults/world.h"

namespace gyre::faults {

World& world() {
    static World& instance = *new World;  // drivers' threads may outlive main()
    return instance;
}

VkResult World::strike(Function function, bool (*applies)(VkResult, const void*),
                       const void* call) {
    ++count[function];
    for (Armed& armed : faults_) {
        if (armed.fault.function != fault_rows()[static_cast<std::size_t>(function)].name) continue;
        if (!applies(armed.fault.result, call)) continue;
        ++armed.seen;
        if (armed.seen < armed.fault.nth) continue;
        if (armed.seen - armed.fault.nth >= armed.fault.times) continue;
        ++struck_;
        return armed.fault.result;
    }
    return VK_SUCCESS;
}

unsigned World::disarm() {
    faults_.clear();
    return std::exchange(struck_, 0);
}

void World::violation(const std::string& text) {
    violations_.push_back(text);
}

void World::add(const char* kind, Handle handle, Handle owner) {
    Object object;
    object.kind = kind;
    object.serial = next_serial_++;
    object.owner = owner;
    objects_[handle] = std::move(object);
}

Object* World::find(Handle handle) {
    const auto found = objects_.find(handle);
    return found == objects_.end() ? nullptr : &found->second;
}

Object* World::idle(const char* function, Handle handle) {
    Object* object = find(handle);
    if (object == nullptr) {
        violation(std::string(function) + ": an object that does not exist");
        return nullptr;
    }
    if (object->pending == 0) return object;
    violation(std::string(function) + ": a " + object->kind + " of work that is under way");
    // What follows would crash in the driver, or not: the violation is what counts.
    if (device != VK_NULL_HANDLE) wait_idle(device);
    return object;
}

bool World::remove(const char* function, Handle handle) {
    if (handle == 0) return true;
    if (idle(function, handle) == nullptr) return false;
    objects_.erase(handle);
    return true;
}

void World::remove_owned(const char* function, Handle owner) {
    std::vector<Handle> owned;
    for (const auto& [handle, object] : objects_) {
        if (object.owner == owner) owned.push_back(handle);
    }
    for (const Handle handle : owned)
        remove(function, handle);
}

void World::use(Handle user, std::uint64_t slot, Handle used) {
    Object* from = find(user);
    const Object* to = find(used);
    if (from != nullptr && to != nullptr) from->uses[slot] = {used, to->serial};
}

void World::record(const char* function, VkCommandBuffer commands, Handle used) {
    Object* object = find(handle_of(commands));
    if (object == nullptr || object->commands != Commands::kRecording) {
        violation(std::string(function) + ": a command buffer that is not being recorded");
        return;
    }
    if (used == 0) return;
    if (find(used) == nullptr) {
        violation(std::string(function) + ": an object that does not exist");
    }
    use(handle_of(commands), used, used);
}

// The object, its owner, and all that it uses.
void World::collect(Handle handle, std::map<Handle, bool>& seen) {
    const Object* object = find(handle);
    if (object == nullptr || !seen.emplace(handle, true).second) return;
    if (object->owner != 0) collect(object->owner, seen);
    for (const auto& [slot, used] : object->uses) {
        const Object* there = find(used.first);
        if (there == nullptr || there->serial != used.second) {
            violation(std::string("vkQueueSubmit: a ") + object->kind +
                      " of which something was destroyed");
            continue;
        }
        collect(used.first, seen);
    }
}

bool World::check_submit(const std::vector<Handle>& commands) {
    for (const Handle handle : commands) {
        const Object* object = find(handle);
        if (object == nullptr || object->commands != Commands::kExecutable) {
            violation("vkQueueSubmit: a command buffer that was not recorded to its end");
            return false;
        }
    }
    return true;
}

void World::submitted(Handle fence, const std::vector<Handle>& commands) {
    std::map<Handle, bool> seen;
    for (const Handle handle : commands)
        collect(handle, seen);
    seen.emplace(fence, true);
    Submission submission{fence, {}};
    for (const auto& [handle, unused] : seen) {
        submission.used.push_back(handle);
        if (Object* object = find(handle)) ++object->pending;
    }
    submissions_.push_back(std::move(submission));
}

void World::finish_first() {
    for (const Handle handle : submissions_.front().used) {
        if (Object* object = find(handle)) --object->pending;
    }
    submissions_.pop_front();
}

void World::told_done(Handle fence) {
    std::size_t n = 0;
    for (std::size_t i = 0; i < submissions_.size(); ++i) {
        if (submissions_[i].fence == fence) n = i + 1;
    }
    for (; n > 0; --n)
        finish_first();
}

void World::all_done() {
    while (!submissions_.empty())
        finish_first();
}

void World::lose() {
    wait_idle(device);
    all_done();
    lost = true;
}

std::map<std::string, int> World::alive() const {
    std::map<std::string, int> by_kind;
    for (const auto& [handle, object] : objects_)
        ++by_kind[object.kind];
    return by_kind;
}

void arm(const Fault& fault) {
    const std::lock_guard lock(world().mutex);
    world().arm(fault);
}

unsigned disarm() {
    const std::lock_guard lock(world().mutex);
    return world().disarm();
}

void begin_count() {
    const std::lock_guard lock(world().mutex);
    world().count.clear();
}

std::map<std::string, unsigned> calls() {
    const std::lock_guard lock(world().mutex);
    std::map<std::string, unsigned> by_name;
    for (const auto& [function, n] : world().count)
        by_name[std::string(fault_rows()[static_cast<std::size_t>(function)].name)] = n;
    return by_name;
}

std::vector<std::string> take_violations() {
    const std::lock_guard lock(world().mutex);
    return world().take_violations();
}

std::map<std::string, int> alive() {
    const std::lock_guard lock(world().mutex);
    return world().alive();
}

std::size_t under_way() {
    const std::lock_guard lock(world().mutex);
    return world().under_way();
}

void use_discrete_memory(bool discrete) {
    const std::lock_guard lock(world().mutex);
    world().discrete = discrete;
}

}  // namespace gyre::faults
