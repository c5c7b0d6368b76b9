/*
 * one_session.c: the shortest way through everything that a session creates: three logits.
 * SPDX-License-Identifier: Apache-2.0
 *
 * usage: one_session MODEL
 *        one_session          only asks for the devices
 *
 * Sees gyre.h and the library alone, so that scripts/compilers need not compile the gyre program
 * for each architecture.
 */
#include <gyre/gyre.h>
#include <stdio.h>

/* The values are of no interest: on these devices nothing is computed. */
static int ignore_rows(const float* logits, size_t first, size_t n_rows, size_t n_vocab,
                       void* user) {
    (void)logits, (void)first, (void)n_rows, (void)n_vocab, (void)user;
    return 1;
}

static gyre_status list_devices(void) {
    gyre_device_list* list = NULL;
    const gyre_status status = gyre_device_list_create(&list);
    gyre_device_list_destroy(list);
    return status;
}

static gyre_status open_session(const char* path) {
    const uint32_t tokens[] = {1, 2, 3};
    gyre_model_options options = GYRE_MODEL_OPTIONS_INIT;
    gyre_model* model = NULL;
    gyre_session* session = NULL;
    gyre_status status;

    /* What the tuner would try beyond the default tilings is not looked at. */
    options.no_tuning = 1;
    status = gyre_model_open(path, &options, &model);
    if (status == GYRE_OK) status = gyre_session_create(model, NULL, &session);
    if (status == GYRE_OK) status = gyre_session_feed_logits(session, tokens, 3, ignore_rows, NULL);
    gyre_session_destroy(session);
    gyre_model_destroy(model);
    return status;
}

int main(int argc, char** argv) {
    const gyre_status status = argc > 1 ? open_session(argv[1]) : list_devices();
    if (status != GYRE_OK) fprintf(stderr, "one_session: %s\n", gyre_last_error());
    return status == GYRE_OK ? 0 : 1;
}
