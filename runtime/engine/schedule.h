// How a GPT-2-style layer becomes dispatches: the file to read first.
// SPDX-License-Identifier: Apache-2.0
//
//   embed                                                    x = token_embd[token] (+ position)
//   for every layer
//     norm_qkv_rotary   q = turned queries; turned keys and (RoVE) values into the cache
//     attention         mix = softmax(q k) v, turned back under RoVE
//     project           x += attn_output(mix)
//     norm_up_activate  hidden = activation(ffn_up(norm(x)))
//     down              x += ffn_down(hidden)
//   norm_logits                                              logits = output(norm(x))
//
// Decoding fuses the norms into products, 5 dispatches a layer: each into the product that reads
// it, where every workgroup normalises for itself, or (norms behind) into the one that made the
// sum, whose last workgroup normalises it for all. Prompts are processed by the same kernels in
// tiles of tokens, with the norms as dispatches of their own.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "runtime/base/status.h"
#include "runtime/engine/kv_cache.h"
#include "runtime/engine/model.h"
#include "runtime/engine/tilings.h"
#include "runtime/kernels/kernels.h"
#include "runtime/vk/descriptor_set.h"
#include "runtime/vk/dispatcher.h"

namespace gyre {

// Where the activations lie in the session's state buffer: words, rows padded to ACTIVATION_ALIGN.
struct ActivationLayout {
    std::uint32_t chunk = 0;        // tokens processed at once
    std::uint32_t embd_stride = 0;  // words of a row of x and normed
    std::uint32_t q_stride = 0;     // words of a token's queries, in pair order
    std::uint32_t kv_stride = 0;
    std::uint32_t mix_stride = 0;
    std::uint32_t hidden_stride = 0;
    std::uint32_t x = 0;            // [chunk][embd_stride]
    std::uint32_t normed = 0;       // [chunk][embd_stride]
    std::uint32_t q = 0;            // [chunk][q_stride]
    std::uint32_t mix = 0;          // [chunk][mix_stride]
    std::uint32_t hidden = 0;       // [chunk][hidden_stride]
    std::uint32_t kv = 0;           // [chunk][kv_stride] keys and values for a Q8_0 cache
    std::uint32_t query_table = 0;  // [n_ctx][n_pairs] (cos, sin) for the queries
    std::uint32_t key_table = 0;    // for the keys; query_table unless they decay (xPos)
    std::uint32_t value_table =
        0;                     // for the values: unit amplitude; query_table where that is the same
    std::uint32_t scales = 0;  // [n_ctx] temperature factors
    std::uint32_t turns = 0;   // [keys, values][n_pairs] (cos, sin) of a cache shift
    std::uint32_t ticket = 0;  // [1] of norms behind a product
    std::uint32_t attention_splits = 1;    // workgroups that share a decoded token's query
    std::uint32_t attention_tickets = 0;   // [n_head], with splits
    std::uint32_t attention_partials = 0;  // [n_head][attention_splits][2 n_pairs + 2], too
    std::uint64_t words = 0;               // of the whole buffer

    static ActivationLayout of(const ModelConfig& config, const RotarySpec& rotary,
                               CacheFormat cache, std::uint32_t chunk, std::uint32_t n_ctx,
                               std::uint32_t attention_splits);
};

// The buffers of a session that the schedule binds.
struct ScheduleBuffers {
    BufferRange state;       // ActivationLayout::words
    BufferRange tokens;      // [chunk] u32
    BufferRange step;        // StepState
    BufferRange logits;      // [1][n_vocab] f32: of the last token
    BufferRange all_logits;  // [rows][n_vocab] f32, or no buffer
};

enum class LogitsOf { kNone, kLastToken, kEveryToken };

class Schedule {
  public:
    // What is done of the kernels, 0 to 1; an error ends the building.
    using Progress = std::function<Status(double fraction)>;

    // The buffers, cache and model must outlive it. Compiles what the model needs.
    static Result<Schedule> create(const Model& model, const KvCache& cache,
                                   const RotarySpec& rotary, const ActivationLayout& layout,
                                   const ScheduleBuffers& buffers, const Progress& progress = {});

    // Every operation ends with a timestamp of its name and layer (kNoLayer: embed, norm_logits),
    // for recorders that take them.
    static constexpr std::uint32_t kNoLayer = 0xffffffffu;
    std::uint32_t n_timestamps() const;  // at most, with one before the first operation

