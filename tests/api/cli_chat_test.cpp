// gyre chat: prompts, answers, what is typed between them, Ctrl-C.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <csignal>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/api/api_support.h"
#include "tests/api/model_files.h"
#include "tests/api/process.h"

namespace gyre::test {
namespace {

constexpr const char* kTemplate =
    "{% for m in messages %}{% if m.role == 'system' %}({{ m.content }})\n{% else %}{{ m.role[0] "
    "}}: {{ m.content }}\n"
    "{% endif %}{% endfor %}{% if add_generation_prompt %}a: {% endif %}";

class CliChatTest : public ::testing::Test {
  protected:
    static void SetUpTestSuite() { turn_validation_on(); }
    void SetUp() override {
        write_file(model_, with_chat_template(read_file(golden_path("text")), kTemplate));
    }

    ProcessResult chat(std::vector<std::string> arguments, const std::string& input = {},
                       int signal_after_output = 0) {
        std::vector<std::string> all = {"chat",   "-m", model_,     "--tune", "off",
                                        "--temp", "0",  "--device", "0"};
        all.insert(all.end(), arguments.begin(), arguments.end());
        return run_gyre(all, {input,
                              {"XDG_CACHE_HOME=" + cache_.folder(),
                               "LOCALAPPDATA=" + cache_.folder(), "GYRE_MODEL", "GYRE_LOG=error"},
                              signal_after_output});
    }
    std::string messages(const std::string& json) {
        write_file(folder_.path("messages.json"), json);
        return folder_.path("messages.json");
    }
    static bool has(const std::string& text, const std::string& part) {
        return text.find(part) != text.npos;
    }

    const TemporaryFolder cache_;
    const TemporaryFolder folder_;
    const std::string model_ = folder_.path("chat.gguf");
};

constexpr const char* kTwo =
    R"([{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hi <x>"}])";

TEST_F(CliChatTest, PrintsThePromptAndNothingElse) {
    const ProcessResult result = chat({"--messages", messages(kTwo), "--print-prompt"});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    EXPECT_EQ(result.out, "(Be kind.)\nu: Hi <x>\na: ");
    EXPECT_EQ(result.err, "");
    const std::string one = messages(R"([{"role": "user", "content": "\u00e9\n"}])");
    EXPECT_EQ(chat({"--messages", one, "--print-prompt", "--system", "S"}).out,
              "(S)\nu: \u00e9\n\na: ");
    write_file(folder_.path("t.jinja"), "{{ messages | length }}");
    EXPECT_EQ(
        chat({"--messages", one, "--print-prompt", "--chat-template", folder_.path("t.jinja")}).out,
        "1");
}

// The text that gyre run makes of the same prompt.
TEST_F(CliChatTest, AnswersTheMessagesOfAFile) {
    const ProcessResult result = chat({"--messages", messages(kTwo), "-n", "12"});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    EXPECT_EQ(result.err, "gyre: the answer has as many tokens as -n allows\n");
    const ProcessResult run =
        run_gyre({"run", "-m", model_, "-p", "(Be kind.)\nu: Hi <x>\na: ", "-n", "12", "--temp",
                  "0", "--device", "0", "--tune", "off"},
                 {{}, {"XDG_CACHE_HOME=" + cache_.folder(), "GYRE_LOG=error"}, 0});
    EXPECT_EQ(result.out, run.out);
    EXPECT_GT(result.out.size(), 1u);
}

