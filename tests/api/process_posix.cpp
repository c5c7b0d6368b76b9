// SPDX-License-Identifier: Apache-2.0
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <sstream>
#include <stdexcept>

#include "tests/api/process.h"

namespace gyre::test {
namespace {

struct CloseFile {
    void operator()(std::FILE* file) const { std::fclose(file); }
};
using TemporaryFile = std::unique_ptr<std::FILE, CloseFile>;  // has no name

TemporaryFile temporary_file(const std::string& content) {
    TemporaryFile file(std::tmpfile());
    if (!file) throw std::runtime_error("cannot create a temporary file");
    std::fwrite(content.data(), 1, content.size(), file.get());
    std::fflush(file.get());
    std::rewind(file.get());
    return file;
}

void set_environment(const std::vector<std::string>& environment) {
    for (const std::string& entry : environment) {
        const std::size_t equals = entry.find('=');
        if (equals == std::string::npos) {
            unsetenv(entry.c_str());
        } else {
            setenv(entry.substr(0, equals).c_str(), entry.substr(equals + 1).c_str(), 1);
        }
    }
}

// What runs programs of another processor here: the words of CMAKE_CROSSCOMPILING_EMULATOR.
std::vector<std::string> emulator() {
    std::vector<std::string> words;
    std::istringstream list(GYRE_TEST_EMULATOR);
    for (std::string word; std::getline(list, word, '|');)
        words.push_back(word);
    return words;
}

[[noreturn]] void run_child(const std::vector<std::string>& arguments,
                            const ProcessOptions& options, int in, int out, int err) {
    dup2(in, STDIN_FILENO);
    dup2(out, STDOUT_FILENO);
    dup2(err, STDERR_FILENO);
    set_environment(options.environment);
    std::vector<std::string> words = emulator();
    words.push_back(std::string(GYRE_BINARY_DIR) + "/bin/gyre");
    words.insert(words.end(), arguments.begin(), arguments.end());
    std::vector<char*> argv;
    for (std::string& word : words)
        argv.push_back(word.data());
    argv.push_back(nullptr);
    execvp(argv[0], argv.data());
    std::perror(argv[0]);
    _exit(127);
}

// All that comes until the other end is closed.
std::string read_all(int fd, pid_t child, int signal_after_output) {
    std::string text;
    std::array<char, 4096> buffer{};
    while (true) {
        const ssize_t n = read(fd, buffer.data(), buffer.size());
        if (n <= 0) return text;
        if (text.empty() && signal_after_output != 0) kill(child, signal_after_output);
        text.append(buffer.data(), static_cast<std::size_t>(n));
    }
}

std::string content(std::FILE* file) {
    std::rewind(file);
    std::string text;
    std::array<char, 4096> buffer{};
    while (const std::size_t n = std::fread(buffer.data(), 1, buffer.size(), file)) {
        text.append(buffer.data(), n);
    }
    return text;
}

}  // namespace

ProcessResult run_gyre(const std::vector<std::string>& arguments, const ProcessOptions& options) {
    const TemporaryFile in = temporary_file(options.input);
    const TemporaryFile err = temporary_file("");
    int out[2] = {};
    if (pipe(out) != 0) throw std::runtime_error("cannot create a pipe");
    const pid_t child = fork();
    if (child == 0) {
        close(out[0]);
        run_child(arguments, options, fileno(in.get()), out[1], fileno(err.get()));
    }
    close(out[1]);
    ProcessResult result;
    result.out = read_all(out[0], child, options.signal_after_output);
    close(out[0]);
    int status = 0;
    waitpid(child, &status, 0);
    result.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    result.err = content(err.get());
    return result;
}

}  // namespace gyre::test
