// SPDX-License-Identifier: Apache-2.0
#include "tests/engine/spec_model.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "tests/model/gguf_builder.h"
#include "tests/reference/activation.h"
#include "tests/reference/attention.h"
#include "tests/reference/generator.h"
#include "tests/reference/layer_norm.h"
#include "tests/reference/linear.h"

namespace gyre::test {
namespace {

using Doubles = std::vector<double>;

// Writes the tensors of a spec under the names of the GGUF ecosystem.
class SpecWriter {
  public:
    SpecWriter(const ModelSpec& spec, bool biases) : spec_(spec), biases_(biases) {}

    std::vector<std::uint8_t> write() {
        matrix("token_embd", spec_.n_vocab, spec_.n_embd, 1.0f, false);
        if (spec_.embedding_norm) norm("token_embd_norm", spec_.n_embd, biases_);
        for (std::uint32_t l = 0; l < spec_.n_layer; ++l)
            layer("blk." + std::to_string(l) + ".");
        norm("output_norm", spec_.n_embd, biases_);
        if (!spec_.tied) matrix("output", spec_.n_vocab, spec_.n_embd, 1.0f, biases_);
        return builder_.build();
    }

  private:
    void layer(const std::string& blk) {
        const std::uint32_t n_q = spec_.n_head * spec_.head_dim;
        const std::uint32_t n_kv = spec_.n_head_kv * spec_.head_dim;
        if (spec_.has_norms_before()) {
            norm(blk + "attn_norm", spec_.n_embd, biases_);
            norm(blk + "ffn_norm", spec_.n_embd, biases_);
        }
        if (spec_.has_norms_after()) {
            norm(blk + "post_attention_norm", spec_.n_embd, biases_);
            norm(blk + "post_ffw_norm", spec_.n_embd, biases_);
        }
        if (spec_.attention.separate_qkv) {
            matrix(blk + "attn_q", n_q, spec_.n_embd, 1.0f, biases_);
            matrix(blk + "attn_k", n_kv, spec_.n_embd, 1.0f, false);  // a part without a bias
            matrix(blk + "attn_v", n_kv, spec_.n_embd, 1.0f, biases_);
        } else {
            matrix(blk + "attn_qkv", n_q + 2 * n_kv, spec_.n_embd, 1.0f, biases_);
        }
        qk_norm(blk + "attn_q_norm", spec_.n_head);
        qk_norm(blk + "attn_k_norm", spec_.n_head_kv);
        matrix(blk + "attn_output", spec_.n_embd, n_q, 1.0f, biases_);
        if (spec_.gated) matrix(blk + "ffn_gate", spec_.n_ff, spec_.n_embd, 1.0f, biases_);
        matrix(blk + "ffn_up", spec_.n_ff, spec_.n_embd, 1.0f, biases_);
        matrix(blk + "ffn_down", spec_.n_embd, spec_.n_ff, 1.0f, biases_);
    }

    void floats(const std::string& name, std::vector<std::uint64_t> dims,
                const std::vector<float>& values) {
        testing::Bytes data;
        for (const float value : values)
            testing::append(data, value);
        builder_.tensor({name, std::move(dims), 0, data});
    }

    void matrix(const std::string& name, std::uint32_t n_out, std::uint32_t n_in, float gain,
                bool bias) {
        const float deviation = gain / std::sqrt(static_cast<float>(n_in));
        floats(name + ".weight", {n_in, n_out},
               random_.bells(std::size_t{n_out} * n_in, deviation));
        if (bias) floats(name + ".bias", {n_out}, random_.bells(n_out, 0.3f));
    }

    std::vector<float> gains(std::uint32_t n) {
        std::vector<float> gains = random_.bells(n, 0.3f);
        for (float& gain : gains)
            gain += 1.0f;
        return gains;
    }

    void norm(const std::string& name, std::uint32_t n, bool bias) {
        if (!spec_.norm_weights) return;
        floats(name + ".weight", {n}, gains(n));
        if (bias) floats(name + ".bias", {n}, random_.bells(n, 0.3f));
    }

    void qk_norm(const std::string& name, std::uint32_t heads) {
        const std::uint32_t head_dim = spec_.head_dim;
        switch (spec_.attention.qk_norm) {
            case QkNorm::kNone:
                return;
            case QkNorm::kHeads:
            case QkNorm::kHeadsRotated:
                return floats(name + ".weight", {head_dim}, gains(head_dim));
            case QkNorm::kHeadsOwn:
                return floats(name + ".weight", {head_dim, heads}, gains(heads * head_dim));
            case QkNorm::kRows:
                return floats(name + ".weight", {heads * head_dim}, gains(heads * head_dim));
        }
    }

