// What a model is: information, device, end.
// SPDX-License-Identifier: Apache-2.0
#include "runtime/c_api/boundary.h"
#include "runtime/c_api/device_list.h"
#include "runtime/c_api/model_handle.h"

namespace gyre::c_api {
namespace {

gyre_model_info describe(const OpenModel& open) {
    const ModelCard& card = open.card;
    const ModelConfig& config = card.config;
    gyre_model_info info = GYRE_MODEL_INFO_INIT;
    info.architecture = card.architecture.c_str();
    info.name = config.name.c_str();
    info.position = card.position.c_str();
    info.rotary_text = card.rotary_text.c_str();
    info.rotary_json = card.rotary_json.c_str();
    info.weight_types = card.weight_types.c_str();
    info.ignored = card.ignored.c_str();
    info.n_parameters = card.n_parameters;
    info.file_bytes = open.file.n_bytes;
    info.n_vocab = config.n_vocab;
    info.n_ctx = config.n_ctx;
    info.n_embd = config.n_embd;
    info.n_layer = config.n_layer;
    info.n_head = config.n_head;
    info.n_head_kv = config.n_head_kv;
    info.head_dim = config.head_dim;
    info.n_ff = config.n_ff;
    if (card.tokenizer) {
        info.has_tokenizer = 1;
        info.bos_token = card.tokenizer->bos_id().value_or(GYRE_TOKEN_NONE);
        info.eos_token = card.tokenizer->eos_id().value_or(GYRE_TOKEN_NONE);
    }
    if (open.engine != nullptr) {
        info.device_bytes = open.engine->weights().device_bytes();
        info.software_fallback = open.engine->software_fallback() ? 1 : 0;
    }
    return info;
}

}  // namespace
}  // namespace gyre::c_api

using gyre::Status;
using gyre::c_api::guarded;
using gyre::c_api::null_argument;

void gyre_model_destroy(gyre_model* model) {
    delete model;
}

gyre_status gyre_model_get_info(const gyre_model* model, gyre_model_info* info) {
    return guarded([&]() -> Status {
        if (model == nullptr) return null_argument("model");
        return gyre::c_api::write_struct(gyre::c_api::describe(*model->open), info, "info");
    });
}

gyre_status gyre_model_get_device(const gyre_model* model, gyre_device_info* info) {
    return guarded([&]() -> Status {
        if (model == nullptr) return null_argument("model");
        if (model->open->engine == nullptr) {
            return Status::no_device("the model was opened with the device \"none\"");
        }
        return gyre::c_api::write_struct(gyre::c_api::to_c(model->open->engine->device().info()),
                                         info, "info");
    });
}
