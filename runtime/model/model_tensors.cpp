// SPDX-License-Identifier: Apache-2.0
#include "runtime/model/model_tensors.h"

#include <cassert>
#include <map>
#include <string>

namespace gyre {
namespace {

std::string dims_text(std::span<const std::uint64_t> dims) {
    std::string text;
    for (const std::uint64_t dim : dims)
        text += (text.empty() ? "" : ", ") + std::to_string(dim);
    return "[" + text + "]";
}

Status tensor_error(std::string_view name, const std::string& text) {
    return Status::bad_file("tensor '" + printable(name) + "': " + text);
}

// Finds tensors by name and shape.
class TensorFinder {
  public:
    TensorFinder(GgufReading& file, bool norm_weights) : file_(file), norm_weights_(norm_weights) {}

    // A vector of n floats. Missing: an error where required, else nullptr.
    Status find_vector(const std::string& name, std::uint64_t n, bool required,
                       const TensorView*& out) {
        GYRE_TRY(find(name, required, out));
        if (out == nullptr) return {};
        if (out->n_rows() != 1 || out->dims[0] != n) return wrong_shape(*out, dims_text({&n, 1}));
        return check_floats(*out);
    }

    // A matrix [n_out][n_in], required; n_out is the least number of rows where more may follow.
    Status find_matrix(const std::string& name, std::uint64_t n_out, std::uint64_t n_in,
                       const TensorView*& out, bool more_rows = false) {
        GYRE_TRY(find(name, true, out));
        const bool rows_fit = more_rows ? out->dims[1] >= n_out : out->dims[1] == n_out;
        if (out->dims[0] != n_in || !rows_fit || out->dims[2] != 1 || out->dims[3] != 1) {
            const std::uint64_t expected[2] = {n_in, n_out};
            return wrong_shape(*out, dims_text(expected) + (more_rows ? " or more rows" : ""));
        }
        return {};
    }

    Status find_norm(const std::string& name, std::uint64_t n, NormTensors& out) {
        if (!norm_weights_) return {};
        GYRE_TRY(find_vector(name + ".weight", n, true, out.weight));
        return find_vector(name + ".bias", n, false, out.bias);
    }

    // Of queries or keys, without a bias.
    Status find_gains(const std::string& name, QkNorm norm, std::uint64_t heads,
                      std::uint64_t head_dim, NormTensors& out) {
        if (norm == QkNorm::kHeadsOwn) {
            GYRE_TRY(find_matrix(name + ".weight", heads, head_dim, out.weight));
            return check_floats(*out.weight);
        }
        const std::uint64_t n = norm == QkNorm::kRows ? heads * head_dim : head_dim;
        return find_vector(name + ".weight", n, true, out.weight);
    }

    Status find_linear(const std::string& name, std::uint64_t n_out, std::uint64_t n_in,
                       ProjectionKind kind, LinearTensors& out) {
        if (kind == ProjectionKind::kComplex) {
            GYRE_TRY(find_matrix(name + ".re.weight", n_out / 2, n_in / 2, out.weight));
            GYRE_TRY(find_matrix(name + ".im.weight", n_out / 2, n_in / 2, out.imag));
        } else {
            GYRE_TRY(find_matrix(name + ".weight", n_out, n_in, out.weight));
        }
        return find_vector(name + ".bias", n_out, false, out.bias);
    }

    // Of queries, keys and values, whose matrices were joined by who left their biases alone.
    Status find_separate_biases(const std::string& blk, const TensorNames& names,
                                std::uint64_t q_rows, std::uint64_t kv_rows, LayerTensors& layer) {
        GYRE_TRY(find_vector(blk + names.attn_q + ".bias", q_rows, false, layer.attn_q.bias));
        GYRE_TRY(find_vector(blk + names.attn_k + ".bias", kv_rows, false, layer.attn_k.bias));
        return find_vector(blk + names.attn_v + ".bias", kv_rows, false, layer.attn_v.bias);
    }

    // Two matrices [n_out][n_in], one after the other in one tensor. Nobody writes biases of it.
    Status find_both(const std::string& name, std::uint64_t n_out, std::uint64_t n_in,
                     std::vector<std::unique_ptr<TensorView>>& parts, LinearTensors& first,
                     LinearTensors& second) {
        const TensorView* both = nullptr;
        GYRE_TRY(find_matrix(name + ".weight", 2 * n_out, n_in, both));
        for (LinearTensors* linear : {&first, &second}) {
            TensorView& part = *parts.emplace_back(std::make_unique<TensorView>(*both));
            part.dims[1] = n_out;
            const std::size_t n_bytes = both->bytes.size() / 2;
            part.bytes = linear == &first ? both->bytes.first(n_bytes) : both->bytes.last(n_bytes);
            linear->weight = &part;
        }
        return {};
    }

