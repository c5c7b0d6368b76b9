/*
 * gyre.h: run GPT-2-style language models with rotary attention on any Vulkan device.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The whole of a text generating program:
 *
 *     gyre_model* model = NULL;
 *     gyre_session* session = NULL;
 *     if (gyre_model_open("model.gguf", NULL, &model) != GYRE_OK ||
 *         gyre_session_create(model, NULL, &session) != GYRE_OK ||
 *         gyre_session_generate(session, "Once", 4, &options, NULL) != GYRE_OK)
 *         fprintf(stderr, "%s\n", gyre_last_error());
 *     gyre_session_destroy(session);
 *     gyre_model_destroy(model);
 *
 * Rules that hold for every function:
 * - Nothing is thrown, and nothing aborts or prints. What can fail returns gyre_status; the text of
 * the error is gyre_last_error(). A result parameter is written only on success, except that a
 * handle (gyre_model** and the like) is set to NULL on failure.
 * - Structs begin with struct_size, which their _INIT macro sets. A newer library accepts the
 * shorter struct of an older header; fields are only ever appended.
 * - Text is UTF-8, given as bytes and a count; it need not end with a NUL byte unless it says so.
 * - Callbacks are called in the thread that made the call, unless they say otherwise, return
 *   non-zero to go on and 0 to stop, and must not throw.
 * - No driver is loaded before the first call that needs one: gyre_device_list_create,
 * gyre_model_open.
 */
#ifndef GYRE_GYRE_H
#define GYRE_GYRE_H

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define GYRE_API __attribute__((visibility("default")))
#define GYRE_MUST_CHECK __attribute__((warn_unused_result))
#else
#define GYRE_API
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
 * callback and user must stay valid until they are replaced. The setting is the process's: the one
 * piece of state that is shared by everything. May be called from any thread
 */
GYRE_API void gyre_set_log_callback(gyre_log_callback callback, void* user,
                                    gyre_log_level max_level);

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
    const char* name;             /**< as the driver gives it; NUL-terminated, as all four */
    const char* driver_name;      /**< for example "llvmpipe"; "" if the driver does not say */
    const char* driver_info;      /**< the driver's version text; "" if it does not say */
    const char* unusable_because; /**< what the library lacks here; "": the device can be used */
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

/* ---- Model --------------------------------------------------------------------------------- */

/**
 * Reports how far gyre_model_open or gyre_session_create has come
 *
 * stage names what is being done ("read", "upload", ...; "compile" in gyre_session_create),
 * NUL-terminated, valid during the call
 * fraction, 0 to 1, is how much of this stage is done
 * Returns non-zero to go on, 0 to cancel: the function then returns GYRE_ERROR_CANCELLED
 */
typedef int (*gyre_progress_callback)(const char* stage, double fraction, void* user);

/** Whether a GPU's matrix units (VK_KHR_cooperative_matrix) compute prompts */
typedef enum gyre_matrix_units {
    GYRE_MATRIX_UNITS_AUTO = 0, /**< on GPUs where that was measured to be faster; on none so far */
    GYRE_MATRIX_UNITS_OFF = 1,
    GYRE_MATRIX_UNITS_ON = 2, /**< on every GPU that has them; without them as OFF */
    GYRE_MATRIX_UNITS_FORCE_32 = 0x7fffffff
} gyre_matrix_units;

typedef struct gyre_model_options {
    size_t struct_size; /**< set by GYRE_MODEL_OPTIONS_INIT */
    /**
     * Which device, NUL-terminated: an index of the device list, a part of a device's or driver's
     * name (upper and lower case are the same), "auto" (a real GPU if there is one, else a software
     * driver: see gyre_model_info.software_fallback), or "none" (no driver is loaded and no weights
     * are read: information and tokenizer only). NULL means "auto".
     */
    const char* device;
    /**
     * Folder for compiled pipelines and tuned kernels, NUL-terminated; made if it is not there.
     * NULL means $XDG_CACHE_HOME/gyre, or $HOME/.cache/gyre; "" means that nothing is written to
     * disk. A cache that cannot be read or written slows the next start, and is not an error.
     */
    const char* cache_dir;
    gyre_progress_callback progress; /**< may be NULL */
    void* progress_user;             /**< handed to progress */
    uint32_t no_tuning; /**< 1: do not spend up to 1 s of first starts on timing kernels */
    gyre_matrix_units matrix_units; /**< for prompts */
    /**
     * Keys and tensors (NUL-terminated names, as error texts say them) that the file is read
     * without, at your own risk; each is logged as a warning. "*": all that the library does not
     * read.
     */
    const char* const* ignore_keys; /**< may be NULL if n_ignore_keys is 0 */
    size_t n_ignore_keys;
} gyre_model_options;

