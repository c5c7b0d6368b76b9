// The logits of every golden model, against float64.
// SPDX-License-Identifier: Apache-2.0
#include "tests/api/api_support.h"

namespace gyre::test {
namespace {

class GoldenLogitsTest : public ApiDeviceTest, public testing::WithParamInterface<std::string> {};

SessionPtr session_of(const gyre_model* model, gyre_kv_type kv_type, std::uint32_t chunk) {
    gyre_session_options options = GYRE_SESSION_OPTIONS_INIT;
    options.kv_type = kv_type;
    options.chunk = chunk;
    gyre_session* session = nullptr;
    EXPECT_GYRE_OK(gyre_session_create(model, &options, &session));
    return SessionPtr(session);
}

TEST_P(GoldenLogitsTest, EveryWayToFeedAgrees) {
    const Golden golden = read_golden(GetParam());
    const ModelPtr model = open_model(golden.path);
    ASSERT_NE(model, nullptr);
    // The weights are taken as stored, whatever their type, and everything after that is float32.
    const double promised = 2e-4;
    std::vector<float> rows;
    for (const std::uint32_t chunk : {0u, 1u, 7u}) {
        SCOPED_TRACE(chunk);
        const SessionPtr session = session_of(model.get(), GYRE_KV_F32, chunk);
        ASSERT_NE(session, nullptr);
        const std::vector<float> logits = feed_logits(session.get(), golden.tokens);
        EXPECT_LE(relative_error(logits, golden.logits), promised);
        if (rows.empty()) rows = logits;
        EXPECT_EQ(rows, logits) << "the same bits whatever the chunk";
    }
    const SessionPtr session = session_of(model.get(), GYRE_KV_F32, 0);
    std::vector<float> singles;
    for (const std::uint32_t token : golden.tokens) {
        ASSERT_GYRE_OK(gyre_session_feed(session.get(), &token, 1));
        const float* logits = nullptr;
        size_t n = 0;
        ASSERT_GYRE_OK(gyre_session_logits(session.get(), &logits, &n));
        singles.insert(singles.end(), logits, logits + n);
    }
    EXPECT_LE(relative_error(singles, golden.logits), promised) << "token by token";
    EXPECT_EQ(gyre_session_position(session.get()), golden.tokens.size());
}

// Catches a kv_type that is another one under its name; how exact each is, is the engine's test.
TEST_P(GoldenLogitsTest, EveryKvTypeIsItself) {
    const Golden golden = read_golden(GetParam());
    const ModelPtr model = open_model(golden.path);
    ASSERT_NE(model, nullptr);
    double before = 0.0;
    for (const gyre_kv_type kv_type : {GYRE_KV_F32, GYRE_KV_F16, GYRE_KV_Q8_0}) {
        SCOPED_TRACE(kv_type);
        const SessionPtr session = session_of(model.get(), kv_type, 0);
        ASSERT_NE(session, nullptr);
        const double error =
            relative_error(feed_logits(session.get(), golden.tokens), golden.logits);
        EXPECT_LE(error, 5e-2);
        EXPECT_GT(error, before) << "each is rougher than the one before";
        before = error;
    }
}

// One of each kind; the engine's tests run all of them.
INSTANTIATE_TEST_SUITE_P(Golden, GoldenLogitsTest,
                         testing::Values("text", "learned", "rove_half", "q4_0", "q8_0"),
                         [](const auto& row) { return row.param; });

}  // namespace
}  // namespace gyre::test
