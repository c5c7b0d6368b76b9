// Qualcomm Adreno, kernel driver msm (for Mesa's Turnip). The number is the chip id, as 43050a01
// for Adreno 740.
// SPDX-License-Identifier: Apache-2.0
#include <drm/msm_drm.h>

#include "node.h"

static uint64_t parameter(uint32_t which) {
    const uint64_t va_start = (uint64_t)1 << 32;
    switch (which) {
        case MSM_PARAM_GPU_ID:
            return 0;  // newer GPUs have only a chip id
        case MSM_PARAM_CHIP_ID:
            return node_number();
        case MSM_PARAM_GMEM_SIZE:
            return 1 << 20;
        case MSM_PARAM_GMEM_BASE:
            return 1 << 20;
        case MSM_PARAM_MAX_FREQ:
            return 1000 * 1000;
        case MSM_PARAM_PRIORITIES:
            return 3;
        case MSM_PARAM_VA_START:
            return va_start;
        case MSM_PARAM_VA_SIZE:
            return ((uint64_t)1 << 48) - va_start;
        case MSM_PARAM_HIGHEST_BANK_BIT:
            return 15;
        case MSM_PARAM_UBWC_SWIZZLE:
            return 6;
        case MSM_PARAM_UCHE_TRAP_BASE:
            return 0x1fffffffff000u;
        case MSM_PARAM_RAYTRACING:
        case MSM_PARAM_HAS_PRR:
            return 1;
        default:
            return 0;
    }
}

static int request(unsigned nr, void* argument) {
    switch (nr) {
        case DRM_MSM_GET_PARAM: {
            struct drm_msm_param* const p = argument;
            p->value = parameter(p->param);
            return 0;
        }
        case DRM_MSM_GEM_NEW: {
            struct drm_msm_gem_new* const p = argument;
            p->handle = node_new_buffer(p->size);
            return 0;
        }
        case DRM_MSM_GEM_INFO: {
            struct drm_msm_gem_info* const p = argument;
            if (p->info == MSM_INFO_GET_OFFSET || p->info == MSM_INFO_GET_IOVA) {
                p->value = node_buffer_offset(p->handle);
            }
            return 0;
        }
        case DRM_MSM_GEM_MADVISE:
            ((struct drm_msm_gem_madvise*)argument)->retained = 1;
            return 0;
        case DRM_MSM_VM_BIND:
            ((struct drm_msm_vm_bind*)argument)->fence_fd = -1;
            return 0;
        default:
            return 0;
    }
}

const struct node_driver msm_driver = {"msm", "qcom,adreno", request};
