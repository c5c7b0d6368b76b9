// A model's fused plan with kernels, descriptor sets and places: recording is a loop over its
// steps.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "runtime/base/status.h"
#include "runtime/engine/activation_layout.h"
#include "runtime/engine/kv_cache.h"
#include "runtime/engine/model.h"
#include "runtime/engine/model_plan.h"
#include "runtime/kernels/kernels.h"
#include "runtime/vk/descriptor_set.h"
#include "runtime/vk/dispatcher.h"

namespace gyre {

// The buffers of a session that the schedule binds.
struct ScheduleBuffers {
    BufferRange state;       // ActivationLayout::words
    BufferRange tokens;      // [chunk] u32
    BufferRange step;        // StepBlock
    BufferRange logits;      // [1][n_vocab] f32: of the last token
    BufferRange all_logits;  // [rows][n_vocab] f32, or no buffer
};

// What the kernels of a session read beside their push constants.
SessionParams session_params(const Model& model, const CacheShape& cache,
                             std::span<const RotarySpec> rotary, const ActivationLayout& layout);

enum class LogitsOf { kNone, kLastToken, kEveryToken };

// A step of a schedule, for those who show the plan; pointers are valid during the call that hands
// it out.
struct StepDescription {
    std::string operation;  // "up_activate"; "norm_up_activate", "down_norm": with the norm in it
    std::uint32_t layer = kNoLayer;
    const char* kernel = "";   // the shader module
    std::string weight_types;  // of its matrices: "Q4_K, Q6_K"; empty without a matrix
    std::uint32_t n_rows = 0;  // of its matrices together
    std::uint32_t n_in = 0;
    std::uint64_t bytes = 0;  // weights that are read; of the cache, all cells that a query may see
    std::uint32_t dispatches = 0;
    const char* in = "";  // a place: "normed"; empty: token ids
    std::string out;      // places: "x, normed"; empty: the cache
};

class Schedule {
  public:
    // What is done of the kernels, 0 to 1; an error ends the building.
    using Progress = std::function<Status(double fraction)>;

    // The buffers, cache and model must outlive it. Compiles what the model needs.
    // rotary: ModelSpec::rotary_specs() for the session.
    static Result<Schedule> create(const Model& model, const KvCache& cache,
                                   std::span<const RotarySpec> rotary,
                                   const ActivationLayout& layout, const ScheduleBuffers& buffers,
                                   const Progress& progress = {});

    // What a profile tells apart ends with a timestamp of its label (profile_label) and layer, for
    // recorders that take them.
    std::uint32_t n_timestamps() const;  // at most, with one before the first operation

    // One decoded token, by the kernels of decoding. Every dispatch is announced with its costs,
    // kinds of work as in work_rates.h; first_position is for them alone, StepState has the
    // token's.
    void record_decode(Dispatcher& recorder, std::uint32_t first_position = 0) const;
    // Moves n_cells cells from `from` to `to` < from, rotated by the state's rotations.
    void record_shift(Dispatcher& recorder, std::uint32_t from, std::uint32_t to,
                      std::uint32_t n_cells) const;
    // n_tokens <= layout.chunk of a prompt. kEveryToken: n_tokens rows of all_logits.
    void record_prefill(Dispatcher& recorder, std::uint32_t n_tokens, LogitsOf logits,
                        std::uint32_t first_position = 0) const;

    // What record_decode (one token) or record_prefill with the last token's logits does.
    void describe(std::uint32_t n_tokens,
                  const std::function<void(const StepDescription&)>& sink) const;

  private:
    // A product's matrix, with a descriptor set for each of its slices.
    struct Part {
        const WeightMatrix* matrix = nullptr;
        ParamsOffset bias = NO_OFFSET;
        std::uint32_t first_row = 0;  // of the product's rows
        Kernel kernel;
        const std::vector<DescriptorSet>* sets = nullptr;
    };
    // A fused operation with what it takes to dispatch it.
    struct Step {
        Operation operation;
        std::string label;  // empty: no timestamp
        std::vector<Part> parts;
        Kernel kernel;  // without parts
        // Without parts; of operations on the cache, one for each of its slices.
        const std::vector<DescriptorSet>* sets = nullptr;
    };
    using Steps = std::vector<Step>;
    // Whose kernels a list of steps has, and where its logits go.
    struct StepsOf {
        bool decode = false;
        BufferRange logits;
    };
    // Tokens that go through a list of steps together.
    struct Rows {
        Dispatcher& recorder;
        bool decode;
        std::uint32_t n;
        std::uint32_t first;           // row of kX: the logits of one token are made of its row
        std::uint32_t first_position;  // for the costs

