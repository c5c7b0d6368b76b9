// SPDX-License-Identifier: Apache-2.0
#include "tests/api/api_support.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <mutex>
#include <sstream>

#include "tests/support/platform.h"

namespace gyre::test {
namespace {

namespace fs = std::filesystem;

const fs::path kGoldenFolder = fs::path(GYRE_SOURCE_DIR) / "tests/golden";

std::mutex log_mutex;
std::vector<std::string> log_errors;

void collect_errors(gyre_log_level, const char* message, void*) {
    const std::lock_guard lock(log_mutex);
    log_errors.push_back(message);
}

// A part of the name of GYRE_TEST_DRIVER's device.
std::string wanted_device() {
    const char* driver = std::getenv("GYRE_TEST_DRIVER");
    const std::string name = driver == nullptr ? "" : driver;
    if (name == "lavapipe") return "llvmpipe";
    if (name == "swiftshader") return "SwiftShader";
    return name == "any" ? "auto" : "";
}

gyre_model_options device_options(const std::string& device) {
    gyre_model_options options = GYRE_MODEL_OPTIONS_INIT;
    options.device = device.c_str();
    options.cache_dir = "";
    return options;
}

}  // namespace

// As gyre.h has it: UTF-8.
static fs::path path_of(const std::string& path) {
    return std::u8string(path.begin(), path.end());
}

std::uint32_t more_dispatches(std::uint32_t n_layer, std::uint32_t n_vocabulary_slices) {
    if (wanted_device() != "SwiftShader") return 1;
    return 2 * n_layer + 1 + 2 * (n_vocabulary_slices - 1);
}

::testing::AssertionResult is_gyre_ok(gyre_status status) {
    if (status == GYRE_OK) return testing::AssertionSuccess();
    return testing::AssertionFailure() << gyre_status_string(status) << ": " << gyre_last_error();
}

std::vector<std::string> golden_names() {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(kGoldenFolder)) {
        if (entry.path().extension() == ".gguf") names.push_back(entry.path().stem().string());
    }
    std::sort(names.begin(), names.end());
    return names;
}

std::string golden_path(const std::string& name) {
    return (kGoldenFolder / (name + ".gguf")).string();
}

Golden read_golden(const std::string& name) {
    Golden golden;
    golden.path = golden_path(name);
    std::stringstream list(read_file((kGoldenFolder / (name + ".tokens.txt")).string()));
    for (std::string id; std::getline(list, id, ',');) {
        golden.tokens.push_back(static_cast<std::uint32_t>(std::stoul(id)));
    }
    const std::string bytes = read_file((kGoldenFolder / (name + ".logits.bin")).string());
    golden.logits.resize(bytes.size() / sizeof(float));
    std::memcpy(golden.logits.data(), bytes.data(), golden.logits.size() * sizeof(float));
    return golden;
}

std::string read_file(const std::string& path) {
    std::ifstream file(path_of(path), std::ios::binary);
    EXPECT_TRUE(file.good()) << path;
    return {std::istreambuf_iterator<char>(file), {}};
}

void write_file(const std::string& path, const std::string& bytes) {
    std::ofstream file(path_of(path), std::ios::binary);
    file << bytes;
    EXPECT_TRUE(file.good()) << path;
}

std::string join(std::span<const std::uint32_t> tokens) {
    std::string list;
    for (const std::uint32_t token : tokens) {
        list += (list.empty() ? "" : ",") + std::to_string(token);
    }
    return list;
}

double relative_error(std::span<const float> actual, std::span<const float> expected) {
    if (actual.size() != expected.size()) return std::numeric_limits<double>::infinity();
    double largest = 0.0;
    double error = 0.0;
    for (std::size_t i = 0; i < actual.size(); ++i) {
        if (!std::isfinite(actual[i])) return std::numeric_limits<double>::infinity();
        largest = std::max(largest, std::abs(double{expected[i]}));
        error = std::max(error, std::abs(double{actual[i]} - double{expected[i]}));
    }
    return error / largest;
}

ModelPtr open_file(const std::string& path) {
    gyre_model_options options = GYRE_MODEL_OPTIONS_INIT;
    options.device = "none";
    gyre_model* model = nullptr;
    EXPECT_GYRE_OK(gyre_model_open(path.c_str(), &options, &model));
    return ModelPtr(model);
}

TemporaryFolder::TemporaryFolder() : folder_(make_temporary_folder("gyre-test").string()) {}

TemporaryFolder::~TemporaryFolder() {
    std::error_code error;  // what cannot be removed is left to the system
    fs::remove_all(folder_, error);
}

std::vector<std::string> TemporaryFolder::names() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder_)) {
        const std::u8string name = entry.path().filename().u8string();
        names.emplace_back(name.begin(), name.end());
    }
    std::sort(names.begin(), names.end());
    return names;
}

void turn_validation_on() {
    const char* validation = std::getenv("GYRE_TEST_VALIDATION");
    if (validation != nullptr && std::string(validation) == "off") return;
    const char* sync = std::getenv("GYRE_TEST_SYNC_VALIDATION");
    const bool with_sync = sync != nullptr && std::string(sync) == "1";
    set_environment("GYRE_VALIDATION", with_sync ? "sync" : "1");
}

void ApiDeviceTest::SetUpTestSuite() {
    turn_validation_on();
}

void ApiDeviceTest::SetUp() {
    ASSERT_NE(wanted_device(), "") << "set GYRE_TEST_DRIVER to lavapipe, swiftshader or any";
    gyre_set_log_callback(collect_errors, nullptr, GYRE_LOG_ERROR);
}

void ApiDeviceTest::TearDown() {
    gyre_set_log_callback(nullptr, nullptr, GYRE_LOG_ERROR);
    for (const std::string& error : log_errors)
        ADD_FAILURE() << error;
    log_errors.clear();
}

ModelPtr ApiDeviceTest::open_model(const std::string& path, std::span<const char* const> ignored) {
    const std::string device = wanted_device();
    gyre_model_options options = device_options(device);
    options.ignore_keys = ignored.data();
    options.n_ignore_keys = ignored.size();
    gyre_model* model = nullptr;
    EXPECT_GYRE_OK(gyre_model_open(path.c_str(), &options, &model));
    return ModelPtr(model);
}

ModelPtr ApiDeviceTest::open_model_of(const void* data, std::size_t n_bytes) {
    const std::string device = wanted_device();
    const gyre_model_options options = device_options(device);
    gyre_model* model = nullptr;
    EXPECT_GYRE_OK(gyre_model_open_memory(data, n_bytes, &options, &model));
    return ModelPtr(model);
}

SessionPtr ApiDeviceTest::create_session(const gyre_model* model,
                                         const gyre_session_options& options) {
    gyre_session* session = nullptr;
    EXPECT_GYRE_OK(gyre_session_create(model, &options, &session));
    return SessionPtr(session);
}

std::vector<float> ApiDeviceTest::feed_logits(gyre_session* session,
                                              std::span<const std::uint32_t> tokens) {
    std::vector<float> rows;
    const auto append = [](const float* logits, size_t first, size_t n_rows, size_t n_vocab,
                           void* user) {
        auto* all = static_cast<std::vector<float>*>(user);
        EXPECT_EQ(all->size(), first * n_vocab);
        all->insert(all->end(), logits, logits + n_rows * n_vocab);
        return 1;
    };
    EXPECT_GYRE_OK(gyre_session_feed_logits(session, tokens.data(), tokens.size(), append, &rows));
    return rows;
}

}  // namespace gyre::test
