// ARM Mali with command streams, kernel driver panthor (for Mesa's PanVK). The number is the GPU
// id, as a8670000 for Mali-G610.
// SPDX-License-Identifier: Apache-2.0
#include <drm/panthor_drm.h>
#include <errno.h>
#include <string.h>

#include "node.h"

static int answer(struct drm_panthor_dev_query* query, const void* data, uint32_t size) {
    if (query->pointer == 0) {  // how large is it?
        query->size = size;
    } else {
        memcpy((void*)(uintptr_t)query->pointer, data, query->size < size ? query->size : size);
    }
    return 0;
}

static int describe_gpu(struct drm_panthor_dev_query* query) {
    struct drm_panthor_gpu_info gpu = {0};
    gpu.gpu_id = node_number();
    gpu.l2_features = 0x07120306;
    gpu.tiler_features = 0x809;
    gpu.mem_features = 0x301;
    gpu.mmu_features = 0x2830;                // 48 bits of address
    gpu.thread_features = 4 << 24 | 0x10000;  // tasks, registers
    gpu.max_threads = 2048;
    gpu.thread_max_workgroup_size = gpu.thread_max_barrier_size = 1024;
    for (int i = 0; i < 4; ++i)
        gpu.texture_features[i] = 0xffffffffu;
    gpu.as_present = 0xff;
    gpu.shader_present = 0xf;  // four cores
    gpu.l2_present = gpu.tiler_present = 1;
    return answer(query, &gpu, sizeof(gpu));
}

static int describe_command_streams(struct drm_panthor_dev_query* query) {
    struct drm_panthor_csif_info csif = {0};
    csif.csg_slot_count = csif.cs_slot_count = csif.scoreboard_slot_count = 8;
    csif.cs_reg_count = 96;
    csif.unpreserved_cs_reg_count = 4;
    return answer(query, &csif, sizeof(csif));
}

static int describe(struct drm_panthor_dev_query* query) {
    const struct drm_panthor_timestamp_info timestamps = {.timestamp_frequency = 1};
    const struct drm_panthor_group_priorities_info priorities = {.allowed_mask = 3};
    switch (query->type) {
        case DRM_PANTHOR_DEV_QUERY_GPU_INFO:
            return describe_gpu(query);
        case DRM_PANTHOR_DEV_QUERY_CSIF_INFO:
            return describe_command_streams(query);
        case DRM_PANTHOR_DEV_QUERY_TIMESTAMP_INFO:
            return answer(query, &timestamps, sizeof(timestamps));
        case DRM_PANTHOR_DEV_QUERY_GROUP_PRIORITIES_INFO:
            return answer(query, &priorities, sizeof(priorities));
        default:
            errno = EINVAL;
            return -1;  // what an older kernel says
    }
}

static int request(unsigned nr, void* argument) {
    switch (nr) {
        case DRM_PANTHOR_DEV_QUERY:
            return describe(argument);
        case DRM_PANTHOR_VM_CREATE: {
            struct drm_panthor_vm_create* const p = argument;
            p->id = 1;
            if (p->user_va_range == 0) p->user_va_range = (uint64_t)1 << 47;
            return 0;
        }
        case DRM_PANTHOR_BO_CREATE: {
            struct drm_panthor_bo_create* const p = argument;
            p->handle = node_new_buffer(p->size);
            p->size = node_buffer_size(p->handle);
            return 0;
        }
        case DRM_PANTHOR_BO_MMAP_OFFSET: {
            struct drm_panthor_bo_mmap_offset* const p = argument;
            p->offset = node_buffer_offset(p->handle);
            return 0;
        }
        case DRM_PANTHOR_GROUP_CREATE:
            ((struct drm_panthor_group_create*)argument)->group_handle = 1;
            return 0;
        case DRM_PANTHOR_TILER_HEAP_CREATE: {
            struct drm_panthor_tiler_heap_create* const p = argument;
            p->handle = 1;
            p->tiler_heap_ctx_gpu_va = p->first_heap_chunk_gpu_va = 1 << 20;
            return 0;
        }
        default:
            return 0;
    }
}

const struct node_driver panthor_driver = {"panthor", "arm,mali-valhall-csf", request};
