// Devices with less than this one: small bindings, no unified memory, coarse alignment, few
// allocations.
// SPDX-License-Identifier: Apache-2.0
#include "tests/engine/engine_fixture.h"

namespace gyre::test {
namespace {

constexpr double kF32 = 2e-5;  // as in golden_logits_test.cpp

class LimitsTest : public EngineTest {
  protected:
    // Everything a golden model does with a session of its own length and small chunks.
    static Logits all_rows(const std::shared_ptr<const Model>& model, const Golden& golden) {
        SessionOptions options;
        options.n_ctx = golden.n_tokens();
        options.chunk = 2;
        options.cache = CacheFormat::kF32;
        const auto session = EngineTest::session(model, options);
        Logits rows = every_row(*session, golden.tokens);
        const Logits decoded = decoded_rows(*session, golden.tokens);
        EXPECT_LE(relative_error(rows, golden.logits), kF32);
        EXPECT_LE(relative_error(decoded, golden.logits), kF32);
        rows.insert(rows.end(), decoded.begin(), decoded.end());
        return rows;
    }
};

// Catches: a row that is counted from the slice instead of the matrix (or the other way round) in
// ids, biases, outputs and heads. A row's sum does not know of slices, so every bit is the same.
TEST_F(LimitsTest, RowSlicesDoNotChangeABit) {
    DeviceCapsLimit limit;
    limit.max_storage_range = 12000;  // bytes: above a layer's cache of 23 positions, 11040
    struct Row {
        const char* name;
        std::size_t token_embd, qkv, up, down;  // slices at least
    };
    // Bytes: text 72960 43200 20160 20160, f16_odd 13312 23040 10752 10560 ...
    for (const Row row : {Row{"text", 7, 4, 2, 2}, Row{"untied", 3, 4, 2, 2},
                          Row{"f16_odd", 2, 2, 1, 1}, Row{"relu2", 3, 4, 2, 2}}) {
        SCOPED_TRACE(row.name);
        const Golden golden = read_golden(row.name);
        const std::shared_ptr<const Model> whole = open_golden(golden.name);
        const std::shared_ptr<const Model> sliced = open_golden(golden.name, limit);
        const ModelWeights& w = sliced->weights();
        EXPECT_GE(w.token_embd.slices.size(), row.token_embd);
        EXPECT_EQ(w.output.slices.size(), w.token_embd.slices.size());
        EXPECT_GE(w.layers[0].attn_qkv.matrix.slices.size(), row.qkv);
        EXPECT_GE(w.layers[0].ffn_up.matrix.slices.size(), row.up);
        EXPECT_GE(w.layers[0].ffn_down.matrix.slices.size(), row.down);
        EXPECT_EQ(whole->weights().token_embd.slices.size(), 1u);
        EXPECT_TRUE(same_bits(all_rows(sliced, golden), all_rows(whole, golden)));
    }
}

// The same for the block formats, whose slices have scales after their quants.
TEST_F(LimitsTest, RowSlicesOfBlockFormats) {
    struct Row {
        const char* name;
        std::uint32_t range;  // bytes
    };
    // 9000: the cache is float16, 8832 bytes for 23 positions. 12000: 11520 bytes of norms and
    // biases.
    for (const auto [name, range] : {Row{"q8_0", 9000}, Row{"q4_0", 9000}, Row{"mixed", 9000},
                                     Row{"f16", 9000}, Row{"q4_k", 12000}, Row{"q6_k", 12000}}) {
        SCOPED_TRACE(name);
        DeviceCapsLimit limit;
        limit.max_storage_range = range;
        const Golden golden = read_golden(name);
        SessionOptions options;
        options.n_ctx = golden.n_tokens();
        options.chunk = 1;
        const std::shared_ptr<const Model> whole = open_golden(name);
        const std::shared_ptr<const Model> sliced = open_golden(name, limit);
        EXPECT_GE(sliced->weights().layers[0].attn_qkv.matrix.slices.size(), 2u);
        const auto a = EngineTest::session(whole, options);
        const auto b = EngineTest::session(sliced, options);
        EXPECT_TRUE(same_bits(every_row(*a, golden.tokens), every_row(*b, golden.tokens)));
        EXPECT_TRUE(same_bits(decoded_rows(*a, golden.tokens), decoded_rows(*b, golden.tokens)));
    }
}

// Catches: memory that is written as if the host saw it, a copy that is not waited for.
TEST_F(LimitsTest, WithoutUnifiedMemoryEverythingIsStaged) {
    DeviceCapsLimit limit;
    limit.no_unified_memory = true;
    for (const char* name : {"text", "learned", "q4_0", "real_layer"}) {
        SCOPED_TRACE(name);
        const Golden golden = read_golden(name);
        const std::shared_ptr<const Model> staged = open_golden(name, limit);
        ASSERT_EQ(staged->weights().params().buffer->mapped(), nullptr);
        EXPECT_TRUE(same_bits(all_rows(staged, golden), all_rows(open_golden(name), golden)));
    }
}

// Catches: a range cut at 16 bytes and bound as it is.
TEST_F(LimitsTest, CoarseAlignment) {
    DeviceCapsLimit limit;
    limit.storage_alignment = 256;
    limit.uniform_alignment = 256;
    limit.max_storage_range = 12000;
    const Golden golden = read_golden("untied");
    const std::shared_ptr<const Model> model = open_golden(golden.name, limit);
    for (const WeightSlice& slice : model->weights().token_embd.slices)
        EXPECT_EQ(slice.range.offset % 256, 0u);
    EXPECT_EQ(model->weights().params().offset % 256, 0u);
    (void)all_rows(model, golden);
}

// Catches: a kernel or a buffer that needs more than every Vulkan device has. One model for every
// weight format, kind of position and shape.
TEST_F(LimitsTest, GoldensOnTheSmallestDevice) {
    for (const char* name : {"learned", "none", "rope_partial_interleaved", "rove_half", "gqa",
                             "f16_odd", "bf16", "q8_0", "q4_k", "q6_k", "mixed", "real_layer"}) {
        SCOPED_TRACE(name);
        (void)all_rows(open_golden(name, DeviceCapsLimit::specification_minimum()),
                       read_golden(name));
    }
}

// Catches: tokens are workgroups of a grid's second dimension; more of them than the device allows.
TEST_F(LimitsTest, ChunksFitIntoTheGrid) {
    DeviceCapsLimit limit;
    limit.max_groups_x = 16;  // y and z as well
    const Golden golden = read_golden("gqa");
    const auto session = EngineTest::session(open_golden(golden.name, limit), 23);
    EXPECT_LE(session->chunk(), 16u);
    EXPECT_LE(relative_error(every_row(*session, golden.tokens), golden.logits), kF32);
}

// Catches: a message that does not help.
TEST_F(LimitsTest, ARowThatFitsNowhereIsNamed) {
    DeviceCapsLimit limit;
    limit.max_storage_range = 512;  // four rows of 60 floats are 960 bytes
    const auto model = try_open(golden_path("rope_half"), limit);
    ASSERT_FALSE(model.ok());
    EXPECT_EQ(model.status().code(), StatusCode::kOutOfDeviceMemory);
    const std::string& message = model.status().message();
    for (const char* part : {"rope_half.gguf", "token_embd.weight", "512"})
        EXPECT_NE(message.find(part), std::string::npos) << message;
    EXPECT_EQ(message.find('\n'), std::string::npos);

    limit.max_storage_range = 4000;  // rows of 60, but no head of 20 of them
    const auto heads = try_open(golden_path("rope_half"), limit);
    ASSERT_FALSE(heads.ok());
    EXPECT_EQ(heads.status().code(), StatusCode::kOutOfDeviceMemory);
    EXPECT_NE(heads.status().message().find("blk.0.attn_qkv.weight"), std::string::npos)
        << heads.status().message();

    limit.max_storage_range = 12000;  // 64 position rows of 60 floats are 15360 bytes
    const auto positions = try_open(golden_path("learned"), limit);
    ASSERT_FALSE(positions.ok());
    EXPECT_EQ(positions.status().code(), StatusCode::kOutOfDeviceMemory);
    EXPECT_NE(positions.status().message().find("position_embd.weight"), std::string::npos)
        << positions.status().message();
}

// A cache that cannot be bound: cache_slices_test.cpp.
TEST_F(LimitsTest, ActivationsThatCannotBeBoundSayWhatToDo) {
    DeviceCapsLimit limit;
    limit.max_storage_range = 200000;
    const auto model = open_golden("rope_half", limit);
    SessionOptions options;
    options.chunk = 100;
    options.n_ctx = 1000;
    const auto refused = Session::create(model, options);
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.status().code(), StatusCode::kOutOfDeviceMemory);
    for (const char* part : {"activations", "200000", "smaller context or chunk"})
        EXPECT_NE(refused.status().message().find(part), std::string::npos)
            << refused.status().message();
}

// Every allocation of a whole run fails once. Catches: a crash, a leak (the layer names objects
// that a device is destroyed with), an error that is not told, a session that is half made.
void fail_every_allocation(const char* name, DeviceCapsLimit limit) {
    const Golden golden = read_golden(name);
    for (std::uint32_t n = 0;; ++n) {
        ASSERT_LT(n, 64u) << "no end of allocations";
        SCOPED_TRACE(std::to_string(n) + " allocations");
        limit.max_allocations = n;
        auto opened = EngineTest::try_open(golden_path(name), limit);
        if (!opened.ok()) {
            ASSERT_EQ(opened.status().code(), StatusCode::kOutOfDeviceMemory);
            ASSERT_FALSE(opened.status().message().empty());
            continue;
        }
        const std::shared_ptr<Model> model = std::move(opened).value();
        const std::uint64_t of_model = model->device().counters().allocations;
        {
            auto made = Session::create(model, {});
            if (!made.ok()) {
                ASSERT_EQ(made.status().code(), StatusCode::kOutOfDeviceMemory);
                ASSERT_EQ(model->device().counters().allocations, of_model);
                continue;
            }
            Session& session = *made.value();
            ASSERT_OK(session.feed(golden.tokens));
            const Status all = session.feed(Ids(golden.tokens).first(3),
                                            [](auto, auto, const float*) { return Status(); });
            if (!all.ok()) {
                ASSERT_EQ(all.code(), StatusCode::kOutOfDeviceMemory);
                ASSERT_EQ(session.position(), golden.n_tokens());
                ASSERT_OK(session.decode(1));  // what it had, it still does
                continue;
            }
        }
        ASSERT_EQ(model->device().counters().allocations, of_model);
        return;  // nothing failed
    }
}

TEST_F(LimitsTest, EveryAllocationMayFail) {
    fail_every_allocation("gqa", {});
}

TEST_F(LimitsTest, EveryAllocationMayFailWithStaging) {
    DeviceCapsLimit limit;
    limit.no_unified_memory = true;
    fail_every_allocation("gqa", limit);
}

}  // namespace
}  // namespace gyre::test
