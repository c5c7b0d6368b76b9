// What the tests of gyre.h share: owners of handles, golden models, and a fixture that fails for
// every message of the validation layers.
// SPDX-License-Identifier: Apache-2.0
//
// They see gyre.h alone, as a program of a user does, and run the shared library.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "gyre/gyre.h"

namespace gyre::test {

struct Destroy {
    void operator()(gyre_device_list* list) const { gyre_device_list_destroy(list); }
    void operator()(gyre_model* model) const { gyre_model_destroy(model); }
    void operator()(gyre_session* session) const { gyre_session_destroy(session); }
};
using DeviceListPtr = std::unique_ptr<gyre_device_list, Destroy>;
using ModelPtr = std::unique_ptr<gyre_model, Destroy>;
using SessionPtr = std::unique_ptr<gyre_session, Destroy>;

// EXPECT_GYRE_OK(call): shows gyre_last_error on failure.
::testing::AssertionResult is_gyre_ok(gyre_status status);
#define EXPECT_GYRE_OK(call) EXPECT_TRUE(::gyre::test::is_gyre_ok(call))
#define ASSERT_GYRE_OK(call) ASSERT_TRUE(::gyre::test::is_gyre_ok(call))

// tests/golden/NAME.gguf with its tokens and the logits that it must give.
struct Golden {
    std::string path;
    std::vector<std::uint32_t> tokens;
    std::vector<float> logits;  // [n_tokens, n_vocab]
};
std::vector<std::string> golden_names();
std::string golden_path(const std::string& name);
Golden read_golden(const std::string& name);

std::string read_file(const std::string& path);
void write_file(const std::string& path, const std::string& bytes);

// Tokens as "1,2,3".
std::string join(std::span<const std::uint32_t> tokens);

// max |actual - expected| / max |expected|; infinity for a NaN.
double relative_error(std::span<const float> actual, std::span<const float> expected);

// Opens a file without a device. Null after a failure, which the test then has.
ModelPtr open_file(const std::string& path);

// A folder of its own for a test, removed at the end.
class TemporaryFolder {
  public:
    TemporaryFolder();
    ~TemporaryFolder();
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;
    std::string path(const std::string& name) const { return folder_ + "/" + name; }
    std::vector<std::string> names() const;  // of what is in it, sorted
    const std::string& folder() const { return folder_; }

  private:
    std::string folder_;
};

// Dispatches that a decoded token may have beyond its embedding, five per layer and its logits: the
// first layer's norm, where norms come after products; on SwiftShader, whose texels are small
// (docs/kernels.md), all norms and the further slices of the vocabulary, read twice.
std::uint32_t more_dispatches(std::uint32_t n_layer, std::uint32_t n_vocabulary_slices = 1);

// Tests with a device: validation is on, and a test fails for every line that the library logs as
// an error. GYRE_TEST_DRIVER (lavapipe, swiftshader, any) must be there, or the test fails.
class ApiDeviceTest : public ::testing::Test {
  protected:
    static void SetUpTestSuite();
    void SetUp() override;
    void TearDown() override;

    // ignored: as gyre_model_options.ignore_keys.
    static ModelPtr open_model(const std::string& path, std::span<const char* const> ignored = {});
    static ModelPtr open_model_of(const void* data, std::size_t n_bytes);
    static SessionPtr create_session(const gyre_model* model,
                                     const gyre_session_options& options = default_options());
    static gyre_session_options default_options() {
        const gyre_session_options options = GYRE_SESSION_OPTIONS_INIT;
        return options;
    }
    // The logits after every one of the tokens, [n_tokens, n_vocab].
    static std::vector<float> feed_logits(gyre_session* session,
                                          std::span<const std::uint32_t> tokens);
};

// Sets GYRE_VALIDATION for this process and its children from GYRE_TEST_SYNC_VALIDATION; not where
// GYRE_TEST_VALIDATION is "off": for systems without the layers, as Wine.
void turn_validation_on();

}  // namespace gyre::test
