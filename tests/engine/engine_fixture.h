// Tests that open a whole model: class MyTest : public EngineTest.
// SPDX-License-Identifier: Apache-2.0
//
// The validation layer is on in every model that open() gives, and a test fails for every message
// of it, also for objects that were left when the device was destroyed. Environment, as in
// tests/support/gpu_fixture.h: GYRE_TEST_DRIVER (must be set), GYRE_TEST_SYNC_VALIDATION=1.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "runtime/engine/model.h"
#include "runtime/engine/session.h"
#include "tests/support/compare.h"
#include "tests/support/gpu_fixture.h"  // ASSERT_OK

namespace gyre::test {

// NAME.gguf of tests/golden with its input and what the float64 reference makes of it.
struct Golden {
    std::string name;
    std::vector<std::uint32_t> tokens;  // [n_tokens]
    std::vector<float> logits;          // [n_tokens][n_vocab]
    std::uint32_t n_vocab = 0;

    std::uint32_t n_tokens() const { return static_cast<std::uint32_t>(tokens.size()); }
    std::span<const float> row(std::size_t token) const {
        return std::span(logits).subspan(token * n_vocab, n_vocab);
    }
};

// Names of all models in tests/golden, or in a folder of it, in order.
std::vector<std::string> golden_names(const std::string& folder = "");
Golden read_golden(const std::string& name);
std::string golden_path(const std::string& name);

using Ids = std::span<const std::uint32_t>;
using Logits = std::vector<float>;

class EngineTest : public testing::Test {
  public:
    // The model on the driver under test. Ends the test where that fails (GoogleTest reports
    // exceptions).
    static std::shared_ptr<Model> open(const std::string& path, const DeviceCapsLimit& limit = {});
    static std::shared_ptr<Model> open_golden(const std::string& name,
                                              const DeviceCapsLimit& limit = {});
    // Of a file that is in memory.
    static std::shared_ptr<Model> open(const ModelFile& file, const DeviceCapsLimit& limit);
    // The same where the error is what is tested.
    static Result<std::shared_ptr<Model>> try_open(const std::string& path,
                                                   const DeviceCapsLimit& limit);
    // With options of the test's own; validation is added to them.
    static Result<std::shared_ptr<Model>> try_open(const std::string& path, OpenOptions options);

    static std::unique_ptr<Session> session(const std::shared_ptr<const Model>& model,
                                            const SessionOptions& options);
    static std::unique_ptr<Session> session(const std::shared_ptr<const Model>& model,
                                            std::uint32_t chunk = 0,
                                            CacheFormat cache = CacheFormat::kF32);

  protected:
    void SetUp() override;
    void TearDown() override;  // every message is a failure; models must be gone by then
};

// Feeds into an empty session; [n_tokens][n_vocab].
Logits every_row(Session& session, Ids tokens);
Logits last_row(Session& session, Ids tokens);
// The same token by token, through the kernels of generation.
Logits decoded_rows(Session& session, Ids tokens);

// The largest difference as a part of the largest |expected|; infinity for a NaN or other sizes.
double relative_error(std::span<const float> actual, std::span<const float> expected);

// Every bit; says where the first difference is.
testing::AssertionResult same_bits(std::span<const float> a, std::span<const float> b);

// The end of the test where a call failed that is not what is tested.
inline void require(const Status& status) {
    if (!status.ok()) throw std::runtime_error(status.message());
}

// Dispatches of decoding that are norms: none where products normalise what they read; the first
// layer's where a norm is after each sum; all of them with the modules for one tile.
std::uint32_t decode_norms(const Model& model);

}  // namespace gyre::test
