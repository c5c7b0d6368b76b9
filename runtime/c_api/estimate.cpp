// gyre_model_estimate: what memory a model and a session on it take.
// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <string>

#include "runtime/c_api/boundary.h"
#include "runtime/c_api/model_handle.h"
#include "runtime/c_api/open_options.h"
#include "runtime/c_api/session_handle.h"
#include "runtime/engine/memory_need.h"

namespace gyre::c_api {
namespace {

// What stays: the file's head, the tokenizer's tables, and a session's copy of the logits.
std::uint64_t host_bytes(const OpenModel& open) {
    const ModelCard& card = open.card;
    const std::uint64_t tokenizer = card.tokenizer ? card.tokenizer->memory_bytes() : 0;
    return open.file.gguf.head_bytes() + tokenizer + std::uint64_t{card.config.n_vocab} * 4;
}

Result<MemoryNeed> estimate(const OpenModel& open, const char* device,
                            const SessionOptions& session) {
    if (device == nullptr && open.engine != nullptr) return estimate_memory(*open.engine, session);
    if (is_no_device(device)) {
        return Status::invalid_argument("device is \"none\": name the device to estimate for");
    }
    OpenOptions options;
    if (device != nullptr) options.device = device;
    GYRE_TRY(read_validation_switch(options));
    return estimate_memory(open.file, options, session);
}

gyre_memory_need to_c(const MemoryNeed& from, std::uint64_t host) {
    gyre_memory_need c = GYRE_MEMORY_NEED_INIT;
    c.weights_bytes = from.weights;
    c.cache_bytes = from.cache;
    c.work_bytes = from.work;
    c.total_bytes = from.total();
    c.host_bytes = host;
    c.available_bytes = from.available;
    c.device_index = from.device_index;
    c.fits = from.unfit.ok() ? 1 : 0;
    write_line(from.unfit.message().c_str(), c.because, sizeof c.because);
    return c;
}

}  // namespace
}  // namespace gyre::c_api

using gyre::Status;
using gyre::c_api::guarded;
using gyre::c_api::null_argument;

gyre_status gyre_model_estimate(const gyre_model* model, const char* device,
                                const gyre_session_options* options, gyre_memory_need* need) {
    return guarded([&]() -> Status {
        if (model == nullptr) return null_argument("model");
        if (need == nullptr) return null_argument("need");
        GYRE_ASSIGN(const gyre::SessionOptions session, gyre::c_api::read_session_options(options));
        GYRE_ASSIGN(const gyre::MemoryNeed found,
                    gyre::c_api::estimate(*model->open, device, session));
        const std::uint64_t host = gyre::c_api::host_bytes(*model->open);
        return gyre::c_api::write_struct(gyre::c_api::to_c(found, host), need, "need");
    });
}
