// Files that are refused for what nothing reads, through the C API and the program: tokenizer keys,
// and how a user goes on at his own risk.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>

#include "tests/api/api_support.h"
#include "tests/api/model_files.h"
#include "tests/api/process.h"

namespace gyre::test {
namespace {

using testing::GgufBuilder;
using Change = std::function<void(GgufBuilder&)>;

class RefusedFileTest : public ::testing::Test {
  protected:
    gyre_status open(const GgufBuilder& builder, const std::vector<const char*>& ignored = {}) {
        write_model(path_, builder);
        gyre_model_options options = GYRE_MODEL_OPTIONS_INIT;
        options.device = "none";
        options.ignore_keys = ignored.data();
        options.n_ignore_keys = ignored.size();
        gyre_model* model = nullptr;
        const gyre_status status = gyre_model_open(path_.c_str(), &options, &model);
        model_.reset(model);
        return status;
    }

    std::string ignored() const {
        gyre_model_info info = GYRE_MODEL_INFO_INIT;
        EXPECT_GYRE_OK(gyre_model_get_info(model_.get(), &info));
        return info.ignored;
    }

    void expect_that_he_is_a_token() {
        std::uint32_t tokens[8] = {};
        std::size_t n = 0;
        ASSERT_GYRE_OK(gyre_model_tokenize(model_.get(), "Ahe", 3, 0, tokens, 8, &n));
        ASSERT_EQ(n, 2u);
        EXPECT_EQ(tokens[0], 'A');
        EXPECT_EQ(tokens[1], 257u);
    }

    ProcessResult run(std::vector<std::string> arguments) {
        return run_gyre(arguments, {{}, {"VK_DRIVER_FILES=/nonexistent.json", "GYRE_LOG"}, 0});
    }

