/*
 * chat.c: a conversation: reads lines, and prints the model's answers as they are made.
 * SPDX-License-Identifier: Apache-2.0
 *
 *     cc chat.c -o chat $(pkg-config --cflags --libs gyre)
 *     ./chat model.gguf
 */
#include <gyre/gyre.h>
#include <stdio.h>
#include <string.h>

enum { MAX_TEXTS = 64, MAX_BYTES = 8192, MAX_TOKENS = 400 };

/* What was said: in turn by the user and by the model. */
static char texts[MAX_TEXTS][MAX_BYTES];
static size_t count;

static void forget(size_t n) {
    count -= n;
    memmove(texts[0], texts[n], count * MAX_BYTES);
}

/* Makes the session hold the prompt of what was said, by the file's chat template, without the
 * oldest questions and answers if there is no room. What the session holds of it already is kept,
 * and not computed again. */
static gyre_status set_prompt(const gyre_model* model, gyre_session* session) {
    static uint32_t tokens[1 << 17];
    gyre_chat_message messages[MAX_TEXTS];
    size_t n = 0, n_forgotten = 0, i;
    gyre_status status;
    for (i = 0; i < count; i++) {
        messages[i].role = i % 2 == 0 ? "user" : "assistant";
        messages[i].content = texts[i];
        messages[i].n_content = strlen(texts[i]);
    }
    status = gyre_chat_fit(model, messages, count, NULL, gyre_session_n_ctx(session), MAX_TOKENS,
                           tokens, sizeof tokens / sizeof *tokens, &n, &n_forgotten);
    if (status != GYRE_OK) return status;
    forget(n_forgotten);
    return gyre_session_set_tokens(session, tokens, n, NULL);
}

/* Called for every token with the characters that it completes: printed, and kept for later. */
static int print_text(const gyre_token_event* event, void* user) {
    char* answer = user;
    const size_t length = strlen(answer);
    if (length + event->n_text >= MAX_BYTES) return 0; /* ends the answer */
    memcpy(answer + length, event->text, event->n_text);
    answer[length + event->n_text] = '\0';
    fwrite(event->text, 1, event->n_text, stdout);
    return fflush(stdout) == 0;
}

int main(int argc, char** argv) {
    gyre_model* model = NULL;
    gyre_session* session = NULL;
    gyre_generate_options options = GYRE_GENERATE_OPTIONS_INIT;
    gyre_status status;

    if (argc != 2) {
        fprintf(stderr, "usage: %s MODEL\n", argv[0]);
        return 2;
    }
    options.on_token = print_text;
    options.max_tokens = MAX_TOKENS; /* most answers end sooner, by themselves */

    status = gyre_model_open(argv[1], NULL, &model);
    if (status == GYRE_OK) status = gyre_session_create(model, NULL, &session);
    while (status == GYRE_OK && fgets(texts[count], MAX_BYTES, stdin) != NULL) {
        texts[count][strcspn(texts[count], "\n")] = '\0';
        count++;
        status = set_prompt(model, session);
        if (status != GYRE_OK) break;
        texts[count][0] = '\0';
        options.user = texts[count];
        status = gyre_session_generate(session, NULL, 0, &options, NULL);
        printf("\n");
        if (++count == MAX_TEXTS) forget(2);
    }
    if (status != GYRE_OK) fprintf(stderr, "%s: %s\n", argv[0], gyre_last_error());

    gyre_session_destroy(session); /* both may be NULL */
    gyre_model_destroy(model);
    return status != GYRE_OK;
}