#define GYRE_MODEL_OPTIONS_INIT \
    { sizeof(gyre_model_options), NULL, NULL, NULL, NULL, 0, GYRE_MATRIX_UNITS_AUTO, NULL, 0 }

/**
 * A model file's weights on a device, and its tokenizer
 *
 * Immutable after gyre_model_open: may be used by several threads at once, and shared by sessions.
 */
typedef struct gyre_model gyre_model;

/**
 * Reads a GGUF file, version 3, and puts its weights on a device
 *
 * path is NUL-terminated; the file must not be changed while it is read
 * options may be NULL, which means GYRE_MODEL_OPTIONS_INIT
 * out_model receives the model; release it with gyre_model_destroy
 *
 * The environment variable GYRE_VALIDATION, a switch for developers, turns on the Khronos
 * validation layer ("1") and synchronization validation with it ("sync"); what it finds is logged
 * as GYRE_LOG_ERROR
 * Returns GYRE_ERROR_BAD_FILE for a file that is missing, truncated or inconsistent,
 * GYRE_ERROR_UNSUPPORTED for an architecture, tensor, type, key or value that this library does not
 * know, GYRE_ERROR_NO_DEVICE if there is no Vulkan device or none that device names,
 * GYRE_ERROR_INVALID_ARGUMENT if the named device cannot be used, GYRE_ERROR_OUT_OF_DEVICE_MEMORY,
 * GYRE_ERROR_CANCELLED
 */
GYRE_API GYRE_MUST_CHECK gyre_status gyre_model_open(const char* path,
                                                     const gyre_model_options* options,
                                                     gyre_model** out_model);

/** Releases a model, which may be NULL; the weights are freed with its last session */
GYRE_API void gyre_model_destroy(gyre_model* model);

/** A token id that no model has; in gyre_model_info: the model has no such token */
#define GYRE_TOKEN_NONE 0xffffffffu

typedef struct gyre_model_info {
    size_t struct_size;         /**< set by GYRE_MODEL_INFO_INIT */
    const char* architecture;   /**< general.architecture, for example "gpt2"; NUL-terminated */
    const char* name;           /**< general.name; "" if the file has none */
    const char* position;       /**< "learned", "rotary", "none", ...; NUL-terminated */
    const char* rotary_text;    /**< how positions turn, for people: one line; NUL-terminated */
    const char* rotary_json;    /**< the same as one JSON object; NUL-terminated */
    const char* weight_types;   /**< tensor types by bytes, largest first: "Q8_0, F32" */
    uint64_t n_parameters;      /**< elements of all tensors */
    uint64_t file_bytes;        /**< size of the file */
    uint64_t device_bytes;      /**< weights on the device; 0 if it was opened with "none" */
    uint32_t n_vocab;           /**< tokens that the model knows: ids 0 to n_vocab - 1 */
    uint32_t n_ctx;             /**< positions that the model was trained for */
    uint32_t n_embd;            /**< channels of the residual stream */
    uint32_t n_layer;           /**< layers */
    uint32_t n_head;            /**< query heads a layer */
    uint32_t n_head_kv;         /**< key and value heads a layer */
    uint32_t head_dim;          /**< channels a head */
    uint32_t n_ff;              /**< channels of the feed-forward layer */
    uint32_t bos_token;         /**< begins a text; or GYRE_TOKEN_NONE */
    uint32_t eos_token;         /**< ends a text; or GYRE_TOKEN_NONE */
    uint32_t has_tokenizer;     /**< 1 if the file has a tokenizer, else 0 */
    uint32_t software_fallback; /**< 1 if "auto" found no GPU and took a software driver, else 0 */
    const char* ignored;        /**< what ignore_keys left out, one line each; "": nothing */
} gyre_model_info;

