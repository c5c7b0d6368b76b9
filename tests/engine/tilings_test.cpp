// Models with other tilings than the default: the same bits, and how they come to them.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "runtime/engine/tuner.h"
#include "tests/engine/engine_fixture.h"
#include "tests/support/platform.h"

namespace gyre::test {
namespace {

namespace fs = std::filesystem;

// Both drivers have modules with constants where storage shows no more than texels, and those for
// one tile where it shows more.
constexpr std::uint64_t kFewTexels = std::uint64_t{65536} * 16;

DeviceCapsLimit little_storage() {
    DeviceCapsLimit limit;
    limit.max_storage_range = kFewTexels;
    return limit;
}

DeviceCapsLimit few_texels() {
    DeviceCapsLimit limit;
    limit.max_texel_range = kFewTexels;
    return limit;
}

// One model a format; complex weights; norms that stay in front of products; rows and columns that
// no tile divides.
constexpr const char* kModels[] = {"rove_half", "f16_odd", "bf16",       "q8_0",   "q4_0",
                                   "q4_k",      "q6_k",    "crope_q8_0", "gptneox"};
// Of those, what the candidates differ by is in; each has many pipelines to compile.
constexpr const char* kCandidateModels[] = {"f16_odd", "q8_0", "q4_0", "crope_q8_0", "gptneox"};

class TilingBits : public EngineTest, public testing::WithParamInterface<const char*> {
  protected:
    std::shared_ptr<Model> open_with(std::optional<std::size_t> candidate) {
        OpenOptions options;
        options.tune = false;
        options.tiling_candidate = candidate;
        options.limit = limit_;
        auto model = try_open(golden_path(GetParam()), options);
        require(model.status());
        return std::move(model).value();
    }
    // Returns how many candidates there are.
    std::size_t compare_candidates();

    DeviceCapsLimit limit_ = little_storage();
};

std::size_t TilingBits::compare_candidates() {
    const Golden golden = read_golden(GetParam());
    Logits prompt, decoding;
    std::size_t n_candidates = 1;
    for (std::size_t n = 0; n < n_candidates; ++n) {
        SCOPED_TRACE("candidate " + std::to_string(n));
        const std::shared_ptr<Model> model =
            open_with(n == 0 ? std::nullopt : std::optional<std::size_t>(n));
        const ModelTilings& tilings = model->tilings();
        for (const TunedProduct& product : products_to_tune(*model)) {
            n_candidates = std::max(n_candidates, product.candidates.size());
            EXPECT_EQ(tilings.of(product.kind) == tilings.default_of(product.kind),
                      n % product.candidates.size() == 0)
                << product.name();
        }
        const auto session = EngineTest::session(model, 7);
        const Logits rows = every_row(*session, golden.tokens);
        const Logits decoded = decoded_rows(*session, golden.tokens);
        if (n == 0) {
            prompt = rows;
            decoding = decoded;
            continue;
        }
        EXPECT_TRUE(same_bits(rows, prompt));
        EXPECT_TRUE(same_bits(decoded, decoding));
    }
    return n_candidates;
}

// Catches: modules for one tile, and norms that are dispatches of their own, with other bits.
TEST_P(TilingBits, FixedTilesGiveTheDefaultsBits) {
    const Golden golden = read_golden(GetParam());
    const std::shared_ptr<Model> general = open_with(std::nullopt);
    EXPECT_FALSE(takes_fixed_tiles(general->device().caps(), general->weights().output));
    limit_ = few_texels();
    const std::shared_ptr<Model> fixed = open_with(std::nullopt);
    EXPECT_TRUE(takes_fixed_tiles(fixed->device().caps(), fixed->weights().output));
    EXPECT_TRUE(products_to_tune(*fixed).empty()) << "there is one tile";
    const auto a = EngineTest::session(general, 7), b = EngineTest::session(fixed, 7);
    EXPECT_TRUE(same_bits(every_row(*b, golden.tokens), every_row(*a, golden.tokens)));
    EXPECT_TRUE(same_bits(decoded_rows(*b, golden.tokens), decoded_rows(*a, golden.tokens)));
}

INSTANTIATE_TEST_SUITE_P(Models, TilingBits, testing::ValuesIn(kModels),
                         [](const auto& test) { return std::string(test.param); });

// Catches: modules for one tile on a driver that refuses or misreads them.
TEST(FixedTiles, NeedFewTexelsAndSubgroups) {
    DeviceCaps caps;
    caps.software = caps.subgroup_ballot = true;
    caps.subgroup_size = 4;
    caps.max_texel_range = kFewTexels;
    caps.max_storage_range = 2 * kFewTexels;
    EXPECT_TRUE(uses_fixed_tiles(caps));
    DeviceCaps other = caps;
    other.subgroup_size = 8;
    EXPECT_TRUE(uses_fixed_tiles(other));
    other.subgroup_size = 2;
    EXPECT_FALSE(uses_fixed_tiles(other)) << "a workgroup is more than one subgroup";
    other = caps;
    other.subgroup_ballot = false;
    EXPECT_FALSE(uses_fixed_tiles(other));
    other = caps;
    other.max_texel_range = caps.max_storage_range;
    EXPECT_FALSE(uses_fixed_tiles(other));
    other = caps;
    other.software = false;
    EXPECT_FALSE(uses_fixed_tiles(other));
}

class CandidateBits : public TilingBits {};

// Catches: a candidate that changes a result, also one that no tuner here would choose.
TEST_P(CandidateBits, EveryCandidateGivesTheDefaultsBits) {
    EXPECT_EQ(compare_candidates(), 6u);
}

INSTANTIATE_TEST_SUITE_P(Models, CandidateBits, testing::ValuesIn(kCandidateModels),
                         [](const auto& test) { return std::string(test.param); });

// The candidates of GPUs, on a software driver that is told to be one.
class GpuTilingBits : public TilingBits {};

TEST_P(GpuTilingBits, EveryCandidateGivesTheDefaultsBits) {
    limit_.not_software = true;
    const bool matrix_units =
        open_with(std::nullopt)->tilings().of({.format = WeightFormat::kF32}).cooperative();
    if (matrix_units) {
        EXPECT_EQ(compare_candidates(), 10u) << "of decoding; six tiles for prompts";
    }
    limit_.no_cooperative_matrix = true;
    EXPECT_EQ(compare_candidates(), 11u);
}

INSTANTIATE_TEST_SUITE_P(Models, GpuTilingBits, testing::Values("f16_odd", "q8_0"),
                         [](const auto& test) { return std::string(test.param); });

// A GPU shares a query of a long context among workgroups: here four, for five tiles. 1e-5: float32
// sums of a tiny model in another order, with an F32 cache; what a tile left out changes is above
// 1e-3.
TEST_F(EngineTest, AGpuDecodesLongTextsAsASoftwareDriverDoes) {
    std::vector<Logits> found;
    for (const bool gpu : {false, true}) {
        DeviceCapsLimit limit;
        limit.not_software = gpu;
        const auto model = open_golden("long/rove", limit);
        SessionOptions options;
        options.n_ctx = 1024;
        options.cache = CacheFormat::kF32;
        const auto session = EngineTest::session(model, options);
        std::vector<std::uint32_t> prompt(300);
        for (std::uint32_t i = 0; i < prompt.size(); ++i)
            prompt[i] = (i * i + 7 * i) % model->config().n_vocab;
        require(session->feed(prompt));
        Logits logits;
        for (const std::uint32_t token : {5u, 1u, 9u}) {
            require(session->decode(token));
            logits.insert(logits.end(), session->logits().begin(), session->logits().end());
        }
        found.push_back(logits);
    }
    EXPECT_LT(relative_error(found[1], found[0]), 1e-5);
}

class TuningTest : public EngineTest {
  protected:
    void SetUp() override {
        EngineTest::SetUp();
        folder_ = fs::temp_directory_path() / ("gyre-tuning-" + test::process_id_text());
        fs::remove_all(folder_);
    }
    void TearDown() override {
        fs::remove_all(folder_);
        EngineTest::TearDown();
    }

