// Metadata as text and what tokens are, against files that say so.
// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/api/api_support.h"
#include "tests/api/model_files.h"

namespace gyre::test {
namespace {

using testing::GgufBuilder;

std::string metadata(const gyre_model* model, const std::string& key) {
    size_t n = 0;
    EXPECT_GYRE_OK(gyre_model_metadata(model, key.c_str(), nullptr, 0, &n));
    std::string text(n, '?');
    EXPECT_GYRE_OK(gyre_model_metadata(model, key.c_str(), text.data(), text.size(), &n));
    EXPECT_EQ(n, text.size());
    return text;
}

std::vector<std::string> keys_of(const gyre_model* model) {
    std::vector<std::string> keys;
    for (size_t i = 0; i < gyre_model_metadata_count(model); ++i)
        keys.emplace_back(gyre_model_metadata_key(model, i));
    return keys;
}

gyre_token_info token_info(const gyre_model* model, std::uint32_t token) {
    gyre_token_info info = GYRE_TOKEN_INFO_INIT;
    EXPECT_GYRE_OK(gyre_model_get_token(model, token, &info));
    return info;
}

class MetadataTest : public ::testing::Test {
  protected:
    ModelPtr open(const GgufBuilder& builder) const {
        write_model(path_, builder);
        return open_file(path_);
    }
    const TemporaryFolder folder_;
    const std::string path_ = folder_.path("model.gguf");
};

// Catches: a value read as another type or width, a number that does not read back.
TEST_F(MetadataTest, EveryTypeHasItsText) {
    GgufBuilder b = model_with_tokenizer();
    b.scalar<std::uint8_t>("general.u8", 0, 255).scalar<std::int8_t>("general.i8", 1, -128);
    b.scalar<std::uint16_t>("general.u16", 2, 65535).scalar<std::int16_t>("general.i16", 3, -1);
    b.scalar<std::uint32_t>("general.u32", 4, 4294967295u);
    b.scalar<std::int32_t>("general.i32", 5, std::numeric_limits<std::int32_t>::min());
    b.scalar<std::uint64_t>("general.u64", 10, std::numeric_limits<std::uint64_t>::max());
    b.scalar<std::int64_t>("general.i64", 11, std::numeric_limits<std::int64_t>::min());
    b.f32("general.f32", 0.1f).scalar<double>("general.f64", 12, 0.1);
    b.f32("general.inf", -std::numeric_limits<float>::infinity());
    b.boolean("general.yes", true).boolean("general.no", false);
    b.string("tokenizer.chat_template", "{% if x %}\n\t\"\xff\"\\{% endif %}")
        .string("general.e", "");
    b.array<std::int16_t>("general.i16s", 3, {1, -2}).array<double>("general.f64s", 12, {});
    b.array<float>("general.f32s", 6, {0.5f, std::nanf(""), 1e-7f});
    b.array<std::uint8_t>("general.bools", 7, {1, 0});
    b.strings("general.strings", {"a\"b\\c", "\n\x1f", "caf\xc3\xa9", "\xff", ""});
    const ModelPtr model = open(b);
    ASSERT_NE(model, nullptr);
    const struct {
        const char* key;
        const char* text;
    } rows[] = {
        {"general.u8", "255"},
        {"general.i8", "-128"},
        {"general.u16", "65535"},
        {"general.i16", "-1"},
        {"general.u32", "4294967295"},
        {"general.i32", "-2147483648"},
        {"general.u64", "18446744073709551615"},
        {"general.i64", "-9223372036854775808"},
        {"general.f32", "0.1"},
        {"general.f64", "0.1"},
        {"general.inf", "-inf"},
        {"general.yes", "true"},
        {"general.no", "false"},
        {"tokenizer.chat_template", "{% if x %}\n\t\"\xff\"\\{% endif %}"},
        {"general.e", ""},
        {"general.i16s", "[1, -2]"},
        {"general.f64s", "[]"},
        {"general.f32s", "[0.5, null, 1e-07]"},
        {"general.bools", "[true, false]"},
        {"general.strings",
         "[\"a\\\"b\\\\c\", \"\\u000a\\u001f\", \"caf\xc3\xa9\", \"\xef\xbf\xbd\", \"\"]"},
    };
    for (const auto& row : rows)
        EXPECT_EQ(metadata(model.get(), row.key), row.text) << row.key;
}

// Catches: a float whose text is rounded.
TEST_F(MetadataTest, FloatsReadBack) {
    GgufBuilder b = model_with_tokenizer();
    const float single = std::nextafterf(0.3f, 1.0f);
    const double wide = std::nextafter(1e22, 0.0);
    b.f32("general.f32", single).scalar("general.f64", 12, wide);
    const ModelPtr model = open(b);
    EXPECT_EQ(std::stof(metadata(model.get(), "general.f32")), single);
    EXPECT_EQ(std::stod(metadata(model.get(), "general.f64")), wide);
}

// Catches: keys in another order than the file's, keys of the tokenizer that are left out.
TEST_F(MetadataTest, KeysAreTheFilesInItsOrder) {
    const ModelPtr model = open(model_with_tokenizer());
    const std::vector<std::string> keys = keys_of(model.get());
    ASSERT_EQ(keys.size(), 14u);
    EXPECT_EQ(keys[0], "general.architecture");
    EXPECT_EQ(keys[1], "general.name");
    EXPECT_EQ(keys[13], "tokenizer.ggml.eos_token_id");
    EXPECT_EQ(gyre_model_metadata_key(model.get(), 14), nullptr);
    EXPECT_EQ(metadata(model.get(), "tokenizer.ggml.merges"), "[\"h e\"]");
    const auto tokens = nlohmann::json::parse(metadata(model.get(), "tokenizer.ggml.tokens"));
    ASSERT_EQ(tokens.size(), 258u);
    EXPECT_EQ(tokens[257], "he");
}

// All keys of all golden models, whose number the file's header says, have a text.
TEST_F(MetadataTest, EveryGoldenModelIsRead) {
    for (const std::string& name : golden_names()) {
        const std::string file = read_file(golden_path(name));
        std::uint64_t n_pairs = 0;
        std::memcpy(&n_pairs, file.data() + 16, sizeof n_pairs);
        const ModelPtr model = open_file(golden_path(name));
        const std::vector<std::string> keys = keys_of(model.get());
        EXPECT_EQ(keys.size(), n_pairs) << name;
        for (const std::string& key : keys)
            EXPECT_NE(metadata(model.get(), key), "") << name << ": " << key;
        EXPECT_EQ(metadata(model.get(), "general.name"), name);
    }
}

TEST_F(MetadataTest, WhatIsRefused) {
    const ModelPtr model = open_file(golden_path("text"));
    size_t n = 77;
    EXPECT_EQ(gyre_model_metadata(model.get(), "general.nothing", nullptr, 0, &n),
              GYRE_ERROR_INVALID_ARGUMENT);
    EXPECT_STREQ(gyre_last_error(), "the model file has no key 'general.nothing'");
    EXPECT_EQ(n, 77u);
    char text[3] = {'x', 'y', 'z'};
    EXPECT_EQ(gyre_model_metadata(model.get(), "general.architecture", text, 3, &n),
              GYRE_ERROR_INVALID_ARGUMENT);
    EXPECT_EQ(n, 4u);
    EXPECT_EQ(std::string(text, 3), "xyz") << "nothing is written";
    EXPECT_EQ(gyre_model_metadata_count(nullptr), 0u);
    EXPECT_EQ(gyre_model_metadata_key(nullptr, 0), nullptr);
    EXPECT_EQ(gyre_model_metadata_key(model.get(), SIZE_MAX), nullptr);
}

// Catches: bytes that are not those of the text, or that are somebody else's memory.
TEST_F(MetadataTest, ATokensBytesAreItsText) {
    const ModelPtr model = open_file(golden_path("text"));
    gyre_model_info info = GYRE_MODEL_INFO_INIT;
    ASSERT_GYRE_OK(gyre_model_get_info(model.get(), &info));
    std::uint32_t n_ends = 0;
    for (std::uint32_t id = 0; id < 301; ++id) {
        const gyre_token_info token = token_info(model.get(), id);
        char bytes[64];
        size_t n = 0;
        ASSERT_GYRE_OK(gyre_model_detokenize(model.get(), &id, 1, bytes, sizeof bytes, &n));
        EXPECT_EQ(std::string(token.bytes, token.n_bytes), std::string(bytes, n)) << id;
        EXPECT_EQ(token.ends_text, id == info.eos_token ? 1u : 0u);
        EXPECT_EQ(token.kind,
                  id == info.eos_token ? GYRE_TOKEN_KIND_CONTROL : GYRE_TOKEN_KIND_NORMAL)
            << id;
        n_ends += token.ends_text;
    }
    EXPECT_EQ(n_ends, 1u);
}

TEST_F(MetadataTest, KindsAreTheFiles) {
    GgufBuilder b = model_with_tokenizer();
    std::vector<std::int32_t> types(258, 1);
    types[255] = 0;  // undefined
    types[256] = 4;  // the end token: whatever the file says, a control token
    types[257] = 1;
    b.array("tokenizer.ggml.token_type", 5, types);
    const ModelPtr model = open(b);
    EXPECT_EQ(token_info(model.get(), 255).kind, GYRE_TOKEN_KIND_NORMAL);
    EXPECT_EQ(token_info(model.get(), 256).kind, GYRE_TOKEN_KIND_CONTROL);
    EXPECT_EQ(token_info(model.get(), 257).kind, GYRE_TOKEN_KIND_NORMAL);
    // Without the key for an end token, and without the rule that makes token 257.
    b.erase("tokenizer.ggml.eos_token_id").strings("tokenizer.ggml.merges", {});
    for (const int kind : {2, 3, 4, 5}) {
        types[256] = types[257] = kind;
        b.array("tokenizer.ggml.token_type", 5, types);
        const ModelPtr other = open(b);
        const gyre_token_info token = token_info(other.get(), 257);
        EXPECT_EQ(token.kind, kind);
        EXPECT_EQ(std::string(token.bytes, token.n_bytes), "he");
        EXPECT_EQ(token.ends_text, 0u);
        EXPECT_EQ(token_info(other.get(), 256).ends_text, 1u);  // by its name, <|endoftext|>
    }
}

TEST_F(MetadataTest, TokensThatAreRefused) {
    const ModelPtr model = open_file(golden_path("text"));
    gyre_token_info info = GYRE_TOKEN_INFO_INIT;
    EXPECT_EQ(gyre_model_get_token(model.get(), 301, &info), GYRE_ERROR_INVALID_ARGUMENT);
    EXPECT_NE(std::string(gyre_last_error()).find("301"), std::string::npos) << gyre_last_error();
    EXPECT_EQ(gyre_model_get_token(model.get(), GYRE_TOKEN_NONE, &info),
              GYRE_ERROR_INVALID_ARGUMENT);
    EXPECT_EQ(info.bytes, nullptr);
    info.struct_size = 3;
    EXPECT_EQ(gyre_model_get_token(model.get(), 1, &info), GYRE_ERROR_INVALID_ARGUMENT);
    const ModelPtr without = open_file(golden_path("rope_half"));
    EXPECT_EQ(gyre_model_get_token(without.get(), 1, &info), GYRE_ERROR_UNSUPPORTED);
}

}  // namespace
}  // namespace gyre::test
