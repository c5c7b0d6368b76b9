// The committed golden models, written by the Python tools: this reader and that writer agree.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <filesystem>

#include "runtime/base/mapped_file.h"
#include "runtime/model/model_config.h"
#include "runtime/model/model_tensors.h"

namespace gyre::testing {
namespace {

std::filesystem::path golden_folder() {
    return std::filesystem::path(GYRE_SOURCE_DIR) / "tests" / "golden";
}

// Reads every model of a folder whole, shows each name and config to `check`, and counts them.
template <typename Check>
void read_all(const std::filesystem::path& folder, int& n_models, Check check) {
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        if (entry.path().extension() != ".gguf") continue;
        SCOPED_TRACE(entry.path().filename().string());
        const auto file = MappedFile::open(entry.path().string());
        ASSERT_TRUE(file.ok()) << file.status().message();
        const auto gguf = Gguf::parse(file->bytes());
        ASSERT_TRUE(gguf.ok()) << gguf.status().message();
        GgufReading reading(gguf.value());
        const auto config = read_model_config(reading);
        ASSERT_TRUE(config.ok()) << config.status().message();
        const auto tensors = find_model_tensors(reading, config.value());
        EXPECT_TRUE(tensors.ok()) << tensors.status().message();
        check(entry.path().stem().string(), config.value());
        ++n_models;
    }
}

TEST(GoldenModels, AllLoadAndAreSupported) {
    int n_models = 0;
    read_all(golden_folder(), n_models, [](const std::string& name, const ModelConfig& config) {
        EXPECT_TRUE(check_supported(config).ok()) << check_supported(config).message();
        EXPECT_EQ(config.name, name);
    });
    EXPECT_GE(n_models, 10) << "tests/golden is empty: run tools/golden/generate.py";
}

// Whatever the tools wrote: nothing in it is unread.
TEST(GoldenModels, LongAndShippedModelsLoad) {
    int n_models = 0;
    for (const auto& folder :
         {golden_folder() / "long", std::filesystem::path(GYRE_SOURCE_DIR) / "models"}) {
        read_all(folder, n_models, [](const std::string&, const ModelConfig&) {});
    }
    EXPECT_GE(n_models, 17);
}

struct Loaded {
    MappedFile file;
    ModelConfig config;
};

Result<Loaded> load(const char* name) {
    GYRE_ASSIGN(MappedFile file, MappedFile::open((golden_folder() / name).string()));
    GYRE_ASSIGN(const Gguf gguf, Gguf::parse(file.bytes()));
    GYRE_ASSIGN(ModelConfig config, read_model_config(gguf));
    return Loaded{std::move(file), std::move(config)};
}

// The fields as tools/golden/models.py states them.
TEST(GoldenModels, FieldsAreThoseOfTheList) {
    const auto gqa = load("gqa.gguf");
    ASSERT_TRUE(gqa.ok()) << gqa.status().message();
    EXPECT_EQ(gqa->config.n_head, 6u);
    EXPECT_EQ(gqa->config.n_head_kv, 2u);
    EXPECT_EQ(gqa->config.head_dim, 20u);
    EXPECT_EQ(gqa->config.rotary.values, ValueRotation::kRove);
    const auto learned = load("learned.gguf");
    ASSERT_TRUE(learned.ok()) << learned.status().message();
    EXPECT_EQ(learned->config.position, PositionKind::kLearned);
    EXPECT_TRUE(learned->config.tied);
    const auto explicit_frequencies = load("rove_inv_freq.gguf");
    ASSERT_TRUE(explicit_frequencies.ok());
    const RotarySpec spec = explicit_frequencies->config.rotary_spec(64);
    EXPECT_EQ(spec.stride, 10u);
    EXPECT_EQ(spec.inv_freq[1], 0.5);
    EXPECT_EQ(spec.inv_freq[2], 0.0);
    const auto untied = load("untied.gguf");
    ASSERT_TRUE(untied.ok());
    EXPECT_FALSE(untied->config.tied);
    const auto relu2 = load("relu2.gguf");
    ASSERT_TRUE(relu2.ok());
    EXPECT_EQ(relu2->config.activation, Activation::kRelu2);
}

}  // namespace
}  // namespace gyre::testing
