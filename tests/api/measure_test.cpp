// gyre_measure.h: what is counted is what the schedule says, and a profile computes the same token.
// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/api/api_support.h"

namespace gyre::test {
namespace {

const std::string kShippedModel = std::string(GYRE_SOURCE_DIR) + "/models/gyre-books-5m.gguf";

gyre_counters counters_of(const gyre_session* session) {
    gyre_counters counters = GYRE_COUNTERS_INIT;
    EXPECT_GYRE_OK(gyre_session_get_counters(session, &counters));
    return counters;
}

gyre_model_info info_of(const gyre_model* model) {
    gyre_model_info info = GYRE_MODEL_INFO_INIT;
    EXPECT_GYRE_OK(gyre_model_get_info(model, &info));
    return info;
}

struct Event {
    std::string operation;
    std::uint32_t layer, dispatches;
    double seconds;
};

void collect(const gyre_profile_event* event, void* user) {
    static_cast<std::vector<Event>*>(user)->push_back(
        {event->operation, event->layer, event->dispatches, event->seconds});
}

class MeasureTest : public ApiDeviceTest {};

// Catches: a dispatch, a submit or a wait that crept in between two tokens.
TEST_F(MeasureTest, ATokenOfTheShippedModelIsFiveDispatchesALayer) {
    const ModelPtr model = open_model(kShippedModel);
    gyre_session_options options = GYRE_SESSION_OPTIONS_INIT;
    options.submit_ms = 10000;  // nothing is cut, however slow the device
    const SessionPtr session = create_session(model.get(), options);
    const gyre_counters empty = counters_of(session.get());
    EXPECT_EQ(empty.dispatches + empty.submits + empty.n_decode_tokens, 0u);

    const std::vector<std::uint32_t> prompt = {5, 9, 77, 120};
    ASSERT_GYRE_OK(gyre_session_feed(session.get(), prompt.data(), prompt.size()));
    const gyre_counters fed = counters_of(session.get());
    EXPECT_EQ(fed.n_prefill_tokens, prompt.size());
    EXPECT_EQ(fed.n_decode_tokens, 0u);
    EXPECT_EQ(fed.submits, 1u);
    EXPECT_EQ(fed.host_waits, 1u);

    const std::uint32_t n_layer = info_of(model.get()).n_layer;
    for (const std::uint32_t n : {1u, 3u}) {
        const gyre_counters before = counters_of(session.get());
        for (std::uint32_t i = 0; i < n; ++i)
            ASSERT_GYRE_OK(gyre_session_feed(session.get(), prompt.data(), 1));
        const gyre_counters after = counters_of(session.get());
        EXPECT_EQ(after.n_decode_tokens - before.n_decode_tokens, n);
        // Embed, layers, logits.
        EXPECT_GE(after.dispatches - before.dispatches, n * (1 + 5 * n_layer + 1));
        EXPECT_LE(after.dispatches - before.dispatches,
                  n * (1 + 5 * n_layer + 1 + more_dispatches(n_layer, 3)));
        EXPECT_LE(after.barriers - before.barriers, after.dispatches - before.dispatches + 3 * n);
        EXPECT_GE(after.barriers - before.barriers, n * 5 * n_layer);
        EXPECT_LE(after.descriptor_binds - before.descriptor_binds,
                  after.dispatches - before.dispatches);
        EXPECT_GE(after.descriptor_binds - before.descriptor_binds, n * 5 * n_layer);
        EXPECT_LE(after.submits - before.submits, n);
        EXPECT_GE(after.submits - before.submits, 1u);
        EXPECT_LE(after.host_waits - before.host_waits, n);
    }
    ASSERT_GYRE_OK(gyre_session_reset(session.get()));
    const gyre_counters reset = counters_of(session.get());
    EXPECT_EQ(reset.dispatches + reset.barriers + reset.submits + reset.host_waits +
                  reset.descriptor_binds + reset.n_prefill_tokens + reset.n_decode_tokens,
              0u);
}

TEST_F(MeasureTest, TrafficOfTheShippedModel) {
    const ModelPtr model = open_model(kShippedModel);
    const SessionPtr session = create_session(model.get());
    const gyre_model_info info = info_of(model.get());
    gyre_traffic traffic = GYRE_TRAFFIC_INIT;
    ASSERT_GYRE_OK(gyre_session_get_traffic(session.get(), 9, &traffic));
    // Q8_0: 34 bytes for 32 weights. QKV 3 n^2, output n^2, up and down 2 n n_ff, the vocabulary.
    const std::uint64_t n = info.n_embd;
    const std::uint64_t layers = info.n_layer * (4 * n * n + 2 * n * info.n_ff);
    const std::uint64_t elements = layers + info.n_vocab * n;
    EXPECT_EQ(traffic.minimum_weight_bytes_per_token, elements / 32 * 34);
    EXPECT_GE(traffic.weight_bytes_per_token, traffic.minimum_weight_bytes_per_token);
    EXPECT_LE(static_cast<double>(traffic.weight_bytes_per_token),
              1.02 * static_cast<double>(traffic.minimum_weight_bytes_per_token));
    EXPECT_EQ(traffic.decode_flops_per_token, 2 * elements);
    EXPECT_EQ(traffic.prompt_flops_per_token, 2 * layers);
    // Ten cells of float16 keys and values.
    EXPECT_EQ(traffic.cache_bytes_per_token, 10u * info.n_layer * 2 * n * 2);
    EXPECT_EQ(gyre_session_get_traffic(session.get(), info.n_ctx, &traffic),
              GYRE_ERROR_INVALID_ARGUMENT);
}

TEST_F(MeasureTest, MemoryIsThatOfModelAndSessions) {
    const ModelPtr model = open_model(golden_path("text"));
    const SessionPtr one = create_session(model.get());
    gyre_memory memory = GYRE_MEMORY_INIT;
    ASSERT_GYRE_OK(gyre_session_get_memory(one.get(), &memory));
    EXPECT_EQ(memory.weight_bytes, info_of(model.get()).device_bytes);
    EXPECT_GE(memory.device_bytes, memory.weight_bytes + memory.cache_bytes);
    EXPECT_GE(memory.peak_device_bytes, memory.device_bytes);
    EXPECT_GT(memory.cache_bytes, 0u);
    gyre_memory two_sessions = GYRE_MEMORY_INIT;
    {
        const SessionPtr two = create_session(model.get());
        ASSERT_GYRE_OK(gyre_session_get_memory(one.get(), &two_sessions));
    }
    EXPECT_GE(two_sessions.device_bytes, memory.device_bytes + memory.cache_bytes);
    gyre_memory after = GYRE_MEMORY_INIT;
    ASSERT_GYRE_OK(gyre_session_get_memory(one.get(), &after));
    EXPECT_EQ(after.device_bytes, memory.device_bytes);
}

// What it measures is not checked: no test depends on time. That it leaves nothing behind is.
TEST_F(MeasureTest, DeviceRatesAreNumbers) {
    const ModelPtr model = open_model(golden_path("text"));
    const SessionPtr session = create_session(model.get());
    gyre_memory before = GYRE_MEMORY_INIT, after = GYRE_MEMORY_INIT;
    ASSERT_GYRE_OK(gyre_session_get_memory(session.get(), &before));
    gyre_device_rates rates = GYRE_DEVICE_RATES_INIT;
    ASSERT_GYRE_OK(gyre_model_measure_device(model.get(), &rates));
    EXPECT_TRUE(std::isfinite(rates.copy_bytes_per_second) && rates.copy_bytes_per_second > 0);
    EXPECT_TRUE(std::isfinite(rates.fma_flops_per_second) && rates.fma_flops_per_second > 0);
    EXPECT_GE(rates.copy_bytes, 2u << 20);
    EXPECT_TRUE(std::isfinite(rates.matrix_flops_per_second) && rates.matrix_flops_per_second >= 0);
    ASSERT_GYRE_OK(gyre_session_get_memory(session.get(), &after));
    EXPECT_EQ(after.device_bytes, before.device_bytes);
}

struct PlanSum {
    std::uint64_t dispatches = 0, weight_bytes = 0, cache_bytes = 0;

