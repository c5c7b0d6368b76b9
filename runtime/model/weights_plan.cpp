// SPDX-License-Identifier: Apache-2.0
#include "runtime/model/weights_plan.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "runtime/base/host_size.h"
#include "runtime/kernels/kernel_table.h"
#include "runtime/model/weight_formats.h"
#include "runtime/vk/arena_plan.h"

namespace gyre {
namespace {

// Larger bindings than this gain nothing, and some drivers dislike them.
constexpr std::uint64_t kMaxSliceBytes = std::uint64_t{1} << 30;

template <typename Visit>
void for_each_tensor(const ModelConfig& config, const ModelTensors& tensors, Visit visit) {
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
    rows.resize(host_size(n_ctx * tensor.dims[0]));
    return rows;
}

class WeightPlanner {
  public:
    WeightPlanner(const DeviceInfo& device, const DeviceCaps& caps, const ModelConfig& config,
                  const ModelTensors& tensors)
        : caps_(caps),
          config_(config),
          tensors_(tensors),
          arena_(device, caps, "weights", expected_bytes()) {}

    Result<WeightsPlan> plan() {
        constexpr std::uint32_t kAnyRows = 4;
        plan_.expected_bytes = expected_bytes();
        for_each_tensor(config_, tensors_, [&](const TensorView& tensor) {
            plan_.file_bytes += row_bytes(tensor.format, tensor.dims[0]) * tensor.n_rows();
        });
        WeightsLayout& weights = plan_.layout;
        GYRE_TRY(add_matrix(*tensors_.token_embd, nullptr, kAnyRows, weights.token_embd));
        add_positions();
        for (const LayerTensors& layer : tensors_.layers) {
            LayerWeights& w = weights.layers.emplace_back();
            w.attn_norm = add_norm(layer.attn_norm);
            GYRE_TRY(add_linear(layer.attn_qkv, config_.head_dim, w.attn_qkv));
            GYRE_TRY(add_linear(layer.attn_output, kAnyRows, w.attn_output));
            w.attn_sinks = add_vector(layer.attn_sinks);
            w.ffn_norm = add_norm(layer.ffn_norm);
            GYRE_TRY(add_linear(layer.ffn_up, kAnyRows, w.ffn_up));
            GYRE_TRY(add_linear(layer.ffn_down, kAnyRows, w.ffn_down));
        }
        weights.output_norm = add_norm(tensors_.output_norm);
        if (config_.tied) {
            weights.output = weights.token_embd;
        } else {
            GYRE_TRY(add_matrix(*tensors_.output, nullptr, kAnyRows, weights.output));
        }
        GYRE_TRY(add_params());
        plan_.device_bytes = arena_.allocated();
        plan_.n_blocks = arena_.n_blocks();
        return std::move(plan_);
    }

  private:
    // With room for the vectors of most models.
    std::uint64_t expected_bytes() const {
        return (std::uint64_t{1} << 20) + matrix_device_bytes(config_, tensors_);
    }

    ParamsOffset add_vector(std::uint64_t n, std::function<std::vector<float>()> values) {
        const std::uint64_t at = (plan_.params_words + 3) / 4 * 4;
        plan_.params_words = at + n;
        plan_.vectors.push_back({static_cast<ParamsOffset>(at), std::move(values)});
        return static_cast<ParamsOffset>(at);
    }

    // A null tensor gives NO_OFFSET.
    ParamsOffset add_vector(const TensorView* tensor) {
        if (tensor == nullptr) return NO_OFFSET;
        return add_vector(tensor->n_elements(), [tensor] { return read_floats(*tensor); });
    }

    NormWeights add_norm(const NormTensors& tensors) {
        const ParamsOffset weight = add_vector(tensors.weight);
        return {weight, add_vector(tensors.bias)};
    }

    void add_positions() {
        const std::uint32_t n_ctx = config_.n_ctx, n_embd = config_.n_embd;
        const std::uint64_t rows = std::uint64_t{n_ctx} * n_embd;
        if (config_.position == PositionKind::kLearned) {
            plan_.layout.positions = add_vector(rows, [tensor = tensors_.position_embd, n_ctx] {
                return learned_positions(*tensor, n_ctx);
            });
        } else if (config_.position == PositionKind::kSinusoidal) {
            plan_.layout.positions =
                add_vector(rows, [n_ctx, n_embd] { return sinusoidal_positions(n_ctx, n_embd); });
        } else if (config_.position == PositionKind::kAlibi) {
            plan_.layout.alibi_slopes = add_vector(
                config_.n_head, [n_head = config_.n_head] { return alibi_slopes(n_head); });
        }
    }

