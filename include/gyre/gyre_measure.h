/*
 * gyre_measure.h: memory, speed, what a token costs, and what the device can do at best. Part of
 * gyre.h, which includes it; its rules hold here.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GYRE_GYRE_MEASURE_H
#define GYRE_GYRE_MEASURE_H

#include "gyre/gyre_session.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Timings and counters ------------------------------------------------------------------- */

/** Wall-clock times since the session was created or reset. Rates are 0 if nothing was timed. */
typedef struct gyre_timings {
    size_t struct_size; /**< set by GYRE_TIMINGS_INIT */
    double prefill_seconds;
    double prefill_tokens_per_second; /**< tokens of prompts and feeds of two and more */
    double decode_seconds;
    double decode_tokens_per_second;    /**< tokens that were fed one by one, with their sampling */
    double time_to_first_token_seconds; /**< of the last gyre_session_generate; 0 before */
    uint64_t n_prefill_tokens;
    uint64_t n_decode_tokens;
} gyre_timings;

#define GYRE_TIMINGS_INIT \
    { sizeof(gyre_timings), 0, 0, 0, 0, 0, 0, 0 }

/** Gives the session's timings; timings must be initialised with GYRE_TIMINGS_INIT */
GYRE_API GYRE_MUST_CHECK gyre_status gyre_session_get_timings(const gyre_session* session,
                                                              gyre_timings* timings);

/**
 * What a session has asked of its device since it was created or reset, counted where it asks
 *
 * Work that is not the model's (the making of the session, profiles) is not counted. Divide the
 * difference of two readings by the difference of n_decode_tokens for the cost of a token
 */
typedef struct gyre_counters {
    size_t struct_size;        /**< set by GYRE_COUNTERS_INIT */
    uint64_t dispatches;       /**< kernels started */
    uint64_t barriers;         /**< pipeline barriers: what is after one waits for what is before */
    uint64_t submits;          /**< vkQueueSubmit calls */
    uint64_t host_waits;       /**< times that the host waited for the device */
    uint64_t descriptor_binds; /**< changes of the buffers that kernels see */
    uint64_t n_prefill_tokens; /**< tokens of prompts and feeds of two and more */
    uint64_t n_decode_tokens;  /**< tokens that were computed one by one */
} gyre_counters;

#define GYRE_COUNTERS_INIT \
    { sizeof(gyre_counters), 0, 0, 0, 0, 0, 0, 0 }

/** Gives the session's counters; counters must be initialised with GYRE_COUNTERS_INIT */
GYRE_API GYRE_MUST_CHECK gyre_status gyre_session_get_counters(const gyre_session* session,
                                                               gyre_counters* counters);

/* ---- Memory and traffic -------------------------------------------------------------------- */

/** Bytes, of the device's memory as the driver was asked for it */
typedef struct gyre_memory {
    size_t struct_size;         /**< set by GYRE_MEMORY_INIT */
    uint64_t device_bytes;      /**< now, of the model and all its sessions */
    uint64_t peak_device_bytes; /**< the most at once since the model was opened */
    uint64_t weight_bytes;      /**< of device_bytes: the model's weights */
    uint64_t cache_bytes;       /**< of device_bytes: this session's KV cache */
    uint64_t work_bytes;        /**< of device_bytes: this session's activations, tables, logits */
} gyre_memory;

#define GYRE_MEMORY_INIT \
    { sizeof(gyre_memory), 0, 0, 0, 0, 0 }

/** Gives the memory in use; memory must be initialised with GYRE_MEMORY_INIT */
GYRE_API GYRE_MUST_CHECK gyre_status gyre_session_get_memory(const gyre_session* session,
                                                             gyre_memory* memory);