    // A bias in some layers and not in others: nobody makes such models, so one was lost.
    Status check_alike() {
        for (const auto& [suffix, seen] : optional_) {
            if (seen.with.empty() || seen.without.empty()) continue;
            GYRE_TRY(file_.refuse(
                seen.without,
                "tensor '" + seen.without + "': missing, but the file has '" + seen.with + "'"));
        }
        return {};
    }

  private:
    // The first layers with and without an optional tensor: its names there; empty if none.
    struct Seen {
        std::string with, without;
    };

    Status find(const std::string& name, bool required, const TensorView*& out) {
        out = file_.find_tensor(name);
        if (out == nullptr && required) return tensor_error(name, "missing");
        if (!required && name.starts_with("blk.")) {
            Seen& seen = optional_[name.substr(name.find('.', 4))];
            std::string& first = out != nullptr ? seen.with : seen.without;
            if (first.empty()) first = name;
        }
        return {};
    }

    static Status check_floats(const TensorView& tensor) {
        if (format_info(tensor.format).block_elements == 1) return {};
        return tensor_error(tensor.name, std::string("its type is ") +
                                             format_info(tensor.format).name +
                                             "; expected F32, F16 or BF16");
    }

    static Status wrong_shape(const TensorView& tensor, const std::string& expected) {
        return tensor_error(tensor.name,
                            "its dimensions are " +
                                dims_text(std::span(tensor.dims).first(tensor.n_dims)) +
                                "; expected " + expected);
    }

