// SPDX-License-Identifier: Apache-2.0
#include "runtime/model/model_weights.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <thread>

#include "runtime/kernels/kernel_table.h"
#include "runtime/model/weight_formats.h"
#include "runtime/vk/device.h"
#include "runtime/vk/transfer.h"

namespace gyre {
namespace {

// Larger bindings than this gain nothing, and some drivers dislike them.
constexpr std::uint64_t kMaxSliceBytes = std::uint64_t{1} << 30;

// Waits for its threads at the end, whatever that is. libc++ has no std::jthread before version 20.
struct JoinedThreads {
    std::vector<std::thread> list;

    JoinedThreads() = default;
    JoinedThreads(const JoinedThreads&) = delete;
    JoinedThreads& operator=(const JoinedThreads&) = delete;
    ~JoinedThreads() {
        for (std::thread& thread : list)
            thread.join();
    }
};

}  // namespace

// One upload: collects the float vectors, writes the matrices.
class WeightUpload {
  public:
    WeightUpload(Device& device, const MappedFile& file, const UploadProgress& progress,
                 Uploader uploader, ModelWeights& weights)
        : device_(device),
          file_(file),
          progress_(progress),
          uploader_(std::move(uploader)),
          weights_(weights) {}

    std::uint64_t total_bytes = 0;  // of the file's matrices

    // Appends a vector to the params buffer; a null tensor gives NO_OFFSET.
    ParamsOffset add_vector(const TensorView* tensor) {
        if (tensor == nullptr) return NO_OFFSET;
        return add_vector(read_floats(*tensor));
    }

    ParamsOffset add_vector(const std::vector<float>& values) {
        const std::size_t at = (params_.size() + 3) / 4 * 4;
        params_.resize(at);
        params_.insert(params_.end(), values.begin(), values.end());
        return static_cast<ParamsOffset>(at);
    }

    NormWeights add_norm(const NormTensors& tensors) {
        return {add_vector(tensors.weight), add_vector(tensors.bias)};
    }

    // slice_rows: slices begin and end at multiples of it.
    Status add_linear(const LinearTensors& tensors, std::uint32_t slice_rows,
                      LinearWeights& linear) {
        linear.bias = add_vector(tensors.bias);
        return add_matrix(*tensors.weight, tensors.imag, slice_rows, linear.matrix);
    }

    // imag: nullptr, or the imaginary parts where `tensor` has the real ones.
    Status add_matrix(const TensorView& tensor, const TensorView* imag, std::uint32_t slice_rows,
                      WeightMatrix& matrix) {
        const std::uint32_t outputs = imag == nullptr ? 1 : 2;  // of a stored row
        const auto stored_rows = static_cast<std::uint32_t>(tensor.dims[1]);
        const auto stored_in = static_cast<std::uint32_t>(tensor.dims[0]);
        matrix.format = tensor.format;
        matrix.complex = imag != nullptr;
        matrix.n_rows = stored_rows * outputs;
        matrix.n_in = stored_in * outputs;
        const DeviceMatrix shape{tensor.format, 1, stored_in};
        matrix.n_chunks = shape.n_chunks();
        matrix.n_steps = shape.n_steps();

        const std::uint64_t max_bytes = std::min(
            {device_.caps().max_storage_range, device_.caps().max_allocation, kMaxSliceBytes});
        const std::uint32_t unit = std::max(1u, slice_rows / outputs);
        const auto rows_of = [&](std::uint64_t bytes) {
            const std::uint32_t rows =
                max_slice_rows(tensor.format, stored_rows, stored_in, bytes / outputs);
            return rows < stored_rows ? rows / unit * unit : rows;
        };
        std::uint32_t max_rows = 0;
        if (uses_fixed_tiles(device_.caps())) {
            max_rows = rows_of(std::min(max_bytes, device_.caps().max_texel_range));
            // Each slice is a dispatch: workgroups in pairs leave neither of two cores waiting.
            const std::uint32_t pairs =
                std::lcm(unit, 2 * kFixedDecode.rows_a_workgroup() / outputs);
            if (max_rows < stored_rows && max_rows > pairs) max_rows -= max_rows % pairs;
        }
        if (max_rows == 0) max_rows = rows_of(max_bytes);
        if (max_rows == 0) {
            return Status::out_of_device_memory(
                "tensor " + std::string(tensor.name) + ": not even " + std::to_string(slice_rows) +
                " rows fit into a storage buffer of " + std::to_string(max_bytes) +
                " bytes, the device's limit");
        }
        for (std::uint32_t first = 0; first < stored_rows; first += max_rows) {
            const std::uint32_t n_rows = std::min(max_rows, stored_rows - first);
            GYRE_TRY(add_slice(tensor, imag, first, n_rows, matrix));
        }
        return {};
    }

