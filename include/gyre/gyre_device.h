/*
 * gyre_device.h: Vulkan's loader and the devices of this machine. Part of gyre.h, which includes
 * it; its rules hold here.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GYRE_GYRE_DEVICE_H
#define GYRE_GYRE_DEVICE_H

#include "gyre/gyre_base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Vulkan's loader ------------------------------------------------------------------------- */

typedef void (*gyre_void_function)(void);

/** A vkGetInstanceProcAddr, whose VkInstance is a pointer: cast it to this type */
typedef gyre_void_function (*gyre_get_instance_proc_addr)(void* instance, const char* name);

/**
 * Says where Vulkan is, in place of the system's loader: for programs that bring their own, or that
 * are linked with a driver
 *
 * path: of a library with vkGetInstanceProcAddr, NUL-terminated; or NULL
 * get_instance_proc_addr: the function itself, which must stay valid; or NULL. Exactly one of the
 * two is not NULL
 *
 * The setting is the whole process's. It takes effect at the first call that needs Vulkan. That
 * call returns GYRE_ERROR_NO_DEVICE if this loader cannot be loaded or is one of Vulkan 1.0: then
 * another may be set, and the call be made again. May be called from any thread
 * Returns GYRE_ERROR_INVALID_ARGUMENT once Vulkan has been loaded, with or without a driver
 */
GYRE_API GYRE_MUST_CHECK gyre_status
gyre_set_vulkan_loader(const char* path, gyre_get_instance_proc_addr get_instance_proc_addr);

/* ---- Devices ------------------------------------------------------------------------------- */

typedef enum gyre_device_type {
    GYRE_DEVICE_OTHER = 0,
    GYRE_DEVICE_INTEGRATED_GPU = 1,
    GYRE_DEVICE_DISCRETE_GPU = 2,
    GYRE_DEVICE_VIRTUAL_GPU = 3,
    GYRE_DEVICE_CPU = 4, /**< a software driver such as lavapipe or SwiftShader */
    GYRE_DEVICE_TYPE_FORCE_32 = 0x7fffffff
} gyre_device_type;

typedef struct gyre_device_info {
    size_t struct_size;           /**< set by GYRE_DEVICE_INFO_INIT */
    const char* name;             /**< as the driver gives it; all four are NUL-terminated */
    const char* driver_name;      /**< for example "llvmpipe"; "" if the driver does not say */
    const char* driver_info;      /**< the driver's version text; "" if it does not say */
    const char* unusable_because; /**< what the device lacks; "": it can be used */
    gyre_device_type type;
    uint32_t is_software;       /**< 1 if a CPU does the work, else 0 */
    uint32_t unified_memory;    /**< 1 if host and device share their memory, else 0 */
    uint32_t vendor_id;         /**< PCI vendor, or a Khronos vendor id */
    uint32_t device_id;         /**< the vendor's */
    uint32_t driver_version;    /**< in the vendor's own packing */
    uint32_t api_version;       /**< Vulkan version: major << 22 | minor << 12 | patch */
    uint32_t index;             /**< place in the list; what a device selector may name */
    uint32_t subgroup_size;     /**< threads, as the driver reports it */
    uint32_t reserved;          /**< 0 */
    uint64_t memory_bytes;      /**< device-local memory */
    uint64_t max_storage_bytes; /**< the most that a shader can address in one buffer */
} gyre_device_info;

#define GYRE_DEVICE_INFO_INIT                                                                     \
    {                                                                                             \
        sizeof(gyre_device_info), NULL, NULL, NULL, NULL, GYRE_DEVICE_OTHER, 0, 0, 0, 0, 0, 0, 0, \
            0, 0, 0, 0                                                                            \
    }

/** The Vulkan devices found at one moment. Immutable: may be read by several threads at once. */
typedef struct gyre_device_list gyre_device_list;

/**
 * Loads Vulkan and lists its devices, in the order in which the loader gives them
 *
 * out_list receives the list; release it with gyre_device_list_destroy
 * Returns GYRE_ERROR_NO_DEVICE if there is no Vulkan loader or no driver
 */
GYRE_API GYRE_MUST_CHECK gyre_status gyre_device_list_create(gyre_device_list** out_list);

/** Releases a list and the strings of its infos; list may be NULL */
GYRE_API void gyre_device_list_destroy(gyre_device_list* list);

/** Returns the number of devices; 0 if list is NULL */
GYRE_API size_t gyre_device_list_count(const gyre_device_list* list);

/**
 * Describes device number index, 0 <= index < gyre_device_list_count(list)
 *
 * info must be initialised with GYRE_DEVICE_INFO_INIT; its strings live as long as the list
 */
GYRE_API GYRE_MUST_CHECK gyre_status gyre_device_list_get(const gyre_device_list* list,
                                                          size_t index, gyre_device_info* info);

#ifdef __cplusplus
}
#endif

#endif /* GYRE_GYRE_DEVICE_H */
