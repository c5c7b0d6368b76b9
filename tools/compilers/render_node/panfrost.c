// ARM Mali before command streams, kernel driver panfrost (for Mesa's PanVK). The number is the
// product id, as 7212 for Mali-G52.
// SPDX-License-Identifier: Apache-2.0
#include <drm/panfrost_drm.h>

#include "node.h"

static uint64_t parameter(uint32_t which) {
    const uint32_t registers = 0x4000, max_tasks = 10 << 24;
    if (which >= DRM_PANFROST_PARAM_TEXTURE_FEATURES0 &&
        which <= DRM_PANFROST_PARAM_TEXTURE_FEATURES3) {
        return 0xffffffffu;  // every texture format
    }
    switch (which) {
        case DRM_PANFROST_PARAM_GPU_PROD_ID:
            return node_number();
        case DRM_PANFROST_PARAM_SHADER_PRESENT:
            return 0xf;  // four cores
        case DRM_PANFROST_PARAM_TILER_FEATURES:
            return 0x809;
        case DRM_PANFROST_PARAM_MMU_FEATURES:
            return 0x2830;  // 48 bits of address
        case DRM_PANFROST_PARAM_MEM_FEATURES:
            return 0x301;
        case DRM_PANFROST_PARAM_THREAD_FEATURES:
            return max_tasks | registers | 0x600;
        case DRM_PANFROST_PARAM_ALLOWED_JM_CTX_PRIORITIES:
            return 7;  // all three
        case DRM_PANFROST_PARAM_MAX_THREADS:
            return 768;
        case DRM_PANFROST_PARAM_THREAD_MAX_WORKGROUP_SZ:
        case DRM_PANFROST_PARAM_THREAD_MAX_BARRIER_SZ:
            return 384;
        default:
            return 0;
    }
}

static int request(unsigned nr, void* argument) {
    switch (nr) {
        case DRM_PANFROST_GET_PARAM: {
            struct drm_panfrost_get_param* const p = argument;
            p->value = parameter(p->param);
            return 0;
        }
        case DRM_PANFROST_CREATE_BO: {
            struct drm_panfrost_create_bo* const p = argument;
            p->handle = node_new_buffer(p->size);
            p->offset = node_buffer_offset(p->handle);
            return 0;
        }
        case DRM_PANFROST_MMAP_BO: {
            struct drm_panfrost_mmap_bo* const p = argument;
            p->offset = node_buffer_offset(p->handle);
            return 0;
        }
        case DRM_PANFROST_GET_BO_OFFSET: {
            struct drm_panfrost_get_bo_offset* const p = argument;
            p->offset = node_buffer_offset(p->handle);
            return 0;
        }
        case DRM_PANFROST_MADVISE:
            ((struct drm_panfrost_madvise*)argument)->retained = 1;
            return 0;
        default:
            return 0;
    }
}

const struct node_driver panfrost_driver = {"panfrost", "arm,mali-bifrost", request};