#define GYRE_MODEL_INFO_INIT                                                                       \
    {                                                                                              \
        sizeof(gyre_model_info), NULL, NULL, NULL, NULL, NULL, NULL, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, \
            0, GYRE_TOKEN_NONE, GYRE_TOKEN_NONE, 0, 0, NULL                                        \
    }

/**
 * Describes a model
 *
 * info must be initialised with GYRE_MODEL_INFO_INIT; its strings live as long as the model
 */
GYRE_API GYRE_MUST_CHECK gyre_status gyre_model_get_info(const gyre_model* model,
                                                         gyre_model_info* info);

/**
 * Describes the device that holds the weights
 *
 * info must be initialised with GYRE_DEVICE_INFO_INIT; its strings live as long as the model
 * Returns GYRE_ERROR_NO_DEVICE if the model was opened with "none"
 */
GYRE_API GYRE_MUST_CHECK gyre_status gyre_model_get_device(const gyre_model* model,
                                                           gyre_device_info* info);

/* ---- Text and tokens ----------------------------------------------------------------------- */

/**
 * Turns text into token ids
 *
 * text, n_bytes: the text; may be NULL if n_bytes is 0. Bytes that are not UTF-8 are kept as bytes
 * parse_special: non-zero if names of special tokens in the text ("<|endoftext|>") become these
 * tokens; 0 if they are plain text, which is right for text from others
 * tokens, capacity: room for the ids; tokens may be NULL if capacity is 0. At most n_bytes are
 * needed. No beginning token is added
 * n_tokens receives the number of ids, also when they do not fit
 * Returns GYRE_ERROR_INVALID_ARGUMENT if capacity is too small and not 0: call again with n_tokens;
 * GYRE_ERROR_UNSUPPORTED if the file has no tokenizer
 */
GYRE_API GYRE_MUST_CHECK gyre_status gyre_model_tokenize(const gyre_model* model, const char* text,
                                                         size_t n_bytes, int parse_special,
                                                         uint32_t* tokens, size_t capacity,
                                                         size_t* n_tokens);

/**
 * Turns token ids into bytes, which are not NUL-terminated and may begin or end inside a character
 *
 * tokens, count: the ids; tokens may be NULL if count is 0
 * bytes, capacity: room for the bytes; bytes may be NULL if capacity is 0
 * n_bytes receives the number of bytes, also when they do not fit
 * Returns GYRE_ERROR_INVALID_ARGUMENT if capacity is too small and not 0, or a token is not in the
 * vocabulary; GYRE_ERROR_UNSUPPORTED if the file has no tokenizer
 */
GYRE_API GYRE_MUST_CHECK gyre_status gyre_model_detokenize(const gyre_model* model,
                                                           const uint32_t* tokens, size_t count,
                                                           char* bytes, size_t capacity,
                                                           size_t* n_bytes);

/* ---- Session ------------------------------------------------------------------------------- */

typedef enum gyre_kv_type {
    GYRE_KV_F16 = 0,
    GYRE_KV_F32 = 1,
    GYRE_KV_Q8_0 = 2, /**< 8 bits, and a scale for every 32 numbers or head */
    GYRE_KV_TYPE_FORCE_32 = 0x7fffffff
} gyre_kv_type;

/** What happens when a token comes and n_ctx tokens are held */
typedef enum gyre_when_full {
    GYRE_WHEN_FULL_STOP = 0, /**< GYRE_ERROR_CONTEXT_FULL, or GYRE_STOP_CONTEXT_FULL */
    /**
     * The oldest half is forgotten, except the first keep_tokens, and what follows moves up: a text
     * goes on for as long as one likes. Models whose positions are learned or sinusoidal cannot.
     */
    GYRE_WHEN_FULL_SLIDE = 1,
    GYRE_WHEN_FULL_FORCE_32 = 0x7fffffff
} gyre_when_full;

typedef struct gyre_session_options {
    size_t struct_size;   /**< set by GYRE_SESSION_OPTIONS_INIT */
    uint32_t n_ctx;       /**< positions of the KV cache; 0: as many as the model was trained for */
    uint32_t chunk;       /**< tokens of a prompt that are computed at once; 0: 128 */
    gyre_kv_type kv_type; /**< how keys and values are stored */
    gyre_when_full when_full; /**< what happens when n_ctx tokens are held */
    uint32_t keep_tokens;     /**< first tokens that every slide keeps, at most n_ctx / 2 */
    /**
     * How long the device may work at one submission, about; 0: 50, at most 10000. What takes
     * longer is cut, whatever chunk is, and gives the same bits. Less means that a cancel is seen
     * sooner.
     */
    uint32_t submit_ms;
    gyre_progress_callback progress; /**< told while kernels are compiled; may be NULL */
    void* progress_user;             /**< handed to progress */
} gyre_session_options;

