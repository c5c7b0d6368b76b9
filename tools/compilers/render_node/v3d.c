// Broadcom VideoCore, kernel driver v3d (for Mesa's V3DV). The number is the version: 42 (Pi 4) or
// 71 (Pi 5).
// SPDX-License-Identifier: Apache-2.0
#include <drm/v3d_drm.h>

#include "node.h"

struct chip {
    uint32_t major, minor, revision, slices;
};

static struct chip chip(void) {
    // BCM2711: V3D 4.2.14 with 2 slices; BCM2712: V3D 7.1.10 with 3 slices; 4 QPUs a slice.
    const struct chip pi4 = {4, 2, 14, 2};
    const struct chip pi5 = {7, 1, 10, 3};
    return node_number() == 0x42 ? pi4 : pi5;
}

static uint64_t parameter(uint32_t which) {
    const uint32_t letters = 'V' | '3' << 8 | 'D' << 16;
    const uint32_t qpus_a_slice = 4, vpm_8k = 8;
    const struct chip c = chip();
    switch (which) {
        case DRM_V3D_PARAM_V3D_UIFCFG:
            return 0x45;
        case DRM_V3D_PARAM_V3D_HUB_IDENT1:
            return 0x000e1124;
        case DRM_V3D_PARAM_V3D_HUB_IDENT2:
            return 0x100;  // with an MMU
        case DRM_V3D_PARAM_V3D_HUB_IDENT3:
            return c.revision << 8;
        case DRM_V3D_PARAM_V3D_CORE0_IDENT0:
            return c.major << 24 | letters;
        case DRM_V3D_PARAM_V3D_CORE0_IDENT1:
            return vpm_8k << 28 | 1 << 24 | qpus_a_slice << 8 | c.slices << 4 | c.minor;
        case DRM_V3D_PARAM_V3D_CORE0_IDENT2:
            return 0x40078121;
        case DRM_V3D_PARAM_SUPPORTS_TFU:
        case DRM_V3D_PARAM_SUPPORTS_CSD:
        case DRM_V3D_PARAM_SUPPORTS_CACHE_FLUSH:
        case DRM_V3D_PARAM_SUPPORTS_MULTISYNC_EXT:
            return 1;
        default:
            return 0;  // no performance counters, no queue on the processor
    }
}

static int request(unsigned nr, void* argument) {
    switch (nr) {
        case DRM_V3D_GET_PARAM: {
            struct drm_v3d_get_param* const p = argument;
            p->value = parameter(p->param);
            return 0;
        }
        case DRM_V3D_CREATE_BO: {
            struct drm_v3d_create_bo* const p = argument;
            p->handle = node_new_buffer(p->size);
            p->offset = (uint32_t)node_buffer_offset(p->handle);
            return 0;
        }
        case DRM_V3D_MMAP_BO: {
            struct drm_v3d_mmap_bo* const p = argument;
            p->offset = node_buffer_offset(p->handle);
            return 0;
        }
        case DRM_V3D_GET_BO_OFFSET: {
            struct drm_v3d_get_bo_offset* const p = argument;
            p->offset = (uint32_t)node_buffer_offset(p->handle);
            return 0;
        }
        default:
            return 0;
    }
}

const struct node_driver v3d_driver = {"v3d", "brcm,2711-v3d", request};
