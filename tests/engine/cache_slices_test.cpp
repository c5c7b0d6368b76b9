// Caches whose layers no binding covers: heads in slices, keys and values apart, the same bits.
// SPDX-License-Identifier: Apache-2.0
#include "tests/engine/engine_fixture.h"

#include "runtime/engine/session_plan.h"

namespace gyre::test {
namespace {

constexpr CacheFormat kFormats[] = {CacheFormat::kF32, CacheFormat::kF16, CacheFormat::kQ8_0};
constexpr std::uint32_t kContext = 4096;  // as far as xPos goes

const char* name_of(CacheFormat format) {
    const char* const names[] = {"F32", "F16", "Q8_0"};
    return names[static_cast<int>(format)];
}

class CacheSlices : public EngineTest, public testing::WithParamInterface<const char*> {
  protected:
    static void compare(DeviceCapsLimit limit);
    static SessionOptions options(CacheFormat format) {
        SessionOptions options;
        options.n_ctx = kContext;
        options.cache = format;
        options.chunk = 5;
        return options;
    }
    // Everything that touches cells: prompt, decoding, shift, fork, saving and loading.
    static Logits all_rows(const std::shared_ptr<const Model>& model, const SessionOptions& options,
                           Ids tokens) {
        const auto session = EngineTest::session(model, options);
        Logits rows = every_row(*session, tokens);
        const auto add = [&](const Session& of) {
            rows.insert(rows.end(), of.logits().begin(), of.logits().end());
        };
        session->reset();
        require(session->feed(tokens.first(12)));
        for (std::size_t i = 12; i < 15; ++i) {
            require(session->decode(tokens[i]));
            add(*session);
        }
        require(session->shift(4, 5));
        require(session->decode(tokens[15]));
        add(*session);
        const std::unique_ptr<Session> fork = take(session->fork());
        require(fork->decode(tokens[16]));
        add(*fork);
        const auto loaded = EngineTest::session(model, options);
        CellImage image = take(loaded->make_cell_image(fork->position()));
        require(fork->save_cells([&](std::span<const std::byte> bytes) {
            image.append(bytes);
            return Status();
        }));
        require(loaded->restore({.n_cells = fork->position()}, &image));
        require(loaded->decode(tokens[17]));
        add(*loaded);
        return rows;
    }
    template <typename T>
    static T take(Result<T> result) {
        require(result.status());
        return std::move(result).value();
    }
};

void CacheSlices::compare(DeviceCapsLimit limit) {
    const Golden golden = read_golden(GetParam());
    const std::shared_ptr<const Model> whole = open_golden(golden.name, limit);
    const std::uint32_t n_heads = whole->config().n_head_kv;
    for (const CacheFormat format : kFormats) {
        const CacheShape shape = CacheShape::of(whole->config(), format, kContext);
        const Logits expected = all_rows(whole, options(format), golden.tokens);
        for (std::uint32_t together = 1; together <= std::min(n_heads, 2u); ++together) {
            SCOPED_TRACE(std::string(name_of(format)) +
                         ", heads a slice: " + std::to_string(together));
            limit.max_storage_range = shape.side_words(together) * 4;
            const std::shared_ptr<const Model> limited = open_golden(golden.name, limit);
            const auto session = EngineTest::session(limited, options(format));
            ASSERT_TRUE(session->cache_shape().is_sliced());
            ASSERT_EQ(session->cache_shape().n_slices(), (n_heads + together - 1) / together);
            EXPECT_TRUE(same_bits(all_rows(limited, options(format), golden.tokens), expected));
        }
    }
}

// Catches: a slice that reads the queries, writes the results, or takes the sinks, slopes and
// scales of other heads; values looked for beside the keys; slices that a shift, a fork or a file
// forgets.
TEST_P(CacheSlices, DoNotChangeABit) {
    compare({});
}

// The same by the kernels of GPUs: splits of a query, norms inside of products.
TEST_P(CacheSlices, DoNotChangeABitOfAGpu) {
    DeviceCapsLimit limit;
    limit.not_software = true;
    compare(limit);
}

INSTANTIATE_TEST_SUITE_P(Models, CacheSlices,
                         testing::Values("rove_half", "gqa", "mqa", "alibi", "window_sinks",
                                         "sink_logits", "xpos_rove", "rope_id", "crope_gqa",
                                         "gqa_window_yarn_rove", "olmo3", "stablelm_12b"),
                         [](const auto& test) { return std::string(test.param); });

// Catches: a limit that is told without its numbers, or that a device meets while it is used.
class CacheSlicesTest : public EngineTest {};

TEST_F(CacheSlicesTest, AHeadThatCannotBeBoundSaysWhatToDo) {
    DeviceCapsLimit limit;
    limit.max_storage_range = 200000;
    const auto model = open_golden("rope_half", limit);
    SessionOptions options;
    options.cache = CacheFormat::kF32;
    options.chunk = 1;
    options.n_ctx = 2501;  // keys of 20 floats: 200080 bytes, one cell too many
    const std::uint64_t before = model->device().counters().allocations;
    const auto refused = Session::create(model, options);
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.status().code(), StatusCode::kOutOfDeviceMemory);
    const std::string& message = refused.status().message();
    for (const char* part : {"KV cache", "200080", "2501", "F32", "200000", "at most 2500", "q8_0"})
        EXPECT_NE(message.find(part), std::string::npos) << message;
    EXPECT_EQ(model->device().counters().allocations, before);
    options.n_ctx = 2500;
    EXPECT_OK(Session::create(model, options).status());
    options.n_ctx = 2501;
    options.cache = CacheFormat::kF16;
    EXPECT_OK(Session::create(model, options).status());
}

// A context of a million positions on a device that binds 128 MiB: what has a size for each
// position is either the cache or small.
TEST_F(CacheSlicesTest, AMillionPositionsNeedLittleBesideTheCache) {
    DeviceCapsLimit limit = DeviceCapsLimit::specification_minimum();
    for (const char* name : {"rope_half", "yarn_rove", "rope_id", "xpos_rove"}) {
        const auto model = open_golden(name, limit);
        SessionOptions options;
        options.n_ctx = name == std::string("xpos_rove") ? 65536 : 1u << 20;
        options.cache = CacheFormat::kF32;
        const auto plan = SessionPlan::of(model->config(), model->weights().token_embd.format,
                                          model->device().info(), model->device().caps(), options);
        ASSERT_OK(plan);
        EXPECT_OK(plan->exceeded) << name;
        EXPECT_EQ(plan->cache.is_sliced(), options.n_ctx == 1u << 20) << name;
        EXPECT_LE(plan->work_bytes(), 12u << 20) << name;
    }
}

}  // namespace
}  // namespace gyre::test
