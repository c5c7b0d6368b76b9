// SPDX-License-Identifier: Apache-2.0
#include "apps/gyre/model_option.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <string_view>
#include <vector>

#include "apps/gyre/interrupt.h"
#include "apps/gyre/platform.h"
#include "apps/gyre/progress.h"
#include "apps/gyre/values.h"

namespace gyre::app {
namespace {

namespace fs = std::filesystem;

// The shipped models of a folder, by name.
std::vector<std::string> shipped_models(const fs::path& folder) {
    std::vector<std::string> found;
    std::error_code error;  // a folder that is not there has no models
    for (const auto& entry : fs::directory_iterator(folder, error)) {
        const std::string name = text_of(entry.path().filename());
        if (name.starts_with("gyre-books-") && name.ends_with(".gguf")) {
            found.push_back(text_of(entry.path()));
        }
    }
    std::sort(found.begin(), found.end());
    return found;
}

// Where a build folder and an installation have it: relative to the program.
std::string find_shipped_model() {
    const fs::path folder =
        (program_file().parent_path() / GYRE_MODELS_FROM_PROGRAM).lexically_normal();
    const auto models = shipped_models(folder);
    if (!models.empty()) return models.front();
    throw Failure("no model: name one with -m or GYRE_MODEL (none is shipped in " +
                  text_of(folder) + ")");
}

// A file; or the name of a model that scripts/fetch-model has put in the cache.
std::string file_or_fetched_model(const std::string& given) {
    std::error_code error;  // what cannot be looked at is left to the opening, which says why
    if (given.find_first_of("./\\") != std::string::npos || fs::exists(path_of(given), error)) {
        return given;
    }
    const fs::path folder = cache_folder() / "models";
    const fs::path fetched = folder / path_of(given + ".gguf");
    if (fs::exists(fetched, error)) return text_of(fetched);
    throw Failure("there is no file " + given + ", and no model of that name in " +
                  text_of(folder) + " (scripts/fetch-model gets published ones)");
}

int show_progress(const char* stage, double fraction, void* user) {
    static_cast<Progress*>(user)->update(stage, fraction);
    return interrupted() ? 0 : 1;
}

std::vector<const char*> as_c_strings(const std::vector<std::string>& texts) {
    std::vector<const char*> pointers;
    pointers.reserve(texts.size());
    for (const std::string& text : texts)
        pointers.push_back(text.c_str());
    return pointers;
}

gyre_status open_without_device(const std::string& path, const std::vector<std::string>& ignored,
                                gyre_model** model) {
    gyre_model_options options = GYRE_MODEL_OPTIONS_INIT;
    options.device = "none";
    const std::vector<const char*> names = as_c_strings(ignored);
    options.ignore_keys = names.data();
    options.n_ignore_keys = names.size();
    return gyre_model_open(path.c_str(), &options, model);
}

// One line for each thing that --ignore-key left out.
void warn_of_ignored(const gyre_model* model) {
    gyre_model_info info = GYRE_MODEL_INFO_INIT;
    check(gyre_model_get_info(model, &info));
    for (const std::string& line : lines_of(info.ignored))
        std::fprintf(stderr, "gyre: warning: %s; the results may be wrong\n", line.c_str());
}

void check_loading(gyre_status status) {
    if (status == GYRE_ERROR_CANCELLED && interrupted()) throw Failure("interrupted");
    check(status);
}

}  // namespace

void ModelOption::add_to(CLI::App& parser, bool with_device) {
    parser
        .add_option("-m,--model", given_path,
                    "GGUF file, or the name of a fetched model (default: $GYRE_MODEL, or the "
                    "shipped model)")
        ->type_name("FILE");
    add_ignore_key(parser);
    if (with_device) {
        parser.add_option("--device", device_,
                          "auto, an index of 'gyre devices', or a part of a name (default: auto)");
        parser
            .add_option("--tune", tune_,
                        "on: the first starts on a device time its kernels, 1 s each at most "
                        "(default: on)")
            ->check(CLI::IsMember({"on", "off"}));
        parser
            .add_option("--matrix-units", matrix_units_,
                        "on: prompts by the GPU's matrix units, should it have any; auto: on GPUs "
                        "where that was measured to be faster (default: auto)")
            ->check(CLI::IsMember({"auto", "on", "off"}));
    }
}

void ModelOption::add_ignore_key(CLI::App& parser) {
    parser
        .add_option("--ignore-key", ignored_,
                    "Read the file as if it did not have this key or tensor, at your own risk; may "
                    "be given again")
        ->type_name("NAME")
        ->allow_extra_args(false);
}

std::string ModelOption::path() const {
    if (!given_path.empty()) return file_or_fetched_model(given_path);
    const auto variable = environment_variable("GYRE_MODEL");
    if (variable && !variable->empty()) return file_or_fetched_model(*variable);
    return find_shipped_model();
}

Model ModelOption::open() const {
    Progress progress;
    gyre_model_options options = GYRE_MODEL_OPTIONS_INIT;
    options.device = device_.c_str();
    options.progress = show_progress;
    options.progress_user = &progress;
    options.no_tuning = tune_ == "off" ? 1 : 0;
    options.matrix_units = matrix_units_ == "on"    ? GYRE_MATRIX_UNITS_ON
                           : matrix_units_ == "off" ? GYRE_MATRIX_UNITS_OFF
                                                    : GYRE_MATRIX_UNITS_AUTO;
    const std::vector<const char*> names = as_c_strings(ignored_);
    options.ignore_keys = names.data();
    options.n_ignore_keys = names.size();
    gyre_model* opened = nullptr;
    const gyre_status status = gyre_model_open(path().c_str(), &options, &opened);
    progress.clear();
    check_loading(status);
    Model model(opened);
    warn_of_ignored(model.get());
    return model;
}

Session open_session(const gyre_model* model, gyre_session_options options) {
    Progress progress;
    options.progress = show_progress;
    options.progress_user = &progress;
    gyre_session* session = nullptr;
    const gyre_status status = gyre_session_create(model, &options, &session);
    progress.clear();
    check_loading(status);
    return Session(session);
}

Model ModelOption::open_file() const {
    gyre_model* opened = nullptr;
    check(open_without_device(path(), ignored_, &opened));
    Model model(opened);
    warn_of_ignored(model.get());
    return model;
}

Model ModelOption::open_refused_file() const {
    std::vector<std::string> names = ignored_;
    names.emplace_back("*");
    gyre_model* opened = nullptr;
    const gyre_status status = open_without_device(path(), names, &opened);
    return Model(status == GYRE_OK ? opened : nullptr);
}

void note_software_fallback(const gyre_model* model) {
    gyre_model_info info = GYRE_MODEL_INFO_INIT;
    check(gyre_model_get_info(model, &info));
    if (info.software_fallback == 0) return;
    gyre_device_info device = GYRE_DEVICE_INFO_INIT;
    check(gyre_model_get_device(model, &device));
    std::fprintf(stderr, "gyre: no GPU found: using the software driver %s\n", device.name);
}

}  // namespace gyre::app