    // One decoded token, by the fused kernels. Every dispatch is announced with its costs, kinds of
    // work as in work_rates.h; first_position is for them alone, StepState has the token's.
    void record_decode(Dispatcher& recorder, std::uint32_t first_position = 0) const;
    // Moves n_cells cells from `from` to `to` < from, turned by the state's turns.
    void record_shift(Dispatcher& recorder, std::uint32_t from, std::uint32_t to,
                      std::uint32_t n_cells) const;
    // n_tokens <= layout.chunk of a prompt. kEveryToken: n_tokens rows of all_logits.
    void record_prefill(Dispatcher& recorder, std::uint32_t n_tokens, LogitsOf logits,
                        std::uint32_t first_position = 0) const;

  private:
    // A product's kernels for both phases, and a descriptor set a slice.
    struct Product {
        Kernel decode, prefill;
        const WeightMatrix* matrix = nullptr;
        ParamsOffset bias = NO_OFFSET;
        std::vector<DescriptorSet> sets;  // [slices]
        bool fused_norm = false;          // decode: the kernel normalises x itself
    };
    struct Layer {
        Product qkv, output, up, down;
        std::vector<DescriptorSet> attention;  // one
    };
    // What differs between one decoded token and a chunk of a prompt.
    struct Phase {
        Dispatcher& recorder;
        bool decode;
        std::uint32_t n_tokens;
        std::uint32_t first_position;  // of them, for the costs
        bool norms_behind = false;  // `normed` is that of x, without a norm in front of the product

        void product_costs(double multiplications) const;
        void elements_cost(double n) const;  // of what is no product
    };

    Schedule(const Model& model, const KvCache& cache, const RotarySpec& rotary,
             const ActivationLayout& layout, const ScheduleBuffers& buffers)
        : model_(&model), cache_(&cache), rotary_(rotary), layout_(layout), buffers_(buffers) {}

    Status build(const Progress& progress);
    Status build_layer(std::uint32_t l);
    Status build_attention(const Tilings& tilings);
    // x: state word of the first token's row, what the product reads.
    Status build_product(const WeightMatrix& matrix, LinearEpilogue epilogue, std::uint32_t x,
                         const BufferRange& out, Product& product);
    Status build_qkv(const LayerWeights& weights, const BufferRange& cache, Product& product);
    Status build_sets(const WeightMatrix& matrix, std::uint32_t x, const BufferRange& bound,
                      const char* name, std::vector<DescriptorSet>& sets);
    Tiling tiling(const WeightMatrix& matrix, bool decode, ProductRole role) const;
    bool vector_texels_fit() const;
    bool texels_fit(const WeightMatrix& matrix) const;
    bool cache_texels() const;
    bool norms_behind() const { return model_->tilings().norms_behind(); }  // in decode

    void forward(const Phase& phase, LogitsOf logits) const;
    void embed(const Phase& phase) const;
    void norm_qkv_rotary(const Phase& phase, std::uint32_t l) const;
    void quantize_cache(const Phase& phase, std::uint32_t l) const;
    void attention(const Phase& phase, std::uint32_t l) const;
    double attention_costs(const Phase& phase) const;
    void project(const Phase& phase, std::uint32_t l) const;
    void norm_up_activate(const Phase& phase, std::uint32_t l) const;
    void down(const Phase& phase, std::uint32_t l) const;
    void norm_logits(const Phase& phase, LogitsOf logits) const;

    // Sees to the norm of x that the product reads; returns where it reads.
    std::uint32_t norm(const Phase& phase, const Product& product, const NormWeights& norm,
                       std::uint32_t x, std::uint32_t n_tokens) const;
    void dispatch_norm(const Phase& phase, const NormWeights& norm, std::uint32_t x,
                       std::uint32_t n_tokens) const;
    // x += product, and with norms behind the norm that follows.
    void add_product(const Phase& phase, const Product& product, const NormWeights& next,
                     LinearParams params) const;
    void linear(const Phase& phase, const Product& product, std::uint32_t n_tokens,
                LinearParams params) const;

    const Model* model_;
    const KvCache* cache_;
    RotarySpec rotary_;
    ActivationLayout layout_;
    ScheduleBuffers buffers_;

    RotaryKernelSpec rotary_kernel_;
    Kernel embed_kernel_, norm_kernel_, quantize_kernel_, shift_kernel_;
    Kernel decode_attention_, prefill_attention_;
    std::vector<DescriptorSet> embed_sets_;  // [slices of token_embd]
    std::vector<DescriptorSet> norm_set_;    // one
    std::vector<Layer> layers_;
    Product logits_, all_logits_;
};

}  // namespace gyre
