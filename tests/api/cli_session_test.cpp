// gyre run with a session file, stop strings and log-probabilities.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <csignal>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/api/api_support.h"
#include "tests/api/process.h"

namespace gyre::test {
namespace {

class CliSessionTest : public ::testing::Test {
  protected:
    static void SetUpTestSuite() { turn_validation_on(); }

    ProcessResult run(const std::string& prompt, const std::string& n,
                      const std::vector<std::string>& more, int signal_after_output = 0) {
        std::vector<std::string> arguments = {
            "run",    "-m", golden_path("text"), "-p", prompt,   "-n", n, "--temp", "2",
            "--seed", "3",  "--device",          "0",  "--tune", "off"};
        arguments.insert(arguments.end(), more.begin(), more.end());
        return run_gyre(arguments,
                        {{},
                         {"XDG_CACHE_HOME=" + cache_.folder(), "GYRE_MODEL", "GYRE_LOG=error"},
                         signal_after_output});
    }
    nlohmann::json run_json(const std::string& prompt, const std::string& n,
                            std::vector<std::string> more) {
        more.emplace_back("--json");
        const ProcessResult result = run(prompt, n, more);
        EXPECT_EQ(result.exit_code, 0) << result.err;
        return nlohmann::json::parse(result.out);
    }

    TemporaryFolder cache_;
    TemporaryFolder folder_;
    // Windows opens such a name by its wide functions alone.
    const std::string file_ = folder_.path("t\u00e9xt.session");
};

TEST_F(CliSessionTest, ATextGoesOnFromRunToRun) {
    const auto whole = run_json("Hello", "18", {});
    const ProcessResult first = run("Hello", "6", {"--session", file_});
    EXPECT_EQ(first.exit_code, 0) << first.err;
    EXPECT_NE(first.err.find(file_ + ": saved "), std::string::npos) << first.err;
    EXPECT_EQ(first.err.find("going on"), std::string::npos) << first.err;
    const ProcessResult second = run("", "6", {"--session", file_});
    EXPECT_NE(second.err.find(file_ + ": going on after "), std::string::npos) << second.err;
    const auto third = run_json("", "6", {"--session", file_});
    EXPECT_EQ(third["prompt_tokens"], 0);
    const std::vector<std::uint32_t> all = whole["tokens"];
    EXPECT_EQ(third["tokens"].get<std::vector<std::uint32_t>>(),
              std::vector<std::uint32_t>(all.begin() + 12, all.end()));
    EXPECT_EQ(folder_.names(), std::vector<std::string>{"t\u00e9xt.session"})
        << "nothing is left behind";
    // A prompt comes after the text that is kept, without a second beginning token.
    const auto more = run_json("Hello", "2", {"--session", file_});
    EXPECT_GT(more["prompt_tokens"], 0);
}

TEST_F(CliSessionTest, WhatDoesNotFitIsRefusedAndKept) {
    ASSERT_EQ(run("Hello", "4", {"--session", file_}).exit_code, 0);
    const std::string kept = read_file(file_);
    const auto expect_refused = [&](const std::string& path, const std::vector<std::string>& more,
                                    const char* text) {
        std::vector<std::string> arguments = {"--session", path};
        arguments.insert(arguments.end(), more.begin(), more.end());
        const ProcessResult result = run("", "4", arguments);
        EXPECT_EQ(result.exit_code, 1);
        EXPECT_EQ(result.out, "");
        EXPECT_TRUE(result.err.starts_with("gyre: " + path + ": ")) << result.err;
        EXPECT_NE(result.err.find(text), std::string::npos) << result.err;
        EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
    };
    expect_refused(file_, {"--kv", "f32"}, "--kv");
    expect_refused(file_, {"--ctx", "3"}, "--ctx");
    EXPECT_TRUE(read_file(file_) == kept);
    write_file(folder_.path("other"),
               "something else, which nobody wants to lose" + std::string(100, '.'));
    expect_refused(folder_.path("other"), {}, "no saved session");
    EXPECT_TRUE(read_file(folder_.path("other")).starts_with("something else"));
    expect_refused(folder_.path("no/folder"), {}, "cannot write");
    write_file(folder_.path("short"), kept.substr(0, kept.size() / 2));
    expect_refused(folder_.path("short"), {}, "ends too soon");
}

TEST_F(CliSessionTest, WhatWasPrintedBeforeCtrlCIsKept) {
    const ProcessResult result = run("Hello", "0", {"--session", file_, "--ctx", "20000"}, SIGINT);
    EXPECT_EQ(result.exit_code, 1) << result.err;
    EXPECT_TRUE(result.err.ends_with("gyre: interrupted\n")) << result.err;
    EXPECT_NE(result.err.find(": saved "), std::string::npos) << result.err;
    const ProcessResult next = run("", "3", {"--session", file_, "--ctx", "20000"});
    EXPECT_EQ(next.exit_code, 0) << next.err;
    EXPECT_NE(next.err.find(": going on after "), std::string::npos) << next.err;
}

TEST_F(CliSessionTest, StopEndsTheText) {
    const auto whole = run_json("Hello", "18", {});
    const std::string text = whole["text"];
    // Characters may be torn there: from a letter on.
    const auto letter =
        std::find_if(text.begin() + 5, text.end(), [](char c) { return c >= 'a' && c <= 'z'; });
    ASSERT_NE(letter, text.end());
    const std::string stop(1, *letter);
    const auto stopped = run_json("Hello", "18", {"--stop", "ZZZ", "--stop", stop});
    EXPECT_EQ(stopped["text"], text.substr(0, text.find(stop)));
    EXPECT_EQ(stopped["stop_reason"], "stop_string");
    EXPECT_EQ(stopped["stop"], stop);
    EXPECT_FALSE(whole.contains("stop"));
    const ProcessResult empty = run("Hello", "3", {"--stop", ""});
    EXPECT_NE(empty.exit_code, 0);
}

TEST_F(CliSessionTest, LogProbabilitiesAreInTheObject) {
    const auto plain = run_json("Hello", "5", {});
    EXPECT_FALSE(plain.contains("logprobs"));
    const auto json = run_json("Hello", "5", {"--logprobs", "3"});
    EXPECT_EQ(json["tokens"], plain["tokens"]);
    ASSERT_EQ(json["logprobs"].size(), 5u);
    for (std::size_t i = 0; i < 5; ++i) {
        const auto& each = json["logprobs"][i];
        EXPECT_EQ(each["token"], json["tokens"][i]);
        EXPECT_LE(each["logprob"], 0.0);
        ASSERT_EQ(each["top"].size(), 3u);
        EXPECT_GE(each["top"][0]["logprob"], each["top"][1]["logprob"]);
        EXPECT_GE(each["top"][0]["logprob"], each["logprob"]);
    }
    EXPECT_EQ(run("Hello", "5", {"--logprobs", "3"}).exit_code, 2) << "there is no object";
}

}  // namespace
}  // namespace gyre::test