    // Returns how many variants were timed.
    int open_and_count(bool tune, const fs::path& folder) {
        int timed = 0;
        OpenOptions options;
        options.pipeline_cache_path = (folder / "pipelines.bin").string();
        options.tune = tune;
        options.limit = limit_;
        options.progress = [this, &timed](const char* stage, double) {
            timed += std::string(stage) == "tune" ? 1 : 0;
            return timed != stop_at_;
        };
        auto model = try_open(golden_path("rope_half"), options);
        status_ = model.status();
        if (model.ok()) products_ = products_to_tune(*model.value()).size();
        return timed;
    }

    std::vector<fs::path> files() const {
        std::vector<fs::path> found;
        for (const auto& entry : fs::directory_iterator(folder_)) {
            if (entry.path().filename().string().starts_with("tilings-")) {
                found.push_back(entry.path());
            }
        }
        return found;
    }

    static std::string text(const fs::path& path) {
        std::ifstream file(path, std::ios::binary);
        return {std::istreambuf_iterator<char>(file), {}};
    }

    fs::path folder_;
    DeviceCapsLimit limit_ = little_storage();
    int stop_at_ = -1;
    Status status_;
    std::size_t products_ = 0;
};

// Catches: starts that measure for ever, what was measured and is not used or not kept, damage
// that is believed.
TEST_F(TuningTest, StartsGoOnUntilAllIsMeasuredAndThenCostNothing) {
    int starts = 0;
    while (open_and_count(true, folder_) > 0) {
        ASSERT_OK(status_);
        ASSERT_LT(++starts, 40) << "no end";
    }
    EXPECT_GE(starts, 1);
    ASSERT_EQ(files().size(), 1u);
    const std::string file = text(files()[0]);
    EXPECT_EQ(static_cast<std::size_t>(std::count(file.begin(), file.end(), '\n')), 3 + products_);

    std::ofstream(files()[0], std::ios::app) << "x";  // damaged
    EXPECT_GT(open_and_count(true, folder_), 0);
    EXPECT_NE(text(files()[0]).back(), 'x') << "replaced";
}

// Catches: times that are not taken by a device's own clock.
TEST_F(TuningTest, GpusAreMeasuredToo) {
    limit_.not_software = true;
    int timed = 0;  // a start on a busy machine may time one product only
    for (int starts = 0; timed <= 1 && starts < 40; ++starts) {
        timed += open_and_count(true, folder_);
        ASSERT_OK(status_);
    }
    EXPECT_GT(timed, 1);
    EXPECT_EQ(files().size(), 1u);
}

TEST_F(TuningTest, NothingIsMeasuredWhereItIsOffOrCannotBeKept) {
    EXPECT_EQ(open_and_count(false, folder_), 0);
    ASSERT_OK(status_);
    EXPECT_TRUE(!fs::exists(folder_) || files().empty());
    fs::create_directories(folder_);
    std::ofstream(folder_ / "file") << "x";
    EXPECT_EQ(open_and_count(true, folder_ / "file"), 0) << "a folder that cannot be made";
    EXPECT_OK(status_);
}

TEST_F(TuningTest, CanBeCancelled) {
    stop_at_ = 1;
    EXPECT_EQ(open_and_count(true, folder_), 1);
    stop_at_ = -1;
    EXPECT_EQ(status_.code(), StatusCode::kCancelled);
}

}  // namespace
}  // namespace gyre::test
