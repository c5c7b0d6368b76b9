// gyre_model_open and what it tells about the model.
// SPDX-License-Identifier: Apache-2.0
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/base/log.h"
#include "runtime/c_api/boundary.h"
#include "runtime/c_api/cache_folder.h"
#include "runtime/c_api/device_list.h"
#include "runtime/c_api/model_handle.h"

namespace gyre::c_api {
namespace {

// GYRE_VALIDATION, as gyre.h describes it.
Status read_validation_switch(OpenOptions& options) {
    const char* variable = std::getenv("GYRE_VALIDATION");
    const std::string_view value = variable == nullptr ? "" : variable;
    if (value.empty() || value == "0") return {};
    if (value != "1" && value != "sync") {
        return Status::invalid_argument("GYRE_VALIDATION is '" + std::string(value) +
                                        "', expected 0, 1 or sync");
    }
    options.validation = true;
    options.sync_validation = value == "sync";
    options.on_validation_message = [](const char* message) { log(LogLevel::kError, message); };
    return {};
}

Result<std::vector<std::string>> read_ignored(const gyre_model_options& c) {
    if (c.ignore_keys == nullptr && c.n_ignore_keys != 0) return null_argument("ignore_keys");
    std::vector<std::string> names;
    for (std::size_t i = 0; i < c.n_ignore_keys; ++i) {
        if (c.ignore_keys[i] == nullptr) {
            return null_argument(("ignore_keys[" + std::to_string(i) + "]").c_str());
        }
        names.emplace_back(c.ignore_keys[i]);
    }
    return names;
}

// engine_options: nullptr without a device. All of the file is read before a driver is.
Result<std::shared_ptr<OpenModel>> open_model(const std::string& path, const gyre_model_options& c,
                                              const OpenOptions* engine_options) {
    GYRE_ASSIGN(const std::vector<std::string> ignored, read_ignored(c));
    GYRE_ASSIGN(ModelFile file, ModelFile::open(path, ignored));
    auto card = ModelCard::read(file, ignored);
    if (!card.ok()) return card.status().with_context(path);
    std::shared_ptr<const Model> engine;
    if (engine_options != nullptr) {
        GYRE_ASSIGN(engine, Model::open(file, *engine_options));
    }
    file.forget_data();
    return std::make_shared<OpenModel>(
        OpenModel{std::move(file), std::move(card).value(), std::move(engine)});
}

Result<MatrixUnits> to_cpp(gyre_matrix_units matrix_units) {
    switch (matrix_units) {
        case GYRE_MATRIX_UNITS_AUTO:
            return MatrixUnits::kAuto;
        case GYRE_MATRIX_UNITS_OFF:
            return MatrixUnits::kOff;
        case GYRE_MATRIX_UNITS_ON:
            return MatrixUnits::kOn;
        case GYRE_MATRIX_UNITS_FORCE_32:
            break;
    }
    return Status::invalid_argument("options.matrix_units is " +
                                    std::to_string(static_cast<int>(matrix_units)) +
                                    ", which is no gyre_matrix_units");
}

Result<std::shared_ptr<OpenModel>> open_on_device(const std::string& path,
                                                  const gyre_model_options& c) {
    OpenOptions options;
    if (c.device != nullptr) options.device = c.device;
    options.pipeline_cache_path = pipeline_cache_file(c.cache_dir);
    options.tune = c.no_tuning == 0;
    GYRE_ASSIGN(options.matrix_units, to_cpp(c.matrix_units));
    if (c.progress != nullptr) {
        options.progress = [&c](const char* stage, double fraction) {
            return c.progress(stage, fraction, c.progress_user) != 0;
        };
    }
    GYRE_TRY(read_validation_switch(options));
    return open_model(path, c, &options);
}

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

gyre_status gyre_model_open(const char* path, const gyre_model_options* options,
                            gyre_model** out_model) {
    return guarded([&]() -> Status {
        if (out_model == nullptr) return null_argument("out_model");
        *out_model = nullptr;
        if (path == nullptr) return null_argument("path");
        const gyre_model_options defaults = GYRE_MODEL_OPTIONS_INIT;
        GYRE_ASSIGN(const gyre_model_options o,
                    gyre::c_api::read_options(options, defaults, "options"));
        const bool no_device = o.device != nullptr && std::string_view(o.device) == "none";
        if (o.progress != nullptr && o.progress("read", 0.0, o.progress_user) == 0) {
            return Status::cancelled("the progress callback cancelled");
        }
        auto model = std::make_unique<gyre_model>();
        GYRE_ASSIGN(model->open, no_device ? gyre::c_api::open_model(path, o, nullptr)
                                           : gyre::c_api::open_on_device(path, o));
        *out_model = model.release();
        return {};
    });
}

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