        void product_costs(double multiplications) const;
        void elements_cost(double n) const;  // of what is no product
    };
    // Steps that bind the same share a set.
    struct SetKey {
        const WeightMatrix* matrix;
        std::uint32_t x;
        const Buffer* bound;
        std::uint64_t bound_offset;
        TexelViews views;
        // NOLINTNEXTLINE(modernize-use-nullptr): sees a 0 in what the compiler makes of it
        auto operator<=>(const SetKey&) const = default;
    };

    Schedule(const Model& model, const KvCache& cache, std::span<const RotarySpec> rotary,
             const ActivationLayout& layout, const ScheduleBuffers& buffers)
        : model_(&model),
          cache_(&cache),
          rotary_(rotary.begin(), rotary.end()),
          layout_(layout),
          buffers_(buffers) {}

    Status build(const Progress& progress);
    Status build_step(const Operation& operation, const StepsOf& of, Step& step);
    Status build_parts(std::span<const KernelVariant> variants, const StepsOf& of, Step& step);

    Status append_variants(const Operation& operation, bool decode,
                           std::vector<KernelVariant>& variants) const;
    KernelVariant matrix_variant(const Operation& operation, const WeightMatrix& matrix,
                                 bool decode) const;
    QkvVariant qkv_variant(const Operation& operation, const WeightMatrix& matrix,
                           bool decode) const;
    NormVariant norm_variant(const Operation& operation) const;
    StoreVariant store_variant(const Operation& operation) const;
    AttentionVariant attention_variant(const Operation& operation, bool decode) const;
    Status check_head_size() const;
    const RotarySpec& rotary_of(const Operation& operation) const;
    RotaryKernelSpec rotary_kernel(const RotarySpec& rotary) const;
    // matrix: nullptr, or whose slices have a set each. x: where what a product reads begins.
    Result<const std::vector<DescriptorSet>*> sets_of(const WeightMatrix* matrix, std::uint32_t x,
                                                      const BufferRange& bound, TexelViews views,
                                                      const char* name);
    Result<const std::vector<DescriptorSet>*> cache_sets(std::uint32_t layer);
    Tiling tiling(const WeightMatrix& matrix, bool decode, ProductRole role) const;
    bool norm_texels() const;
    bool vector_texels_fit() const;
    bool texels_fit(const WeightMatrix& matrix) const;
    bool cache_texels() const;

    StepDescription describe(const Rows& rows, const Step& step) const;

    void record(const Rows& rows, const Steps& steps) const;
    void record(const Rows& rows, const Step& step) const;
    void embed(const Rows& rows, const Step& step) const;
    void norm(const Rows& rows, const Step& step) const;
    void product(const Rows& rows, const Step& step) const;
    void product_and_store(const Rows& rows, const Step& step) const;
    void store(const Rows& rows, const Step& step) const;
    void quantize_cache(const Rows& rows, const Step& step) const;
    void attend(const Rows& rows, const Step& step) const;
    double attention_costs(const Rows& rows, std::uint32_t layer) const;
    // The parameters of rotation, queries, keys and values for the kernel that stores them.
    template <typename Params>
    void describe_store(const Operation& operation, Params& params) const;
    // Query heads before those that read heads [0, kv_heads).
    std::uint32_t query_heads(std::uint32_t kv_heads) const;
    std::uint32_t first_row(const Rows& rows, Place place) const;

    const Model* model_;
    const KvCache* cache_;
    std::vector<RotarySpec> rotary_;
    ActivationLayout layout_;
    ScheduleBuffers buffers_;

    Kernel shift_kernel_;
    std::map<SetKey, std::vector<DescriptorSet>> sets_;
    Steps decode_, prompt_, last_logits_, all_logits_;  // as FusedPlan
};

}  // namespace gyre
