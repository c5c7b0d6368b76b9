/*
 * gyre_session.h: a text and its KV cache: tokens in, logits and chosen tokens out. Part of gyre.h,
 * which includes it; its rules hold here.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GYRE_GYRE_SESSION_H
#define GYRE_GYRE_SESSION_H

#include "gyre/gyre_model.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Session ------------------------------------------------------------------------------- */

typedef enum gyre_kv_type {
    GYRE_KV_F16 = 0,
    GYRE_KV_F32 = 1,
    GYRE_KV_Q8_0 = 2, /**< 8 bits, and a scale for every 32 numbers or head */
    GYRE_KV_TYPE_FORCE_32 = 0x7fffffff
} gyre_kv_type;

/** What happens when a token is added and the session holds n_ctx tokens already */
typedef enum gyre_when_full {
    GYRE_WHEN_FULL_STOP = 0, /**< GYRE_ERROR_CONTEXT_FULL, or GYRE_STOP_CONTEXT_FULL */
    /**
     * The oldest half is forgotten, except the first keep_tokens, and what follows moves to the
     * positions that became free: a text may be as long as one likes. Models whose positions are
     * learned or sinusoidal cannot do this.
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
     * About how many milliseconds the device may work at one submission; 0: 50, at most 10000. What
     * takes longer is cut, whatever chunk is, and gives the same bits. With less a cancel is seen
     * sooner.
     */
    uint32_t submit_ms;
    gyre_progress_callback progress; /**< called while kernels are compiled; may be NULL */
    void* progress_user;             /**< handed to progress */
} gyre_session_options;

#define GYRE_SESSION_OPTIONS_INIT \
    { sizeof(gyre_session_options), 0, 0, GYRE_KV_F16, GYRE_WHEN_FULL_STOP, 0, 0, NULL, NULL }

/**
 * A text, its KV cache and the logits after its last token
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
 * GYRE_ERROR_UNSUPPORTED if it is to slide and the model's positions cannot be moved,
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
 * The next gyre_session_logits computes the logits after the last kept token anew
 * Returns GYRE_ERROR_INVALID_ARGUMENT if the session holds fewer than n tokens: nothing changes
 */
GYRE_API GYRE_MUST_CHECK gyre_status gyre_session_truncate(gyre_session* session, uint32_t n);

/**
 * Forgets count tokens from number first on and closes the gap: the tokens that follow move up to
 * the positions that become free
 *
 * The tokens that follow were computed from the forgotten ones: in a model of several layers the
 * logits are not those of a text that never had them. With a kv_type of 16 or 8 bits every shift
 * rounds what it moves once more
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
 * Gives the tokens that the session holds, gyre_session_position of them
 *
 * tokens, capacity: room for the ids; tokens may be NULL if capacity is 0
 * n_tokens receives their number, also when they do not fit
 * May also be called in a callback of the session: it gives the tokens that were reported by then
 * Returns GYRE_ERROR_INVALID_ARGUMENT if capacity is too small and not 0: call again with n_tokens;
 * or if another thread uses the session
 */
GYRE_API GYRE_MUST_CHECK gyre_status gyre_session_tokens(const gyre_session* session,
                                                         uint32_t* tokens, size_t capacity,
                                                         size_t* n_tokens);

/**
 * Makes these tokens the session's text, and computes what is new in it: for programs that pass the
 * whole text each time, such as a conversation with one more question
 *
 * What both texts begin with is kept, the rest of the old text is forgotten as by
 * gyre_session_truncate, and the rest of the new one is fed as by gyre_session_feed. Where nothing
 * is new, nothing is computed. A session that has slid or was shifted holds other tokens than were
 * fed, and what it keeps was computed from the forgotten ones
 * tokens, count: the text; tokens may be NULL if count is 0, which empties the session
 * n_kept receives how many tokens were kept; may be NULL
 * Returns GYRE_ERROR_INVALID_ARGUMENT if a token is not in the vocabulary, and
 * GYRE_ERROR_CONTEXT_FULL if count is more than n_ctx and the session does not slide: nothing
 * changes then. After another error, such as GYRE_ERROR_CANCELLED, the session holds what was kept
 * and a part of the rest: call again
 */
GYRE_API GYRE_MUST_CHECK gyre_status gyre_session_set_tokens(gyre_session* session,
                                                             const uint32_t* tokens, size_t count,
                                                             size_t* n_kept);