#define GYRE_SESSION_OPTIONS_INIT \
    { sizeof(gyre_session_options), 0, 0, GYRE_KV_F16, GYRE_WHEN_FULL_STOP, 0, 0, NULL, NULL }

/**
 * A text in the making: its KV cache and the logits behind its last token
 *
 * One session is used by one thread at a time, gyre_session_cancel apart; sessions of one model may
 * run in parallel threads. A call that finds the session in use by another (or by the call whose
 * callback made it) returns GYRE_ERROR_INVALID_ARGUMENT and changes nothing.
 */
typedef struct gyre_session gyre_session;

/**
 * Creates a session: an empty KV cache of n_ctx positions and the commands that fill it
 *
 * options may be NULL, which means GYRE_SESSION_OPTIONS_INIT
 * out_session receives the session; release it with gyre_session_destroy
 * The session keeps what it needs of model, which may be destroyed before it
 * Returns GYRE_ERROR_INVALID_ARGUMENT if n_ctx is more than the model can have, or keep_tokens more
 * than half of it,
 * GYRE_ERROR_UNSUPPORTED if it shall slide and the model's positions cannot be moved,
 * GYRE_ERROR_NO_DEVICE if the model was opened with "none",
 * GYRE_ERROR_OUT_OF_DEVICE_MEMORY if the cache does not fit,
 * GYRE_ERROR_CANCELLED if options.progress said so
 */
GYRE_API GYRE_MUST_CHECK gyre_status gyre_session_create(const gyre_model* model,
                                                         const gyre_session_options* options,
                                                         gyre_session** out_session);

/** Waits for the device and releases a session, which may be NULL; no call may be running on it */
GYRE_API void gyre_session_destroy(gyre_session* session);

/** Forgets all tokens and the timings: the session is as it was created; session may be NULL */
GYRE_API GYRE_MUST_CHECK gyre_status gyre_session_reset(gyre_session* session);

/**
 * Keeps the session's first n tokens and forgets the rest
 *
 * The next gyre_session_logits computes the logits behind the last kept token anew
 * Returns GYRE_ERROR_INVALID_ARGUMENT if the session holds fewer than n tokens: nothing changes
 */
GYRE_API GYRE_MUST_CHECK gyre_status gyre_session_truncate(gyre_session* session, uint32_t n);

/**
 * Forgets count tokens from number first on and closes the gap: the tokens that follow move up to
 * the positions that become free
 *
 * What the tokens that follow had seen stays in them: in a model of several layers the logits are
 * not those of a text that never had the forgotten ones. With a kv_type of 16 and 8 bits every
 * shift rounds what it moves once more
 * Returns GYRE_ERROR_INVALID_ARGUMENT if count is 0, if the session does not hold all of the range,
 * or if it touches the tokens that the model keeps as attention sinks; GYRE_ERROR_UNSUPPORTED if
 * the model's positions are learned or sinusoidal, which cannot be moved. Nothing changes then
 */
GYRE_API GYRE_MUST_CHECK gyre_status gyre_session_shift(gyre_session* session, uint32_t first,
                                                        uint32_t count);

/**
 * Creates a session that holds the same tokens, with the same options: from here on the two are
 * independent, and each goes on as the other would
 *
 * out_session receives the session, whose timings begin at 0; release it with gyre_session_destroy
 * Returns GYRE_ERROR_OUT_OF_DEVICE_MEMORY if a second cache does not fit: session is as before
 */
GYRE_API GYRE_MUST_CHECK gyre_status gyre_session_fork(gyre_session* session,
                                                       gyre_session** out_session);

/** Returns the number of tokens that the session holds; 0 if session is NULL */
GYRE_API uint32_t gyre_session_position(const gyre_session* session);

/** Returns the number of tokens that the session can hold; 0 if session is NULL */
GYRE_API uint32_t gyre_session_n_ctx(const gyre_session* session);

