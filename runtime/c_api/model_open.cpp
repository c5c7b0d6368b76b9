// How a model is opened: from a path, a descriptor or memory; its options.
// SPDX-License-Identifier: Apache-2.0
#include <cstdlib>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/base/log.h"
#include "runtime/c_api/boundary.h"
#include "runtime/c_api/cache_folder.h"
#include "runtime/c_api/model_handle.h"
#include "runtime/c_api/open_options.h"

namespace gyre::c_api {

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

bool is_no_device(const char* device) {
    return device != nullptr && std::string_view(device) == "none";
}

namespace {

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

// What a model is opened from: called once the options are known to be right.
using Source = std::function<Result<GgufFile>()>;

// engine_options: nullptr without a device. All of the file is read before a driver is, and nothing
// of it is needed afterwards.
Result<std::shared_ptr<OpenModel>> open_model(const Source& source, const gyre_model_options& c,
                                              const OpenOptions* engine_options) {
    GYRE_ASSIGN(const std::vector<std::string> ignored, read_ignored(c));
    GYRE_ASSIGN(GgufFile gguf, source());
    GYRE_ASSIGN(ModelFile file, ModelFile::read(std::move(gguf), ignored));
    auto card = ModelCard::read(file, ignored);
    if (!card.ok()) return card.status().with_context(file.source);
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

Result<std::shared_ptr<OpenModel>> open_on_device(const Source& source,
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
    return open_model(source, c, &options);
}

// out_model: not NULL, and set to NULL already.
Status open_from(const Source& source, const gyre_model_options* options, gyre_model** out_model) {
    const gyre_model_options defaults = GYRE_MODEL_OPTIONS_INIT;
    GYRE_ASSIGN(const gyre_model_options o, read_options(options, defaults, "options"));
    if (o.progress != nullptr && o.progress("read", 0.0, o.progress_user) == 0) {
        return Status::cancelled("the progress callback cancelled");
    }
    auto model = std::make_unique<gyre_model>();
    GYRE_ASSIGN(model->open, is_no_device(o.device) ? open_model(source, o, nullptr)
                                                    : open_on_device(source, o));
    *out_model = model.release();
    return {};
}

}  // namespace
}  // namespace gyre::c_api

using gyre::GgufFile;
using gyre::MappedFile;
using gyre::Result;
using gyre::Status;
using gyre::c_api::guarded;
using gyre::c_api::null_argument;
using gyre::c_api::open_from;

gyre_status gyre_model_open(const char* path, const gyre_model_options* options,
                            gyre_model** out_model) {
    return guarded([&]() -> Status {
        if (out_model == nullptr) return null_argument("out_model");
        *out_model = nullptr;
        if (path == nullptr) return null_argument("path");
        return open_from([&] { return GgufFile::open(path); }, options, out_model);
    });
}

gyre_status gyre_model_open_fd(int fd, uint64_t offset, uint64_t n_bytes,
                               const gyre_model_options* options, gyre_model** out_model) {
    return guarded([&]() -> Status {
        if (out_model == nullptr) return null_argument("out_model");
        *out_model = nullptr;
        const auto source = [&]() -> Result<GgufFile> {
            GYRE_ASSIGN(MappedFile file, MappedFile::open_fd(fd, offset, n_bytes));
            return GgufFile::read(std::move(file));
        };
        return open_from(source, options, out_model);
    });
}

gyre_status gyre_model_open_memory(const void* data, size_t n_bytes,
                                   const gyre_model_options* options, gyre_model** out_model) {
    return guarded([&]() -> Status {
        if (out_model == nullptr) return null_argument("out_model");
        *out_model = nullptr;
        if (data == nullptr) return null_argument("data");
        const std::span bytes(static_cast<const std::uint8_t*>(data), n_bytes);
        return open_from([&] { return GgufFile::read(MappedFile::borrow(bytes)); }, options,
                         out_model);
    });
}
