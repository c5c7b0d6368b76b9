/*
 * gyre.h: run transformer language models from GGUF files on any Vulkan device.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The essential part of a program that generates text:
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
 * - No function throws, aborts or prints. What can fail returns gyre_status; the text of the error
 *   is gyre_last_error(). A result parameter is written only on success, unless its function says
 *   otherwise; a handle (gyre_model** and the like) is set to NULL on failure.
 * - Structs begin with struct_size, which their _INIT macro sets. A newer library accepts the
 *   shorter struct of an older header; fields are only ever appended.
 * - Text is UTF-8, given as bytes and a count; it need not end with a NUL byte unless it says so.
 * - Callbacks are called in the thread that made the call, unless they say otherwise, return
 *   non-zero to go on and 0 to stop, and must not throw.
 * - No driver is loaded before the first call that needs one: gyre_device_list_create,
 *   gyre_model_open and its like, gyre_model_estimate.
 *
 * The parts, in the order in which a program meets them:
 *
 *     gyre_base.h      version, status, log
 *     gyre_device.h    Vulkan's loader and the devices of this machine
 *     gyre_model.h     a model file, its weights on a device, its tokenizer
 *     gyre_chat.h      a conversation's messages as the prompt that a model was trained on
 *     gyre_session.h   a text and its KV cache: tokens in, logits and chosen tokens out
 *     gyre_generate.h  generation of text, token by token
 *     gyre_measure.h   memory, speed, what a token costs, and what the device can do at best
 */
#ifndef GYRE_GYRE_H
#define GYRE_GYRE_H

#include "gyre/gyre_base.h"
#include "gyre/gyre_chat.h"
#include "gyre/gyre_device.h"
#include "gyre/gyre_generate.h"
#include "gyre/gyre_measure.h"
#include "gyre/gyre_model.h"
#include "gyre/gyre_session.h"

#endif /* GYRE_GYRE_H */
