// The same for pipelines, descriptor sets, command buffers, queue and fences.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/faults/hooks.h"

namespace gyre::faults {

GYRE_HOOK(vkCreateComputePipelines){
    static void failed(World&, VkResult, VkDevice, VkPipelineCache, std::uint32_t n,
                       const VkComputePipelineCreateInfo*, const VkAllocationCallbacks*,
                       VkPipeline* out){
        for (std::uint32_t i = 0; i < n; ++i)  // so the specification has it
        out[i] = VK_NULL_HANDLE;
}
static void after(World& world, VkResult result, VkDevice, VkPipelineCache, std::uint32_t n,
                  const VkComputePipelineCreateInfo*, const VkAllocationCallbacks*,
                  VkPipeline* out) {
    for (std::uint32_t i = 0; result == VK_SUCCESS && i < n; ++i)
        world.add("VkPipeline", handle_of(out[i]));
}
}
;
GYRE_HOOK(vkGetPipelineCacheData){
    static bool applies(VkResult result, VkDevice, VkPipelineCache, std::size_t*,
                        void* data){return result != VK_INCOMPLETE || data != nullptr;
}
static void failed(World&, VkResult result, VkDevice, VkPipelineCache, std::size_t* size, void*) {
    *size = result == VK_INCOMPLETE ? *size / 2 : static_cast<std::size_t>(kGarbage);
}
}
;

// ---- Descriptor sets

GYRE_HOOK(vkDestroyDescriptorPool){static bool before(World & world, VkDevice&,
                                                      VkDescriptorPool& pool,
                                                      const VkAllocationCallbacks*&){
    world.remove_owned("vkDestroyDescriptorPool", handle_of(pool));
return world.remove("vkDestroyDescriptorPool", handle_of(pool));
}
}
;
GYRE_HOOK(vkAllocateDescriptorSets){static void failed(World&, VkResult, VkDevice,
                                                       const VkDescriptorSetAllocateInfo* info,
                                                       VkDescriptorSet* out){
    for (std::uint32_t i = 0; i < info->descriptorSetCount; ++i) out[i] = VK_NULL_HANDLE;
}
static void after(World& world, VkResult result, VkDevice, const VkDescriptorSetAllocateInfo* info,
                  VkDescriptorSet* out) {
    for (std::uint32_t i = 0; result == VK_SUCCESS && i < info->descriptorSetCount; ++i)
        world.add("VkDescriptorSet", handle_of(out[i]), handle_of(info->descriptorPool));
}
}
;
GYRE_HOOK(vkFreeDescriptorSets){static bool before(World & world, VkDevice&, VkDescriptorPool&,
                                                   std::uint32_t& n,
                                                   const VkDescriptorSet*& sets){bool all = true;
for (std::uint32_t i = 0; i < n; ++i)
    all = world.remove("vkFreeDescriptorSets", handle_of(sets[i])) && all;
return all;
}
}
;
GYRE_HOOK(vkUpdateDescriptorSets){static bool before(World & world, VkDevice&, std::uint32_t& n,
                                                     const VkWriteDescriptorSet*& writes,
                                                     std::uint32_t&, const VkCopyDescriptorSet*&){
    for (std::uint32_t w = 0; w < n; ++w){const VkWriteDescriptorSet& write = writes[w];
const Handle set = handle_of(write.dstSet);
if (world.idle("vkUpdateDescriptorSets", set) == nullptr) return false;
for (std::uint32_t i = 0; i < write.descriptorCount; ++i) {
    const Handle used = write.pBufferInfo != nullptr ? handle_of(write.pBufferInfo[i].buffer)
                                                     : handle_of(write.pTexelBufferView[i]);
    if (world.find(used) == nullptr)
        world.violation("vkUpdateDescriptorSets: an object that does not exist");
    world.use(set, write.dstBinding + i, used);
}
}
return true;
}
}
;

// ---- Command buffers

GYRE_HOOK(vkDestroyCommandPool){static bool before(World & world, VkDevice&, VkCommandPool& pool,
                                                   const VkAllocationCallbacks*&){
    world.remove_owned("vkDestroyCommandPool", handle_of(pool));
return world.remove("vkDestroyCommandPool", handle_of(pool));
}
}
;
GYRE_HOOK(vkAllocateCommandBuffers){static void failed(World&, VkResult, VkDevice,
                                                       const VkCommandBufferAllocateInfo* info,
                                                       VkCommandBuffer* out){
    for (std::uint32_t i = 0; i < info->commandBufferCount; ++i) out[i] = VK_NULL_HANDLE;
}
static void after(World& world, VkResult result, VkDevice, const VkCommandBufferAllocateInfo* info,
                  VkCommandBuffer* out) {
    for (std::uint32_t i = 0; result == VK_SUCCESS && i < info->commandBufferCount; ++i)
        world.add("VkCommandBuffer", handle_of(out[i]), handle_of(info->commandPool));
}
}
;
GYRE_HOOK(vkResetCommandPool){
    static bool before(World & world, VkDevice&, VkCommandPool& pool, VkCommandPoolResetFlags&){
        if (world.idle("vkResetCommandPool", handle_of(pool)) == nullptr) return false;
world.for_owned(handle_of(pool), [](Object& commands) {
    commands.commands = Commands::kInitial;
    commands.uses.clear();
});
return true;
}
}
;
GYRE_HOOK(vkBeginCommandBuffer){
    static bool before(World & world, VkCommandBuffer& commands, const VkCommandBufferBeginInfo*&){
        Object* object = world.idle("vkBeginCommandBuffer", handle_of(commands));
if (object == nullptr) return false;
if (object->commands != Commands::kInitial)
    world.violation("vkBeginCommandBuffer: of a pool that was not reset");
object->commands = Commands::kRecording;
return true;
}
}
;
GYRE_HOOK(vkEndCommandBuffer){static void failed(World & world, VkResult, VkCommandBuffer commands){
    world.record("vkEndCommandBuffer", commands, 0);
if (Object* object = world.find(handle_of(commands))) object->commands = Commands::kInvalid;
}
static bool before(World& world, VkCommandBuffer& commands) {
    world.record("vkEndCommandBuffer", commands, 0);
    if (Object* object = world.find(handle_of(commands))) object->commands = Commands::kExecutable;
    return true;
}
}
;
GYRE_HOOK(vkCmdBindPipeline){static bool before(World & world, VkCommandBuffer& commands,
                                                VkPipelineBindPoint&, VkPipeline& pipeline){
    world.record("vkCmdBindPipeline", commands, handle_of(pipeline));
return true;
}
}
;
GYRE_HOOK(vkCmdBindDescriptorSets){
    static bool before(World & world, VkCommandBuffer& commands, VkPipelineBindPoint&,
                       VkPipelineLayout&, std::uint32_t&, std::uint32_t& n,
                       const VkDescriptorSet*& sets, std::uint32_t&, const std::uint32_t*&){
        for (std::uint32_t i = 0; i < n; ++i)
            world.record("vkCmdBindDescriptorSets", commands, handle_of(sets[i]));
return true;
}
}
;
GYRE_HOOK(vkCmdCopyBuffer){static bool before(World & world, VkCommandBuffer& commands,
                                              VkBuffer& from, VkBuffer& to, std::uint32_t&,
                                              const VkBufferCopy*&){
    world.record("vkCmdCopyBuffer", commands, handle_of(from));
world.record("vkCmdCopyBuffer", commands, handle_of(to));
return true;
}
}
;
GYRE_HOOK(vkCmdFillBuffer){
    static bool before(World & world, VkCommandBuffer& commands, VkBuffer& to, VkDeviceSize&,
                       VkDeviceSize&,
                       std::uint32_t&){world.record("vkCmdFillBuffer", commands, handle_of(to));
return true;
}
}
;
GYRE_HOOK(vkCmdResetQueryPool){static bool before(World & world, VkCommandBuffer& commands,
                                                  VkQueryPool& pool, std::uint32_t&,
                                                  std::uint32_t&){
    world.record("vkCmdResetQueryPool", commands, handle_of(pool));
return true;
}
}
;
GYRE_HOOK(vkCmdDispatch){
    static bool before(World & world, VkCommandBuffer& commands, std::uint32_t&, std::uint32_t&,
                       std::uint32_t&){world.record("vkCmdDispatch", commands, 0);
return true;
}
}
;

// ---- Queue and fences

GYRE_HOOK(vkQueueSubmit){
    static std::vector<Handle> commands(std::uint32_t n,
                                        const VkSubmitInfo* infos){std::vector<Handle> all;
for (std::uint32_t i = 0; i < n; ++i) {
    for (std::uint32_t c = 0; c < infos[i].commandBufferCount; ++c)
        all.push_back(handle_of(infos[i].pCommandBuffers[c]));
}
return all;
}
static bool before(World& world, VkQueue&, std::uint32_t& n, const VkSubmitInfo*& infos,
                   VkFence& fence) {
    world.idle("vkQueueSubmit", handle_of(fence));
    return world.check_submit(commands(n, infos));
}
static void after(World& world, VkResult result, VkQueue, std::uint32_t n,
                  const VkSubmitInfo* infos, VkFence fence) {
    if (result == VK_SUCCESS) world.submitted(handle_of(fence), commands(n, infos));
}
}
;
GYRE_HOOK(vkDeviceWaitIdle){static void after(World & world, VkResult result,
                                              VkDevice){if (result == VK_SUCCESS) world.all_done();
}
}
;
GYRE_HOOK(vkResetFences){
    static bool before(World & world, VkDevice&, std::uint32_t& n, const VkFence*& fences){
        for (std::uint32_t i = 0; i < n; ++i) world.idle("vkResetFences", handle_of(fences[i]));
return true;
}
}
;
GYRE_HOOK(vkGetFenceStatus){
    static void after(World & world, VkResult result, VkDevice,
                      VkFence fence){if (result == VK_SUCCESS) world.told_done(handle_of(fence));
}
}
;
GYRE_HOOK(vkWaitForFences){
    static void after(World & world, VkResult result, VkDevice, std::uint32_t n,
                      const VkFence* fences, VkBool32,
                      std::uint64_t){for (std::uint32_t i = 0; result == VK_SUCCESS && i < n; ++i)
                                         world.told_done(handle_of(fences[i]));
}
}
;
GYRE_HOOK(vkGetQueryPoolResults){static bool before(World & world, VkDevice&, VkQueryPool& pool,
                                                    std::uint32_t&, std::uint32_t&, std::size_t&,
                                                    void*&, VkDeviceSize&, VkQueryResultFlags&){
    return world.idle("vkGetQueryPoolResults", handle_of(pool)) != nullptr;
}
}
;

}  // namespace gyre::faults
