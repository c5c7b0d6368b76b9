// Checks of the render node, linked before the C library as LD_PRELOAD would load it: what a driver
// asks at its start.
// SPDX-License-Identifier: Apache-2.0
#include <drm/drm.h>
#include <drm/msm_drm.h>
#include <drm/panfrost_drm.h>
#include <drm/panthor_drm.h>
#include <drm/v3d_drm.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "node.h"

#define CHECK(condition)                                                            \
    do {                                                                            \
        if (!(condition)) {                                                         \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
            exit(1);                                                                \
        }                                                                           \
    } while (0)

static int open_as(const char* kind) {
    setenv("GYRE_RENDER_NODE", kind, 1);
    const int file = open(NODE_PATH, O_RDWR | O_CLOEXEC);
    CHECK(file >= 0);
    return file;
}

static void check_name(int file, const char* expected) {
    char name[16] = "";
    struct drm_version version = {0};
    CHECK(ioctl(file, DRM_IOCTL_VERSION, &version) == 0);  // first the sizes, as libdrm asks
    CHECK(version.name_len == strlen(expected));
    version.name = name;
    CHECK(ioctl(file, DRM_IOCTL_VERSION, &version) == 0);
    CHECK(strcmp(name, expected) == 0);
}

static void check_file(void) {
    const int file = open_as("msm:43050a01");
    struct stat s;
    CHECK(fstat(file, &s) == 0 && S_ISCHR(s.st_mode) && major(s.st_rdev) == 226);
    CHECK(stat(NODE_PATH, &s) == 0 && S_ISCHR(s.st_mode));
    const int copy = dup(file);
    CHECK(fstat(copy, &s) == 0 && S_ISCHR(s.st_mode));
    CHECK(ioctl(file, TCGETS, &s) == -1 && errno == ENOTTY);
    // Other files are left alone.
    CHECK(stat("/", &s) == 0 && S_ISDIR(s.st_mode));
    const int null = open("/dev/null", O_WRONLY);
    CHECK(null >= 0 && fstat(null, &s) == 0 && major(s.st_rdev) == 1);
    struct drm_version version = {0};
    CHECK(ioctl(null, DRM_IOCTL_VERSION, &version) == -1);
    close(null);
    close(copy);
    close(file);
}

static void check_msm(void) {
    const int file = open_as("msm:43050a01");
    check_name(file, "msm");
    struct drm_msm_param chip = {.pipe = MSM_PIPE_3D0, .param = MSM_PARAM_CHIP_ID};
    CHECK(ioctl(file, DRM_IOCTL_MSM_GET_PARAM, &chip) == 0 && chip.value == 0x43050a01);
    close(file);
}

// Two buffers are two places, and what is written through one mapping is seen through another.
static void check_buffers(void) {
    const int file = open_as("v3d:71");
    struct drm_v3d_create_bo a = {.size = 5000}, b = {.size = 1 << 20};
    CHECK(ioctl(file, DRM_IOCTL_V3D_CREATE_BO, &a) == 0 &&
          ioctl(file, DRM_IOCTL_V3D_CREATE_BO, &b) == 0);
    CHECK(a.handle != b.handle && a.offset != 0 && a.offset + 5000 <= b.offset);
    struct drm_v3d_mmap_bo map = {.handle = b.handle};
    CHECK(ioctl(file, DRM_IOCTL_V3D_MMAP_BO, &map) == 0);
    char* const first =
        mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_SHARED, file, (off_t)map.offset);
    char* const second =
        mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_SHARED, file, (off_t)map.offset);
    CHECK(first != MAP_FAILED && second != MAP_FAILED);
    first[(1 << 20) - 1] = 42;
    CHECK(second[(1 << 20) - 1] == 42);
    close(file);
}

static uint64_t v3d_parameter(int file, uint32_t which) {
    struct drm_v3d_get_param p = {.param = which};
    CHECK(ioctl(file, DRM_IOCTL_V3D_GET_PARAM, &p) == 0);
    return p.value;
}

static void check_v3d(void) {
    const struct {
        const char* kind;
        unsigned major, minor;
    } chips[] = {{"v3d:42", 4, 2}, {"v3d:71", 7, 1}};
    for (int i = 0; i < 2; ++i) {
        const int file = open_as(chips[i].kind);
        check_name(file, "v3d");
        CHECK(v3d_parameter(file, DRM_V3D_PARAM_V3D_CORE0_IDENT0) >> 24 == chips[i].major);
        CHECK((v3d_parameter(file, DRM_V3D_PARAM_V3D_CORE0_IDENT1) & 15) == chips[i].minor);
        CHECK(v3d_parameter(file, DRM_V3D_PARAM_SUPPORTS_CSD) == 1);
        close(file);
    }
}

static void check_mali(void) {
    int file = open_as("panfrost:7212");
    check_name(file, "panfrost");
    struct drm_panfrost_get_param product = {.param = DRM_PANFROST_PARAM_GPU_PROD_ID};
    CHECK(ioctl(file, DRM_IOCTL_PANFROST_GET_PARAM, &product) == 0 && product.value == 0x7212);
    close(file);

    file = open_as("panthor:a8670000");
    check_name(file, "panthor");
    struct drm_panthor_gpu_info gpu = {0};
    struct drm_panthor_dev_query query = {.type = DRM_PANTHOR_DEV_QUERY_GPU_INFO};
    CHECK(ioctl(file, DRM_IOCTL_PANTHOR_DEV_QUERY, &query) == 0 && query.size == sizeof(gpu));
    query.pointer = (uintptr_t)&gpu;
    CHECK(ioctl(file, DRM_IOCTL_PANTHOR_DEV_QUERY, &query) == 0 && gpu.gpu_id == 0xa8670000u);
    CHECK(DRM_PANTHOR_ARCH_MAJOR(gpu.gpu_id) == 10);
    // The flush id is a register: a page of its own far after the buffers.
    const long page = sysconf(_SC_PAGESIZE);
    const unsigned* const flush_id = mmap(NULL, (size_t)page, PROT_READ, MAP_SHARED, file,
                                          (off_t)DRM_PANTHOR_USER_FLUSH_ID_MMIO_OFFSET);
    CHECK(flush_id != MAP_FAILED && *flush_id == 0);
    close(file);
}

int main(void) {
    check_file();
    check_msm();
    check_buffers();
    check_v3d();
    check_mali();
    return 0;
}
