// How many dispatches and barriers per token costs, counted while they are recorded.
// SPDX-License-Identifier: Apache-2.0
#include "runtime/engine/schedule.h"

#include "tests/engine/engine_fixture.h"

namespace gyre::test {
namespace {

struct Counts {
    std::uint32_t dispatches = 0;
    std::uint32_t barriers = 0;
};

// A schedule with buffers of its own, nothing of which is ever submitted.
class Recording {
  public:
    Recording(const std::shared_ptr<const Model>& model, CacheFormat format, std::uint32_t chunk)
        : model_(model),
          rotary_(model->config().rotary_specs(model->config().n_ctx)),
          layout_(ActivationLayout::of(
              model->config(), rotary_,
              CacheShape::of(model->config(), format, model->config().n_ctx), chunk, 1)),
          cache_(take(
              KvCache::create(model->device(), model->config(),
                              CacheShape::of(model->config(), format, model->config().n_ctx)))),
          state_(buffer(layout_.words)),
          tokens_(buffer(chunk)),
          step_(buffer(sizeof(StepBlock) / 4)),
          logits_(buffer(model->config().n_vocab)),
          all_logits_(buffer(std::uint64_t{chunk} * model->config().n_vocab)),
          schedule_(take(Schedule::create(*model, cache_, rotary_, layout_,
                                          {state_.range(), tokens_.range(), step_.range(),
                                           logits_.range(), all_logits_.range()}))),
          recorder_(take(CommandRecorder::create(model->device()))) {}

    Counts decode() {
        return count([&] { schedule_.record_decode(recorder_); });
    }
    Counts prefill(std::uint32_t n_tokens, LogitsOf logits) {
        return count([&] { schedule_.record_prefill(recorder_, n_tokens, logits); });
    }

  private:
    template <typename T>
    static T take(Result<T> result) {
        require(result.status());
        return std::move(result).value();
    }
    Buffer buffer(std::uint64_t words) {
        return take(Buffer::create(model_->device(), words * 4, Memory::kShared, "test"));
    }
    template <typename Record>
    Counts count(Record record) {
        require(recorder_.begin());
        record();
        const Counts counts{recorder_.dispatch_count(), recorder_.barrier_count()};
        require(recorder_.end());
        return counts;
    }

    std::shared_ptr<const Model> model_;
    std::vector<RotarySpec> rotary_;
    ActivationLayout layout_;
    KvCache cache_;
    Buffer state_, tokens_, step_, logits_, all_logits_;
    Schedule schedule_;
    CommandRecorder recorder_;
};

class ScheduleTest : public EngineTest {};

constexpr std::uint32_t kLayers = 2;  // of the golden models used here

// Catches: a norm that is no longer fused, a dispatch that crept in.
TEST_F(ScheduleTest, DecodingIsFiveDispatchesALayer) {
    const std::shared_ptr<const Model> model = open_golden("rove_half");
    ASSERT_EQ(model->config().n_layer, kLayers);
    const Counts counts = Recording(model, CacheFormat::kF16, 8).decode();
    std::cout << "decode: " << counts.dispatches << " dispatches, " << counts.barriers
              << " barriers" << std::endl;
    EXPECT_EQ(counts.dispatches,
              1 + decode_norms(*model) + 5 * kLayers + 1);  // embed, layers, logits
    // Each reads what the one before wrote; the first waits for earlier submissions.
    EXPECT_EQ(counts.barriers, counts.dispatches);
    EXPECT_EQ(Recording(model, CacheFormat::kF32, 8).decode().dispatches, counts.dispatches);
}

// A Q8_0 cache has one dispatch more a layer, for its scales.
TEST_F(ScheduleTest, AQuantizedCacheCostsOneDispatchALayer) {
    const std::shared_ptr<const Model> model = open_golden("q8_0");
    const Counts counts = Recording(model, CacheFormat::kQ8_0, 8).decode();
    EXPECT_EQ(counts.dispatches, 1 + decode_norms(*model) + 6 * kLayers + 1);
    EXPECT_EQ(counts.barriers, counts.dispatches);
}

// Catches: logits that are computed for chunks whose logits nobody reads.
TEST_F(ScheduleTest, APromptHasItsNormsApart) {
    const std::shared_ptr<const Model> model = open_golden("rove_half");
    Recording recording(model, CacheFormat::kF16, 8);
    const std::uint32_t layers = 1 + 7 * kLayers;
    const Counts none = recording.prefill(8, LogitsOf::kNone);
    const Counts last = recording.prefill(8, LogitsOf::kLastToken);
    const Counts every = recording.prefill(8, LogitsOf::kEveryToken);
    std::cout << "prompt: " << last.dispatches << " dispatches, " << last.barriers << " barriers"
              << std::endl;
    const std::uint32_t norm = std::min(decode_norms(*model), 1u);  // or it is inside
    EXPECT_EQ(none.dispatches, layers);
    EXPECT_EQ(last.dispatches, layers + norm + 1);  // the decode kernel
    EXPECT_EQ(every.dispatches, layers + 2);        // norm, logits
    for (const Counts& counts : {none, last, every})
        EXPECT_LE(counts.barriers, counts.dispatches);
    EXPECT_EQ(recording.prefill(3, LogitsOf::kLastToken).dispatches, last.dispatches);
}

// Catches: slices that are left out, or that are recorded for matrices of one piece.
TEST_F(ScheduleTest, EverySliceIsADispatch) {
    DeviceCapsLimit limit;
    limit.max_storage_range = 32000;  // above a layer's float16 cache of 64 positions
    const std::shared_ptr<const Model> model = open_golden("rove_half", limit);
    const ModelWeights& weights = model->weights();
    std::size_t slices = weights.token_embd.slices.size() + weights.output.slices.size();
    bool whole_sums = true;  // else there are no norms after
    for (const LayerWeights& layer : weights.layers) {
        slices += 1 + layer.attn_qkv.matrix.slices.size() + layer.attn_output.matrix.slices.size() +
                  layer.ffn_up.matrix.slices.size() + layer.ffn_down.matrix.slices.size();
        whole_sums &=
            layer.attn_output.matrix.slices.size() == 1 && layer.ffn_down.matrix.slices.size() == 1;
    }
    if (whole_sums) slices += decode_norms(*model);
    ASSERT_GT(slices, 1 + 5 * kLayers + 1);
    const Counts counts = Recording(model, CacheFormat::kF16, 4).decode();
    EXPECT_EQ(counts.dispatches, slices);
    EXPECT_LE(counts.barriers, counts.dispatches);
}

}  // namespace
}  // namespace gyre::test
