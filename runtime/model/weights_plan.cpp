// SPDX-License-Identifier: Apache-2.0
#include "runtime/model/weights_plan.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <utility>

#include "runtime/base/host_size.h"
#include "runtime/kernels/kernel_table.h"
#include "runtime/model/weight_formats.h"
#include "runtime/vk/arena_plan.h"

namespace gyre {
namespace {

// Larger bindings than this gain nothing, and some drivers dislike them.
constexpr std::uint64_t kMaxSliceBytes = std::uint64_t{1} << 30;

template <typename Visit>
void for_each_tensor(const ModelTensors& tensors, std::span<const MatrixId> order, Visit visit) {
    for (const MatrixId id : order) {
        const LinearTensors linear = tensors.matrix(id);
        visit(*linear.weight);
        if (linear.imag != nullptr) visit(*linear.imag);
    }
}

// A slice of them begins and ends at multiples of so many rows.
std::uint32_t slice_rows_of(const ModelSpec& spec, MatrixRole role) {
    constexpr std::uint32_t kAnyRows = 4;
    switch (role) {
        case MatrixRole::kAttnQkv:
        case MatrixRole::kAttnQ:
        case MatrixRole::kAttnK:
        case MatrixRole::kAttnV:
            return spec.head_dim;
        default:
            return kAnyRows;
    }
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
    WeightPlanner(const DeviceInfo& device, const DeviceCaps& caps, const ModelSpec& spec,
                  const ModelTensors& tensors, std::span<const MatrixId> order)
        : caps_(caps),
          spec_(spec),
          tensors_(tensors),
          order_(order),
          arena_(device, caps, "weights", expected_bytes()) {}

    Result<WeightsPlan> plan() {
        plan_.expected_bytes = expected_bytes();
        for_each_tensor(tensors_, order_, [&](const TensorView& tensor) {
            plan_.file_bytes += row_bytes(tensor.format, tensor.dims[0]) * tensor.n_rows();
        });
        WeightsLayout& weights = plan_.layout;
        weights.layers.resize(tensors_.layers.size());
        for (const MatrixId id : order_)
            GYRE_TRY(add_matrix(id));
        if (spec_.tied) weights.output = weights.token_embd;
        if (!spec_.norm_weights) ones_ = add_ones(spec_.n_embd);
        add_positions();
        if (spec_.embedding_norm) weights.token_embd_norm = add_norm(tensors_.token_embd_norm);
        for (std::size_t l = 0; l < weights.layers.size(); ++l)
            add_vectors(tensors_.layers[l], weights.layers[l]);
        weights.output_norm = add_norm(tensors_.output_norm);
        weights.output_bias = add_vector(tensors_.output_bias);
        GYRE_TRY(add_params());
        plan_.device_bytes = arena_.allocated();
        plan_.n_blocks = arena_.n_blocks();
        return std::move(plan_);
    }

  private:
    // With room for the vectors of most models.
    std::uint64_t expected_bytes() const {
        return (std::uint64_t{1} << 20) + matrix_device_bytes(tensors_, order_);
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
        if (!spec_.norm_weights) return {ones_, NO_OFFSET};
        const ParamsOffset weight = add_vector(tensors.weight);
        return {weight, add_vector(tensors.bias)};
    }

    void add_positions() {
        const std::uint32_t n_ctx = spec_.n_ctx, n_embd = spec_.n_embd;
        const std::uint64_t rows = std::uint64_t{n_ctx} * n_embd;
        if (spec_.position == PositionKind::kLearned) {
            plan_.layout.positions = add_vector(rows, [tensor = tensors_.position_embd, n_ctx] {
                return learned_positions(*tensor, n_ctx);
            });
        } else if (spec_.position == PositionKind::kSinusoidal) {
            plan_.layout.positions =
                add_vector(rows, [n_ctx, n_embd] { return sinusoidal_positions(n_ctx, n_embd); });
        } else if (spec_.position == PositionKind::kAlibi) {
            plan_.layout.alibi_slopes =
                add_vector(spec_.n_head, [n_head = spec_.n_head, max = double{spec_.alibi_max}] {
                    return alibi_slopes(n_head, max);
                });
        }
    }

    void add_vectors(const LayerTensors& tensors, LayerWeights& layer) {
        layer.attn_norm = add_norm(tensors.attn_norm);
        layer.attn_qkv.bias = add_vector(tensors.attn_qkv.bias);
        add_separate_biases(tensors, layer);
        if (spec_.attention.qk_norm == QkNorm::kHeadsRotated) {
            add_rotated_norms(tensors, layer);
        } else {
            layer.attn_q_norm = {add_vector(tensors.attn_q_norm.weight), NO_OFFSET};
            layer.attn_k_norm = {add_vector(tensors.attn_k_norm.weight), NO_OFFSET};
        }
        layer.attn_output.bias = add_vector(tensors.attn_output.bias);
        layer.attn_sinks = add_vector(tensors.attn_sinks);
        layer.attn_post_norm = add_norm(tensors.attn_post_norm);
        layer.ffn_norm = add_norm(tensors.ffn_norm);
        layer.ffn_post_norm = add_norm(tensors.ffn_post_norm);
        layer.ffn_gate.bias = add_vector(tensors.ffn_gate.bias);
        layer.ffn_up.bias = add_vector(tensors.ffn_up.bias);
        layer.ffn_down.bias = add_vector(tensors.ffn_down.bias);
    }

    // Queries get the gains of both, which a dot product does not tell apart: a key that was
    // multiplied by its gains after its rotation could not be rotated any further.
    void add_rotated_norms(const LayerTensors& tensors, LayerWeights& layer) {
        const TensorView* q = tensors.attn_q_norm.weight;
        const TensorView* k = tensors.attn_k_norm.weight;
        layer.attn_q_norm.weight = add_vector(spec_.head_dim, [q, k] {
            std::vector<float> gains = read_floats(*q);
            const std::vector<float> of_keys = read_floats(*k);
            for (std::size_t i = 0; i < gains.size(); ++i)
                gains[i] *= of_keys[i];
            return gains;
        });
        layer.attn_k_norm.weight = add_ones(spec_.head_dim);
    }

    ParamsOffset add_ones(std::uint32_t n) {
        return add_vector(n, [n] { return std::vector<float>(n, 1.0f); });
    }

    // One vector for the biases of q, k and v; zeros where one of them has none.
    void add_separate_biases(const LayerTensors& tensors, LayerWeights& layer) {
        const std::array parts = {tensors.attn_q.bias, tensors.attn_k.bias, tensors.attn_v.bias};
        if (parts[0] == nullptr && parts[1] == nullptr && parts[2] == nullptr) return;
        const std::uint32_t q_rows = spec_.n_head * spec_.head_dim;
        const std::uint32_t kv_rows = spec_.n_head_kv * spec_.head_dim;
        const std::array at = {0u, q_rows, q_rows + kv_rows};
        const ParamsOffset all = add_vector(spec_.n_qkv(), [parts, at, n = spec_.n_qkv()] {
            std::vector<float> values(n);
            for (std::size_t p = 0; p < parts.size(); ++p) {
                if (parts[p] == nullptr) continue;
                read_floats(*parts[p],
                            std::span(values).subspan(at[p], host_size(parts[p]->n_elements())));
            }
            return values;
        });
        layer.attn_qkv.bias = layer.attn_q.bias = all;
        layer.attn_k.bias = all + at[1];
        layer.attn_v.bias = all + at[2];
    }

    Status add_matrix(MatrixId id) {
        const LinearTensors tensors = tensors_.matrix(id);
        const TensorView& tensor = *tensors.weight;
        const TensorView* imag = tensors.imag;
        WeightMatrix& matrix = plan_.layout.matrix(id);
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
        plan_.matrices.push_back({id, &tensor, imag});
        GYRE_ASSIGN(const std::uint32_t max_rows,
                    rows_a_slice(tensor, outputs, slice_rows_of(spec_, id.role)));
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

    // Stored rows from first_row on; of a complex matrix the imaginary parts after the real ones.
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
    const ModelSpec& spec_;
    const ModelTensors& tensors_;
    std::span<const MatrixId> order_;
    ArenaPlan arena_;
    WeightsPlan plan_;
    ParamsOffset ones_ = NO_OFFSET;  // [n_embd], of norms without weights
};

}  // namespace

const LinearWeights& WeightsLayout::linear(MatrixId id) const {
    const LayerWeights& layer = layers[id.layer];
    switch (id.role) {
        case MatrixRole::kAttnQ:
            return layer.attn_q;
        case MatrixRole::kAttnK:
            return layer.attn_k;
        case MatrixRole::kAttnV:
            return layer.attn_v;
        case MatrixRole::kAttnOutput:
            return layer.attn_output;
        case MatrixRole::kFfnGate:
            return layer.ffn_gate;
        case MatrixRole::kFfnUp:
            return layer.ffn_up;
        case MatrixRole::kFfnDown:
            return layer.ffn_down;
        default:
            return layer.attn_qkv;
    }
}

const WeightMatrix& WeightsLayout::matrix(MatrixId id) const {
    if (id.role == MatrixRole::kTokenEmbd) return token_embd;
    if (id.role == MatrixRole::kOutput) return output;
    return linear(id).matrix;
}

WeightMatrix& WeightsLayout::matrix(MatrixId id) {
    return const_cast<WeightMatrix&>(std::as_const(*this).matrix(id));
}

ParamsOffset WeightsLayout::bias(MatrixId id) const {
    if (id.role == MatrixRole::kOutput) return output_bias;
    return id.layer == kNoLayer ? NO_OFFSET : linear(id).bias;
}

const NormWeights& WeightsLayout::norm(NormId id) const {
    switch (id.role) {
        case NormRole::kEmbd:
            return token_embd_norm;
        case NormRole::kAttn:
            return layers[id.layer].attn_norm;
        case NormRole::kQ:
            return layers[id.layer].attn_q_norm;
        case NormRole::kK:
            return layers[id.layer].attn_k_norm;
        case NormRole::kAttnPost:
            return layers[id.layer].attn_post_norm;
        case NormRole::kFfn:
            return layers[id.layer].ffn_norm;
        case NormRole::kFfnPost:
            return layers[id.layer].ffn_post_norm;
        case NormRole::kOutput:
            break;
    }
    return output_norm;
}

std::uint64_t matrix_device_bytes(const ModelTensors& tensors, std::span<const MatrixId> order) {
    std::uint64_t bytes = 0;
    for_each_tensor(tensors, order, [&](const TensorView& tensor) {
        bytes += device_bytes(tensor.format, static_cast<std::uint32_t>(tensor.dims[1]),
                              static_cast<std::uint32_t>(tensor.dims[0]));
    });
    return bytes;
}

Result<WeightsPlan> WeightsPlan::of(const DeviceInfo& device, const DeviceCaps& caps,
                                    const ModelSpec& spec, const ModelTensors& tensors,
                                    std::span<const MatrixId> order) {
    return WeightPlanner(device, caps, spec, tensors, order).plan();
}

std::vector<float> alibi_slopes(std::uint32_t n_head, double max) {
    std::vector<float> slopes;
    std::uint32_t power = 1;
    while (power * 2 <= n_head)
        power *= 2;
    for (std::uint32_t h = 1; h <= power; ++h) {
        slopes.push_back(static_cast<float>(std::exp2(-max * h / power)));
    }
    for (std::uint32_t h = 1; slopes.size() < n_head; h += 2) {
        slopes.push_back(static_cast<float>(std::exp2(-max * h / (2.0 * power))));
    }
    return slopes;
}

}  // namespace gyre
