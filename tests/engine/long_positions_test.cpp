// Logits at the far end of a context of 65,536 positions: tests/golden/long against float64.
// SPDX-License-Identifier: Apache-2.0
#include "tests/engine/engine_fixture.h"

#include <filesystem>
#include <fstream>

namespace gyre::test {
namespace {

// The error budget: float32 weights and cache, as a part of the largest logit.
constexpr double kBudget = 1e-4;
constexpr std::uint32_t kContext = 65536;

std::vector<std::string> long_names() {
    std::vector<std::string> names;
    for (const std::string& name : golden_names("long"))
        names.push_back("long/" + name);
    return names;
}

class LongPositions : public EngineTest, public testing::WithParamInterface<std::string> {};

// Catches: angles computed in float32, tables by index instead of position, frequencies of another
// length.
TEST_P(LongPositions, AreWithinTheBudget) {
    const Golden golden = read_golden(GetParam());
    std::uint32_t first = 0;
    std::filesystem::path path = golden_path(golden.name);
    std::ifstream(path.replace_extension(".position.txt")) >> first;
    ASSERT_GE(first, 65000u);
    auto model = open_golden(golden.name);
    SessionOptions options;
    options.first_position = first;
    options.n_ctx = kContext - first;
    options.cache = CacheFormat::kF32;
    {
        const auto session = EngineTest::session(model, options);
        const double prompt = relative_error(every_row(*session, golden.tokens), golden.logits);
        const double decoding =
            relative_error(decoded_rows(*session, golden.tokens), golden.logits);
        EXPECT_LE(prompt, kBudget);
        EXPECT_LE(decoding, kBudget);
        std::cout << "prompt " << prompt << ", decoding " << decoding << std::endl;
    }
    model.reset();  // before the fixture asks for messages
}

INSTANTIATE_TEST_SUITE_P(Models, LongPositions, testing::ValuesIn(long_names()),
                         [](const auto& test) { return test.param.substr(5); });

TEST(LongPositionsList, IsNotEmpty) {
    EXPECT_GE(long_names().size(), 15u) << "tests/golden/long: run tools/golden/generate.py";
}

}  // namespace
}  // namespace gyre::test
