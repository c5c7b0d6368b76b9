// A render node that is not there: what its parts share.
// SPDX-License-Identifier: Apache-2.0
//
// Loaded with LD_PRELOAD, it shows a program one DRM device, /dev/dri/renderD128, behind which no
// kernel driver is. It answers what user-space drivers ask before they compile anything; work that
// is handed in is never done. Only the kernel's own headers (drm/*.h) say what is asked.
//
//   GYRE_RENDER_NODE=msm:CHIP_ID | v3d:42 | v3d:71 | panfrost:PRODUCT_ID | panthor:GPU_ID
//   (hexadecimal)
#pragma once

#include <stdint.h>

struct node_driver {
    const char* name;
    const char* compatible;  // as the device tree has it
    // nr: the number of the request in the driver's own range. Returns 0, or -1 with errno.
    int (*request)(unsigned nr, void* argument);
};

extern const struct node_driver msm_driver, v3d_driver, panfrost_driver, panthor_driver;

#define NODE_PATH "/dev/dri/renderD128"
// Offsets for mmap from here on are registers, not buffers.
#define NODE_REGISTERS ((uint64_t)1 << 40)

const struct node_driver* node_driver(void);  // ends the program if GYRE_RENDER_NODE names none
uint32_t node_number(void);                   // what follows the colon

// Buffers: places in one sparse file, so that mmap of the node's file works by itself.
uint32_t node_new_buffer(uint64_t size);  // a handle
uint64_t node_buffer_offset(uint32_t handle);
uint64_t node_buffer_size(uint32_t handle);
