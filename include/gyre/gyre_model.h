/*
 * gyre_model.h: a model file, its weights on a device, its tokenizer. Part of gyre.h, which
 * includes it; its rules hold here.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GYRE_GYRE_MODEL_H
#define GYRE_GYRE_MODEL_H

#include "gyre/gyre_base.h"
#include "gyre/gyre_device.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Model --------------------------------------------------------------------------------- */

/**
 * Reports how far the opening of a model or gyre_session_create has come
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
     * Keys and tensors (NUL-terminated names, as in error texts) that are treated as absent, at
     * your own risk; each is logged as a warning. "*": all that the library does not read.
     */
    const char* const* ignore_keys; /**< may be NULL if n_ignore_keys is 0 */
    size_t n_ignore_keys;
} gyre_model_options;

#define GYRE_MODEL_OPTIONS_INIT \
    { sizeof(gyre_model_options), NULL, NULL, NULL, NULL, 0, GYRE_MATRIX_UNITS_AUTO, NULL, 0 }

/**
 * A model file's weights on a device, and its metadata and tokenizer
 *
 * Immutable once it is open: may be used by several threads at once, and shared by sessions. The
 * file is no longer needed.
 */
typedef struct gyre_model gyre_model;

/**
 * Reads a GGUF file, version 3, and puts its weights on a device
 *
 * path is NUL-terminated; the file must not be changed before the call returns. A split file is
 * opened by its first part, NAME-00001-of-0000N.gguf, beside which the others lie
 * options may be NULL, which means GYRE_MODEL_OPTIONS_INIT
 * out_model receives the model; release it with gyre_model_destroy
 *
 * The environment variable GYRE_VALIDATION, a switch for developers, turns on the Khronos
 * validation layer ("1") and synchronization validation with it ("sync"); what it finds is logged
 * as GYRE_LOG_ERROR. GYRE_THREADS, a number, limits the threads that lay out weights and compile
 * kernels; without it there are as many as there are cores, 16 at most
 *
 * Returns GYRE_ERROR_BAD_FILE for a file that is missing, truncated or inconsistent,
 * GYRE_ERROR_UNSUPPORTED for an architecture, tensor, type, key or value that this library does not
 * know, GYRE_ERROR_NO_DEVICE if there is no Vulkan device or none that device names,
 * GYRE_ERROR_INVALID_ARGUMENT if the named device cannot be used, GYRE_ERROR_OUT_OF_DEVICE_MEMORY,
 * GYRE_ERROR_CANCELLED
 */
GYRE_API GYRE_MUST_CHECK gyre_status gyre_model_open(const char* path,
                                                     const gyre_model_options* options,
                                                     gyre_model** out_model);

/**
 * The same from an open descriptor: of a whole file or of a part of one, such as an asset that lies
 * uncompressed in an application's package
 *
 * fd: open for reading. It is not closed, and its position is neither used nor moved; it may be
 * closed once the call has returned. Windows: a descriptor of the C runtime that the library uses
 * offset: the byte at which the GGUF file begins; need not be a multiple of the page. A part of a
 * split file is refused, as in gyre_model_open_memory: only a path says where the others are
 * n_bytes: length of the GGUF file; 0: to the end of the file that fd is open on
 * Returns what gyre_model_open does; GYRE_ERROR_BAD_FILE also for what is not a regular file (a
 * pipe, a socket), and GYRE_ERROR_INVALID_ARGUMENT also if fd is not open or the file does not have
 * these bytes
 */
GYRE_API GYRE_MUST_CHECK gyre_status gyre_model_open_fd(int fd, uint64_t offset, uint64_t n_bytes,
                                                        const gyre_model_options* options,
                                                        gyre_model** out_model);

/**
 * The same from memory that holds the bytes of a GGUF file, at any address
 *
 * data, n_bytes: only read, and not needed any more once the call has returned, whatever it returns
 * Returns what gyre_model_open does; GYRE_ERROR_INVALID_ARGUMENT also if data is NULL
 */