TEST_F(CliChatTest, TurnsFollowEachOtherAndCanBeSaved) {
    const std::string saved = folder_.path("saved.json");
    const ProcessResult result =
        chat({"-n", "6", "--system", "S"},
             "one\n/stats\n\n/system T\n//two\n/stats\n/save " + saved +
                 "\n/nonsense\n/save\n/reset\n/stats\n/help\n/exit\nnever\n");
    EXPECT_EQ(result.exit_code, 0) << result.err;
    EXPECT_EQ(std::count(result.out.begin(), result.out.end(), '\n') >= 2, true) << result.out;
    const auto json = nlohmann::json::parse(read_file(saved));
    ASSERT_EQ(json.size(), 5u);
    EXPECT_EQ(json[0]["content"], "T");
    EXPECT_EQ(json[1]["content"], "one");
    EXPECT_EQ(json[3]["content"], "/two");
    EXPECT_EQ(json[4]["role"], "assistant");
    EXPECT_EQ(result.out, json[2]["content"].get<std::string>() + "\n" +
                              json[4]["content"].get<std::string>() + "\n");
    for (const char* part : {"gyre: 3 messages; ", "gyre: 5 messages; ", "gyre: 1 messages; 0 of ",
                             "/save needs the name", "no such command", "/reset  ",
                             ": saved 5 messages", "system text set"})
        EXPECT_TRUE(has(result.err, part)) << part << " in " << result.err;
    // The same conversation as a file goes on as it would have.
    const ProcessResult again = chat({"-n", "6", "--messages", saved, "--print-prompt"});
    EXPECT_TRUE(again.out.starts_with("(T)\nu: one\na: ")) << again.out;
}

// The second prompt begins with the first: what is computed already is kept.
TEST_F(CliChatTest, TheCommonBeginningIsKept) {
    const std::string text = "a rather long question that takes some tokens of the context";
    const ProcessResult result =
        chat({"-n", "4", "--ctx", "200"}, text + "\n/stats\nmore\n/stats\n");
    EXPECT_EQ(result.exit_code, 0) << result.err;
    EXPECT_TRUE(has(result.err, ", 0 of them kept")) << result.err;
    const std::size_t second = result.err.rfind("last prompt ");
    unsigned n_prompt = 0, n_kept = 0;
    ASSERT_EQ(std::sscanf(result.err.c_str() + second, "last prompt %u tokens, %u of them",
                          &n_prompt, &n_kept),
              2);
    EXPECT_GT(n_kept, 10u);
    EXPECT_LT(n_kept, n_prompt);
}

TEST_F(CliChatTest, AFullContextForgetsTheOldestTurns) {
    std::string input;
    for (int i = 0; i < 8; ++i)
        input += "question number " + std::to_string(i) + "\n";
    const std::string saved = folder_.path("saved.json");
    const ProcessResult result =
        chat({"-n", "8", "--ctx", "96", "--system", "S"}, input + "/save " + saved + "\n");
    EXPECT_EQ(result.exit_code, 0) << result.err;
    EXPECT_TRUE(
        has(result.err, "the context of 96 tokens is full: the oldest 2 messages are forgotten"))
        << result.err;
    const auto json = nlohmann::json::parse(read_file(saved));
    EXPECT_LT(json.size(), 17u);
    EXPECT_EQ(json[0]["content"], "S");
    EXPECT_EQ(json[1]["role"], "user");
    EXPECT_EQ(json[json.size() - 2]["content"], "question number 7");
    const ProcessResult large =
        chat({"--ctx", "16"}, "a text that is much too long for a context of sixteen\nHi\n");
    EXPECT_EQ(large.exit_code, 0) << large.err;
    EXPECT_TRUE(
        has(large.err, "tokens and the context 16: shorten it, or use a larger context (--ctx)"))
        << large.err;
}

TEST_F(CliChatTest, CtrlCStopsTheAnswerAndNotTheProgram) {
    const ProcessResult result = chat({"--ctx", "20000"}, "Hello\n/stats\n", SIGINT);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    EXPECT_TRUE(has(result.err, "gyre: stopped\n")) << result.err;
    EXPECT_TRUE(has(result.err, "gyre: 2 messages; ")) << result.err;
    EXPECT_TRUE(result.out.ends_with("\n"));
    const ProcessResult once = chat({"--ctx", "20000", "--messages", messages(kTwo)}, {}, SIGINT);
    EXPECT_EQ(once.exit_code, 1);
    EXPECT_TRUE(once.err.ends_with("gyre: interrupted\n")) << once.err;
}

#ifndef _WIN32
TEST_F(CliChatTest, ARequestToEndEndsTheProgram) {
    const ProcessResult result = chat({"--ctx", "20000"}, "Hello\n/stats\n", SIGTERM);
    EXPECT_EQ(result.exit_code, 1) << result.err;
    EXPECT_TRUE(result.err.ends_with("gyre: interrupted\n")) << result.err;
    EXPECT_FALSE(has(result.err, "messages; ")) << result.err;
}
#endif

}  // namespace
}  // namespace gyre::test
