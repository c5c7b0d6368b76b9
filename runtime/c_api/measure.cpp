// The functions of gyre_measure.h.
// SPDX-License-Identifier: Apache-2.0
#include <span>
#include <string>

#include "gyre/gyre.h"
#include "runtime/c_api/boundary.h"
#include "runtime/c_api/model_handle.h"
#include "runtime/c_api/session_handle.h"
#include "runtime/engine/device_rates.h"
#include "runtime/engine/token_traffic.h"

using gyre::Status;
using gyre::c_api::guarded;
using gyre::c_api::null_argument;
using gyre::c_api::TextSession;
using gyre::c_api::write_struct;

static_assert(GYRE_LAYER_NONE == gyre::kNoLayer);

gyre_status gyre_session_get_counters(const gyre_session* session, gyre_counters* counters) {
    return guarded([&]() -> Status {
        if (session == nullptr) return null_argument("session");
        const gyre::EngineCounters& from = session->text->engine().counters();
        gyre_counters c = GYRE_COUNTERS_INIT;
        c.dispatches = from.dispatches;
        c.barriers = from.barriers;
        c.submits = from.submits;
        c.host_waits = from.host_waits;
        c.descriptor_binds = from.descriptor_binds;
        c.n_prefill_tokens = session->text->timings().n_prefill_tokens;
        c.n_decode_tokens = session->text->timings().n_decode_tokens;
        return write_struct(c, counters, "counters");
    });
}

gyre_status gyre_session_get_memory(const gyre_session* session, gyre_memory* memory) {
    return guarded([&]() -> Status {
        if (session == nullptr) return null_argument("session");
        const gyre::Session& engine = session->text->engine();
        const gyre::DeviceCounters device = engine.model().device().counters();
        gyre_memory c = GYRE_MEMORY_INIT;
        c.device_bytes = device.allocated_bytes;
        c.peak_device_bytes = device.peak_bytes;
        c.weight_bytes = engine.model().weights().device_bytes();
        c.cache_bytes = engine.cache_bytes();
        c.work_bytes = engine.work_bytes();
        return write_struct(c, memory, "memory");
    });
}

gyre_status gyre_session_get_traffic(const gyre_session* session, uint32_t depth,
                                     gyre_traffic* traffic) {
    return guarded([&]() -> Status {
        if (session == nullptr) return null_argument("session");
        const gyre::Session& engine = session->text->engine();
        if (depth >= engine.n_ctx()) {
            return Status::invalid_argument("depth is " + std::to_string(depth) +
                                            ", but the session has " +
                                            std::to_string(engine.n_ctx()) + " positions");
        }
        const gyre::Model& model = engine.model();
        const gyre::TokenTraffic from = gyre::token_traffic(
            model.config(), model.plan(), model.weights(), engine.cache_shape(), depth);
        gyre_traffic c = GYRE_TRAFFIC_INIT;
        c.weight_bytes_per_token = from.weight_bytes;
        c.minimum_weight_bytes_per_token = from.minimum_weight_bytes;
        c.cache_bytes_per_token = from.cache_bytes;
        c.decode_flops_per_token = 2 * (from.layer_products + from.vocabulary_products);
        c.prompt_flops_per_token = 2 * from.layer_products;
        return write_struct(c, traffic, "traffic");
    });
}

gyre_status gyre_model_measure_device(const gyre_model* model, gyre_device_rates* rates) {
    return guarded([&]() -> Status {
        if (model == nullptr) return null_argument("model");
        if (rates == nullptr) return null_argument("rates");
        const gyre::Model* engine = model->open->engine.get();
        if (engine == nullptr) {
            return Status::no_device("the model was opened with the device \"none\"");
        }
        GYRE_ASSIGN(const gyre::DeviceRates from,
                    gyre::measure_device(engine->device(), engine->kernels()));
        gyre_device_rates c = GYRE_DEVICE_RATES_INIT;
        c.copy_bytes_per_second = from.copy_bytes_per_second;
        c.fma_flops_per_second = from.fma_flops_per_second;
        c.copy_bytes = from.copy_bytes;
        c.matrix_flops_per_second = from.matrix_flops_per_second;
        return write_struct(c, rates, "rates");
    });
}

gyre_status gyre_session_profile(gyre_session* session, const uint32_t* tokens, size_t count,
                                 gyre_profile_callback callback, void* user) {
    return gyre::c_api::with_session(session, [&](TextSession& text) -> Status {
        if (tokens == nullptr && count > 0) return null_argument("tokens");
        if (callback == nullptr) return null_argument("callback");
        return text.profile(std::span(tokens, count), [&](const gyre::OperationTime& time) {
            const gyre_profile_event event = {sizeof event, time.operation, time.seconds,
                                              time.layer, time.dispatches};
            callback(&event, user);
        });
    });
}

gyre_status gyre_session_get_plan(const gyre_session* session, uint32_t n_tokens,
                                  gyre_plan_callback callback, void* user) {
    return guarded([&]() -> Status {
        if (session == nullptr) return null_argument("session");
        if (callback == nullptr) return null_argument("callback");
        const gyre::Session& engine = session->text->engine();
        if (n_tokens == 0 || n_tokens > engine.chunk()) {
            return Status::invalid_argument("n_tokens is " + std::to_string(n_tokens) +
                                            "; expected 1 to " + std::to_string(engine.chunk()) +
                                            ", which the session computes at once");
        }
        engine.describe_plan(n_tokens, [&](const gyre::StepDescription& from) {
            gyre_plan_step step = {};
            step.struct_size = sizeof step;
            step.operation = from.operation.c_str();
            step.kernel = from.kernel;
            step.weight_types = from.weight_types.c_str();
            step.input = from.in;
            step.output = from.out.c_str();
            step.bytes = from.bytes;
            step.layer = from.layer;
            step.n_rows = from.n_rows;
            step.n_in = from.n_in;
            step.dispatches = from.dispatches;
            callback(&step, user);
        });
        return {};
    });
}
