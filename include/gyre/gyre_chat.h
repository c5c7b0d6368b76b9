/*
 * gyre_chat.h: conversations: from messages to the prompt that a model was trained on. Part of
 * gyre.h, which includes it; its rules hold here.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GYRE_GYRE_CHAT_H
#define GYRE_GYRE_CHAT_H

#include "gyre/gyre_model.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Conversations ------------------------------------------------------------------------- */

/** One message of a conversation; the pointers are read during a call */
typedef struct gyre_chat_message {
    /** "system", "user", "assistant" or what else the template knows; NUL-terminated. 1 to 64
     * letters, digits, '_', '-' and '.': templates make special tokens of it */
    const char* role;
    const char*
        content; /**< any text: no special token is made of it; may be NULL if n_content is 0 */
    size_t n_content; /**< bytes of content */
} gyre_chat_message;

typedef struct gyre_chat_options {
    size_t struct_size; /**< set by GYRE_CHAT_OPTIONS_INIT */
    /** A template in place of the file's: a Jinja text, not NUL-terminated; NULL: the file's,
     * tokenizer.chat_template */
    const char* template_text;
    size_t n_template;             /**< bytes of template_text; at most 1 MiB */
    uint32_t no_generation_prompt; /**< 1: without the end that asks for an answer */
    uint32_t reserved;             /**< 0 */
} gyre_chat_options;

#define GYRE_CHAT_OPTIONS_INIT \
    { sizeof(gyre_chat_options), NULL, 0, 0, 0 }

/** Returns 1 if the file has a chat template, else 0; 0 if model is NULL. It may still be one that
 * gyre_chat_text refuses */
GYRE_API uint32_t gyre_model_has_chat_template(const gyre_model* model);

/**
 * Makes the text of a prompt from messages: to look at. Give the model the tokens of
 * gyre_chat_tokens instead, since the text no longer says which part of it is a message's content
 *
 * messages, count: the whole conversation, in order; messages may be NULL if count is 0
 * options may be NULL, which means GYRE_CHAT_OPTIONS_INIT
 * text, capacity: room for the bytes, which are not NUL-terminated; text may be NULL if capacity
 * is 0
 * n_bytes receives the number of bytes, also when they do not fit
 *
 * Templates are programs in a part of Jinja (docs/chat.md), and are rendered as Python's
 * transformers renders them, without tools; the time that some ask for is local time. They are
 * parsed at every call, which takes well under a millisecond for most
 * Returns GYRE_ERROR_UNSUPPORTED if the file has no template and options none, or the template uses
 * what is not known here, or takes too much time or memory; GYRE_ERROR_BAD_FILE if it is no
 * template; GYRE_ERROR_INVALID_ARGUMENT if it refuses the messages (many want user and assistant in
 * turn), if a role has other characters than above, or if capacity is too small and not 0: call
 * again with n_bytes. The text of an error has the template's line
 */
GYRE_API GYRE_MUST_CHECK gyre_status gyre_chat_text(const gyre_model* model,
                                                    const gyre_chat_message* messages, size_t count,
                                                    const gyre_chat_options* options, char* text,
                                                    size_t capacity, size_t* n_bytes);

/**
 * Makes the tokens of a prompt from messages: for gyre_session_set_tokens, which keeps what the
 * prompt has in common with the one before, and then gyre_session_generate with an empty prompt
 *
 * Names of special tokens that the template writes become these tokens; those in a message's
 * content stay text, so that nobody who writes a message can end it or begin another's. Nothing is
 * added: a beginning token is there if the template writes it
 * tokens, capacity: room for the ids; tokens may be NULL if capacity is 0
 * n_tokens receives the number of ids, also when they do not fit
 * Returns what gyre_chat_text does; GYRE_ERROR_UNSUPPORTED also if the file has no tokenizer
 */
GYRE_API GYRE_MUST_CHECK gyre_status gyre_chat_tokens(
    const gyre_model* model, const gyre_chat_message* messages, size_t count,
    const gyre_chat_options* options, uint32_t* tokens, size_t capacity, size_t* n_tokens);

/**
 * Makes the tokens of a prompt that leaves room for an answer: as gyre_chat_tokens does, but
 * without the oldest turns if the whole conversation is too long
 *
 * A turn is a message of the user and everything up to the user's next message; messages before the
 * user's first one are a turn too. No more turns are left out than necessary. The first message
 * stays if its role is "system", and so does the last turn
 * n_ctx: positions of the context, gyre_session_n_ctx
 * max_tokens: the limit of the answer, as in gyre_generate_options; 0: none. The room for an answer
 * is a quarter of n_ctx, or max_tokens if that is less; the last turn alone may leave less, but at
 * least one position
 * tokens, capacity: room for the ids, which are fewer than n_ctx; tokens may be NULL if capacity is
 * 0
 * n_tokens receives the number of ids, also when they do not fit
 * n_forgotten receives how many messages after the system's were left out; may be NULL. The caller
 * may remove them from its list, or keep them: then they are left out again
 *
 * Where turns must be left out, a few prompts are made to find how many, about 20 for a thousand
 * turns. The prompt that is given leaves the room, and the prompt with one turn more did not
 * Returns what gyre_chat_tokens does; GYRE_ERROR_CONTEXT_FULL if even the prompt of the last turn
 * does not fit; GYRE_ERROR_INVALID_ARGUMENT also if n_ctx is 0
 */
GYRE_API GYRE_MUST_CHECK gyre_status gyre_chat_fit(const gyre_model* model,
                                                   const gyre_chat_message* messages, size_t count,
                                                   const gyre_chat_options* options, uint32_t n_ctx,
                                                   uint32_t max_tokens, uint32_t* tokens,
                                                   size_t capacity, size_t* n_tokens,
                                                   size_t* n_forgotten);

#ifdef __cplusplus
}
#endif

#endif /* GYRE_GYRE_CHAT_H */
