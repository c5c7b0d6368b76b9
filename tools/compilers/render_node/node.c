// The file /dev/dri/renderD128: opening it, its requests, and its buffers.
// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "node.h"

#include <dlfcn.h>
#include <drm/drm.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))
#define MAX_BUFFERS 65536
#define FILE_BYTES ((int64_t)64 << 30)  // sparse: only what is touched takes memory
#define PAGE ((uint64_t)65536)          // the largest page that a driver expects

// The function of this name that would have been called without us.
#define NEXT(name)                 \
    static __typeof__(&name) next; \
    if (next == NULL) next = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static int backing = -1;  // the sparse file; what a program gets are duplicates
static struct stat backing_stat;
static struct { uint64_t offset, size; } buffers[MAX_BUFFERS];
static uint32_t n_buffers = 1;                    // handle 0 means none
static uint64_t next_offset = (uint64_t)1 << 20;  // 0 would be a null address to a driver

static const char* setting(void) {
    const char* text = getenv("GYRE_RENDER_NODE");
    return text != NULL ? text : "";
}

const struct node_driver* node_driver(void) {
    const struct node_driver* const all[] = {&msm_driver, &v3d_driver, &panfrost_driver,
                                             &panthor_driver};
    const char* const colon = strchr(setting(), ':');
    const size_t length = colon != NULL ? (size_t)(colon - setting()) : 0;
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); ++i) {
        if (length == strlen(all[i]->name) && strncmp(setting(), all[i]->name, length) == 0)
            return all[i];
    }
    fprintf(stderr,
            "render node: GYRE_RENDER_NODE is '%s', expected msm:, v3d:, panfrost: or panthor: and "
            "a number\n",
            setting());
    _exit(2);
}

uint32_t node_number(void) {
    const char* const colon = strchr(setting(), ':');
    return colon != NULL ? (uint32_t)strtoul(colon + 1, NULL, 16) : 0;
}

uint32_t node_new_buffer(uint64_t size) {
    pthread_mutex_lock(&mutex);
    const uint32_t handle = n_buffers;
    const uint64_t rounded = (size + PAGE - 1) / PAGE * PAGE;
    if (handle == MAX_BUFFERS || next_offset + rounded > (uint64_t)FILE_BYTES) {
        fprintf(stderr, "render node: too many or too large buffers\n");
        _exit(2);
    }
    ++n_buffers;
    buffers[handle].offset = next_offset;
    buffers[handle].size = rounded;
    next_offset += rounded;
    pthread_mutex_unlock(&mutex);
    return handle;
}

uint64_t node_buffer_offset(uint32_t handle) {
    return handle < n_buffers ? buffers[handle].offset : 0;
}
uint64_t node_buffer_size(uint32_t handle) {
    return handle < n_buffers ? buffers[handle].size : 0;
}

static int open_node(void) {
    NEXT(fstat);
    pthread_mutex_lock(&mutex);
    if (backing < 0) {
        backing = memfd_create("render node", MFD_CLOEXEC);
        if (backing < 0 || ftruncate(backing, FILE_BYTES) != 0 ||
            next(backing, &backing_stat) != 0) {
            perror("render node: no file for buffers");
            _exit(2);
        }
    }
    const int file = fcntl(backing, F_DUPFD_CLOEXEC, 3);
    pthread_mutex_unlock(&mutex);
    return file;
}

// Drivers duplicate the descriptor, so that only the file after it tells.
static int is_node(int file) {
    NEXT(fstat);
    struct stat s;
    return backing >= 0 && next(file, &s) == 0 && s.st_ino == backing_stat.st_ino &&
           s.st_dev == backing_stat.st_dev;
}

static int is_node_path(const char* path) {
    return path != NULL && strcmp(path, NODE_PATH) == 0;
}

#define OPEN(name)                                                         \
    EXPORT int name(const char* path, int flags, ...) {                    \
        NEXT(name);                                                        \
        va_list arguments;                                                 \
        va_start(arguments, flags);                                        \
        const mode_t mode = va_arg(arguments, mode_t);                     \
        va_end(arguments);                                                 \
        return is_node_path(path) ? open_node() : next(path, flags, mode); \
    }
OPEN(open)
OPEN(open64)

#define STAT(name, type)                                  \
    EXPORT int name(const char* path, struct type* out) { \
        NEXT(name);                                       \
        if (!is_node_path(path)) return next(path, out);  \
        memset(out, 0, sizeof(*out));                     \
        out->st_mode = S_IFCHR | 0666;                    \
        out->st_rdev = makedev(226, 128);                 \
        return 0;                                         \
    }
STAT(stat, stat)
STAT(stat64, stat64)

#define FSTAT(name, type)                           \
    EXPORT int name(int file, struct type* out) {   \
        NEXT(name);                                 \
        if (!is_node(file)) return next(file, out); \
        memset(out, 0, sizeof(*out));               \
        out->st_mode = S_IFCHR | 0666;              \
        out->st_rdev = makedev(226, 128);           \
        return 0;                                   \
    }
FSTAT(fstat, stat)
FSTAT(fstat64, stat64)

#define MMAP(name, offset_type)                                                                 \
    EXPORT void* name(void* address, size_t size, int protection, int flags, int file,          \
                      offset_type offset) {                                                     \
        NEXT(name);                                                                             \
        if ((uint64_t)offset >= NODE_REGISTERS && file >= 0 && is_node(file)) {                 \
            return next(address, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, \
                        0);                                                                     \
        }                                                                                       \
        return next(address, size, protection, flags, file, offset);                            \
    }
MMAP(mmap, off_t)
MMAP(mmap64, off64_t)

static int version(struct drm_version* out) {
    const char* const name = node_driver()->name;
    const size_t length = strlen(name);
    if (out->name != NULL && out->name_len > 0)
        memcpy(out->name, name, length < out->name_len ? length : out->name_len);
    out->version_major = 1;
    out->version_minor = 99;  // every feature that a driver asks for by version
    out->version_patchlevel = 0;
    out->name_len = length;
    out->date_len = out->desc_len = 0;
    return 0;
}

// Requests that all DRM drivers share. What hands out an object says 1, everything else is done by
// saying so.
static int core_request(unsigned long request, void* argument) {
    switch (_IOC_NR(request)) {
        case _IOC_NR(DRM_IOCTL_VERSION):
            return version(argument);
        case _IOC_NR(DRM_IOCTL_GET_CAP):
            ((struct drm_get_cap*)argument)->value = 1;
            return 0;
        case _IOC_NR(DRM_IOCTL_SYNCOBJ_CREATE):
            ((struct drm_syncobj_create*)argument)->handle = 1;
            return 0;
        default:
            return 0;
    }
}

EXPORT int ioctl(int file, unsigned long request, ...) {
    NEXT(ioctl);
    va_list arguments;
    va_start(arguments, request);
    void* const argument = va_arg(arguments, void*);
    va_end(arguments);
    if (!is_node(file)) return next(file, request, argument);
    if (_IOC_TYPE(request) != DRM_IOCTL_BASE) {
        errno = ENOTTY;
        return -1;
    }
    if (_IOC_NR(request) < DRM_COMMAND_BASE || _IOC_NR(request) >= DRM_COMMAND_END) {
        return core_request(request, argument);
    }
    return node_driver()->request((unsigned)_IOC_NR(request) - DRM_COMMAND_BASE, argument);
}
