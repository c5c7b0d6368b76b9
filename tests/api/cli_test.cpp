// The gyre program on a machine without Vulkan: what needs no device works, every failure is one
// line and the right exit code, and leaves nothing behind.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/api/api_support.h"
#include "tests/api/process.h"

namespace gyre::test {
namespace {

// Where a driver file does not exist, the loader finds none.
ProcessOptions without_vulkan(std::vector<std::string> environment = {}) {
    environment.push_back("VK_DRIVER_FILES=/nonexistent.json");
    environment.push_back("VK_ICD_FILENAMES=/nonexistent.json");
    environment.push_back("GYRE_VALIDATION");
    environment.push_back("GYRE_LOG");
    return {{}, std::move(environment), 0};
}

ProcessResult run_without_vulkan(const std::vector<std::string>& arguments) {
    return run_gyre(arguments, without_vulkan());
}

// One line "gyre: ...", nothing on stdout.
void expect_failure(const ProcessResult& result, int exit_code, const std::string& part) {
    EXPECT_EQ(result.exit_code, exit_code);
    EXPECT_EQ(result.out, "");
    EXPECT_TRUE(result.err.starts_with("gyre: ")) << result.err;
    EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
    EXPECT_TRUE(result.err.ends_with("\n")) << result.err;
    EXPECT_NE(result.err.find(part), std::string::npos) << result.err;
}

// A golden model with one text replaced by another of the same length, everywhere.
std::string patched_golden(const std::string& name, const std::string& from,
                           const std::string& to) {
    std::string bytes = read_file(golden_path(name));
    std::size_t n = 0;
    for (std::size_t at = bytes.find(from); at != std::string::npos; at = bytes.find(from, at)) {
        bytes.replace(at, from.size(), to);
        ++n;
    }
    EXPECT_GT(n, 0u) << from;
    return bytes;
}

struct UsageCase {
    std::vector<std::string> arguments;
    const char* part;  // of the message
};

TEST(CliUsage, WrongUsageIsOneLineAndTwo) {
    const std::string m = golden_path("text");
    const UsageCase cases[] = {
        {{}, "subcommand"},
        {{"sing"}, "sing"},
        {{"run"}, "--prompt"},
        {{"run"}, "see gyre run --help"},
        {{"run", "-p"}, "--prompt"},
        {{"run", "-m", m, "-p", "a", "-f", "b"}, "--file"},
        {{"chat", "-m", m, "--print-prompt"}, "--messages"},
        {{"run", "-p", "x", "--bogus"}, "--bogus"},
        {{"run", "-p", "x", "-n", "-1"}, "-1"},
        {{"run", "-p", "x", "-n", "1.5"}, "1.5"},
        {{"run", "-p", "x", "-n", "4294967296"}, "4294967296"},
        {{"run", "-p", "x", "--temp", "nan"}, "--temp"},
        {{"run", "-p", "x", "--temp", "-0.5"}, "--temp"},
        {{"run", "-p", "x", "--temp", "warm"}, "warm"},
        {{"run", "-p", "x", "--top-p", "1.5"}, "--top-p"},
        {{"run", "-p", "x", "--top-p", "0"}, "--top-p"},
        {{"run", "-p", "x", "--min-p", "2"}, "--min-p"},
        {{"run", "-p", "x", "--top-k", "-3"}, "--top-k"},
        {{"run", "-p", "x", "--repeat-penalty", "0"}, "--repeat-penalty"},
        {{"run", "-p", "x", "--seed", "-1"}, "--seed"},
        {{"run", "-p", "x", "--ctx", "many"}, "--ctx"},
        {{"run", "-p", "x", "--kv", "f17"}, "f17"},
        {{"bench", "-m", m, "--prompt", "0"}, "--prompt"},
        {{"bench", "-m", m, "--gen", "0"}, "--gen"},
        {{"bench", "-m", m, "--repeat", "0"}, "--repeat"},
        {{"bench", "-m", m, "--minutes", "0"}, "--minutes"},
        {{"bench", "-m", m, "--depth", "-1"}, "'-1'"},
        {{"bench", "-m", m, "--depth", "0,,5"}, "''"},
        {{"bench", "-m", m, "--depth", "0,deep"}, "'deep'"},
        {{"bench", "-m", m, "--ctx", "16"}, "--ctx or a smaller --prompt"},
        {{"bench", "-m", m, "--ctx", "40", "--prompt", "8", "--gen", "32", "--depth", "0,8"},
         "--depth or --gen"},
        {{"bench", "-m", m, "--prompt", "100000"}, "100001 positions"},
        {{"bench", "-m", m, "--kv", "f17"}, "f17"},
        {{"logits", "-m", m, "--tokens", "1,2"}, "--out"},
        {{"logits", "-m", m, "--out", "x"}, "--tokens"},
        {{"logits", "-m", m, "--tokens", "1,x,3", "--out", "x"}, "'x'"},
        {{"logits", "-m", m, "--tokens", "1,,3", "--out", "x"}, "''"},
        {{"logits", "-m", m, "--tokens", "1,2,", "--out", "x"}, "''"},
        {{"logits", "-m", m, "--tokens", "", "--out", "x"}, "--tokens"},
        {{"logits", "-m", m, "--tokens", "-1", "--out", "x"}, "-1"},
        {{"logits", "-m", m, "--tokens", "0x10", "--out", "x"}, "0x10"},
        {{"logits", "-m", m, "--tokens", " 1", "--out", "x"}, "' 1'"},
        {{"logits", "-m", m, "--tokens", "4294967296", "--out", "x"}, "4294967296"},
        {{"tokenize", "-m", m}, "TEXT"},
        {{"detokenize", "-m", m}, "ID"},
        {{"detokenize", "-m", m, "1", "two"}, "'two'"},
    };
    for (const UsageCase& c : cases) {
        SCOPED_TRACE(testing::PrintToString(c.arguments));
        expect_failure(run_without_vulkan(c.arguments), 2, c.part);
    }
}

TEST(CliUsage, HelpAndVersionGoToStdout) {
    for (const std::vector<std::string>& arguments :
         {std::vector<std::string>{"--help"}, {"--version"}, {"run", "--help"}}) {
        const ProcessResult result = run_without_vulkan(arguments);
        EXPECT_EQ(result.exit_code, 0);
        EXPECT_NE(result.out, "");
        EXPECT_EQ(result.err, "");
    }
    const std::string run = run_without_vulkan({"run", "--help"}).out;
    EXPECT_NE(run.find("(default: 0.8)"), std::string::npos) << run;
}

// Every way to open a file refuses a bad one, before any device is looked for.
void expect_refused(const std::string& path, const std::string& part) {
    const TemporaryFolder folder;
    const std::string out = folder.path("logits.bin");
    const std::vector<std::string> commands[] = {
        {"run", "-m", path, "-p", "x"},
        {"logits", "-m", path, "--tokens", "1", "--out", out},
        {"tokenize", "-m", path, "x"},
        {"detokenize", "-m", path, "1"},
        {"info", path},
        {"info", path, "--json"},
    };
    for (const auto& command : commands) {
        SCOPED_TRACE(command[0]);
        expect_failure(run_without_vulkan(command), 1, part);
    }
    EXPECT_TRUE(folder.names().empty());
}

TEST(CliBadFile, Missing) {
    expect_refused("no-such-model.gguf", "no-such-model.gguf: cannot open");
}

TEST(CliBadFile, FolderAndEmpty) {
    const TemporaryFolder folder;
    expect_refused(folder.folder(), "not a regular file");
    write_file(folder.path("empty.gguf"), "");
    expect_refused(folder.path("empty.gguf"), "empty");
}

TEST(CliBadFile, Truncated) {
    const TemporaryFolder folder;
    const std::string path = folder.path("truncated.gguf");
    const std::string bytes = read_file(golden_path("rove_half"));
    for (const std::size_t size : {std::size_t{3}, std::size_t{20}, std::size_t{200},
                                   bytes.size() / 2, bytes.size() - 100}) {
        SCOPED_TRACE(size);
        write_file(path, bytes.substr(0, size));
        expect_refused(path, "truncated.gguf");
    }
}

TEST(CliBadFile, UnknownArchitectureKeyAndValue) {
    const TemporaryFolder folder;
    const std::string path = folder.path("patched.gguf");
    write_file(path, patched_golden("rove_half", "gpt2", "gpt9"));
    expect_refused(path, "gpt9");
    write_file(path, patched_golden("rove_half", "gyre.rotary.values", "gyre.rotary.valuez"));
    expect_failure(run_without_vulkan({"run", "-m", path, "-p", "x"}), 1, "gyre.rotary.valuez");
    write_file(path, patched_golden("rove_half", "rove", "robe"));
    expect_refused(path, "robe");
}

TEST(CliWithoutVulkan, DeviceCommandsFail) {
    const TemporaryFolder folder;
    const std::string m = golden_path("text");
    expect_failure(run_without_vulkan({"run", "-m", m, "-p", "x"}), 1, "");
    expect_failure(run_without_vulkan(
                       {"logits", "-m", m, "--tokens", "1", "--out", folder.path("logits.bin")}),
                   1, "");
    expect_failure(run_without_vulkan({"devices"}), 1, "");
    expect_failure(run_without_vulkan({"devices", "--json"}), 1, "");
    EXPECT_TRUE(folder.names().empty());
}

TEST(CliWithoutVulkan, Info) {
    const ProcessResult text = run_without_vulkan({"info", golden_path("rove_half")});
    EXPECT_EQ(text.exit_code, 0) << text.err;
    EXPECT_EQ(text.err, "");
    EXPECT_NE(text.out.find("RoVE"), std::string::npos) << text.out;

    const ProcessResult result = run_without_vulkan({"info", golden_path("rove_half"), "--json"});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    const auto json = nlohmann::json::parse(result.out);
    EXPECT_EQ(json["architecture"], "gpt2");
    EXPECT_EQ(json["n_head"], 3);
    EXPECT_EQ(json["n_vocab"], 101);
    EXPECT_EQ(json["rotary"]["values"], "rove");
    EXPECT_EQ(json["rotary"]["inv_freq"].size(), 10u);
    EXPECT_EQ(json["bos_token"], nullptr);
}

// Arguments, the environment and the library agree on what bytes the name of a file has.
TEST(CliWithoutVulkan, NamesOfFilesAreUtf8) {
    const TemporaryFolder folder;
    const std::string path = folder.path("gr\u00f6\u00dfe \u6a21\u578b \U0001f9ed.gguf");
    write_file(path, read_file(golden_path("text")));
    const ProcessResult info = run_without_vulkan({"info", path, "--json"});
    EXPECT_EQ(info.exit_code, 0) << info.err;
    EXPECT_EQ(nlohmann::json::parse(info.out)["file"], path);
    const ProcessResult named =
        run_gyre({"detokenize", "300"}, without_vulkan({"GYRE_MODEL=" + path}));
    EXPECT_EQ(named.exit_code, 0) << named.err;
    EXPECT_EQ(named.out, "<|endoftext|>");
    const ProcessResult missing = run_without_vulkan({"info", path + "x"});
    EXPECT_NE(missing.err.find(path + "x: cannot open: "), std::string::npos) << missing.err;
}

TEST(CliWithoutVulkan, GyreModelNamesTheDefault) {
    const ProcessOptions options = without_vulkan({"GYRE_MODEL=" + golden_path("text")});
    const ProcessResult result = run_gyre({"detokenize", "300"}, options);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    EXPECT_EQ(result.out, "<|endoftext|>");
}

// scripts/fetch-model puts them there. A file of that name goes first, and a path is never a name.
TEST(CliWithoutVulkan, FetchedModelsHaveNames) {
    const TemporaryFolder folder;
    const std::string models = folder.path("gyre/models");
    std::filesystem::create_directories(models);
    write_file(models + "/small.gguf", read_file(golden_path("text")));
    const auto detokenize = [&](std::vector<std::string> arguments, const std::string& model) {
        arguments.insert(arguments.begin(), {"detokenize", "300"});
        return run_gyre(arguments,
                        without_vulkan({"XDG_CACHE_HOME=" + folder.folder(),
                                        "LOCALAPPDATA=" + folder.folder(), "GYRE_MODEL=" + model}));
    };
    EXPECT_EQ(detokenize({"-m", "small"}, "").out, "<|endoftext|>");
    EXPECT_EQ(detokenize({}, "small").out, "<|endoftext|>");
    expect_failure(detokenize({"-m", "large"}, ""), 1, "no model of that name in");
    expect_failure(detokenize({"-m", "./small"}, ""), 1, "./small: cannot open");
    expect_failure(detokenize({"-m", "small.gguf"}, ""), 1, "small.gguf: cannot open");
}

std::string tokenize_argument(const std::string& text) {
    const ProcessResult result =
        run_without_vulkan({"tokenize", "-m", golden_path("text"), "--", text});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    EXPECT_TRUE(result.out.ends_with("\n"));
    return result.out.substr(0, result.out.size() - 1);
}

std::string detokenize_ids(const std::string& ids) {
    std::vector<std::string> arguments = {"detokenize", "-m", golden_path("text")};
    for (std::size_t begin = 0; begin < ids.size();) {
        const std::size_t end = std::min(ids.find(' ', begin), ids.size());
        arguments.push_back(ids.substr(begin, end - begin));
        begin = end + 1;
    }
    const ProcessResult result = run_without_vulkan(arguments);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return result.out;
}

// What the option parser must not touch: quotes, brackets, escapes, dashes, slashes, bytes that are
// no text.
TEST(CliTokens, TextGoesThroughUnchanged) {
    for (const std::string text :
         {"Hello world", "[a,b]", "\"quoted\"",    "it's",      "-x",    "--help",
          "a\nb\t",      "a\\nb", " two  spaces ", "{}",        "é日本", "'single'",
          "`tick`",      "%s",    "$HOME",         "a=b",       "@file", "-",
          "/x",          "\\\"",  "a\\",           "\U0001f9ed"}) {
        EXPECT_EQ(detokenize_ids(tokenize_argument(text)), text);
    }
#ifndef _WIN32  // where arguments are characters of UTF-16
    EXPECT_EQ(detokenize_ids(tokenize_argument("\xff\xfe")), "\xff\xfe");
#endif
    EXPECT_EQ(tokenize_argument(""), "");
}

TEST(CliTokens, SpecialTokens) {
    const std::string m = golden_path("text");
    EXPECT_EQ(run_without_vulkan({"tokenize", "-m", m, "--special", "<|endoftext|>"}).out, "300\n");
    EXPECT_NE(run_without_vulkan({"tokenize", "-m", m, "<|endoftext|>"}).out, "300\n");
}

TEST(CliTokens, GoldenTexts) {
    const std::string golden =
        read_file(std::string(GYRE_SOURCE_DIR) + "/tests/golden/text.tokenize.txt");
    std::size_t n = 0;
    for (std::size_t begin = 0; begin < golden.size() && n < 40; ++n) {
        const std::size_t space = golden.find(' ', begin);
        const std::size_t end = golden.find('\n', space);
        std::string text;
        for (std::size_t i = begin; i < space; i += 2) {
            text.push_back(static_cast<char>(std::stoi(golden.substr(i, 2), nullptr, 16)));
        }
        std::string ids = golden.substr(space + 1, end - space - 1);
        std::replace(ids.begin(), ids.end(), ',', ' ');
        begin = end + 1;
        if (text.find('\0') != std::string::npos) continue;  // no argument can hold it
        EXPECT_EQ(tokenize_argument(text), ids) << text;
    }
    EXPECT_GT(n, 5u);
}

// What is no list of messages is refused with the place in the file.
TEST(CliChat, MessagesAreRolesAndContents) {
    const TemporaryFolder folder;
    const std::string file = folder.path("messages.json");
    const std::pair<const char*, const char*> cases[] = {
        {"", ": no JSON at byte "},
        {"[{]", ": no JSON at byte 3"},
        {"[] []", ": no JSON at byte "},
        {"{}", R"(: no list of {"role", "content"})"},
        {"[1]", ": message 0 is no object"},
        {R"([{"role": "user"}])", ": message 0 has no content"},
        {R"([{"content": "x"}])", ": message 0 has no role"},
        {R"([{"role": "user", "content": "x"}, {"role": "user", "content": ["x"]}])",
         ": message 1: its content is no string"},
        {R"([{"role": "user", "content": "x", "name": "y"}])", ": message 0 has 'name'"},
        {R"([{"role": "a b", "content": "x"}])", "message 0: a role is 1 to 64 letters"},
    };
    write_file(folder.path("t.jinja"), "{{ messages[0].content }}");
    const auto chat = [&](const std::string& model) {
        return run_without_vulkan({"chat", "-m", model, "--messages", file, "--print-prompt",
                                   "--chat-template", folder.path("t.jinja")});
    };
    for (const auto& [json, part] : cases) {
        write_file(file, json);
        expect_failure(chat(golden_path("text")), 1, part);
    }
    write_file(file, R"([{"role": "user", "content": "x\u00e9"}])");
    EXPECT_EQ(chat(golden_path("text")).out, "x\xc3\xa9");
    expect_failure(run_without_vulkan(
                       {"chat", "-m", golden_path("text"), "--messages", file, "--print-prompt"}),
                   1,
                   "no chat template, so it was not made for conversations, or the file lost it: "
                   "let it write on with "
                   "gyre run, or give a template with --chat-template FILE");
    write_file(folder.path("t.jinja"), "\n{% include 'x' %}");
    expect_failure(chat(golden_path("text")), 1, "chat template: line 2: the statement 'include'");
}

}  // namespace
}  // namespace gyre::test
