// Lays a block out in the five bindings and records it as the schedule does.
// SPDX-License-Identifier: Apache-2.0
#include "tests/conformance/attention_block.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "runtime/engine/kv_cache.h"
#include "runtime/kernels/kernels.h"
#include "runtime/model/model_weights.h"
#include "runtime/model/rotary_table.h"
#include "runtime/model/weight_formats.h"
#include "tests/support/test_buffer.h"

namespace gyre::test {
namespace {

// Prompts in tiles of eight tokens; single tokens with the sum split over invocations.
constexpr Tiling kPrompt{.local_size = 32, .rows = 4, .tokens = 8, .k_lanes = 1};
constexpr std::uint32_t kAttentionSplits = 3;
constexpr Tiling kDecodeSplit{.local_size = 64, .rows = 2, .tokens = 1, .k_lanes = 8};
constexpr Tiling kDecode{.local_size = 32, .rows = 4, .tokens = 1, .k_lanes = 1};

// Tokens that go through the kernels together.
struct Batch {
    std::uint32_t first_token = 0;
    std::uint32_t n_tokens = 0;
    std::uint32_t first_cell = 0;
};

std::uint32_t align(std::uint32_t words) {
    return (words + ACTIVATION_ALIGN - 1) / ACTIVATION_ALIGN * ACTIVATION_ALIGN;
}

// A buffer that grows by regions; all that is not an input is a NaN.
class Words {
  public:
    std::uint32_t add_nans(std::uint32_t n) {
        const auto at = static_cast<std::uint32_t>(words_.size());
        words_.resize(at + align(n), kPoison);
        return at;
    }
    std::uint32_t add(std::span<const float> values) {
        const std::uint32_t at = add_nans(static_cast<std::uint32_t>(values.size()));
        if (!values.empty()) std::memcpy(words_.data() + at, values.data(), values.size_bytes());
        return at;
    }
    // [n_rows][align(n_cols)], padded with zeros as activations are.
    std::uint32_t add_rows(std::span<const float> values, std::uint32_t n_cols) {
        const std::size_t n_rows = values.size() / n_cols;
        const std::uint32_t stride = align(n_cols);
        std::vector<float> padded(n_rows * stride, 0.0f);
        for (std::size_t r = 0; r < n_rows; ++r)
            std::copy_n(values.begin() + static_cast<std::ptrdiff_t>(r * n_cols), n_cols,
                        padded.begin() + static_cast<std::ptrdiff_t>(r * stride));
        return add(padded);
    }
    const std::vector<std::uint32_t>& words() const { return words_; }

  private:
    std::vector<std::uint32_t> words_;
};

// What the kernels of a batch bind.
struct Sets {
    DescriptorSet product;
    DescriptorSet attention;  // and what else is without weights
};

class BlockRun {
  public:
    BlockRun(Device& device, KernelTable& kernels, const AttentionBlock& block)
        : device_(device),
          kernels_(kernels),
          block_(block),
          config_(*block.config),
          shape_(CacheShape::of(config_, block.cache, block.n_tokens)) {}

    Result<std::vector<float>> run() {
        lay_out();
        GYRE_TRY(make_kernels());
        const TestBuffer state(device_, state_.words(), state_.words().size());
        const TestBuffer weights(device_, weights_, weights_.size());
        const TestBuffer params(device_, params_.words(), params_.words().size());
        // Cells are zero at first, as in a session: their padding is read and never written.
        const std::vector<std::uint32_t> zeros(shape_.layer_words(), 0);
        const TestBuffer cache(device_, zeros, zeros.size());

        const TexelViews views = cache_texels() ? 1u << BINDING_CACHE | 1u << BINDING_VALUES : 0;
        GYRE_ASSIGN(CommandRecorder recorder, CommandRecorder::create(device_));
        std::vector<TestBuffer> steps;
        std::vector<Sets> sets;
        const auto batches = batch_list();
        for (const Batch& batch : batches) {
            const StepBlock block{{batch.first_cell, batch.n_tokens, 0, 0}, session_of(batch)};
            std::vector<std::uint32_t> words(sizeof(block) / 4);
            std::memcpy(words.data(), &block, sizeof(block));
            steps.emplace_back(device_, words, words.size());
            BindingRanges ranges{state.range(), weights.range(), params.range(), cache.range(),
                                 steps.back().range()};
            GYRE_ASSIGN(DescriptorSet product, DescriptorSet::create(device_, ranges, "product"));
            ranges[BINDING_VALUES] = cache.range();
            GYRE_ASSIGN(DescriptorSet attention,
                        DescriptorSet::create(device_, ranges, "attention", views));
            sets.push_back({std::move(product), std::move(attention)});
        }
        GYRE_TRY(recorder.begin());
        for (std::size_t b = 0; b < batches.size(); ++b) {
            record(recorder, sets[b], batches[b]);
            if (b == 0 && block_.n_dropped != 0) record_shift(recorder, sets[b].attention);
        }
        GYRE_TRY(recorder.end());
        GYRE_TRY(device_.run(recorder));
        return mix_of(state.read<float>());
    }