    const TemporaryFolder folder_;
    const std::string path_ = folder_.path("model.gguf");
    ModelPtr model_;
};

TEST_F(RefusedFileTest, TokenizerKeysThatMayChangeTheTokens) {
    const struct {
        const char* key;
        Change change;
    } rows[] = {
        {"tokenizer.ggml.normalizer.lowercase",
         [](auto& b) { b.boolean("tokenizer.ggml.normalizer.lowercase", true); }},
        {"tokenizer.ggml.add_space_prefix",
         [](auto& b) { b.boolean("tokenizer.ggml.add_space_prefix", true); }},
        {"tokenizer.ggml.add_eos_token",
         [](auto& b) { b.boolean("tokenizer.ggml.add_eos_token", true); }},
        {"tokenizer.ggml.add_sep_token",
         [](auto& b) { b.boolean("tokenizer.ggml.add_sep_token", true); }},
        {"tokenizer.ggml.remove_extra_whitespaces",
         [](auto& b) { b.boolean("tokenizer.ggml.remove_extra_whitespaces", true); }},
        {"tokenizer.ggml.added_tokens",
         [](auto& b) { b.strings("tokenizer.ggml.added_tokens", {"x"}); }},
        {"tokenizer.ggml.precompiled_charsmap",
         [](auto& b) {
             b.template array<std::uint8_t>("tokenizer.ggml.precompiled_charsmap", 0, {1});
         }},
        {"tokenizer.ggml.token_type_count",
         [](auto& b) { b.u32("tokenizer.ggml.token_type_count", 2); }},
        {"tokenizer.rwkv.world", [](auto& b) { b.string("tokenizer.rwkv.world", "x"); }},
        {"tokenizer.normalizer", [](auto& b) { b.string("tokenizer.normalizer", "NFC"); }},
    };
    for (const auto& row : rows) {
        SCOPED_TRACE(row.key);
        GgufBuilder b = model_with_tokenizer();
        row.change(b);
        EXPECT_EQ(open(b), GYRE_ERROR_UNSUPPORTED);
        EXPECT_NE(std::string(gyre_last_error()).find(std::string("--ignore-key ") + row.key),
                  std::string::npos)
            << gyre_last_error();
        EXPECT_GYRE_OK(open(b, {row.key}));
        EXPECT_NE(ignored().find(row.key), std::string::npos) << ignored();
    }
}

TEST_F(RefusedFileTest, TokenizerKeysThatChangeNothing) {
    GgufBuilder b = model_with_tokenizer();
    for (const char* role : {"bos", "eot", "eom", "unknown", "padding", "cls", "mask", "separator",
                             "seperator", "prefix", "suffix", "middle", "fim_pre", "fim_suf",
                             "fim_mid", "fim_pad", "fim_rep", "fim_sep"}) {
        b.u32("tokenizer.ggml." + std::string(role) + "_token_id", 256);
    }
    for (const char* name :
         {"add_bos_token", "add_eos_token", "add_sep_token", "add_space_prefix", "ignore_merges",
          "normalizer.lowercase", "normalizer.strip_accents", "remove_extra_whitespaces"}) {
        b.boolean("tokenizer.ggml." + std::string(name), false);
    }
    for (const char* name : {"add_padding_token", "add_unknown_token", "add_mask_token"})
        b.boolean("tokenizer.ggml." + std::string(name), true);
    b.string("tokenizer.chat_template", "{{ x }}").string("tokenizer.chat_template.tool_use", "");
    b.strings("tokenizer.chat_templates", {"tool_use"}).string("tokenizer.huggingface.json", "{}");
    b.array<std::int32_t>("tokenizer.ggml.suppress_tokens", 5, {3});
    b.array<std::int32_t>("tokenizer.ggml.eos_token_ids", 5, {256});
    b.array<float>("tokenizer.ggml.scores", 6, std::vector<float>(258, 0.0f));
    ASSERT_GYRE_OK(open(b));
    EXPECT_EQ(ignored(), "");
    expect_that_he_is_a_token();
}

// Where no tokenizer is made of the keys, they change nothing: text is refused, ids are not.
TEST_F(RefusedFileTest, KeysOfATokenizerOfAnotherKind) {
    GgufBuilder b = model_with_tokenizer();
    b.string("tokenizer.ggml.model", "t5").boolean("tokenizer.ggml.add_space_prefix", true);
    EXPECT_GYRE_OK(open(b));
}

TEST_F(RefusedFileTest, SentencePieceAndTheKeysThatItReads) {
    GgufBuilder b = model_with_tokenizer();
    std::vector<float> scores(258, -9.0f);
    scores[257] = -1.0f;
    b.string("tokenizer.ggml.model", "llama").array<float>("tokenizer.ggml.scores", 6, scores);
    b.boolean("tokenizer.ggml.add_space_prefix", false).u32("tokenizer.ggml.eot_token_id", 'z');
    b.u32("tokenizer.ggml.bos_token_id", 256).u32("tokenizer.ggml.unknown_token_id", 0);
    ASSERT_GYRE_OK(open(b));
    expect_that_he_is_a_token();
    for (const std::uint32_t id : {256u, 122u, 65u}) {
        gyre_token_info info = GYRE_TOKEN_INFO_INIT;
        ASSERT_GYRE_OK(gyre_model_get_token(model_.get(), id, &info));
        EXPECT_EQ(info.ends_text, id == 65u ? 0u : 1u) << id;
    }
    b.array<float>("tokenizer.ggml.scores", 6, std::vector<float>(257, 0.0f));
    EXPECT_EQ(open(b), GYRE_ERROR_BAD_FILE);
    b.boolean("tokenizer.ggml.add_eos_token", true);
    b.array<float>("tokenizer.ggml.scores", 6, scores);
    EXPECT_EQ(open(b), GYRE_ERROR_UNSUPPORTED);
}

TEST_F(RefusedFileTest, WhatWasIgnoredIsToldAndLogged) {
    GgufBuilder b = model_with_tokenizer();
    b.f32("gpt2.logit_scale", 2.0f).tensor("blk.0.ffn_gate.weight", {8, 12});
    b.boolean("tokenizer.ggml.add_sep_token", true);
    std::vector<std::string> lines;
    gyre_set_log_callback(
        [](gyre_log_level level, const char* message, void* user) {
            if (level == GYRE_LOG_WARNING)
                static_cast<std::vector<std::string>*>(user)->push_back(message);
        },
        &lines, GYRE_LOG_WARNING);
    const gyre_status one = open(b, {"gpt2.logit_scale", "tokenizer.ggml.add_sep_token"});
    const std::string message = gyre_last_error();
    const gyre_status all = open(b, {"gpt2.logit_scale", "blk.0.ffn_gate.weight",
                                     "tokenizer.ggml.add_sep_token", "no.such"});
    gyre_set_log_callback(nullptr, nullptr, GYRE_LOG_ERROR);
    EXPECT_EQ(one, GYRE_ERROR_UNSUPPORTED);
    EXPECT_NE(message.find("'blk.0.ffn_gate.weight'"), std::string::npos) << message;
    ASSERT_EQ(all, GYRE_OK) << gyre_last_error();
    const std::string told = ignored();
    EXPECT_EQ(std::count(told.begin(), told.end(), '\n'), 3) << told;
    ASSERT_EQ(lines.size(), 4u);
    for (const std::string& line : lines)
        EXPECT_TRUE(line.starts_with(path_)) << line;
    EXPECT_TRUE(std::any_of(lines.begin(), lines.end(), [](const std::string& line) {
        return line.find("'gpt2.logit_scale' = 2") != std::string::npos;
    }));
    EXPECT_NE(lines.back().find("no key or tensor 'no.such'"), std::string::npos) << lines.back();
    EXPECT_GYRE_OK(open(b, {"*"}));
    EXPECT_EQ(ignored().find("ignored as asked"), std::string::npos);
}

TEST_F(RefusedFileTest, NamesThatAreNotThereAreRefused) {
    gyre_model_options options = GYRE_MODEL_OPTIONS_INIT;
    gyre_model* model = nullptr;
    options.device = "none";
    options.n_ignore_keys = 1;
    EXPECT_EQ(gyre_model_open(golden_path("text").c_str(), &options, &model),
              GYRE_ERROR_INVALID_ARGUMENT);
    EXPECT_STREQ(gyre_last_error(), "ignore_keys is NULL");
    const char* names[] = {"a", nullptr};
    options.ignore_keys = names;
    options.n_ignore_keys = 2;
    EXPECT_EQ(gyre_model_open(golden_path("text").c_str(), &options, &model),
              GYRE_ERROR_INVALID_ARGUMENT);
    EXPECT_STREQ(gyre_last_error(), "ignore_keys[1] is NULL");
}

// The tokenizer's keys are judged before a driver is loaded, as all others are.
TEST_F(RefusedFileTest, NoDeviceIsLookedFor) {
    GgufBuilder b = model_with_tokenizer();
    write_model(path_, b.boolean("tokenizer.ggml.add_eos_token", true));
    const ProcessResult result = run({"run", "-m", path_, "-p", "x"});
    EXPECT_EQ(result.exit_code, 1);
    EXPECT_NE(result.err.find("add_eos_token"), std::string::npos) << result.err;
}

TEST_F(RefusedFileTest, TheProgramGoesOnAndWarns) {
    GgufBuilder b = model_with_tokenizer();
    b.f32("gpt2.logit_scale", 2.0f).boolean("tokenizer.ggml.add_space_prefix", true);
    write_model(path_, b);
    const ProcessResult refused = run({"tokenize", "-m", path_, "he"});
    EXPECT_EQ(refused.exit_code, 1);
    EXPECT_EQ(refused.out, "");
    EXPECT_NE(refused.err.find("'gpt2.logit_scale' = 2: only 1 is supported; to go on at your own "
                               "risk: --ignore-key gpt2.logit_scale\n"),
              std::string::npos)
        << refused.err;
    const ProcessResult one =
        run({"tokenize", "-m", path_, "--ignore-key", "gpt2.logit_scale", "he"});
    EXPECT_EQ(one.exit_code, 1);
    EXPECT_NE(one.err.find("add_space_prefix' = true"), std::string::npos) << one.err;
    const ProcessResult both = run({"tokenize", "-m", path_, "--ignore-key", "gpt2.logit_scale",
                                    "--ignore-key", "tokenizer.ggml.add_space_prefix", "he"});
    EXPECT_EQ(both.exit_code, 0) << both.err;
    EXPECT_EQ(both.out, "257\n");
    EXPECT_EQ(std::count(both.err.begin(), both.err.end(), '\n'), 2) << both.err;
    EXPECT_TRUE(both.err.starts_with("gyre: warning: key 'gpt2.logit_scale'")) << both.err;
}

TEST_F(RefusedFileTest, InfoShowsARefusedFileAndWhy) {
    write_file(path_, with_logit_scale(read_file(golden_path("text")), 2.0f));
    const ProcessResult text = run({"info", path_});
    EXPECT_EQ(text.exit_code, 0) << text.err;
    EXPECT_EQ(text.err, "");
    EXPECT_NE(text.out.find("n_vocab"), std::string::npos) << text.out;
    EXPECT_NE(text.out.find("refused       key 'gpt2.logit_scale' = 2"), std::string::npos)
        << text.out;
    const auto json = nlohmann::json::parse(run({"info", path_, "--json"}).out);
    EXPECT_EQ(json["n_vocab"], 301);
    ASSERT_EQ(json["refused"].size(), 1u);
    EXPECT_TRUE(json["ignored"].empty());
    const auto ignoring = nlohmann::json::parse(
        run({"info", path_, "--json", "--ignore-key", "gpt2.logit_scale"}).out);
    EXPECT_TRUE(ignoring["refused"].empty());
    EXPECT_EQ(ignoring["ignored"].size(), 1u);
    // What is broken otherwise stays an error.
    GgufBuilder b = model_with_tokenizer();
    write_model(path_, b.f32("gpt2.logit_scale", 2.0f).string("gyre.activation", "swish"));
    EXPECT_EQ(run({"info", path_}).exit_code, 1);
}

}  // namespace
}  // namespace gyre::test
