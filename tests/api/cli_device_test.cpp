// The gyre program with a device: text, logits, Ctrl-C.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/api/api_support.h"
#include "tests/api/model_files.h"
#include "tests/api/process.h"

namespace gyre::test {
namespace {

#ifdef _WIN32
const char* const kNoFile = "NUL";
#else
const char* const kNoFile = "/dev/null";
#endif

// Validation is on in the program too: its messages would be lines on stderr that no test expects.
class CliDeviceTest : public ::testing::Test {
  protected:
    static void SetUpTestSuite() { turn_validation_on(); }

    // Without tuning, which takes its time.
    ProcessResult run(std::vector<std::string> arguments, const std::string& input = {},
                      int signal_after_output = 0) {
        if (arguments[0] == "run" || arguments[0] == "logits") {
            arguments.insert(arguments.end(), {"--tune", "off"});
        }
        return run_gyre(arguments,
                        {input,
                         {"XDG_CACHE_HOME=" + cache_.folder(), "LOCALAPPDATA=" + cache_.folder(),
                          "GYRE_MODEL", "GYRE_LOG=error"},
                         signal_after_output});
    }

    static long lines(const std::string& text) {
        return std::count(text.begin(), text.end(), '\n');
    }

    const std::string text_model_ = golden_path("text");
    TemporaryFolder cache_;
    TemporaryFolder folder_;
};

TEST_F(CliDeviceTest, Devices) {
    const ProcessResult text = run({"devices"});
    EXPECT_EQ(text.exit_code, 0) << text.err;
    EXPECT_EQ(text.err, "");
    const ProcessResult result = run({"devices", "--json"});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    const auto json = nlohmann::json::parse(result.out);
    ASSERT_GE(json["devices"].size(), 1u);
    EXPECT_EQ(json["devices"][0]["index"], 0);
    EXPECT_TRUE(json["devices"][0]["usable"]);
}

TEST_F(CliDeviceTest, InfoTellsWhatMemoryIsNeeded) {
    const ProcessResult text =
        run({"info", text_model_, "--memory", "--ctx", "40", "--kv", "q8_0", "--device", "0"});
    EXPECT_EQ(text.exit_code, 0) << text.err;
    EXPECT_EQ(text.err, "");
    for (const char* part : {"memory ", "weights ", "cache ", "work ", "total ", "it fits"})
        EXPECT_NE(text.out.find(part), std::string::npos) << part << " in: " << text.out;
    const ProcessResult small = run({"info", text_model_, "--memory", "--ctx", "40", "--json"});
    const ProcessResult large = run({"info", text_model_, "--memory", "--ctx", "64", "--json"});
    EXPECT_EQ(small.exit_code, 0) << small.err;
    const auto a = nlohmann::json::parse(small.out)["memory"];
    const auto b = nlohmann::json::parse(large.out)["memory"];
    EXPECT_EQ(a["cache_bytes"].get<int>() * 64, b["cache_bytes"].get<int>() * 40);
    EXPECT_EQ(a["weights_bytes"], b["weights_bytes"]);
    EXPECT_TRUE(a["fits"].get<bool>());
    EXPECT_EQ(a["because"], "");
    EXPECT_EQ(run({"info", text_model_, "--ctx", "40"}).exit_code, 2) << "only with --memory";
    EXPECT_EQ(run({"info", text_model_, "--memory", "--device", "no such"}).exit_code, 1);
}

TEST_F(CliDeviceTest, RunPrintsTextAndThenOneLine) {
    const ProcessResult result =
        run({"run", "-m", text_model_, "-p", "Hello", "-n", "12", "--temp", "0", "--device", "0"});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    EXPECT_TRUE(result.out.ends_with("\n"));
    EXPECT_EQ(lines(result.err), 1) << result.err;
    EXPECT_NE(result.err.find("tokens/s"), std::string::npos);
    EXPECT_NE(result.err.find("time to first token"), std::string::npos);
}

TEST_F(CliDeviceTest, RunSaysThatAutoTookASoftwareDriver) {
    const ProcessResult result = run({"run", "-m", text_model_, "-p", "Hello", "-n", "2"});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    if (std::string(std::getenv("GYRE_TEST_DRIVER")) == "any") return;  // may be a real GPU
    EXPECT_EQ(lines(result.err), 2) << result.err;
    EXPECT_NE(result.err.find("software driver"), std::string::npos);
}

// What is ignored is as if the file did not have it: the same logits and the same text.
TEST_F(CliDeviceTest, IgnoredKeysAreAsIfTheFileHadNone) {
    const std::string scaled = folder_.path("scaled.gguf");
    write_file(scaled, with_logit_scale(read_file(text_model_), 2.0f));
    const std::vector<std::string> logits = {"logits", "--tokens", "1,2,3", "--device", "0"};
    const auto run_logits = [&](std::vector<std::string> more, const std::string& out) {
        more.insert(more.begin(), logits.begin(), logits.end());
        more.insert(more.end(), {"--out", folder_.path(out)});
        return run(more);
    };
    EXPECT_EQ(run_logits({"-m", text_model_}, "plain.bin").exit_code, 0);
    const ProcessResult refused = run_logits({"-m", scaled}, "refused.bin");
    EXPECT_EQ(refused.exit_code, 1);
    EXPECT_EQ(lines(refused.err), 1) << refused.err;
    const ProcessResult ignored =
        run_logits({"-m", scaled, "--ignore-key", "gpt2.logit_scale"}, "ignored.bin");
    EXPECT_EQ(ignored.exit_code, 0) << ignored.err;
    EXPECT_NE(ignored.err.find("gyre: warning: key 'gpt2.logit_scale' = 2"), std::string::npos)
        << ignored.err;
    const std::string plain = read_file(folder_.path("plain.bin"));
    EXPECT_FALSE(plain.empty());
    EXPECT_EQ(read_file(folder_.path("ignored.bin")), plain);
    const std::vector<std::string> names = folder_.names();
    EXPECT_EQ(std::count(names.begin(), names.end(), "refused.bin"), 0);

    std::vector<std::string> text = {"run", "-p",       "Hello", "-n", "8",        "--temp",
                                     "0",   "--device", "0",     "-m", text_model_};
    const ProcessResult unscaled = run(text);
    text.back() = scaled;
    text.insert(text.end(), {"--ignore-key", "gpt2.logit_scale"});
    EXPECT_EQ(run(text).out, unscaled.out);
}

TEST_F(CliDeviceTest, RunJsonAgreesWithTheText) {
    const std::vector<std::string> common = {"run", "-m",       text_model_, "-p", "Hello",
                                             "-n",  "12",       "--seed",    "5",  "--temp",
                                             "1.5", "--device", "0"};
    std::vector<std::string> with_json = common;
    with_json.push_back("--json");
    const ProcessResult text = run(common);
    const ProcessResult result = run(with_json);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    const auto json = nlohmann::json::parse(result.out);
    EXPECT_EQ(json["text"].get<std::string>() + "\n", text.out);
    EXPECT_EQ(json["tokens"].size(), 12u);
    EXPECT_GE(json["prompt_tokens"], 1);
    EXPECT_GT(json["decode"]["tokens_per_second"], 0.0);
    EXPECT_EQ(json["stop_reason"], "max_tokens");
    EXPECT_NE(json["device"], "");
}

TEST_F(CliDeviceTest, PromptFromStdinAndWithADash) {
    const auto run_json = [&](const std::string& prompt, const std::string& input) {
        const ProcessResult result = run(
            {"run", "-m", text_model_, "-p", prompt, "-n", "8", "--temp", "0", "--json"}, input);
        EXPECT_EQ(result.exit_code, 0) << result.err;
        return nlohmann::json::parse(result.out);
    };
    EXPECT_EQ(run_json("-", "Hello")["tokens"], run_json("Hello", "")["tokens"]);
    EXPECT_EQ(run_json("-", "-x")["tokens"], run_json("-x", "")["tokens"]);
    EXPECT_EQ(run_json("", "")["prompt_tokens"], 1);
}

TEST_F(CliDeviceTest, FailuresAreOneLine) {
    const std::string long_prompt(1000, 'q');
    const std::vector<std::string> commands[] = {
        {"run", "-m", text_model_, "-p", long_prompt},
        {"run", "-m", text_model_, "-p", long_prompt, "--json"},
        {"run", "-m", text_model_, "-p", "x", "--device", "no such device"},
        {"run", "-m", golden_path("rope_half"), "-p", "x"},
        {"run", "-m", golden_path("learned"), "-p", "x", "--ctx", "100000"},
        {"logits", "-m", text_model_, "--tokens", "1,301", "--out", folder_.path("bad")},
        {"logits", "-m", text_model_, "--tokens", "1", "--out", folder_.path("no/folder")},
        {"logits", "-m", text_model_, "--tokens", "1", "--out", kNoFile},
        {"logits", "-m", text_model_, "--tokens", "1", "--out", folder_.folder()},
    };
    for (const auto& command : commands) {
        const ProcessResult result = run(command);
        SCOPED_TRACE(::testing::PrintToString(command).substr(0, 300));
        EXPECT_EQ(result.exit_code, 1);
        EXPECT_EQ(result.out, "");
        EXPECT_EQ(lines(result.err), 1) << result.err;
        EXPECT_TRUE(result.err.starts_with("gyre: ")) << result.err;
    }
    EXPECT_TRUE(folder_.names().empty());
}

TEST_F(CliDeviceTest, LogitsOfTheGoldenModel) {
    const Golden golden = read_golden("rove_half");
    for (const char* chunk : {"0", "1", "7"}) {
        const std::string out = folder_.path("logits.bin");
        const ProcessResult result =
            run({"logits", "-m", golden.path, "--tokens", join(golden.tokens), "--out", out,
                 "--chunk", chunk, "--kv", "f32", "--device", "0"});
        EXPECT_EQ(result.exit_code, 0) << result.err;
        EXPECT_EQ(result.out + result.err, "");
        const std::string bytes = read_file(out);
        std::vector<float> logits(bytes.size() / sizeof(float));
        std::memcpy(logits.data(), bytes.data(), logits.size() * sizeof(float));
        EXPECT_LE(relative_error(logits, golden.logits), 2e-4) << chunk;
    }
    EXPECT_EQ(folder_.names(), std::vector<std::string>{"logits.bin"});
}

TEST_F(CliDeviceTest, FailedLogitsLeaveTheOldFile) {
    const std::string out = folder_.path("logits.bin");
    write_file(out, "old");
    const std::vector<std::uint32_t> too_many(1000, 1);
    const ProcessResult result =
        run({"logits", "-m", golden_path("rove_half"), "--tokens", join(too_many), "--out", out});
    EXPECT_EQ(result.exit_code, 1);
    EXPECT_EQ(read_file(out), "old");
    EXPECT_EQ(folder_.names(), std::vector<std::string>{"logits.bin"});
}

TEST_F(CliDeviceTest, CtrlCEndsTheTextCleanly) {
    const ProcessResult result = run({"run", "-m", text_model_, "-p", "Hello", "-n", "0", "--ctx",
                                      "20000", "--temp", "0", "--device", "0"},
                                     {}, SIGINT);
    EXPECT_EQ(result.exit_code, 1) << result.err;
    EXPECT_EQ(result.err, "gyre: interrupted\n");
    EXPECT_TRUE(result.out.ends_with("\n"));
    EXPECT_GT(result.out.size(), 1u);
}

}  // namespace
}  // namespace gyre::test