  private:
    // One prompt, then the other tokens one by one.
    std::vector<Batch> batch_list() const {
        std::vector<Batch> batches = {{0, block_.n_prompt, 0}};
        for (std::uint32_t t = block_.n_prompt; t < block_.n_tokens; ++t)
            batches.push_back({t, 1, t - block_.n_dropped});
        return batches;
    }

    void lay_out() {
        const std::uint32_t n = block_.n_tokens;
        x_ = state_.add_rows(block_.x, config_.n_embd);
        q_ = state_.add_nans(n * q_stride());
        kv_ = state_.add_nans(n * kv_stride());
        mix_ = state_.add_nans(n * mix_stride());
        partials_ =
            state_.add_nans(config_.n_head * kAttentionSplits * (2 * block_.spec.n_pairs() + 2));
        tickets_ = state_.add(std::vector<float>(config_.n_head));
        if (block_.spec.rotates()) lay_out_tables();
        std::vector<float> scales(n);
        for (std::uint32_t t = 0; t < n; ++t) {
            scales[t] =
                static_cast<float>(block_.spec.temperature.factor(block_.first_position + t + 1));
        }
        scales_ = state_.add(scales);
        bias_ = block_.bias.empty() ? NO_OFFSET : params_.add(block_.bias);
        sinks_ = params_.add(block_.sinks);
        slopes_ = params_.add(alibi_slopes(config_.n_head));
        lay_out_weights();
    }

    void lay_out_tables() {
        const RotarySpec& spec = block_.spec;
        const std::uint32_t n = block_.n_tokens, n_pairs = spec.n_pairs();
        const auto add_table = [&](RotaryTable which) {
            std::vector<float> table(rotary_table_floats(spec, n));
            const double middle = block_.first_position + n / 2.0;
            fill_rotary_table(spec, which, block_.first_position, n, middle, table);
            return state_.add(table);
        };
        query_table_ = add_table(RotaryTable::kQueries);
        key_table_ = add_table(RotaryTable::kKeys);
        value_table_ = add_table(RotaryTable::kValues);

        std::vector<float> rotation(std::size_t{n_pairs} * 2);
        fill_rotary_rows(spec, 1.0, block_.n_dropped, 1, rotation);
        for (std::size_t i = 1; i < rotation.size(); i += 2)
            rotation[i] = -rotation[i];  // towards the front
        value_rotation_ = state_.add(rotation);
        // A key at t was multiplied by exp(-log_decay t), and t becomes t - n_dropped.
        for (std::size_t p = 0; p < spec.log_decay.size(); ++p) {
            const auto decay = static_cast<float>(std::exp(spec.log_decay[p] * block_.n_dropped));
            rotation[2 * p] *= decay;
            rotation[2 * p + 1] *= decay;
        }
        key_rotation_ = state_.add(rotation);
    }