    const ModelSpec& spec_;
    bool biases_;
    testing::GgufBuilder builder_;
    reference::Generator random_{17};
};

Doubles doubles(const TensorView* tensor) {
    if (tensor == nullptr) return {};
    return reference::widen(read_floats(*tensor));
}

// A forward pass over all tokens, with nothing of runtime but the tensors and the spec.
class Reference {
  public:
    Reference(const ModelSpec& spec, const ModelTensors& tensors)
        : spec_(spec), tensors_(tensors) {}

    Doubles logits(Ids tokens) const {
        const Doubles table = doubles(tensors_.token_embd);
        Doubles x;
        for (const std::uint32_t token : tokens) {
            for (std::uint32_t i = 0; i < spec_.n_embd; ++i)
                x.push_back(spec_.embedding_scale * table[std::size_t{token} * spec_.n_embd + i]);
        }
        if (spec_.embedding_norm) x = norm(x, tensors_.token_embd_norm, spec_.n_embd);
        for (std::uint32_t l = 0; l < spec_.n_layer; ++l) {
            const LayerTensors& layer = tensors_.layers[l];
            const Doubles attended = attention(before(x, layer.attn_norm), layer, l, tokens.size());
            if (!spec_.parallel_residual) add(x, after(attended, layer.attn_post_norm));
            const Doubles fed = feed_forward(before(x, layer.ffn_norm), layer);
            if (spec_.parallel_residual) add(x, after(attended, layer.attn_post_norm));
            add(x, after(fed, layer.ffn_post_norm));
        }
        Doubles logits = product(norm(x, tensors_.output_norm, spec_.n_embd),
                                 {tensors_.output, nullptr, tensors_.output_bias}, spec_.n_embd);
        for (double& logit : logits) {
            logit *= spec_.logit_scale;
            if (spec_.logit_cap != 0) logit = reference::soft_cap(logit, spec_.logit_cap);
        }
        return logits;
    }

  private:
    Doubles norm(const Doubles& x, const NormTensors& norm, std::uint32_t n) const {
        Doubles gain = doubles(norm.weight);
        const Doubles bias = doubles(norm.bias);
        if (gain.empty()) gain.assign(n, 1.0);
        const double epsilon = spec_.layer_norm_epsilon;
        return spec_.norm == NormKind::kRms ? reference::rms_norm(x, n, gain, bias, epsilon)
                                            : reference::layer_norm(x, n, gain, bias, epsilon);
    }
    Doubles before(const Doubles& x, const NormTensors& norms) const {
        return spec_.has_norms_before() ? norm(x, norms, spec_.n_embd) : x;
    }
    Doubles after(const Doubles& y, const NormTensors& norms) const {
        return spec_.has_norms_after() ? norm(y, norms, spec_.n_embd) : y;
    }
    void add(Doubles& x, const Doubles& y) const {
        for (std::size_t i = 0; i < x.size(); ++i)
            x[i] += spec_.residual_scale * y[i];
    }
    static Doubles product(const Doubles& x, const LinearTensors& linear, std::uint32_t n_in) {
        return reference::linear(x, doubles(linear.weight), doubles(linear.bias), n_in);
    }

    Doubles feed_forward(const Doubles& x, const LayerTensors& layer) const {
        Doubles up = product(x, layer.ffn_up, spec_.n_embd);
        const Doubles gate = spec_.gated ? product(x, layer.ffn_gate, spec_.n_embd) : up;
        for (std::size_t i = 0; i < up.size(); ++i) {
            const double active = activate(gate[i]);
            up[i] = spec_.gated ? active * up[i] : active;
        }
        return product(up, layer.ffn_down, spec_.n_ff);
    }
    double activate(double x) const {
        switch (spec_.activation) {
            case Activation::kGeluTanh:
                return reference::gelu_tanh(x);
            case Activation::kGeluErf:
                return reference::gelu_erf(x);
            case Activation::kRelu2:
                return reference::relu2(x);
            case Activation::kSilu:
                return reference::silu(x);
        }
        return x;
    }

    // Rows [first, first + n) of every token's row of `width`.
    static Doubles columns(const Doubles& rows, std::size_t width, std::size_t first,
                           std::size_t n) {
        Doubles part;
        for (std::size_t row = 0; row < rows.size(); row += width)
            part.insert(part.end(), rows.begin() + static_cast<std::ptrdiff_t>(row + first),
                        rows.begin() + static_cast<std::ptrdiff_t>(row + first + n));
        return part;
    }

