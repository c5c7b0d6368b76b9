/*
 * generate.c: lets a model write on from a prompt and prints the text as it is made.
 * SPDX-License-Identifier: Apache-2.0
 *
 *     cc generate.c -o generate $(pkg-config --cflags --libs gyre)
 *     ./generate model.gguf "Once upon a time"
 */
#include <gyre/gyre.h>
#include <stdio.h>
#include <string.h>

/* Called for every token with the characters that it completes: UTF-8, never a part of one. */
static int print_text(const gyre_token_event* event, void* user) {
    (void)user;
    fwrite(event->text, 1, event->n_text, stdout);
    return fflush(stdout) == 0; /* 0 ends the text: nobody reads it any more */
}

int main(int argc, char** argv) {
    gyre_model* model = NULL;
    gyre_session* session = NULL;
    gyre_generate_options options = GYRE_GENERATE_OPTIONS_INIT;
    int failed = 0;

    if (argc != 3) {
        fprintf(stderr, "usage: %s MODEL PROMPT\n", argv[0]);
        return 2;
    }
    options.on_token = print_text;
    options.max_tokens = 100;

    /* The model: its weights on a GPU, or on the processor where there is none. The session: one
     * text in the making. Both can be tuned by options; NULL takes the defaults. */
    if (gyre_model_open(argv[1], NULL, &model) != GYRE_OK ||
        gyre_session_create(model, NULL, &session) != GYRE_OK ||
        gyre_session_generate(session, argv[2], strlen(argv[2]), &options, NULL) != GYRE_OK) {
        fprintf(stderr, "%s: %s\n", argv[0], gyre_last_error());
        failed = 1;
    }
    printf("\n");

    gyre_session_destroy(session); /* both may be NULL */
    gyre_model_destroy(model);
    return failed;
}
