/*
 * gyre.h, with gyre_measure.h, as a C99 program sees it: every type, macro and function, compiled
 * with all warnings. SPDX-License-Identifier: Apache-2.0
 */
#include "gyre/gyre.h"

#include <stdio.h>
#include <string.h>

static int on_token(const gyre_token_event* event, void* user) {
    (void)user;
    return event->token != GYRE_TOKEN_NONE;
}

static int on_logits(const float* logits, size_t first, size_t n_rows, size_t n_vocab, void* user) {
    (void)logits;
    (void)user;
    return first + n_rows + n_vocab > 0;
}

static int on_progress(const char* stage, double fraction, void* user) {
    (void)user;
    return stage != NULL && fraction >= 0.0;
}

static void on_log(gyre_log_level level, const char* message, void* user) {
    (void)level;
    (void)message;
    (void)user;
}

static void on_operation(const gyre_profile_event* event, void* user) {
    (void)user;
    (void)event;
}

static void on_plan_step(const gyre_plan_step* step, void* user) {
    (void)user;
    (void)step;
}

/* Never called: it is enough that it compiles and links. */
int gyre_test_use_everything(const char* path);
int gyre_test_use_everything(const char* path) {
    gyre_device_list* list = NULL;
    gyre_device_info device = GYRE_DEVICE_INFO_INIT;
    gyre_model_options model_options = GYRE_MODEL_OPTIONS_INIT;
    gyre_model* model = NULL;
    gyre_model_info info = GYRE_MODEL_INFO_INIT;
    gyre_token_info token_info = GYRE_TOKEN_INFO_INIT;
    gyre_session_options session_options = GYRE_SESSION_OPTIONS_INIT;
    gyre_session* session = NULL;
    gyre_sampling_options sampling = GYRE_SAMPLING_OPTIONS_INIT;
    gyre_generate_options generate = GYRE_GENERATE_OPTIONS_INIT;
    gyre_generate_result result = GYRE_GENERATE_RESULT_INIT;
    gyre_timings timings = GYRE_TIMINGS_INIT;
    gyre_counters counters = GYRE_COUNTERS_INIT;
    gyre_memory memory = GYRE_MEMORY_INIT;
    gyre_memory_need need = GYRE_MEMORY_NEED_INIT;
    gyre_traffic traffic = GYRE_TRAFFIC_INIT;
    gyre_device_rates rates = GYRE_DEVICE_RATES_INIT;
    gyre_chat_options chat_options = GYRE_CHAT_OPTIONS_INIT;
    gyre_chat_message message = {"user", "Hi", 2};
    const float* logits = NULL;
    uint32_t token = 0;
    char bytes[16];
    size_t n = 0;
    int failures = 0;

    model_options.progress = on_progress;
    generate.sampling = &sampling;
    generate.on_token = on_token;
    gyre_set_log_callback(on_log, NULL, GYRE_LOG_DEBUG);
    failures += gyre_set_vulkan_loader(path, NULL) != GYRE_OK;
    failures += gyre_device_list_create(&list) != GYRE_OK;
    failures += gyre_device_list_get(list, gyre_device_list_count(list), &device) != GYRE_OK;
    gyre_device_list_destroy(list);
    failures += gyre_model_open(path, &model_options, &model) != GYRE_OK;
    failures += gyre_model_open_fd(0, 0, 0, &model_options, &model) != GYRE_OK;
    failures += gyre_model_open_memory(path, 1, &model_options, &model) != GYRE_OK;
    failures += gyre_model_get_info(model, &info) != GYRE_OK;
    failures += gyre_model_get_device(model, &device) != GYRE_OK;
    failures += gyre_model_tokenize(model, "a", 1, 0, &token, 1, &n) != GYRE_OK;
    failures += gyre_model_detokenize(model, &token, 1, bytes, sizeof bytes, &n) != GYRE_OK;
    failures += gyre_model_has_chat_template(model) > 1;
    failures +=
        gyre_chat_text(model, &message, 1, &chat_options, bytes, sizeof bytes, &n) != GYRE_OK;
    failures += gyre_chat_tokens(model, &message, 1, &chat_options, &token, 1, &n) != GYRE_OK;
    failures +=
        gyre_chat_fit(model, &message, 1, &chat_options, 8, 4, &token, 1, &n, NULL) != GYRE_OK;
    failures += gyre_model_get_token(model, token, &token_info) != GYRE_OK;
    failures += gyre_model_metadata_count(model) == 0 || gyre_model_metadata_key(model, 0) == NULL;
    failures += gyre_model_metadata(model, "general.name", bytes, sizeof bytes, &n) != GYRE_OK;
    failures += gyre_model_estimate(model, NULL, &session_options, &need) != GYRE_OK;
    failures += gyre_session_create(model, &session_options, &session) != GYRE_OK;
    failures += gyre_session_feed(session, &token, 1) != GYRE_OK;
    failures += gyre_session_feed_logits(session, &token, 1, on_logits, NULL) != GYRE_OK;
    failures += gyre_session_logits(session, &logits, &n) != GYRE_OK;
    failures += gyre_session_sample(session, &sampling, &token) != GYRE_OK;
    failures += gyre_session_generate(session, "a", 1, &generate, &result) != GYRE_OK;
    failures += gyre_session_get_timings(session, &timings) != GYRE_OK;
    failures += gyre_session_get_counters(session, &counters) != GYRE_OK;
    failures += gyre_session_get_memory(session, &memory) != GYRE_OK;
    failures += gyre_session_get_traffic(session, 0, &traffic) != GYRE_OK;
    failures += gyre_model_measure_device(model, &rates) != GYRE_OK;
    failures += gyre_session_profile(session, &token, 1, on_operation, NULL) != GYRE_OK;
    failures += gyre_session_get_plan(session, 1, on_plan_step, NULL) != GYRE_OK;
    failures += gyre_session_position(session) > gyre_session_n_ctx(session);
    failures += gyre_session_reset(session) != GYRE_OK;
    gyre_session_cancel(session);
    gyre_session_destroy(session);
    gyre_model_destroy(model);
    return failures;
}

int main(int argc, char** argv) {
    if (argc > 1) return gyre_test_use_everything(argv[1]);
    if (gyre_version() != (uint32_t)GYRE_VERSION) return 1;
    if (strcmp(gyre_status_string(GYRE_OK), "ok") != 0) return 1;
    if (gyre_last_error()[0] != '\0') return 1;
    printf("gyre %u\n", (unsigned)gyre_version());
    return 0;
}
