/*
 * gyre_generate.h: text that is written on, token by token. Part of gyre.h, which includes it; its
 * rules hold here.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GYRE_GYRE_GENERATE_H
#define GYRE_GYRE_GENERATE_H

#include "gyre/gyre_session.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Generation ---------------------------------------------------------------------------- */

/** What gyre_session_generate tells its callback; the pointers are valid during the call */
typedef struct gyre_token_event {
    size_t struct_size; /**< set by the library */
    const char* bytes;  /**< the token's bytes: perhaps only a part of a character */
    size_t n_bytes;
    const char* text; /**< valid UTF-8: the characters that this token completed */
    size_t n_text;    /**< bytes of text; 0 if the token completed none */
    uint32_t token;   /**< GYRE_TOKEN_NONE in a last event with the rest of a torn character */
    uint32_t index;   /**< 0 for the first generated token */
} gyre_token_event;

/** Returns non-zero to go on, 0 to stop after this token */
typedef int (*gyre_token_callback)(const gyre_token_event* event, void* user);

typedef struct gyre_generate_options {
    size_t struct_size;                    /**< set by GYRE_GENERATE_OPTIONS_INIT */
    const gyre_sampling_options* sampling; /**< NULL: GYRE_SAMPLING_OPTIONS_INIT */
    gyre_token_callback on_token;          /**< called for every token; may be NULL */
    void* user;                            /**< handed to on_token */
    uint32_t max_tokens;    /**< at most so many; 0: until the text or context ends (a context that
                                 slides does not end) */
    uint32_t parse_special; /**< of the prompt, as in gyre_model_tokenize */
    uint32_t ignore_eos;    /**< 1: the end token is a token like others; 0: it ends the text */
    uint32_t reserved;      /**< 0 */
} gyre_generate_options;

#define GYRE_GENERATE_OPTIONS_INIT \
    { sizeof(gyre_generate_options), NULL, NULL, NULL, 0, 0, 0, 0 }

typedef enum gyre_stop_reason {
    GYRE_STOP_EOS = 0,          /**< the model ended the text; the end token is not delivered */
    GYRE_STOP_MAX_TOKENS = 1,   /**< max_tokens were made */
    GYRE_STOP_CONTEXT_FULL = 2, /**< the session holds n_ctx tokens and does not slide */
    GYRE_STOP_CALLBACK = 3,     /**< on_token returned 0 */
    GYRE_STOP_CANCELLED = 4,    /**< gyre_session_cancel */
    GYRE_STOP_ERROR = 5,        /**< another error */
    GYRE_STOP_REASON_FORCE_32 = 0x7fffffff
} gyre_stop_reason;

typedef struct gyre_generate_result {
    size_t struct_size; /**< set by GYRE_GENERATE_RESULT_INIT */
    gyre_stop_reason stop_reason;
    uint32_t n_prompt_tokens; /**< tokens that were made of the prompt */
    uint32_t n_tokens;        /**< generated tokens: those that on_token was called with */
    uint32_t reserved;
} gyre_generate_result;

#define GYRE_GENERATE_RESULT_INIT \
    { sizeof(gyre_generate_result), GYRE_STOP_ERROR, 0, 0, 0 }

/**
 * Appends a prompt and writes on: samples, tells on_token, appends, until one of gyre_stop_reason
 *
 * prompt, n_bytes: the text; prompt may be NULL if n_bytes is 0. An empty prompt goes on where the
 * session stands; in an empty session it stands for the model's beginning token
 * options may be NULL, which means GYRE_GENERATE_OPTIONS_INIT
 * result may be NULL; else it must be initialised with GYRE_GENERATE_RESULT_INIT, and is written
 * also when the call fails: what on_token was told until then stands, and the session holds it
 * Returns GYRE_OK for every stop reason but the last two; GYRE_ERROR_CANCELLED;
 * GYRE_ERROR_CONTEXT_FULL if the prompt does not fit: then the session is as before;
 * GYRE_ERROR_INVALID_ARGUMENT; GYRE_ERROR_UNSUPPORTED if the file has no tokenizer;
 * GYRE_ERROR_DEVICE_LOST
 */
GYRE_API GYRE_MUST_CHECK gyre_status gyre_session_generate(gyre_session* session,
                                                           const char* prompt, size_t n_bytes,
                                                           const gyre_generate_options* options,
                                                           gyre_generate_result* result);

#ifdef __cplusplus
}
#endif

#endif /* GYRE_GYRE_GENERATE_H */
