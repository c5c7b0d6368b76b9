/*
 * gyre_base.h: version, status and log. Part of gyre.h, which includes it; its rules hold here.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GYRE_GYRE_BASE_H
#define GYRE_GYRE_BASE_H

#include <stddef.h>
#include <stdint.h>

/*
 * GYRE_STATIC: the functions are neither imported nor exported. A program that links the static
 * library on Windows defines it. GYRE_BUILDING_LIBRARY is the library's own.
 */
#if defined(GYRE_STATIC)
#define GYRE_API
#elif defined(_WIN32) && defined(GYRE_BUILDING_LIBRARY)
#define GYRE_API __declspec(dllexport)
#elif defined(_WIN32)
#define GYRE_API __declspec(dllimport)
#elif defined(__GNUC__)
#define GYRE_API __attribute__((visibility("default")))
#else
#define GYRE_API
#endif

#if defined(__GNUC__)
#define GYRE_MUST_CHECK __attribute__((warn_unused_result))
#else
#define GYRE_MUST_CHECK
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Version ------------------------------------------------------------------------------- */

#define GYRE_VERSION_MAJOR 0
#define GYRE_VERSION_MINOR 1
#define GYRE_VERSION_PATCH 0

/** major * 10000 + minor * 100 + patch, of this header */
#define GYRE_VERSION (GYRE_VERSION_MAJOR * 10000 + GYRE_VERSION_MINOR * 100 + GYRE_VERSION_PATCH)

/** Returns GYRE_VERSION of the library that is running; it may be newer than the header */
GYRE_API uint32_t gyre_version(void);

/* ---- Status -------------------------------------------------------------------------------- */

typedef enum gyre_status {
    GYRE_OK = 0,
    GYRE_ERROR_INVALID_ARGUMENT = 1,     /**< the caller's value is wrong; the text names it */
    GYRE_ERROR_OUT_OF_HOST_MEMORY = 2,   /**< the host's memory is used up */
    GYRE_ERROR_OUT_OF_DEVICE_MEMORY = 3, /**< the device's memory, or a limit of it, is used up */
    GYRE_ERROR_DEVICE_LOST = 4,          /**< driver or device failed: destroy session and model */
    GYRE_ERROR_NO_DEVICE = 5,            /**< no Vulkan, no driver, or no device that fits */
    GYRE_ERROR_BAD_FILE = 6,             /**< unreadable, truncated or inconsistent file */
    GYRE_ERROR_UNSUPPORTED = 7,          /**< well formed, but not something this library does */
    GYRE_ERROR_CONTEXT_FULL = 8,         /**< the tokens do not fit into n_ctx */
    GYRE_ERROR_CANCELLED = 9,            /**< the caller asked for it */
    GYRE_ERROR_INTERNAL = 10,            /**< a bug in the library or in a driver */
    GYRE_ERROR_PAUSED = 11,              /**< gyre_model_pause; gyre_model_resume is the way on */
    GYRE_STATUS_FORCE_32 = 0x7fffffff
} gyre_status;

/** Returns a short English name such as "out of device memory"; never NULL, valid for ever */
GYRE_API const char* gyre_status_string(gyre_status status);

/**
 * Returns one line about the last call that failed in this thread: what was wrong, what was
 * expected, what to do
 *
 * Never NULL; "" if no call has failed in this thread. The text is kept per thread, is changed only
 * by the next call that fails in this thread, and ends with the thread
 */
GYRE_API const char* gyre_last_error(void);

/* ---- Log ----------------------------------------------------------------------------------- */

typedef enum gyre_log_level {
    GYRE_LOG_ERROR = 0,
    GYRE_LOG_WARNING = 1,
    GYRE_LOG_INFO = 2,
    GYRE_LOG_DEBUG = 3,
    GYRE_LOG_LEVEL_FORCE_32 = 0x7fffffff
} gyre_log_level;

/**
 * Receives one line, without a newline, that is valid during the call
 *
 * May be called from any thread, by one at a time; must not call gyre_set_log_callback
 */
typedef void (*gyre_log_callback)(gyre_log_level level, const char* message, void* user);

/**
 * Sends the library's log lines up to max_level to callback; the library is silent until then
 *
 * callback may be NULL, which makes the library silent again
 * callback and user must stay valid until they are replaced. The setting is the whole process's;
 * gyre_set_vulkan_loader has the only other such setting. May be called from any thread
 */
GYRE_API void gyre_set_log_callback(gyre_log_callback callback, void* user,
                                    gyre_log_level max_level);

#ifdef __cplusplus
}
#endif

#endif /* GYRE_GYRE_BASE_H */