/**
 * Appends count tokens and computes the logits after the last of them
 *
 * count 0 does nothing. With GYRE_WHEN_FULL_SLIDE the session slides as often as it has to
 * Returns GYRE_ERROR_INVALID_ARGUMENT if a token is not in the vocabulary and
 * GYRE_ERROR_CONTEXT_FULL if they do not fit: then none is appended. After GYRE_ERROR_CANCELLED
 * the session holds a part of them: see gyre_session_position
 */
GYRE_API GYRE_MUST_CHECK gyre_status gyre_session_feed(gyre_session* session,
                                                       const uint32_t* tokens, size_t count);

/**
 * Receives the logits after some of the fed tokens, in order
 *
 * logits: float [n_rows, n_vocab], valid during the call
 * first_index: place of the first row's token in the array that was fed
 * Returns non-zero to go on, 0 to cancel
 */
typedef int (*gyre_logits_callback)(const float* logits, size_t first_index, size_t n_rows,
                                    size_t n_vocab, void* user);

/** As gyre_session_feed, and gives the logits after every fed token to callback (not NULL) */
GYRE_API GYRE_MUST_CHECK gyre_status gyre_session_feed_logits(gyre_session* session,
                                                              const uint32_t* tokens, size_t count,
                                                              gyre_logits_callback callback,
                                                              void* user);

/**
 * Gives the logits after the session's last token: what the next token is chosen from
 *
 * logits receives a pointer to n_vocab floats that is valid until the next call with this session
 * n_vocab receives their number; may be NULL
 * Returns GYRE_ERROR_INVALID_ARGUMENT if the session is empty
 */
GYRE_API GYRE_MUST_CHECK gyre_status gyre_session_logits(gyre_session* session,
                                                         const float** logits, size_t* n_vocab);

/** A number that is added to a token's logit: makes it more likely, or less */
typedef struct gyre_logit_bias {
    uint32_t token;
    float bias; /**< a finite number, or -INFINITY: the token is never chosen */
} gyre_logit_bias;

/**
 * Says which tokens may come next: grammars and other rules are built on it
 *
 * mask: bit t % 32 of mask[t / 32] stands for token t. All n_tokens bits are set at entry; the
 * callback clears those of tokens that may not come, and leaves one at least. What it sets beyond
 * n_tokens is ignored
 * Called once before every token that is chosen. gyre_session_tokens may be called in it, other
 * functions of the session may not
 * Returns non-zero to go on, 0 to stop: then no token is chosen
 */
typedef int (*gyre_allow_callback)(uint32_t* mask, size_t n_tokens, void* user);

/**
 * How a token is chosen from logits. The same options, tokens and logits choose the same token on
 * every platform.
 *
 * In this order: bias; allow; repetition penalty; temperature 0 takes the largest logit and is
 * done; temperature; top_k; top_p; min_p; a draw from what is left.
 *
 * Costs: tokens are chosen on the device, several between two waits of the host, unless there is a
 * bias, allow or a repeat_window above 1024, or log-probabilities are asked for. Then the logits
 * come to the host, which waits for the device at every token and looks at the whole vocabulary.
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
    /** Read during the call; each token once, of the vocabulary; NULL if n_bias is 0 */
    const gyre_logit_bias* bias;
    size_t n_bias;
    gyre_allow_callback allow; /**< may be NULL: every token may come */
    void* allow_user;          /**< handed to allow */
} gyre_sampling_options;

#define GYRE_SAMPLING_OPTIONS_INIT \
    { sizeof(gyre_sampling_options), 0, 0.8f, 0.95f, 0.05f, 1.0f, 40, 64, NULL, 0, NULL, NULL }

/**
 * Chooses the next token from the session's logits; does not append it
 *
 * options may be NULL, which means GYRE_SAMPLING_OPTIONS_INIT
 * token receives the id: give it to gyre_session_feed to go on
 * The draw depends on seed, gyre_session_position and the number of tokens that slides have
 * forgotten: asked twice, it answers the same
 * Returns GYRE_ERROR_INVALID_ARGUMENT if the session is empty, an option is out of its range, or
 * allow leaves no token; GYRE_ERROR_CANCELLED if allow returns 0
 */