    GgufReading& file_;
    bool norm_weights_;
    std::map<std::string, Seen> optional_;  // by the name after the layer's number
};

Status find_attention(TensorFinder& finder, const ModelConfig& spec, const std::string& blk,
                      LayerTensors& layer) {
    const TensorNames& names = spec.tensor_names;
    const AttentionSpec& attention = spec.attention;
    const std::uint64_t q_rows = std::uint64_t{spec.n_head} * spec.head_dim;
    const std::uint64_t kv_rows = std::uint64_t{spec.n_head_kv} * spec.head_dim;
    if (attention.separate_qkv) {
        const ProjectionKind kind = attention.qkv;
        GYRE_TRY(finder.find_linear(blk + names.attn_q, q_rows, spec.n_embd, kind, layer.attn_q));
        GYRE_TRY(finder.find_linear(blk + names.attn_k, kv_rows, spec.n_embd, kind, layer.attn_k));
        GYRE_TRY(finder.find_linear(blk + names.attn_v, kv_rows, spec.n_embd, kind, layer.attn_v));
    } else {
        GYRE_TRY(finder.find_linear(blk + names.attn_qkv, spec.n_qkv(), spec.n_embd, attention.qkv,
                                    layer.attn_qkv));
        if (layer.attn_qkv.bias == nullptr)
            GYRE_TRY(finder.find_separate_biases(blk, names, q_rows, kv_rows, layer));
    }
    if (attention.qk_norm != QkNorm::kNone) {
        GYRE_TRY(finder.find_gains(blk + names.attn_q_norm, attention.qk_norm, spec.n_head,
                                   spec.head_dim, layer.attn_q_norm));
        GYRE_TRY(finder.find_gains(blk + names.attn_k_norm, attention.qk_norm, spec.n_head_kv,
                                   spec.head_dim, layer.attn_k_norm));
    }
    GYRE_TRY(finder.find_linear(blk + names.attn_output, spec.n_embd, q_rows, attention.output,
                                layer.attn_output));
    if (!attention.sink_logits) return {};
    return finder.find_vector(blk + "attn_sinks.weight", spec.n_head, true, layer.attn_sinks);
}

Status find_layer(TensorFinder& finder, const ModelConfig& spec, std::uint32_t n,
                  ModelTensors& tensors) {
    LayerTensors& layer = tensors.layers[n];
    const TensorNames& names = spec.tensor_names;
    const std::string blk = "blk." + std::to_string(n) + ".";
    const std::uint64_t n_embd = spec.n_embd;
    const ProjectionKind real = ProjectionKind::kReal;
    if (spec.has_norms_before()) {
        GYRE_TRY(finder.find_norm(blk + names.attn_norm, n_embd, layer.attn_norm));
    }
    GYRE_TRY(find_attention(finder, spec, blk, layer));
    if (spec.has_norms_after()) {
        GYRE_TRY(finder.find_norm(blk + names.attn_post_norm, n_embd, layer.attn_post_norm));
        GYRE_TRY(finder.find_norm(blk + names.ffn_post_norm, n_embd, layer.ffn_post_norm));
    }
    if (spec.has_norms_before()) {
        GYRE_TRY(finder.find_norm(blk + names.ffn_norm, n_embd, layer.ffn_norm));
    }
    if (spec.gate_before_up) {
        GYRE_TRY(finder.find_both(blk + names.ffn_up, spec.n_ff, n_embd, tensors.parts,
                                  layer.ffn_gate, layer.ffn_up));
    } else {
        if (spec.gated) {
            GYRE_TRY(
                finder.find_linear(blk + names.ffn_gate, spec.n_ff, n_embd, real, layer.ffn_gate));
        }
        GYRE_TRY(finder.find_linear(blk + names.ffn_up, spec.n_ff, n_embd, real, layer.ffn_up));
    }
    return finder.find_linear(blk + names.ffn_down, n_embd, spec.n_ff, real, layer.ffn_down);
}

}  // namespace

LinearTensors ModelTensors::matrix(MatrixId id) const {
    switch (id.role) {
        case MatrixRole::kTokenEmbd:
            return {token_embd, nullptr, nullptr};
        case MatrixRole::kAttnQkv:
            return layers[id.layer].attn_qkv;
        case MatrixRole::kAttnQ:
            return layers[id.layer].attn_q;
        case MatrixRole::kAttnK:
            return layers[id.layer].attn_k;
        case MatrixRole::kAttnV:
            return layers[id.layer].attn_v;
        case MatrixRole::kAttnOutput:
            return layers[id.layer].attn_output;
        case MatrixRole::kFfnGate:
            return layers[id.layer].ffn_gate;
        case MatrixRole::kFfnUp:
            return layers[id.layer].ffn_up;
        case MatrixRole::kFfnDown:
            return layers[id.layer].ffn_down;
        case MatrixRole::kOutput:
            return {output, nullptr, nullptr};
    }
    return {};
}

void ModelTensors::forget_data() {
    for (const auto& part : parts)
        part->bytes = {};
}

Result<ModelTensors> find_model_tensors(GgufReading& file, const ModelConfig& config) {
    TensorFinder finder(file, config.norm_weights);
    ModelTensors tensors;
    GYRE_TRY(
        finder.find_matrix("token_embd.weight", config.n_vocab, config.n_embd, tensors.token_embd));
    if (config.position == PositionKind::kLearned) {
        GYRE_TRY(finder.find_matrix("position_embd.weight", config.n_ctx, config.n_embd,
                                    tensors.position_embd, true));
    }
    if (config.embedding_norm) {
        GYRE_TRY(finder.find_norm("token_embd_norm", config.n_embd, tensors.token_embd_norm));
    }
    tensors.layers.resize(config.n_layer);
    for (std::uint32_t n = 0; n < config.n_layer; ++n) {
        GYRE_TRY(find_layer(finder, config, n, tensors));
    }
    GYRE_TRY(finder.find_norm("output_norm", config.n_embd, tensors.output_norm));
    tensors.output = tensors.token_embd;
    if (!config.tied) {
        GYRE_TRY(
            finder.find_matrix("output.weight", config.n_vocab, config.n_embd, tensors.output));
    }
    GYRE_TRY(finder.find_vector("output.bias", config.n_vocab, false, tensors.output_bias));
    GYRE_TRY(finder.check_alike());
    GYRE_TRY(file.refuse_unread_tensors(config.n_layer));
    return tensors;
}

void read_floats(const TensorView& tensor, std::span<float> dst) {
    assert(dst.size() == tensor.n_elements());
    const auto n_in = static_cast<std::size_t>(tensor.dims[0]);
    const auto size = static_cast<std::size_t>(row_bytes(tensor.format, n_in));
    for (std::size_t r = 0; r < tensor.n_rows(); ++r) {
        dequantize_row(tensor.format, tensor.bytes.subspan(r * size, size),
                       dst.subspan(r * n_in, n_in));
    }
}

std::vector<float> read_floats(const TensorView& tensor) {
    std::vector<float> values(static_cast<std::size_t>(tensor.n_elements()));
    read_floats(tensor, values);
    return values;
}

}  // namespace gyre