    Status finish() {
        params_.resize((params_.size() + 3) / 4 * 4);  // whole texels
        const std::uint64_t bytes = params_.size() * sizeof(float);
        if (bytes > device_.caps().max_storage_range) {
            return Status::out_of_device_memory(
                "norms, biases and position rows (position_embd.weight) take " +
                std::to_string(bytes) + " bytes as float32, this device binds at most " +
                std::to_string(device_.caps().max_storage_range));
        }
        GYRE_ASSIGN(weights_.params_, weights_.arena_.allocate(std::max<std::uint64_t>(16, bytes)));
        if (!params_.empty()) {
            GYRE_TRY(uploader_.write({weights_.params_.buffer, weights_.params_.offset, bytes},
                                     std::as_bytes(std::span(params_))));
        }
        return uploader_.finish();
    }

  private:
    // Stored rows [first_row, first_row + n_rows), the imaginary parts behind the real ones.
    Status add_slice(const TensorView& tensor, const TensorView* imag, std::uint32_t first_row,
                     std::uint32_t n_rows, WeightMatrix& matrix) {
        const DeviceMatrix layout{tensor.format, n_rows,
                                  static_cast<std::uint32_t>(tensor.dims[0])};
        const std::uint32_t outputs = imag == nullptr ? 1 : 2;
        const std::uint64_t words = layout.size_words();
        GYRE_ASSIGN(const BufferRange range, weights_.arena_.allocate(words * 4 * outputs));
        GYRE_ASSIGN(std::byte * bytes, uploader_.stage(range));
        const std::span target(reinterpret_cast<std::uint32_t*>(bytes), words * outputs);
        repack(layout, tensor, first_row, target.first(words));
        if (imag != nullptr) repack(layout, *imag, first_row, target.last(words));
        GYRE_TRY(uploader_.commit());
        matrix.slices.push_back({range, first_row * outputs, n_rows * outputs, layout.block_rows(),
                                 layout.block_vecs(), static_cast<std::uint32_t>(words / 4)});
        weights_.matrix_bytes_ += words * 4 * outputs;
        if (progress_ && !progress_(done_, total_bytes)) return Status::cancelled("load cancelled");
        return {};
    }

    void repack(const DeviceMatrix& layout, const TensorView& tensor, std::uint32_t first_row,
                std::span<std::uint32_t> target) {
        const std::uint64_t file_row = row_bytes(tensor.format, layout.n_in);
        const auto source = tensor.bytes.subspan(first_row * file_row, layout.n_rows * file_row);
        repack_in_threads(layout, source, target);
        file_.release_pages(static_cast<std::size_t>(source.data() - file_.bytes().data()),
                            source.size());
        done_ += source.size();
    }

    // In as many threads as there are cores; ranges begin at blocks of rows.
    static void repack_in_threads(const DeviceMatrix& layout, std::span<const std::uint8_t> source,
                                  std::span<std::uint32_t> target) {
        const std::uint32_t n_threads = std::clamp(std::thread::hardware_concurrency(), 1u, 16u);
        const std::uint32_t blocks = layout.rows_padded() / layout.block_rows();
        const std::uint32_t share = (blocks + n_threads - 1) / n_threads * layout.block_rows();
        JoinedThreads threads;
        for (std::uint32_t first = share; first < layout.n_rows; first += share) {
            threads.list.emplace_back([&layout, source, target, first, share] {
                repack_rows(layout, source, first, std::min(share, layout.n_rows - first), target);
            });
        }
        repack_rows(layout, source, 0, std::min(share, layout.n_rows), target);
    }