/**
 * Appends count tokens and computes the logits behind the last of them
 *
 * count 0 does nothing. With GYRE_WHEN_FULL_SLIDE the session slides as often as it must
 * Returns GYRE_ERROR_INVALID_ARGUMENT if a token is not in the vocabulary and
 * GYRE_ERROR_CONTEXT_FULL if they do not fit: then none is appended. After GYRE_ERROR_CANCELLED
 * the session holds a part of them: see gyre_session_position
 */
GYRE_API GYRE_MUST_CHECK gyre_status gyre_session_feed(gyre_session* session,
                                                       const uint32_t* tokens, size_t count);

/**
 * Receives the logits behind some of the fed tokens, in order
 *
 * logits: float [n_rows, n_vocab], valid during the call
 * first_index: place of the first row's token in the array that was fed
 * Returns non-zero to go on, 0 to cancel
 */
typedef int (*gyre_logits_callback)(const float* logits, size_t first_index, size_t n_rows,
                                    size_t n_vocab, void* user);

/** As gyre_session_feed, and gives the logits behind every fed token to callback (not NULL) */
GYRE_API GYRE_MUST_CHECK gyre_status gyre_session_feed_logits(gyre_session* session,
                                                              const uint32_t* tokens, size_t count,
                                                              gyre_logits_callback callback,
                                                              void* user);

/**
 * Gives the logits behind the session's last token: what the next token is chosen from
 *
 * logits receives a pointer to n_vocab floats that is valid until the next call with this session
 * n_vocab receives their number; may be NULL
 * Returns GYRE_ERROR_INVALID_ARGUMENT if the session is empty
 */
GYRE_API GYRE_MUST_CHECK gyre_status gyre_session_logits(gyre_session* session,
                                                         const float** logits, size_t* n_vocab);

/**
 * How a token is chosen from logits. The same options, tokens and logits choose the same token on
 * every platform.
 *
 * In this order: repetition penalty; temperature 0 takes the largest logit and is done;
 * temperature; top_k; top_p; min_p; a draw from what is left.
 */
typedef struct gyre_sampling_options {
    size_t struct_size;     /**< set by GYRE_SAMPLING_OPTIONS_INIT */
    uint64_t seed;          /**< of the counter-based generator */
    float temperature;      /**< 0: always the most likely token; else 1e-30 to 1e30 */
    float top_p;            /**< 0 < top_p <= 1: the shortest list with this probability; 1: off */
    float min_p;            /**< 0 to 1: at least this part of the best probability; 0: off */
    float repeat_penalty;   /**< 1e-3 to 1e3, makes recent tokens less likely; 1: off */
    uint32_t top_k;         /**< the k most likely; 0: off */
    uint32_t repeat_window; /**< how many recent tokens repeat_penalty sees; 0: off */
} gyre_sampling_options;

#define GYRE_SAMPLING_OPTIONS_INIT \
    { sizeof(gyre_sampling_options), 0, 0.8f, 0.95f, 0.05f, 1.0f, 40, 64 }

/**
 * Chooses the next token from the session's logits; does not append it
 *
 * options may be NULL, which means GYRE_SAMPLING_OPTIONS_INIT
 * token receives the id: give it to gyre_session_feed to go on
 * The draw depends on seed, gyre_session_position and the number of tokens that slides have
 * forgotten: asked twice, it answers the same
 * Returns GYRE_ERROR_INVALID_ARGUMENT if the session is empty or an option is out of its range
 */
GYRE_API GYRE_MUST_CHECK gyre_status gyre_session_sample(gyre_session* session,
                                                         const gyre_sampling_options* options,
                                                         uint32_t* token);

/**
 * Cancels the call that is running on the session, or if none is, the next one that computes
 *
 * That call returns GYRE_ERROR_CANCELLED behind what was submitted (see submit_ms); the session
 * stays usable, and holds nothing of a chunk that was interrupted. A request that comes in the last
 * moments of a call may meet the next one instead. May be called from any thread and from a signal
 * handler; session may be NULL, and must not be destroyed during the call
 */
GYRE_API void gyre_session_cancel(gyre_session* session);

#ifdef __cplusplus
}
#endif

#include "gyre/gyre_generate.h"
#include "gyre/gyre_measure.h"

#endif /* GYRE_GYRE_H */
