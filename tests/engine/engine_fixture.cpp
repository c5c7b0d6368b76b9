// Opening of models, reading of goldens.
// SPDX-License-Identifier: Apache-2.0
#include "tests/engine/engine_fixture.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <mutex>
#include <sstream>
#include <utility>

namespace gyre::test {

namespace {

constexpr std::uint32_t kDriverSwiftShader = 10;  // VkDriverId
constexpr std::uint32_t kDriverLlvmpipe = 13;

std::mutex messages_mutex;

// Never destroyed: layers speak to the very end.
std::vector<std::string>& messages() {
    static auto* const list = new std::vector<std::string>;
    return *list;
}

void add_message(const char* message) {
    const std::lock_guard lock(messages_mutex);
    messages().emplace_back(message);
}

std::vector<std::string> take_messages() {
    const std::lock_guard lock(messages_mutex);
    return std::exchange(messages(), {});
}

std::string environment(const char* name) {
    const char* value = std::getenv(name);
    return value != nullptr ? value : "";
}

// No test may pass on another driver than the one it names.
void check_driver(const DeviceInfo& device) {
    const std::string driver = environment("GYRE_TEST_DRIVER");
    const bool right = driver == "any" ||
                       (driver == "lavapipe" && device.driver_id == kDriverLlvmpipe) ||
                       (driver == "swiftshader" && device.driver_id == kDriverSwiftShader);
    if (!right) {
        throw std::runtime_error("GYRE_TEST_DRIVER is \"" + driver + "\", but the device is " +
                                 device.name + " (set it to lavapipe, swiftshader or any)");
    }
    static std::once_flag said;
    std::call_once(said, [&] {
        std::cout << "Device: " << device.name << ", driver " << device.driver_info << std::endl;
    });
}

void validate(OpenOptions& options) {
    options.validation = true;
    options.matrix_units = MatrixUnits::kOn;  // where a driver of the tests has them
    options.sync_validation = environment("GYRE_TEST_SYNC_VALIDATION") == "1";
    options.on_validation_message = add_message;
}

std::string read_text(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) throw std::runtime_error("cannot read " + path);
    return {std::istreambuf_iterator<char>(file), {}};
}

std::filesystem::path golden_folder() {
    return std::filesystem::path(GYRE_SOURCE_DIR) / "tests" / "golden";
}

}  // namespace

std::vector<std::string> golden_names(const std::string& folder) {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(golden_folder() / folder)) {
        if (entry.path().extension() == ".gguf") names.push_back(entry.path().stem().string());
    }
    std::sort(names.begin(), names.end());
    return names;
}

std::string golden_path(const std::string& name) {
    return (golden_folder() / (name + ".gguf")).string();
}

Golden read_golden(const std::string& name) {
    Golden golden;
    golden.name = name;
    std::istringstream ids(read_text((golden_folder() / (name + ".tokens.txt")).string()));
    for (std::string id; std::getline(ids, id, ',');) {
        golden.tokens.push_back(static_cast<std::uint32_t>(std::stoul(id)));
    }
    const std::string bytes = read_text((golden_folder() / (name + ".logits.bin")).string());
    static_assert(std::endian::native == std::endian::little, "the files are little-endian");
    golden.logits.resize(bytes.size() / sizeof(float));
    std::memcpy(golden.logits.data(), bytes.data(), golden.logits.size() * sizeof(float));
    golden.n_vocab = static_cast<std::uint32_t>(golden.logits.size() / golden.tokens.size());
    if (golden.n_vocab == 0 || golden.logits.size() % golden.tokens.size() != 0) {
        throw std::runtime_error(name + ": not one row of logits for every token");
    }
    return golden;
}

Result<std::shared_ptr<Model>> EngineTest::try_open(const std::string& path,
                                                    const DeviceCapsLimit& limit) {
    OpenOptions options;
    options.tune = false;  // tests choose tilings, not the clock
    options.limit = limit;
    return try_open(path, std::move(options));
}