    Doubles attention(const Doubles& x, const LayerTensors& layer, std::uint32_t l,
                      std::size_t n_tokens) const {
        const std::size_t n_q = std::size_t{spec_.n_head} * spec_.head_dim;
        const std::size_t n_kv = std::size_t{spec_.n_head_kv} * spec_.head_dim;
        Doubles q, k, v;
        if (spec_.attention.separate_qkv) {
            q = product(x, layer.attn_q, spec_.n_embd);
            k = product(x, layer.attn_k, spec_.n_embd);
            v = product(x, layer.attn_v, spec_.n_embd);
        } else {
            const Doubles all = product(x, layer.attn_qkv, spec_.n_embd);
            q = columns(all, n_q + 2 * n_kv, 0, n_q);
            k = columns(all, n_q + 2 * n_kv, n_q, n_kv);
            v = columns(all, n_q + 2 * n_kv, n_q + n_kv, n_kv);
        }
        clamp(q);
        clamp(k);
        clamp(v);
        Doubles positions;
        for (std::size_t t = 0; t < n_tokens; ++t)
            positions.push_back(static_cast<double>(t));
        reference::AttentionOptions options;
        options.n_heads = spec_.n_head;
        options.n_kv_heads = spec_.n_head_kv;
        options.head_dim = spec_.head_dim;
        options.window = spec_.window(l);
        options.score_scale = spec_.attention.score_scale;
        options.score_cap = spec_.attention.score_cap;
        options.alibi = spec_.position == PositionKind::kAlibi;
        options.alibi_max = spec_.alibi_max;
        if (spec_.position == PositionKind::kRotary) options.pairs = pairs(l);
        if (spec_.attention.qk_norm == QkNorm::kHeadsRotated) {
            options.rotate_keys = false;
            q = reference::rotate_heads(q, spec_.n_head, spec_.head_dim, options.pairs, positions);
            k = reference::rotate_heads(k, spec_.n_head_kv, spec_.head_dim, options.pairs,
                                        positions);
        }
        q = qk_norm(q, layer.attn_q_norm, spec_.n_head);
        k = qk_norm(k, layer.attn_k_norm, spec_.n_head_kv);
        return product(reference::attention(options, q, k, v, positions, positions),
                       layer.attn_output, static_cast<std::uint32_t>(n_q));
    }
    void clamp(Doubles& rows) const {
        const double limit = spec_.attention.clamp;
        if (limit == 0) return;
        for (double& value : rows)
            value = std::clamp(value, -limit, limit);
    }
    // Of rows of so many heads: by heads or by rows, whose gains follow each other.
    Doubles qk_norm(const Doubles& x, const NormTensors& tensors, std::uint32_t heads) const {
        const QkNorm kind = spec_.attention.qk_norm;
        if (kind == QkNorm::kNone) return x;
        const std::uint32_t n = spec_.head_dim * (kind == QkNorm::kRows ? heads : 1);
        Doubles y = norm(x, {}, n);
        const Doubles gains = doubles(tensors.weight);
        for (std::size_t i = 0; i < y.size(); ++i)
            y[i] *= gains[i % gains.size()];
        return y;
    }
    std::vector<reference::TurningPair> pairs(std::uint32_t l) const {
        const std::uint32_t which = spec_.rotary_of(l);
        const RotaryRecipe& recipe = which == 0 ? spec_.rotary : spec_.other_rotary[which - 1];
        const auto pairing = recipe.pairing == RotaryPairing::kHalf
                                 ? reference::Pairing::kHalf
                                 : reference::Pairing::kInterleaved;
        return reference::rotating_pairs(
            pairing, reference::standard_inv_freq(recipe.rotary_dim, recipe.theta));
    }

    const ModelSpec& spec_;
    const ModelTensors& tensors_;
};

}  // namespace

SpecModel::SpecModel(const ModelSpec& spec, bool biases)
    : bytes_(SpecWriter(spec, biases).write()) {
    auto file = GgufFile::read(MappedFile::borrow(bytes_));
    require(file.status());
    ModelConfig config;
    static_cast<ModelSpec&>(config) = spec;
    config.n_tokens = spec.n_vocab;
    file_ = std::make_unique<ModelFile>(ModelFile{"a spec",
                                                  bytes_.size(),
                                                  std::move(file->files),
                                                  std::move(file->gguf),
                                                  std::move(config),
                                                  {},
                                                  {}});
    GgufReading reading(file_->gguf);
    auto tensors = find_model_tensors(reading, file_->config);
    require(tensors.status());
    file_->tensors = std::move(tensors).value();
}

std::vector<double> SpecModel::logits(Ids tokens) const {
    return Reference(spec(), file_->tensors).logits(tokens);
}

}  // namespace gyre::test