    Device& device_;
    const MappedFile& file_;
    const UploadProgress& progress_;
    Uploader uploader_;
    ModelWeights& weights_;
    std::vector<float> params_;
    std::uint64_t done_ = 0;  // bytes of the file's matrices
};

namespace {

template <typename Visit>
void for_each_matrix(const ModelConfig& config, const ModelTensors& tensors, Visit visit) {
    visit(*tensors.token_embd);
    for (const LayerTensors& layer : tensors.layers) {
        for (const LinearTensors* linear :
             {&layer.attn_qkv, &layer.attn_output, &layer.ffn_up, &layer.ffn_down}) {
            visit(*linear->weight);
            if (linear->imag != nullptr) visit(*linear->imag);
        }
    }
    if (!config.tied) visit(*tensors.output);
}

// Vaswani et al., arXiv:1706.03762, section 3.5: PE(p, 2i) = sin(p / 10000^(2i/n)), PE(p, 2i+1) =
// cos.
std::vector<float> sinusoidal_positions(std::uint32_t n_ctx, std::uint32_t n_embd) {
    std::vector<float> rows(std::size_t{n_ctx} * n_embd);
    for (std::uint32_t p = 0; p < n_ctx; ++p) {
        for (std::uint32_t i = 0; i < n_embd; ++i) {
            const std::uint32_t pair = i / 2;
            const double angle = p * std::pow(10000.0, -2.0 * pair / n_embd);
            rows[std::size_t{p} * n_embd + i] =
                static_cast<float>(i % 2 == 0 ? std::sin(angle) : std::cos(angle));
        }
    }
    return rows;
}

// The first n_ctx rows of the learned table, which may have more.
std::vector<float> learned_positions(const TensorView& tensor, std::uint32_t n_ctx) {
    std::vector<float> rows = read_floats(tensor);
    rows.resize(std::size_t{n_ctx} * tensor.dims[0]);
    return rows;
}

}  // namespace

Result<ModelWeights> ModelWeights::create(Device& device, const ModelConfig& config,
                                          const ModelTensors& tensors, const MappedFile& file,
                                          const UploadProgress& progress) {
    std::uint64_t file_bytes = 0;
    std::uint64_t expected = std::uint64_t{1} << 20;
    for_each_matrix(config, tensors, [&](const TensorView& tensor) {
        file_bytes += tensor.bytes.size();
        expected += gyre::device_bytes(tensor.format, static_cast<std::uint32_t>(tensor.dims[1]),
                                       static_cast<std::uint32_t>(tensor.dims[0]));
    });
    GYRE_ASSIGN(Uploader uploader, Uploader::create(device));
    ModelWeights weights(Arena::create(device, Memory::kDevice, "weights", expected));
    WeightUpload upload(device, file, progress, std::move(uploader), weights);
    upload.total_bytes = file_bytes;

    constexpr std::uint32_t kAnyRows = 4;
    GYRE_TRY(upload.add_matrix(*tensors.token_embd, nullptr, kAnyRows, weights.token_embd));
    if (config.position == PositionKind::kLearned) {
        weights.positions =
            upload.add_vector(learned_positions(*tensors.position_embd, config.n_ctx));
    } else if (config.position == PositionKind::kSinusoidal) {
        weights.positions = upload.add_vector(sinusoidal_positions(config.n_ctx, config.n_embd));
    } else if (config.position == PositionKind::kAlibi) {
        weights.alibi_slopes = upload.add_vector(gyre::alibi_slopes(config.n_head));
    }
    for (const LayerTensors& layer : tensors.layers) {
        LayerWeights& w = weights.layers.emplace_back();
        w.attn_norm = upload.add_norm(layer.attn_norm);
        GYRE_TRY(upload.add_linear(layer.attn_qkv, config.head_dim, w.attn_qkv));
        GYRE_TRY(upload.add_linear(layer.attn_output, kAnyRows, w.attn_output));
        w.attn_sinks = upload.add_vector(layer.attn_sinks);
        w.ffn_norm = upload.add_norm(layer.ffn_norm);
        GYRE_TRY(upload.add_linear(layer.ffn_up, kAnyRows, w.ffn_up));
        GYRE_TRY(upload.add_linear(layer.ffn_down, kAnyRows, w.ffn_down));
    }
    weights.output_norm = upload.add_norm(tensors.output_norm);
    if (config.tied) {
        weights.output = weights.token_embd;
    } else {
        GYRE_TRY(upload.add_matrix(*tensors.output, nullptr, kAnyRows, weights.output));
    }
    GYRE_TRY(upload.finish());
    return weights;
}

std::vector<float> alibi_slopes(std::uint32_t n_head) {
    std::vector<float> slopes;
    std::uint32_t power = 1;
    while (power * 2 <= n_head)
        power *= 2;
    for (std::uint32_t h = 1; h <= power; ++h) {
        slopes.push_back(static_cast<float>(std::exp2(-8.0 * h / power)));
    }
    for (std::uint32_t h = 1; slopes.size() < n_head; h += 2) {
        slopes.push_back(static_cast<float>(std::exp2(-8.0 * h / (2.0 * power))));
    }
    return slopes;
}

}  // namespace gyre