    void lay_out_weights() {
        const bool is_complex = !block_.imaginary.empty();
        const std::uint32_t parts = is_complex ? 2 : 1;
        const DeviceMatrix layout{WeightFormat::kF32, config_.n_qkv() / parts,
                                  config_.n_embd / parts};
        const std::uint64_t words = layout.size_words();
        weights_.resize(words * parts);
        for (std::uint32_t part = 0; part < parts; ++part) {
            const auto values = std::as_bytes(part == 0 ? block_.weight : block_.imaginary);
            repack_rows(layout,
                        {reinterpret_cast<const std::uint8_t*>(values.data()), values.size_bytes()},
                        0, layout.n_rows, std::span(weights_).subspan(part * words, words));
        }
        matrix_.n_rows = config_.n_qkv();
        matrix_.n_in = config_.n_embd;
        matrix_.complex = is_complex;
        matrix_.n_chunks = layout.n_chunks();
        matrix_.n_steps = layout.n_chunks();  // float32: a step is a chunk
        matrix_.slices.push_back({{},
                                  0,
                                  matrix_.n_rows,
                                  layout.block_rows(),
                                  layout.block_vecs(),
                                  static_cast<std::uint32_t>(words / 4)});
    }

    Status make_kernels() {
        const bool rotates = block_.spec.rotates();
        const RotaryKernelSpec rotary{block_.spec.pairing, rotates && block_.spec.rotate_keys,
                                      rotates ? block_.spec.values : ValueRotation::kNone};
        QkvVariant qkv;
        qkv.complex = matrix_.complex;
        qkv.cache = block_.cache;
        qkv.rotary = rotary;
        qkv.tiling = kPrompt;
        GYRE_ASSIGN(qkv_prompt_, kernels_.get(qkv));
        qkv.tiling = block_.split_sums ? kDecodeSplit : kDecode;
        GYRE_ASSIGN(qkv_decode_, kernels_.get(qkv));
        AttentionVariant attention;
        attention.cache = block_.cache;
        attention.rotary = rotary;
        attention.n_pairs = block_.spec.n_pairs();
        attention.alibi = config_.position == PositionKind::kAlibi;
        attention.window = config_.attention.sliding_window != 0;
        attention.scales = block_.spec.temperature.active();
        attention.sink_logits = config_.attention.sink_logits;
        attention.local_size = block_.streams ? 8 : attention.n_pairs > 64 ? 128 : 64;
        attention.queries = block_.streams ? attention.local_size : 0;
        attention.texels = cache_texels();
        GYRE_ASSIGN(attention_prompt_, kernels_.get(attention));
        if (block_.streams && block_.split_sums) attention.queries = 1;
        if (!block_.streams && block_.split_sums) attention.splits = kAttentionSplits;
        GYRE_ASSIGN(attention_decode_, kernels_.get(attention));
        if (block_.cache == CacheFormat::kQ8_0) {
            GYRE_ASSIGN(quantize_, kernels_.get(QuantizeCacheVariant{}));
        }
        RotaryKernelSpec shifted = rotary;
        if (!block_.shift_rotates_values) shifted.values = ValueRotation::kNone;
        if (block_.n_dropped != 0) {
            GYRE_ASSIGN(shift_, kernels_.get(ShiftCacheVariant{block_.cache, shifted}));
        }
        return {};
    }

    // Rows of a batch begin with its first token, which a session does not need.
    SessionParams session_of(const Batch& batch) const {
        SessionParams session{};
        session.n_ctx = shape_.n_ctx;
        session.head_words = shape_.head_words;
        session.n_head = config_.n_head;
        session.n_head_kv = config_.n_head_kv;
        session.head_dim = config_.head_dim;
        session.n_embd = config_.n_embd;
        session.row_stride = align(config_.n_embd);
        session.q_offset = q_ + batch.first_token * q_stride();
        session.q_stride = q_stride();
        session.kv_offset = kv_ + batch.first_token * kv_stride();
        session.kv_stride = kv_stride();
        session.mix_stride = mix_stride();
        session.sink_tokens = config_.attention.sink_tokens;
        session.scales_offset = scales_;
        session.partials = partials_;
        session.tickets = tickets_;
        return session;
    }

