// No text of a model file reaches a terminal with characters that would command it.
// SPDX-License-Identifier: Apache-2.0
#include <functional>

#include "tests/api/api_support.h"
#include "tests/api/model_files.h"
#include "tests/api/process.h"

namespace gyre::test {
namespace {

using testing::GgufBuilder;

// Colour by C0 and by C1, a bell, a title, a changed order of letters, marks, invisible letters.
const std::string kWicked =
    "a\x1b[31mb\u009b32mc\x07\u0090\u009c\u202ed\u2066e\u200ff\u061cg\u200bh\u2028i\x9bj\xff\x7f";

// What no output may contain, as bytes.
void expect_safe(const std::string& text) {
    for (const std::string bytes :
         {"\x1b", "\x07", "\x7f", "\xff", "\u009b", "\u0090", "\u009c", "\u202e", "\u2066",
          "\u200f", "\u061c", "\u200b", "\u2028", "\x9b"}) {
        EXPECT_EQ(text.find(bytes), std::string::npos) << ::testing::PrintToString(text);
    }
    for (const char c : text)
        EXPECT_TRUE(c == '\n' || static_cast<unsigned char>(c) >= 0x20);
}

struct WickedFile {
    const char* what;
    std::function<void(GgufBuilder&)> change;
};

const WickedFile kFiles[] = {
    {"name", [](auto& b) { b.string("general.name", kWicked); }},
    {"architecture", [](auto& b) { b.string("general.architecture", kWicked); }},
    {"value", [](auto& b) { b.string("gyre.position", kWicked); }},
    {"key", [](auto& b) { b.u32("gpt2." + kWicked, 1); }},
    {"value of an unread key", [](auto& b) { b.string("gpt2.x", kWicked); }},
    {"tensor", [](auto& b) { b.tensor(kWicked.substr(0, 40), {1}); }},
    {"tokenizer", [](auto& b) { b.string("tokenizer.ggml.model", kWicked); }},
    {"pre", [](auto& b) { b.string("tokenizer.ggml.pre", kWicked); }},
    {"merge", [](auto& b) { b.strings("tokenizer.ggml.merges", {kWicked}); }},
    {"part of a merge", [](auto& b) { b.strings("tokenizer.ggml.merges", {"a " + kWicked}); }},
    {"tokenizer's key", [](auto& b) { b.string("tokenizer." + kWicked, kWicked); }},
    {"token",
     [](auto& b) {
         b.strings("tokenizer.ggml.tokens", {kWicked, kWicked}).erase("tokenizer.ggml.token_type");
     }},
};

TEST(TerminalSafety, EveryCommandAndEveryLogLine) {
    const TemporaryFolder folder;
    const std::string path = folder.path("model.gguf");
    for (const WickedFile& file : kFiles) {
        SCOPED_TRACE(file.what);
        GgufBuilder b = model_with_tokenizer();
        file.change(b);
        write_model(path, b);
        for (const std::vector<std::string>& arguments :
             {std::vector<std::string>{"tokenize", "-m", path, "he"},
              {"info", path},
              {"info", path, "--json"},
              {"tokenize", "-m", path, "--ignore-key", "*", "he"}}) {
            const ProcessResult result = run_gyre(
                arguments, {{}, {"VK_DRIVER_FILES=/nonexistent.json", "GYRE_LOG=debug"}, 0});
            expect_safe(result.out);
            expect_safe(result.err);
        }
    }
}

TEST(TerminalSafety, LastErrorIsSafeForEveryPath) {
    gyre_model* model = nullptr;
    EXPECT_EQ(gyre_model_open(("/nonexistent/" + kWicked).c_str(), nullptr, &model),
              GYRE_ERROR_BAD_FILE);
    expect_safe(gyre_last_error());
    EXPECT_EQ(gyre_model_open("/nonexistent/\u65e5\u672c", nullptr, &model), GYRE_ERROR_BAD_FILE);
    EXPECT_NE(std::string(gyre_last_error()).find("\u65e5\u672c"), std::string::npos);
}

// A path may be wicked too: log lines are made safe whoever wrote them.
TEST(TerminalSafety, LogLinesAreSafeForEveryPath) {
    const TemporaryFolder folder;
#ifdef _WIN32  // whose names hold characters alone, and none below U+0020
    const std::string name = "b\u009b\u0090\u202ed\u2066e\u200ff\u061cg\u200bh\u2028i\u007f";
#else
    const std::string& name = kWicked;
#endif
    const std::string path = folder.path(name);
    write_file(path, with_logit_scale(read_file(golden_path("text")), 2.0f));
    std::string lines;
    gyre_set_log_callback([](gyre_log_level, const char* message,
                             void* user) { *static_cast<std::string*>(user) += message; },
                          &lines, GYRE_LOG_DEBUG);
    gyre_model_options options = GYRE_MODEL_OPTIONS_INIT;
    options.device = "none";
    const char* ignored = "gpt2.logit_scale";
    options.ignore_keys = &ignored;
    options.n_ignore_keys = 1;
    gyre_model* model = nullptr;
    const gyre_status status = gyre_model_open(path.c_str(), &options, &model);
    gyre_set_log_callback(nullptr, nullptr, GYRE_LOG_ERROR);
    const ModelPtr owner(model);
    EXPECT_EQ(status, GYRE_OK) << gyre_last_error();
    EXPECT_NE(lines.find("gpt2.logit_scale"), std::string::npos) << lines;
    expect_safe(lines);
}

// Cut at a whole character.
TEST(TerminalSafety, LongErrorsStayUtf8) {
    for (const char* lead : {"", "x", "xx"}) {
        std::string path = lead;
        for (int i = 0; i < 500; ++i)
            path += "\u65e5";
        gyre_model* model = nullptr;
        EXPECT_EQ(gyre_model_open(path.c_str(), nullptr, &model), GYRE_ERROR_BAD_FILE);
        const std::string message = gyre_last_error();
        EXPECT_EQ((message.size() - std::string(lead).size()) % 3, 0u) << message.size();
        EXPECT_LE(message.size(), 1023u);
    }
}

// What the model says is a result: not a byte of it is changed.
TEST(TerminalSafety, DetokenizedTextStaysAsItIs) {
    const TemporaryFolder folder;
    const std::string path = folder.path("model.gguf");
    GgufBuilder b = model_with_tokenizer();
    write_model(path, b);
    std::vector<std::string> arguments = {"detokenize", "-m", path};
    for (const char c : kWicked)
        arguments.push_back(std::to_string(static_cast<unsigned char>(c)));
    const ProcessResult result =
        run_gyre(arguments, {{}, {"VK_DRIVER_FILES=/nonexistent.json"}, 0});
    EXPECT_EQ(result.out, kWicked) << result.err;
}

}  // namespace
}  // namespace gyre::test