    // slice_rows: slices begin and end at multiples of it.
    Status add_linear(const LinearTensors& tensors, std::uint32_t slice_rows,
                      LinearWeights& linear) {
        linear.bias = add_vector(tensors.bias);
        return add_matrix(*tensors.weight, tensors.imag, slice_rows, linear.matrix);
    }

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
        plan_.matrices.push_back({&tensor, imag});
        GYRE_ASSIGN(const std::uint32_t max_rows, rows_a_slice(tensor, outputs, slice_rows));
        for (std::uint32_t first = 0; first < stored_rows; first += max_rows) {
            const std::uint32_t n_rows = std::min(max_rows, stored_rows - first);
            GYRE_TRY(add_slice({tensor.format, n_rows, stored_in}, first, outputs, matrix));
        }
        return {};
    }

    // Stored rows of a slice, all if they fit.
    Result<std::uint32_t> rows_a_slice(const TensorView& tensor, std::uint32_t outputs,
                                       std::uint32_t slice_rows) const {
        const auto stored_rows = static_cast<std::uint32_t>(tensor.dims[1]);
        const auto stored_in = static_cast<std::uint32_t>(tensor.dims[0]);
        const std::uint64_t max_bytes =
            std::min({caps_.max_storage_range, caps_.max_allocation, kMaxSliceBytes});
        const std::uint32_t unit = std::max(1u, slice_rows / outputs);
        const auto rows_of = [&](std::uint64_t bytes) {
            const std::uint32_t rows =
                max_slice_rows(tensor.format, stored_rows, stored_in, bytes / outputs);
            return rows < stored_rows ? rows / unit * unit : rows;
        };
        std::uint32_t max_rows = 0;
        if (uses_fixed_tiles(caps_) && format_info(tensor.format).has_tiles(outputs > 1)) {
            max_rows = rows_of(std::min(max_bytes, caps_.max_texel_range));
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
        return max_rows;
    }

    // Stored rows from first_row on; of a complex matrix the imaginary parts behind the real ones.
    Status add_slice(const DeviceMatrix& layout, std::uint32_t first_row, std::uint32_t outputs,
                     WeightMatrix& matrix) {
        const std::uint64_t words = layout.size_words();
        GYRE_ASSIGN(const ArenaPlan::Place place, arena_.place(words * 4 * outputs));
        matrix.slices.push_back({{nullptr, place.offset, place.size},
                                 first_row * outputs,
                                 layout.n_rows * outputs,
                                 layout.block_rows(),
                                 layout.block_vecs(),
                                 static_cast<std::uint32_t>(words / 4)});
        return {};
    }

    Status add_params() {
        plan_.params_words = (plan_.params_words + 3) / 4 * 4;  // whole texels
        const std::uint64_t bytes = plan_.params_bytes();
        if (bytes > caps_.max_storage_range) {
            return Status::out_of_device_memory(
                "norms, biases and position rows (position_embd.weight) take " +
                std::to_string(bytes) + " bytes as float32, this device binds at most " +
                std::to_string(caps_.max_storage_range));
        }
        return arena_.place(std::max(bytes, WeightsPlan::kMinParamsBytes)).status();
    }

    const DeviceCaps& caps_;
    const ModelConfig& config_;
    const ModelTensors& tensors_;
    ArenaPlan arena_;
    WeightsPlan plan_;
};

}  // namespace

std::uint64_t matrix_device_bytes(const ModelConfig& config, const ModelTensors& tensors) {
    std::uint64_t bytes = 0;
    for_each_tensor(config, tensors, [&](const TensorView& tensor) {
        bytes += device_bytes(tensor.format, static_cast<std::uint32_t>(tensor.dims[1]),
                              static_cast<std::uint32_t>(tensor.dims[0]));
    });
    return bytes;
}

Result<WeightsPlan> WeightsPlan::of(const DeviceInfo& device, const DeviceCaps& caps,
                                    const ModelConfig& config, const ModelTensors& tensors) {
    return WeightPlanner(device, caps, config, tensors).plan();
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