    void record_shift(CommandRecorder& recorder, const DescriptorSet& set) const {
        ShiftCacheParams shift{};
        shift.cache = shape_.layout();
        shift.from = block_.n_dropped;
        shift.to = 0;
        shift.n_cells = block_.n_prompt - block_.n_dropped;
        shift.n_head_kv = config_.n_head_kv;
        shift.n_pairs = block_.spec.n_pairs();
        shift.key_rotation = key_rotation_;
        shift.value_rotation = value_rotation_;
        record_shift_cache(recorder, shift_, set, shift);
    }

    void record(CommandRecorder& recorder, const Sets& sets, const Batch& batch) const {
        const std::uint32_t t = batch.first_token;
        QkvParams qkv{};
        qkv.x_offset = x_ + t * align(config_.n_embd);
        qkv.n_tokens = batch.n_tokens;
        qkv.bias_offset = bias_;
        qkv.rotary_stride = block_.spec.stride;
        qkv.query_table = query_table_;
        qkv.key_table = key_table_;
        qkv.value_table = value_table_;
        qkv.v_offset = shape_.layout().v_offset;
        describe_slice(matrix_, matrix_.slices[0], config_.head_dim, qkv);
        record_qkv(recorder, t >= block_.n_prompt ? qkv_decode_ : qkv_prompt_, sets.product, qkv,
                   config_.head_dim);
        if (block_.cache == CacheFormat::kQ8_0) {
            record_quantize_cache(recorder, quantize_, sets.attention,
                                  {shape_.layout(), kv_ + t * kv_stride(), kv_stride(),
                                   batch.n_tokens, config_.n_head_kv, block_.spec.n_pairs()});
        }
        AttentionParams attention{};
        attention.q_offset = q_ + t * q_stride();
        attention.mix_offset = mix_ + t * mix_stride();
        attention.n_tokens = batch.n_tokens;
        attention.n_head = config_.n_head;
        attention.n_head_kv = config_.n_head_kv;
        attention.rotary_stride = block_.spec.stride;
        attention.value_table = value_table_;
        attention.cache = shape_.layout();
        attention.scale =
            static_cast<float>(1.0 / std::sqrt(static_cast<double>(config_.head_dim)));
        attention.slopes_offset = slopes_;
        attention.window = config_.attention.sliding_window;
        attention.sink_logits_offset = sinks_;
        record_attention(recorder, t >= block_.n_prompt ? attention_decode_ : attention_prompt_,
                         sets.attention, attention);
    }

    std::vector<float> mix_of(const std::vector<float>& state) const {
        std::vector<float> mix;
        for (std::uint32_t t = 0; t < block_.n_tokens; ++t) {
            const auto row = state.begin() + mix_ + t * mix_stride();
            mix.insert(mix.end(), row, row + config_.n_head * config_.head_dim);
        }
        return mix;
    }

    bool cache_texels() const { return texels_fit(device_.caps(), shape_.layer_words() * 4); }
    std::uint32_t q_stride() const { return align(config_.n_head * block_.spec.n_pairs() * 2); }
    std::uint32_t kv_stride() const {
        return align(2 * config_.n_head_kv * block_.spec.n_pairs() * 2);
    }
    std::uint32_t mix_stride() const { return align(config_.n_head * config_.head_dim); }

    Device& device_;
    KernelTable& kernels_;
    const AttentionBlock& block_;
    const ModelConfig& config_;
    CacheShape shape_;
    Words state_, params_;
    std::vector<std::uint32_t> weights_;
    WeightMatrix matrix_;
    Kernel qkv_prompt_, qkv_decode_, attention_prompt_, attention_decode_, quantize_, shift_;
    std::uint32_t x_ = 0, q_ = 0, kv_ = 0, mix_ = 0, partials_ = 0, tickets_ = 0;  // state words
    std::uint32_t query_table_ = 0, key_table_ = 0, value_table_ = 0, scales_ = 0;
    std::uint32_t key_rotation_ = 0, value_rotation_ = 0;
    std::uint32_t bias_ = 0, sinks_ = 0, slopes_ = 0;  // params words
};

}  // namespace

Result<std::vector<float>> run_attention_block(Device& device, KernelTable& kernels,
                                               const AttentionBlock& block) {
    return BlockRun(device, kernels, block).run();
}

}  // namespace gyre::test
