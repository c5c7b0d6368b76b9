// SPDX-License-Identifier: Apache-2.0
#include "tests/faults/worker_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <stdexcept>
#include <utility>

extern char** environ;

namespace gyre::faults {
namespace {

std::string how_it_ended(int status) {
    if (WIFSIGNALED(status)) return "ended by signal " + std::to_string(WTERMSIG(status));
    return "exit status " + std::to_string(WEXITSTATUS(status));
}

}  // namespace

WorkerProcess::WorkerProcess(const std::vector<std::string>& command) {
    std::array<int, 2> in{}, out{};
    if (pipe2(in.data(), O_CLOEXEC) != 0 || pipe2(out.data(), O_CLOEXEC) != 0)
        throw std::runtime_error("no pipe");
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
    std::vector<char*> arguments;
    for (const std::string& argument : command)
        arguments.push_back(const_cast<char*>(argument.c_str()));
    arguments.push_back(nullptr);
    const int failed =
        posix_spawn(&pid_, command[0].c_str(), &actions, nullptr, arguments.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    close(in[0]);
    close(out[1]);
    to_ = in[1];
    from_ = out[0];
    if (failed != 0) throw std::runtime_error("cannot start " + command[0]);
    signal(SIGPIPE, SIG_IGN);  // a worker that is gone is noticed when it is heard
}

WorkerProcess::~WorkerProcess() {
    if (pid_ > 0) {
        kill(pid_, SIGKILL);
        waitpid(pid_, nullptr, 0);
    }
    if (to_ >= 0) close(to_);
    close(from_);
}

void WorkerProcess::say(const std::string& line) const {
    const std::string bytes = line + '\n';
    static_cast<void>(!write(to_, bytes.data(), bytes.size()));
}

void WorkerProcess::no_more() {
    close(std::exchange(to_, -1));
}

std::optional<std::string> WorkerProcess::hear(std::chrono::seconds patience) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (true) {
        if (const std::size_t at = heard_.find('\n'); at != std::string::npos) {
            std::string line = heard_.substr(0, at);
            heard_.erase(0, at + 1);
            return line;
        }
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
            deadline - std::chrono::steady_clock::now());
        pollfd wait{from_, POLLIN, 0};
        if (left.count() <= 0 || poll(&wait, 1, static_cast<int>(left.count())) == 0) {
            silent_ = true;
            return {};
        }
        std::array<char, 4096> bytes{};
        const ssize_t n = read(from_, bytes.data(), bytes.size());
        if (n <= 0) return {};
        heard_.append(bytes.data(), static_cast<std::size_t>(n));
    }
}

std::string WorkerProcess::end() {
    if (silent_) kill(pid_, SIGKILL);
    int status = 0;
    waitpid(std::exchange(pid_, -1), &status, 0);
    return silent_ ? "hangs" : how_it_ended(status);
}

std::string WorkerProcess::finish(std::chrono::seconds patience) {
    no_more();
    const auto line = hear(patience);
    const std::string how = end();
    return how == "exit status 0" ? "" : line.value_or("") + " (" + how + ")";
}

}  // namespace gyre::faults