GYRE_API GYRE_MUST_CHECK gyre_status gyre_session_sample(gyre_session* session,
                                                         const gyre_sampling_options* options,
                                                         uint32_t* token);

/**
 * Chooses a token from logits of the caller, as gyre_session_sample does from a session's: for
 * logits that were changed, or come from another program
 *
 * logits, n_logits: one for every token that may be chosen, at least one; -INFINITY excludes
 * history, n_history: the tokens before, the latest last, for repeat_penalty; may be NULL if
 * n_history is 0
 * step: which draw of the seed it is; another for every token of a text. gyre_session_sample takes
 * the number of tokens of the text, those forgotten by slides included
 * options may be NULL, which means GYRE_SAMPLING_OPTIONS_INIT
 * token receives the id
 * Needs no model and no device; may be called from several threads
 * Returns GYRE_ERROR_INVALID_ARGUMENT if a logit is NaN or infinity, all are excluded, a token of
 * the history that the penalty sees has no logit, or as gyre_session_sample; GYRE_ERROR_CANCELLED
 * if allow returns 0
 */
GYRE_API GYRE_MUST_CHECK gyre_status gyre_sample(const float* logits, size_t n_logits,
                                                 const uint32_t* history, size_t n_history,
                                                 uint64_t step,
                                                 const gyre_sampling_options* options,
                                                 uint32_t* token);

/* ---- Saved sessions ------------------------------------------------------------------------ */

/** Takes the next n bytes of a saved session; returns non-zero if that went well, else 0 */
typedef int (*gyre_write_callback)(const void* bytes, size_t n, void* user);

/** Gives the next n bytes of a saved session, all of them; returns 0 if they are not there */
typedef int (*gyre_read_callback)(void* bytes, size_t n, void* user);

/**
 * Writes the session's text to write (not NULL): tokens, cells of the KV cache and logits, so that
 * a session that loads it goes on as this one would
 *
 * user is handed to write, which is called with a few MiB at most at once. Options and timings are
 * not saved. docs/session-files.md has the format; its size is that of the cells that are taken:
 * gyre_memory.cache_bytes / n_ctx for every token, with a cache of n_ctx
 * Returns GYRE_ERROR_CANCELLED if write returns 0: what was written is of no use then. The session
 * is as it was in any case
 */
GYRE_API GYRE_MUST_CHECK gyre_status gyre_session_save(gyre_session* session,
                                                       gyre_write_callback write, void* user);

/**
 * Replaces the session's text by a saved one, and continues it with the same bits on the same
 * device
 *
 * Bytes that read (not NULL) gives are those of gyre_session_save, by this version of the format,
 * with the same model file (its metadata, tensor table and samples of its data are compared) and
 * the same ignore_keys and kv_type; and with the same n_ctx, where the model's positions depend on
 * it (dynamic scaling, LongRoPE, xPos). Otherwise n_ctx may be any that the text fits into, and the
 * other options may differ, too. Everything is checked, so that bytes from others can do no harm
 * During the call it takes as much memory again as the cells take. user is handed to read
 * Returns GYRE_ERROR_BAD_FILE if read returns 0, or what it gave is damaged or no saved session;
 * GYRE_ERROR_UNSUPPORTED for another version, model, kv_type or such n_ctx;
 * GYRE_ERROR_CONTEXT_FULL if the text does not fit into n_ctx; GYRE_ERROR_OUT_OF_DEVICE_MEMORY.
 * All is read and checked before the session changes: after an error it is as it was
 */
GYRE_API GYRE_MUST_CHECK gyre_status gyre_session_load(gyre_session* session,
                                                       gyre_read_callback read, void* user);

/* ---- Cancel -------------------------------------------------------------------------------- */

/**
 * Cancels the call that is running on the session, or if none is, the next one that computes
 *
 * That call returns GYRE_ERROR_CANCELLED when what was submitted has ended, within about the time
 * that gyre_model_pause takes (2 * submit_ms + 30 ms); the session stays usable, and holds nothing
 * of a chunk that was interrupted. A request that comes in the last moments of a call may cancel
 * the next one instead. May be called from any thread and from a signal handler; session may be
 * NULL, and must not be destroyed during the call
 */
GYRE_API void gyre_session_cancel(gyre_session* session);

#ifdef __cplusplus
}
#endif

#endif /* GYRE_GYRE_SESSION_H */