/** The memory that a model and one session on it will take, in bytes */
typedef struct gyre_memory_need {
    size_t struct_size;       /**< set by GYRE_MEMORY_NEED_INIT */
    uint64_t weights_bytes;   /**< exactly what gyre_memory.weight_bytes will be */
    uint64_t cache_bytes;     /**< exactly what gyre_memory.cache_bytes will be */
    uint64_t work_bytes;      /**< exactly what gyre_memory.work_bytes will be; up to 16 MiB more
                                   (at least one row) from gyre_session_feed_logits on */
    uint64_t total_bytes;     /**< the sum of the three, without what the driver adds */
    uint64_t host_bytes;      /**< beside them, about: metadata, tokenizer, a copy of the logits */
    uint64_t available_bytes; /**< of the device, to this process: its budget where the driver tells
                                   one, else its memory */
    uint32_t device_index;    /**< the device's, in gyre_device_list */
    uint32_t fits;            /**< 1: total_bytes is at most available_bytes, and no limit of the
                                   device is exceeded; else 0 */
    char because[256];        /**< why it does not fit, one line; "": it does. NUL-terminated */
} gyre_memory_need;

#define GYRE_MEMORY_NEED_INIT \
    { sizeof(gyre_memory_need), 0, 0, 0, 0, 0, 0, 0, 0, "" }

/**
 * Computes how much memory a model and a session on it would take, and whether it fits
 *
 * Reads nothing more of the file: a model that was opened with "none" has not read a weight. Loads
 * the driver, and makes nothing on the device
 *
 * device: as gyre_model_options.device, but not "none". NULL: the device that holds the weights,
 * which count as available then as if they were not there; "auto" for a model without a device
 * options: as in gyre_session_create; may be NULL, which means GYRE_SESSION_OPTIONS_INIT
 * need must be initialised with GYRE_MEMORY_NEED_INIT
 * Returns GYRE_OK also where it does not fit; GYRE_ERROR_NO_DEVICE as gyre_model_open,
 * GYRE_ERROR_INVALID_ARGUMENT and GYRE_ERROR_UNSUPPORTED as gyre_model_open and
 * gyre_session_create
 */
GYRE_API GYRE_MUST_CHECK gyre_status gyre_model_estimate(const gyre_model* model,
                                                         const char* device,
                                                         const gyre_session_options* options,
                                                         gyre_memory_need* need);

/**
 * What one decoded token has to read and compute, from the layouts that the kernels read
 *
 * Weights are the matrices that a token is multiplied with: of every layer, and the vocabulary's.
 * The norms' and biases' vectors and the token's own row of the embedding are not counted
 */
typedef struct gyre_traffic {
    size_t struct_size;                      /**< set by GYRE_TRAFFIC_INIT */
    uint64_t weight_bytes_per_token;         /**< read from the device's memory, with padding */
    uint64_t minimum_weight_bytes_per_token; /**< what the same matrices take in the file */
    uint64_t cache_bytes_per_token;          /**< keys, values and their scales */
    /** Multiplications and additions by weights, for a decoded token */
    uint64_t decode_flops_per_token;
    /** For a token of a prompt: without the vocabulary's, which only the last one is multiplied
     * with */
    uint64_t prompt_flops_per_token;
} gyre_traffic;

#define GYRE_TRAFFIC_INIT \
    { sizeof(gyre_traffic), 0, 0, 0, 0, 0 }

/**
 * Computes what a token costs that is decoded after depth others
 *
 * traffic must be initialised with GYRE_TRAFFIC_INIT
 * Returns GYRE_ERROR_INVALID_ARGUMENT if depth is gyre_session_n_ctx(session) or more
 */
GYRE_API GYRE_MUST_CHECK gyre_status gyre_session_get_traffic(const gyre_session* session,
                                                              uint32_t depth,
                                                              gyre_traffic* traffic);

/* ---- The device ---------------------------------------------------------------------------- */

/** What a device does at best with kernels of the kind that this library has */
typedef struct gyre_device_rates {
    size_t struct_size;           /**< set by GYRE_DEVICE_RATES_INIT */
    double copy_bytes_per_second; /**< read plus written: a copy of 1 byte counts 2 */
    double fma_flops_per_second;  /**< float32; a multiplication with its addition counts 2 */
    uint64_t copy_bytes;          /**< read plus written by each of the timed copies */
    /** Of matrix units, float16 factors and float32 sums; 0: the device has none that Gyre uses */
    double matrix_flops_per_second;
} gyre_device_rates;

