// SPDX-License-Identifier: Apache-2.0
#include "runtime/engine/model.h"

#include <utility>

#include "runtime/base/log.h"
#include "runtime/engine/open_device.h"
#include "runtime/engine/tuner.h"
#include "runtime/model/model_fingerprint.h"

namespace gyre {
namespace {

// The checks of everything in the file; source and file are the caller's.
Status read_file(const std::vector<std::string>& ignored, ModelFile& model) {
    GgufReading reading(model.gguf, ignored);
    GYRE_ASSIGN(model.config, read_model_config(reading));
    GYRE_ASSIGN(model.tensors, find_model_tensors(reading, model.config));
    model.notes = reading.notes();
    for (const std::string& note : model.notes)
        log(LogLevel::kWarning, model.source + ": " + note + "; the results may be wrong");
    for (const std::string& name : reading.unused_names()) {
        log(LogLevel::kWarning,
            model.source + ": has no key or tensor '" + printable(name) + "' to ignore");
    }
    return {};
}

}  // namespace

Result<ModelFile> ModelFile::open(const std::string& path,
                                  const std::vector<std::string>& ignored) {
    GYRE_ASSIGN(GgufFile file, GgufFile::open(path));
    return read(std::move(file), ignored);
}

Result<ModelFile> ModelFile::read(GgufFile file, const std::vector<std::string>& ignored) {
    const std::string name = file.name();
    const std::uint64_t n_bytes = file.n_bytes();
    ModelFile model{name, n_bytes, std::move(file.files), std::move(file.gguf), {}, {}, {}};
    const Status status = read_file(ignored, model);
    if (!status.ok()) return status.with_context(name);
    return model;
}

void ModelFile::forget_data() {
    gguf.forget_data();
    tensors.forget_data();
    files.clear();
}

Result<std::shared_ptr<Model>> Model::open(const std::string& path, const OpenOptions& options) {
    GYRE_ASSIGN(const ModelFile file, ModelFile::open(path, options.ignored));
    return open(file, options);
}

Result<std::shared_ptr<Model>> Model::open(const ModelFile& file, const OpenOptions& options) {
    const Status supported = check_supported(file.config);
    if (!supported.ok()) return supported.with_context(file.source);
    // Before the upload, which reads the same pages again and then lets them go.
    const std::uint64_t fingerprint = model_fingerprint(file.gguf, file.notes);

    GYRE_ASSIGN(Instance instance, create_instance(options));
    GYRE_ASSIGN(const DeviceChoice choice, instance.choose(options.device));
    const DeviceInfo& chosen = instance.devices()[choice.index];
    GYRE_ASSIGN(Device device,
                Device::create(instance, choice.index, device_options(options, chosen)));

    UploadProgress progress;
    if (options.progress) {
        progress = [&options](std::uint64_t done, std::uint64_t total) {
            return options.progress(
                "upload",
                total == 0 ? 1.0 : static_cast<double>(done) / static_cast<double>(total));
        };
    }
    Plan plan = gyre::plan(file.config);
    Result<ModelWeights> weights = ModelWeights::create(
        device, file.config, file.tensors, matrices_of(file.config, plan), file.files, progress);
    if (!weights.ok()) return weights.status().with_context(file.source);
    std::shared_ptr<Model> model(new Model(file.config, std::move(plan), std::move(instance),
                                           choice, std::move(device), std::move(weights).value()));
    model->fingerprint_ = fingerprint;
    GYRE_TRY(choose_tilings(*model, options, model->tilings_));
    return model;
}

Model::Model(ModelConfig config, Plan plan, Instance instance, DeviceChoice choice, Device device,
             ModelWeights weights)
    : config_(std::move(config)),
      plan_(std::move(plan)),
      instance_(std::move(instance)),
      choice_(choice),
      device_(std::move(device)),
      weights_(std::move(weights)),
      tilings_(device_, plan_, weights_),
      kernels_(device_) {}

}  // namespace gyre
