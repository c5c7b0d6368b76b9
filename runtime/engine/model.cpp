// SPDX-License-Identifier: Apache-2.0
#include "runtime/engine/model.h"

#include <utility>

#include "runtime/engine/device_tiles.h"
#include "runtime/engine/tuner.h"
#include "runtime/model/model_tensors.h"

namespace gyre {
namespace {

Result<ModelConfig> read_and_check(const Gguf& gguf) {
    GYRE_ASSIGN(ModelConfig config, read_model_config(gguf));
    GYRE_TRY(check_supported(config));
    return config;
}

bool wants_matrix_units(MatrixUnits wanted, const DeviceInfo& device) {
    return wanted == MatrixUnits::kOn ||
           (wanted == MatrixUnits::kAuto && device_tiles(device).matrix_units);
}

}  // namespace

Result<ModelFile> ModelFile::open(const std::string& path) {
    GYRE_ASSIGN(MappedFile file, MappedFile::open(path));
    Result<Gguf> gguf = Gguf::parse(file.bytes());
    if (!gguf.ok()) return gguf.status().with_context(path);
    Result<ModelConfig> config = read_model_config(gguf.value());
    if (!config.ok()) return config.status().with_context(path);
    Result<ModelTensors> tensors = find_model_tensors(gguf.value(), config.value());
    if (!tensors.ok()) return tensors.status().with_context(path);
    return ModelFile{std::move(file), std::move(gguf).value(), std::move(config).value()};
}

Result<std::shared_ptr<Model>> Model::open(const std::string& path, const OpenOptions& options) {
    GYRE_ASSIGN(MappedFile file, MappedFile::open(path));
    Result<Gguf> gguf = Gguf::parse(file.bytes());
    if (!gguf.ok()) return gguf.status().with_context(path);
    Result<ModelConfig> config = read_and_check(gguf.value());
    if (!config.ok()) return config.status().with_context(path);
    Result<ModelTensors> tensors = find_model_tensors(gguf.value(), config.value());
    if (!tensors.ok()) return tensors.status().with_context(path);

    InstanceOptions instance_options;
    instance_options.validation = options.validation;
    instance_options.sync_validation = options.sync_validation;
    instance_options.on_message = options.on_validation_message;
    GYRE_ASSIGN(Instance instance, Instance::create(instance_options));
    GYRE_ASSIGN(const DeviceChoice choice, instance.choose(options.device));
    DeviceOptions device_options;
    device_options.pipeline_cache_path = options.pipeline_cache_path;
    device_options.limit = options.limit;
    device_options.features.cooperative_matrix =
        wants_matrix_units(options.matrix_units, instance.devices()[choice.index]);
    GYRE_ASSIGN(Device device, Device::create(instance, choice.index, device_options));

    UploadProgress progress;
    if (options.progress) {
        progress = [&options](std::uint64_t done, std::uint64_t total) {
            return options.progress(
                "upload",
                total == 0 ? 1.0 : static_cast<double>(done) / static_cast<double>(total));
        };
    }
    Result<ModelWeights> weights =
        ModelWeights::create(device, config.value(), tensors.value(), file, progress);
    if (!weights.ok()) return weights.status().with_context(path);
    std::shared_ptr<Model> model(new Model(path, std::move(file), std::move(gguf).value(),
                                           std::move(config).value(), std::move(instance), choice,
                                           std::move(device), std::move(weights).value()));
    GYRE_TRY(choose_tilings(*model, options, model->tilings_));
    return model;
}

Model::Model(std::string path, MappedFile file, Gguf gguf, ModelConfig config, Instance instance,
             DeviceChoice choice, Device device, ModelWeights weights)
    : path_(std::move(path)),
      file_(std::move(file)),
      gguf_(std::move(gguf)),
      config_(std::move(config)),
      instance_(std::move(instance)),
      choice_(choice),
      device_(std::move(device)),
      weights_(std::move(weights)),
      tilings_(device_, config_, weights_),
      kernels_(device_) {}

}  // namespace gyre