GYRE_API GYRE_MUST_CHECK gyre_status gyre_model_open_memory(const void* data, size_t n_bytes,
                                                            const gyre_model_options* options,
                                                            gyre_model** out_model);

/** Releases a model, which may be NULL; the weights are freed with its last session */
GYRE_API void gyre_model_destroy(gyre_model* model);

/** A token id that no model has; in gyre_model_info: the model has no such token */
#define GYRE_TOKEN_NONE 0xffffffffu

typedef struct gyre_model_info {
    size_t struct_size;       /**< set by GYRE_MODEL_INFO_INIT */
    const char* architecture; /**< general.architecture, for example "gpt2"; NUL-terminated */
    const char* name;         /**< general.name; "" if the file has none */
    const char* position;     /**< "learned", "rotary", "none", ...; NUL-terminated */
    const char* rotary_text;  /**< how positions rotate, for people: one line; NUL-terminated */
    const char* rotary_json;  /**< the same as one JSON object; NUL-terminated */
    const char* weight_types; /**< tensor types by bytes, largest first: "Q8_0, F32" */
    uint64_t n_parameters;    /**< elements of all tensors */
    uint64_t file_bytes;      /**< size of the file, or of all parts of a split one */
    uint64_t device_bytes;    /**< weights on the device; 0 if it was opened with "none" */
    uint32_t n_vocab;         /**< tokens that the model knows: ids 0 to n_vocab - 1 */
    uint32_t n_ctx;           /**< positions that the model was trained for */
    uint32_t n_embd;          /**< channels of the residual stream */
    uint32_t n_layer;         /**< layers */
    uint32_t n_head;          /**< query heads per layer */
    uint32_t n_head_kv;       /**< key and value heads per layer */
    uint32_t head_dim;        /**< channels per head */
    uint32_t n_ff;            /**< channels of the feed-forward layer */
    uint32_t bos_token;       /**< begins a text; or GYRE_TOKEN_NONE */
    uint32_t eos_token; /**< ends a text, perhaps not the only one that does; or GYRE_TOKEN_NONE */
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

/* ---- Pause --------------------------------------------------------------------------------- */

/**
 * Keeps this model off the device until gyre_model_resume: for programs that go to the background,
 * where some systems end programs that still compute
 *
 * Returns when nothing of the model is queued on the device or running there. One session that
 * computes has work of about 2 * submit_ms queued at most: with that it takes about 2 * submit_ms +
 * 30 ms at most on a device that has no other work, and 2 * submit_ms more for each further
 * session. How much work a submission may hold is estimated from those before it:
 * docs/performance.md has what was measured. What is not cut into submissions takes longer:
 * gyre_session_profile, gyre_session_fork, gyre_session_shift and slides of a very large cache,
 * gyre_model_measure_device
 * Until gyre_model_resume, calls of the model and its sessions that need the device return
 * GYRE_ERROR_PAUSED, and so do those that are running: gyre_session_generate after the last token
 * that was reported (GYRE_STOP_PAUSED), gyre_session_feed between two chunks. What they have done
 * stays, and calling again after gyre_model_resume continues it, gyre_session_generate with an
 * empty prompt. Save a session before a pause, not during one
 * May be called from any thread, also in a callback; pausing twice is the same as once. Resume
 * before gyre_model_destroy, if sessions are to continue
 * Returns GYRE_ERROR_NO_DEVICE if the model was opened with "none", GYRE_ERROR_DEVICE_LOST;
 * after an error the model is not paused
 */
GYRE_API GYRE_MUST_CHECK gyre_status gyre_model_pause(gyre_model* model);

/** Ends a pause; does nothing if there is none. May be called from any thread */
GYRE_API GYRE_MUST_CHECK gyre_status gyre_model_resume(gyre_model* model);

/* ---- Metadata ------------------------------------------------------------------------------ */

/** Returns the number of keys in the file's metadata; 0 if model is NULL */
GYRE_API size_t gyre_model_metadata_count(const gyre_model* model);

/**
 * Returns the name of key number index, in the file's order; NULL if there is no such key
 *
 * NUL-terminated; lives as long as the model
 */
GYRE_API const char* gyre_model_metadata_key(const gyre_model* model, size_t index);

/**
 * Gives the value of a key as text, for example of "tokenizer.chat_template"
 *
 * A string is its bytes as the file has them. Numbers are decimal; floats are the shortest text
 * that reads back as the same number, with a point in every locale, or inf, -inf, nan. A bool is
 * true or false. An array is a JSON array, in which strings that are not UTF-8 have U+FFFD and
 * numbers that JSON does not have are null
 *
 * key: NUL-terminated. Also keys that the library does not read, or was told to ignore
 * text, capacity: room for the bytes, which are not NUL-terminated; text may be NULL if capacity
 * is 0
 * n_bytes receives the number of bytes, also when they do not fit
 * Returns GYRE_ERROR_INVALID_ARGUMENT if the file has no such key, or if capacity is too small and
 * not 0: call again with n_bytes
 */
GYRE_API GYRE_MUST_CHECK gyre_status gyre_model_metadata(const gyre_model* model, const char* key,
                                                         char* text, size_t capacity,
                                                         size_t* n_bytes);

/* ---- Text and tokens ----------------------------------------------------------------------- */

/**
 * Turns text into token ids
 *
 * text, n_bytes: the text; may be NULL if n_bytes is 0. Bytes that are not UTF-8 are kept as bytes
 * parse_special: non-zero if names of special tokens in the text ("<|endoftext|>") become these
 * tokens; 0 if they are plain text, which is right for text from others
 * tokens, capacity: room for the ids; tokens may be NULL if capacity is 0. n_bytes + 1 are nearly
 * always enough; what n_tokens says always is. No beginning token is added
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
 * Where the tokenizer puts a space in front of a text, it is removed again. For ids from the middle
 * of a text use gyre_model_get_token, which gives the bytes of each one as they are
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

/** What a token is for; the numbers are those of tokenizer.ggml.token_type */
typedef enum gyre_token_kind {
    GYRE_TOKEN_KIND_NORMAL = 1,
    GYRE_TOKEN_KIND_UNKNOWN = 2,      /**< never made from text */
    GYRE_TOKEN_KIND_CONTROL = 3,      /**< made from text only with parse_special */
    GYRE_TOKEN_KIND_USER_DEFINED = 4, /**< always made from text, before it is split into words */
    GYRE_TOKEN_KIND_UNUSED = 5,       /**< never made from text */
    GYRE_TOKEN_KIND_BYTE = 6,         /**< one byte of a character that no other token has */
    GYRE_TOKEN_KIND_FORCE_32 = 0x7fffffff
} gyre_token_kind;

typedef struct gyre_token_info {
    size_t struct_size;   /**< set by GYRE_TOKEN_INFO_INIT */
    const char* bytes;    /**< what gyre_model_detokenize gives for it; not NUL-terminated */
    size_t n_bytes;       /**< 0 for some unused tokens */
    gyre_token_kind kind; /**< as the file has it; a beginning or end token that no text makes is
                               CONTROL */
    uint32_t ends_text;   /**< 1 if the model ends a text with it, else 0 */
} gyre_token_info;

#define GYRE_TOKEN_INFO_INIT \
    { sizeof(gyre_token_info), NULL, 0, GYRE_TOKEN_KIND_NORMAL, 0 }

/**
 * Describes a token
 *
 * info must be initialised with GYRE_TOKEN_INFO_INIT; its bytes live as long as the model
 * Returns GYRE_ERROR_INVALID_ARGUMENT if the token is not in the vocabulary of the tokenizer;
 * GYRE_ERROR_UNSUPPORTED if the file has no tokenizer
 */
GYRE_API GYRE_MUST_CHECK gyre_status gyre_model_get_token(const gyre_model* model, uint32_t token,
                                                          gyre_token_info* info);

#ifdef __cplusplus
}
#endif

#endif /* GYRE_GYRE_MODEL_H */