#define GYRE_DEVICE_RATES_INIT \
    { sizeof(gyre_device_rates), 0, 0, 0, 0 }

/**
 * Measures the device that holds the weights: the best of several runs in about 0.6 s, or 0.9 with
 * matrix units
 *
 * Takes up to 256 MiB of the device's memory for this time; other work on the device slows it
 * rates must be initialised with GYRE_DEVICE_RATES_INIT
 * Returns GYRE_ERROR_NO_DEVICE if the model was opened with "none",
 * GYRE_ERROR_OUT_OF_DEVICE_MEMORY, GYRE_ERROR_DEVICE_LOST
 */
GYRE_API GYRE_MUST_CHECK gyre_status gyre_model_measure_device(const gyre_model* model,
                                                               gyre_device_rates* rates);

/* ---- Profile ------------------------------------------------------------------------------- */

/** In gyre_profile_event: an operation that belongs to no layer */
#define GYRE_LAYER_NONE 0xffffffffu

/** The device's time for one operation, by its own clock */
typedef struct gyre_profile_event {
    size_t struct_size;    /**< set by the library */
    const char* operation; /**< "attention", "project", ...; NUL-terminated, valid in the call */
    double seconds;        /**< from the end of the operation before to the end of this one */
    uint32_t layer;        /**< 0 to n_layer - 1, or GYRE_LAYER_NONE */
    uint32_t dispatches;   /**< kernels that the operation started */
} gyre_profile_event;

typedef void (*gyre_profile_callback)(const gyre_profile_event* event, void* user);

/**
 * Appends count tokens as gyre_session_feed does, and reports the time of each operation
 *
 * One token goes through the kernels of decoding, more through those of prompts. callback (not
 * NULL) is called for every operation, in order; a prompt of several chunks has several rounds.
 * The commands are recorded for this call, with timestamps that those of other calls do not have
 * Returns GYRE_ERROR_UNSUPPORTED if the device has no timestamps; else as gyre_session_feed
 */
GYRE_API GYRE_MUST_CHECK gyre_status gyre_session_profile(gyre_session* session,
                                                          const uint32_t* tokens, size_t count,
                                                          gyre_profile_callback callback,
                                                          void* user);

/* ---- Plan ---------------------------------------------------------------------------------- */

/** One operation of the plan by which tokens are computed */
typedef struct gyre_plan_step {
    size_t struct_size;       /**< set by the library */
    const char* operation;    /**< "attention", "norm_up_activate", "down_norm"; NUL-terminated, as
                                   all texts here, and valid in the call */
    const char* kernel;       /**< the shader module that computes it: "linear_q8_0" */
    const char* weight_types; /**< of its matrices, as in gyre_model_info; "": it has none */
    const char* input;        /**< what it reads beside weights: "normed"; "": token ids */
    const char* output;       /**< what it writes: "x, normed"; "": the cache alone */
    uint64_t bytes;           /**< weights that it reads; of attention, the cells that the last
                                   position of the context sees */
    uint32_t layer;           /**< 0 to n_layer - 1, or GYRE_LAYER_NONE */
    uint32_t n_rows;          /**< outputs of its matrices together; 0: it has none */
    uint32_t n_in;            /**< inputs of its matrices */
    uint32_t dispatches;      /**< kernels that it starts */
} gyre_plan_step;

typedef void (*gyre_plan_callback)(const gyre_plan_step* step, void* user);

/**
 * Gives the plan by which this session computes n_tokens tokens: one by decoding, more as a prompt
 *
 * callback (not NULL) is called for every operation, in order. Nothing is computed. A prompt's
 * plan is that of a chunk, with the logits of its last token
 * Returns GYRE_ERROR_INVALID_ARGUMENT for 0 tokens, or more than the session takes at once
 */
GYRE_API GYRE_MUST_CHECK gyre_status gyre_session_get_plan(const gyre_session* session,
                                                           uint32_t n_tokens,
                                                           gyre_plan_callback callback, void* user);

#ifdef __cplusplus
}
#endif

#endif /* GYRE_GYRE_MEASURE_H */
