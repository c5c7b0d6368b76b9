/*
 * gyre_generate.h: generation of text, token by token. Part of gyre.h, which includes it; its rules
 * hold here.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GYRE_GYRE_GENERATE_H
#define GYRE_GYRE_GENERATE_H

#include "gyre/gyre_session.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Generation ---------------------------------------------------------------------------- */

/** How likely a token is, by the model alone: before bias, penalty, temperature and the rest */
typedef struct gyre_token_logprob {
    uint32_t token;
    float logprob; /**< natural logarithm of the probability, at most 0 */
} gyre_token_logprob;

/** What gyre_session_generate passes to its callback; the pointers are valid during the call */
typedef struct gyre_token_event {
    size_t struct_size; /**< set by the library */
    const char* bytes;  /**< the token's bytes: perhaps only a part of a character */
    size_t n_bytes;
    /**
     * Valid UTF-8: the characters that this token completed, and what had been held back before
     * it. Text that may begin a stop string is held back until it is known to begin none; the
     * token that completes a stop string gives what stands before that.
     */
    const char* text;
    size_t n_text; /**< bytes of text; 0 if there is none to show */
    /** GYRE_TOKEN_NONE in a last event, with held-back text and the rest of a torn character, where
     * the text ends otherwise than by a stop string, by on_token or by a pause */
    uint32_t token;
    uint32_t index; /**< 0 for the first generated token */
    float logprob;  /**< of this token; NaN if options.logprobs is 0 */
    /** The n_top most likely tokens, the most likely first; of equals the lower id; or NULL */
    const gyre_token_logprob* top;
    size_t n_top;
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
    uint32_t ignore_eos; /**< 1: end tokens (gyre_token_info.ends_text) are tokens like others; 0:
                            they end the text */
    uint32_t reserved;   /**< 0 */
    /**
     * Strings that end the text when they come up in it, however tokens cut them: UTF-8,
     * NUL-terminated, at most 64, each of 1 to 1024 bytes. Of several the one that ends first
     * wins; of those that end together, the longest. They are looked for in the text of one call,
     * not in the prompt and not across two calls, unless a pause is between them. The session
     * holds the stop string's tokens.
     */
    const char* const* stop; /**< read during the call; NULL if n_stop is 0 */
    size_t n_stop;
    uint32_t logprobs; /**< 1: events have logprob and top; costs a wait for the device per token,
                          as gyre_sampling_options says, and n_vocab exponentials */
    uint32_t n_top;    /**< how many top has, at most 128; 0 unless logprobs is 1 */
} gyre_generate_options;

#define GYRE_GENERATE_OPTIONS_INIT \
    { sizeof(gyre_generate_options), NULL, NULL, NULL, 0, 0, 0, 0, NULL, 0, 0, 0 }

typedef enum gyre_stop_reason {
    GYRE_STOP_EOS = 0,          /**< the model ended the text; its end token is not delivered */
    GYRE_STOP_MAX_TOKENS = 1,   /**< max_tokens were made */
    GYRE_STOP_CONTEXT_FULL = 2, /**< the session holds n_ctx tokens and does not slide */
    GYRE_STOP_CALLBACK = 3,     /**< on_token or sampling.allow returned 0 */
    GYRE_STOP_CANCELLED = 4,    /**< gyre_session_cancel */
    GYRE_STOP_ERROR = 5,        /**< another error */
    GYRE_STOP_STRING = 6,       /**< one of options.stop came up: gyre_generate_result.stop_index */
    GYRE_STOP_PAUSED = 7,       /**< gyre_model_pause; after a resume an empty prompt continues */
    GYRE_STOP_REASON_FORCE_32 = 0x7fffffff
} gyre_stop_reason;

typedef struct gyre_generate_result {
    size_t struct_size; /**< set by GYRE_GENERATE_RESULT_INIT */
    gyre_stop_reason stop_reason;
    uint32_t n_prompt_tokens; /**< tokens that were made of the prompt */
    uint32_t n_tokens;        /**< generated tokens: those that on_token was called with */
    uint32_t stop_index;      /**< of GYRE_STOP_STRING: place in options.stop; else UINT32_MAX */
} gyre_generate_result;

#define GYRE_GENERATE_RESULT_INIT \
    { sizeof(gyre_generate_result), GYRE_STOP_ERROR, 0, 0, 0xffffffffu }

/**
 * Appends a prompt and generates text: samples a token, calls on_token, appends it, until there is
 * a gyre_stop_reason
 *
 * prompt, n_bytes: the text; prompt may be NULL if n_bytes is 0. An empty prompt continues the
 * session's text; in an empty session it means the model's beginning token
 * options may be NULL, which means GYRE_GENERATE_OPTIONS_INIT
 * result may be NULL; otherwise it must be initialised with GYRE_GENERATE_RESULT_INIT, and is also
 * written when the call fails: the session holds the tokens that on_token was called with
 * After GYRE_STOP_PAUSED an empty prompt continues where the call was interrupted: with the rest of
 * its prompt, and with text that was held back, if the session still holds the same tokens
 * Returns GYRE_OK for every stop reason but GYRE_STOP_CANCELLED (GYRE_ERROR_CANCELLED),
 * GYRE_STOP_PAUSED (GYRE_ERROR_PAUSED) and GYRE_STOP_ERROR;
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
