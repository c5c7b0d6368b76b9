// An open model: device, weights and pipelines, immutable and shared by its sessions.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runtime/base/status.h"
#include "runtime/engine/plan.h"
#include "runtime/engine/tilings.h"
#include "runtime/kernels/kernel_table.h"
#include "runtime/model/gguf_file.h"
#include "runtime/model/model_config.h"
#include "runtime/model/model_tensors.h"
#include "runtime/model/model_weights.h"
#include "runtime/vk/device.h"
#include "runtime/vk/instance.h"

namespace gyre {

// stage: "upload" or "tune", of a session "compile"; fraction: 0..1 of that stage. Returns false to
// cancel.
using LoadProgress = std::function<bool(const char* stage, double fraction)>;

// Prompts by the device's matrix units, where it has them and there are kernels for them. kAuto: if
// the device's row of device_tiles_table() says so.
enum class MatrixUnits { kAuto, kOff, kOn };

struct OpenOptions {
    std::string device = "auto";       // see choose_device
    std::vector<std::string> ignored;  // keys and tensors to do without: see GgufReading
    std::string pipeline_cache_path;   // file; empty: compiled pipelines are not kept
    bool validation = false;           // the Khronos validation layer
    bool sync_validation = false;      // with validation
    std::function<void(const char* message)> on_validation_message;
    LoadProgress progress;
    // Tilings that are quick on this device, found by timing the model's kernels: up to a second of
    // the first starts. Kept beside the pipeline cache; without one the defaults stay.
    bool tune = true;
    MatrixUnits matrix_units = MatrixUnits::kAuto;
    DeviceCapsLimit limit;                          // for tests
    std::optional<std::size_t> tiling_candidate{};  // for tests: this one of every product
};

// A model file, read and checked; no device yet.
struct ModelFile {
    std::string source;             // MappedFile::name, for messages
    std::uint64_t n_bytes = 0;      // of the file, all parts of a split one
    std::vector<MappedFile> files;  // see GgufFile; none after forget_data()
    Gguf gguf;                      // its tensors' data is in files
    ModelConfig config;
    ModelTensors tensors;            // point into gguf
    std::vector<std::string> notes;  // what was ignored because the caller wants it so, a line each

    // Checks the metadata, but for the tokenizer's, and every tensor's shape. Logs the notes.
    static Result<ModelFile> open(const std::string& path,
                                  const std::vector<std::string>& ignored = {});
    static Result<ModelFile> read(GgufFile file, const std::vector<std::string>& ignored = {});

    // Lets the file's bytes go; all but the tensors' data stays.
    void forget_data();
};

// May be used from several threads. Sessions keep a pointer to it.
class Model {
  public:
    // Reads and checks the file before the first Vulkan call. Errors: kBadFile, kUnsupported,
    // kNoDevice, kOutOfDeviceMemory, kCancelled; the text names the file.
    static Result<std::shared_ptr<Model>> open(const std::string& path, const OpenOptions& options);
    // The same, of a file that was read before; options.ignored is not read again. The file's data
    // is not needed afterwards.
    static Result<std::shared_ptr<Model>> open(const ModelFile& file, const OpenOptions& options);

    Model(const Model&) = delete;
    Model& operator=(const Model&) = delete;

    const ModelConfig& config() const { return config_; }
    const Plan& plan() const { return plan_; }
    const ModelWeights& weights() const { return weights_; }
    const ModelTilings& tilings() const { return tilings_; }
    std::uint64_t fingerprint() const { return fingerprint_; }  // model_fingerprint.h

    Device& device() const { return device_; }
    // "auto" found no GPU and took a software driver.
    bool software_fallback() const { return choice_.software_fallback; }
    KernelTable& kernels() const { return kernels_; }

  private:
    Model(ModelConfig config, Plan plan, Instance instance, DeviceChoice choice, Device device,
          ModelWeights weights);

    std::uint64_t fingerprint_ = 0;
    ModelConfig config_;
    Plan plan_;
    Instance instance_;
    DeviceChoice choice_;
    // Thread-safe objects behind a model that is otherwise const; order: destroyed last to first.
    mutable Device device_;
    ModelWeights weights_;
    ModelTilings tilings_;
    mutable KernelTable kernels_;
};

}  // namespace gyre