Result<std::shared_ptr<Model>> EngineTest::try_open(const std::string& path, OpenOptions options) {
    validate(options);
    auto model = Model::open(path, options);
    if (model.ok()) check_driver(model.value()->device().info());
    return model;
}

std::shared_ptr<Model> EngineTest::open(const ModelFile& file, const DeviceCapsLimit& limit) {
    OpenOptions options;
    options.tune = false;
    options.limit = limit;
    validate(options);
    auto model = Model::open(file, options);
    require(model.status());
    check_driver(model.value()->device().info());
    return std::move(model).value();
}

std::shared_ptr<Model> EngineTest::open(const std::string& path, const DeviceCapsLimit& limit) {
    auto model = try_open(path, limit);
    require(model.status());
    return std::move(model).value();
}

std::shared_ptr<Model> EngineTest::open_golden(const std::string& name,
                                               const DeviceCapsLimit& limit) {
    return open(golden_path(name), limit);
}

std::unique_ptr<Session> EngineTest::session(const std::shared_ptr<const Model>& model,
                                             const SessionOptions& options) {
    auto made = Session::create(model, options);
    require(made.status());
    return std::move(made).value();
}

std::unique_ptr<Session> EngineTest::session(const std::shared_ptr<const Model>& model,
                                             std::uint32_t chunk, CacheFormat cache) {
    SessionOptions options;
    options.chunk = chunk;
    options.cache = cache;
    return session(model, options);
}

void EngineTest::SetUp() {
    (void)take_messages();
}

void EngineTest::TearDown() {
    for (const std::string& message : take_messages())
        ADD_FAILURE() << message;
}

Logits every_row(Session& session, Ids tokens) {
    session.reset();
    Logits rows;
    std::uint32_t next = 0;
    require(session.feed(tokens, [&](std::uint32_t first, std::uint32_t n, const float* logits) {
        EXPECT_EQ(first, next) << "rows out of order";
        next = first + n;
        const std::size_t n_floats = std::size_t{n} * session.model().config().n_vocab;
        rows.insert(rows.end(), logits, logits + n_floats);
        return Status();
    }));
    EXPECT_EQ(next, tokens.size());
    EXPECT_EQ(session.position(), tokens.size());
    return rows;
}

Logits last_row(Session& session, Ids tokens) {
    session.reset();
    require(session.feed(tokens));
    EXPECT_EQ(session.position(), tokens.size());
    return {session.logits().begin(), session.logits().end()};
}

Logits decoded_rows(Session& session, Ids tokens) {
    session.reset();
    Logits rows;
    for (const std::uint32_t token : tokens) {
        require(session.decode(token));
        rows.insert(rows.end(), session.logits().begin(), session.logits().end());
    }
    EXPECT_EQ(session.position(), tokens.size());
    return rows;
}

double relative_error(std::span<const float> actual, std::span<const float> expected) {
    if (actual.size() != expected.size()) return INFINITY;
    const std::vector<double> wide(expected.begin(), expected.end());
    return compare(actual, wide, 0).max_rel;
}

testing::AssertionResult same_bits(std::span<const float> a, std::span<const float> b) {
    if (a.size() != b.size()) {
        return testing::AssertionFailure() << a.size() << " values and " << b.size();
    }
    for (std::size_t i = 0; i < a.size(); ++i) {
        if (std::bit_cast<std::uint32_t>(a[i]) == std::bit_cast<std::uint32_t>(b[i])) continue;
        return testing::AssertionFailure()
               << "[" << i << "] of " << a.size() << ": " << a[i] << " and " << b[i]
               << ", relative error of all " << relative_error(a, b);
    }
    return testing::AssertionSuccess();
}

std::uint32_t decode_norms(const Model& model) {
    if (uses_fixed_tiles(model.device().caps())) return 2 * model.config().n_layer + 1;
    const Device& device = model.device();
    const Tilings tilings =
        Tilings::for_device(device.info(), device.caps(), model.weights().token_embd.format);
    return tilings.norms_after ? 1 : 0;
}

}  // namespace gyre::test