    static void add(const gyre_plan_step* step, void* user) {
        PlanSum& sum = *static_cast<PlanSum*>(user);
        const std::string operation = step->operation;
        sum.dispatches += step->dispatches;
        if (operation == "attention") sum.cache_bytes += step->bytes;
        if (operation != "attention" && operation != "embed") sum.weight_bytes += step->bytes;
        EXPECT_NE(step->kernel, std::string());
        EXPECT_EQ(step->n_rows == 0, std::string(step->weight_types).empty()) << operation;
        if (operation != "norm") {
            const bool in_layer = operation != "embed" && !operation.ends_with("logits");
            EXPECT_EQ(step->layer != GYRE_LAYER_NONE, in_layer) << operation;
        }
    }
};

// Catches: a plan that is shown and not the one that is recorded.
TEST_F(MeasureTest, ThePlanIsWhatIsComputed) {
    const ModelPtr model = open_model(kShippedModel);
    gyre_session_options options = GYRE_SESSION_OPTIONS_INIT;
    options.submit_ms = 10000;  // nothing is cut
    options.n_ctx = 64;
    const SessionPtr session = create_session(model.get(), options);
    const std::vector<std::uint32_t> tokens = {5, 9, 77, 120};
    for (const std::uint32_t n : {4u, 1u}) {
        PlanSum plan;
        ASSERT_GYRE_OK(gyre_session_get_plan(session.get(), n, PlanSum::add, &plan));
        const gyre_counters before = counters_of(session.get());
        ASSERT_GYRE_OK(gyre_session_feed(session.get(), tokens.data(), n));
        EXPECT_EQ(counters_of(session.get()).dispatches - before.dispatches, plan.dispatches);
        gyre_traffic traffic = GYRE_TRAFFIC_INIT;
        ASSERT_GYRE_OK(gyre_session_get_traffic(session.get(), 63, &traffic));
        EXPECT_EQ(plan.weight_bytes, traffic.weight_bytes_per_token);
        EXPECT_EQ(plan.cache_bytes, traffic.cache_bytes_per_token);
    }
    PlanSum none;
    for (const std::uint32_t n : {0u, 65u}) {
        EXPECT_EQ(gyre_session_get_plan(session.get(), n, PlanSum::add, &none),
                  GYRE_ERROR_INVALID_ARGUMENT);
    }
    EXPECT_EQ(gyre_session_get_plan(session.get(), 1, nullptr, nullptr),
              GYRE_ERROR_INVALID_ARGUMENT);
    EXPECT_EQ(none.dispatches, 0u);
}

// A profiled token is a token: the same logits, and every operation of every layer once.
TEST_F(MeasureTest, ProfileComputesWhatFeedComputes) {
    const ModelPtr model = open_model(golden_path("text"));
    const std::uint32_t n_layer = info_of(model.get()).n_layer;
    const std::vector<std::uint32_t> ids = {5, 9, 77, 120, 33};
    const SessionPtr plain = create_session(model.get());
    const SessionPtr profiled = create_session(model.get());
    for (const std::size_t n : {std::size_t{4}, std::size_t{1}}) {  // a prompt, a decoded token
        const std::uint32_t* tokens = ids.data() + gyre_session_position(plain.get());
        const gyre_counters counted = counters_of(profiled.get());
        ASSERT_GYRE_OK(gyre_session_feed(plain.get(), tokens, n));
        std::vector<Event> events;
        ASSERT_GYRE_OK(gyre_session_profile(profiled.get(), tokens, n, collect, &events));
        EXPECT_EQ(counters_of(profiled.get()).dispatches, counted.dispatches) << "not counted";
        EXPECT_EQ(gyre_session_position(profiled.get()), gyre_session_position(plain.get()));

        const float *a = nullptr, *b = nullptr;
        std::size_t n_vocab = 0;
        ASSERT_GYRE_OK(gyre_session_logits(plain.get(), &a, &n_vocab));
        ASSERT_GYRE_OK(gyre_session_logits(profiled.get(), &b, &n_vocab));
        EXPECT_TRUE(std::equal(a, a + n_vocab, b));

        std::map<std::string, std::set<std::uint32_t>> layers;
        std::uint32_t dispatches = 0;
        for (const Event& event : events) {
            EXPECT_TRUE(layers[event.operation].insert(event.layer).second) << event.operation;
            EXPECT_GE(event.seconds, 0.0);
            EXPECT_GE(event.dispatches, 1u) << event.operation;
            dispatches += event.dispatches;
        }
        EXPECT_EQ(layers["embed"], std::set<std::uint32_t>{GYRE_LAYER_NONE});
        EXPECT_EQ(layers["norm_logits"], std::set<std::uint32_t>{GYRE_LAYER_NONE});
        for (const char* operation :
             {"norm_qkv_rotary", "attention", "project", "norm_up_activate", "down"}) {
            EXPECT_EQ(layers[operation].size(), n_layer) << operation;
            EXPECT_EQ(*layers[operation].rbegin(), n_layer - 1) << operation;
        }
        EXPECT_EQ(layers.size(), 7u);
        // A prompt has two norms a layer apart.
        EXPECT_GE(dispatches, 1 + (n == 1 ? 5 : 7) * n_layer + 1);
        const std::uint32_t more = n == 1 ? more_dispatches(n_layer) : 1;
        EXPECT_LE(dispatches, 1 + (n == 1 ? 5 : 7) * n_layer + 1 + more);
    }
    std::vector<Event> events;
    EXPECT_EQ(gyre_session_profile(profiled.get(), ids.data(), 1, nullptr, nullptr),
              GYRE_ERROR_INVALID_ARGUMENT);
}

}  // namespace
}  // namespace gyre::test
