// libdrm's list of devices: the one device, in place of what libdrm would read from /sys.
// SPDX-License-Identifier: Apache-2.0
//
// The structures repeat the part of libdrm's interface (xf86drm.h, the same since 2.4.75) that
// drivers read.
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include "node.h"

#define EXPORT __attribute__((visibility("default")))

enum { PRIMARY, CONTROL, RENDER, N_NODES };  // DRM_NODE_*
enum { BUS_PLATFORM = 2 };                   // DRM_BUS_PLATFORM

struct platform_bus {
    char full_name[512];
};
struct platform_device {
    char** compatible;
};
struct device {
    char** nodes;
    int available_nodes;
    int bus_type;
    struct platform_bus* bus;
    struct platform_device* info;
};

// The structure and all that it points to, in one piece of memory.
struct whole_device {
    struct device device;
    char* nodes[N_NODES];
    char paths[N_NODES][64];
    struct platform_bus bus;
    struct platform_device info;
    char* compatible[2];
    char compatible_text[64];
};

static struct device* new_device(void) {
    struct whole_device* const all = calloc(1, sizeof(*all));
    if (all == NULL) return NULL;
    for (int i = 0; i < N_NODES; ++i)
        all->nodes[i] = all->paths[i];
    // Some drivers want to see a primary node too, without opening it.
    snprintf(all->paths[PRIMARY], sizeof(all->paths[0]), "%s", NODE_PATH);
    snprintf(all->paths[RENDER], sizeof(all->paths[0]), "%s", NODE_PATH);
    snprintf(all->bus.full_name, sizeof(all->bus.full_name), "/soc/gpu");
    snprintf(all->compatible_text, sizeof(all->compatible_text), "%s", node_driver()->compatible);
    all->compatible[0] = all->compatible_text;
    all->info.compatible = all->compatible;
    all->device.nodes = all->nodes;
    all->device.available_nodes = 1 << RENDER;
    all->device.bus_type = BUS_PLATFORM;
    all->device.bus = &all->bus;
    all->device.info = &all->info;
    return &all->device;
}

EXPORT int drmGetDevices2(uint32_t flags, struct device** list, int max) {
    (void)flags;
    if (list != NULL && max > 0) list[0] = new_device();
    return 1;
}
EXPORT int drmGetDevices(struct device** list, int max) {
    return drmGetDevices2(0, list, max);
}
EXPORT int drmGetDevice2(int file, uint32_t flags, struct device** out) {
    (void)file, (void)flags;
    *out = new_device();
    return 0;
}
EXPORT int drmGetDevice(int file, struct device** out) {
    return drmGetDevice2(file, 0, out);
}
EXPORT int drmGetDeviceFromDevId(dev_t id, uint32_t flags, struct device** out) {
    (void)id;
    return drmGetDevice2(-1, flags, out);
}
EXPORT void drmFreeDevice(struct device** device) {
    if (device == NULL) return;
    free(*device);
    *device = NULL;
}
EXPORT void drmFreeDevices(struct device** list, int count) {
    for (int i = 0; i < count; ++i)
        drmFreeDevice(&list[i]);
}
EXPORT int drmGetNodeTypeFromFd(int file) {
    (void)file;
    return RENDER;
}
EXPORT char* drmGetDeviceNameFromFd2(int file) {
    (void)file;
    return strdup(NODE_PATH);
}
EXPORT char* drmGetRenderDeviceNameFromFd(int file) {
    return drmGetDeviceNameFromFd2(file);
}
