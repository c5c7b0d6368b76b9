// The child process and its limits.
// SPDX-License-Identifier: Apache-2.0
#include "child.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <ctime>

namespace compilers {

namespace {

using Clock = std::chrono::steady_clock;

// A child may also stand still without using the processor: a lock that another thread held at the
// fork. Time on the wall alone would say little on a machine that has other work.
constexpr unsigned kMostIdleSeconds = 30;
// A loop that sleeps and looks again takes a little time too: less than this part of a processor is
// no work.
constexpr double kLeastWork = 0.01;

[[noreturn]] void be_child(unsigned cpu_seconds, const std::string& messages, int answer,
                           const std::function<std::string()>& work) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);                // nobody waits for what a killed program began
    const rlimit cpu{cpu_seconds, cpu_seconds + 2};  // the second one cannot be caught
    setrlimit(RLIMIT_CPU, &cpu);
    const rlimit no_core{0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    for (const int signal : {SIGXCPU, SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL}) {
        std::signal(signal, SIG_DFL);
    }
    const char* const path = messages.empty() ? "/dev/null" : messages.c_str();
    if (const int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644); file >= 0) {
        dup2(file, STDOUT_FILENO);
        dup2(file, STDERR_FILENO);
    }
    const std::string text = work();
    for (std::size_t done = 0; done < text.size();) {
        const ssize_t n = write(answer, text.data() + done, text.size() - done);
        if (n <= 0) _exit(1);
        done += static_cast<std::size_t>(n);
    }
    _exit(0);
}

double seconds(const timespec& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}
double seconds(const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

double cpu_seconds_of(pid_t child) {
    clockid_t clock = 0;
    timespec used{};
    if (clock_getcpuclockid(child, &clock) == 0) clock_gettime(clock, &used);
    return seconds(used);
}

// Reads until the child has closed its end. False: it did no work for idle_seconds before.
bool read_answer(int file, pid_t child, unsigned idle_seconds, std::string& answer) {
    std::array<char, 1 << 16> buffer;
    double used = 0;
    auto moved = Clock::now();
    while (true) {
        pollfd ready{file, POLLIN, 0};
        const int n_ready = poll(&ready, 1, 500);
        if (n_ready < 0 && errno != EINTR) return true;
        if (n_ready > 0) {
            const ssize_t n = read(file, buffer.data(), buffer.size());
            if (n <= 0) return true;
            answer.append(buffer.data(), static_cast<std::size_t>(n));
        }
        if (const double now = cpu_seconds_of(child);
            n_ready > 0 || now > used + kLeastWork * idle_seconds) {
            used = now;
            moved = Clock::now();
        }
        if (Clock::now() - moved > std::chrono::seconds(idle_seconds)) return false;
    }
}

std::string why_it_died(int status, double used, unsigned cpu_seconds) {
    if (WIFSIGNALED(status)) {
        const int signal = WTERMSIG(status);
        if (signal == SIGXCPU || (signal == SIGKILL && used >= cpu_seconds)) {
            return "CPU limit of " + std::to_string(cpu_seconds) + " s";
        }
        return std::string("signal: ") + strsignal(signal);
    }
    const int code = WEXITSTATUS(status);
    return code == 0 ? "" : "it ended with exit code " + std::to_string(code);
}

void remove_if_empty(const std::string& path) {
    if (path.empty()) return;
    const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) return;
    const bool empty = lseek(file, 0, SEEK_END) == 0;
    close(file);
    if (empty) unlink(path.c_str());
}

}  // namespace

ChildResult run_in_child(unsigned cpu_seconds, const std::string& messages,
                         const std::function<std::string()>& work) {
    ChildResult result;
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
        result.why = std::string("no pipe: ") + std::strerror(errno);
        return result;
    }
    const pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        be_child(cpu_seconds, messages, ends[1], work);
    }
    close(ends[1]);
    if (child < 0) {
        close(ends[0]);
        result.why = std::string("no child process: ") + std::strerror(errno);
        return result;
    }
    const unsigned idle_seconds = std::min(4 * cpu_seconds, kMostIdleSeconds);
    const bool moving = read_answer(ends[0], child, idle_seconds, result.answer);
    close(ends[0]);
    if (!moving) kill(child, SIGKILL);
    int status = 0;
    rusage usage{};
    while (wait4(child, &status, 0, &usage) < 0 && errno == EINTR) {
    }
    result.cpu_seconds = seconds(usage.ru_utime) + seconds(usage.ru_stime);
    result.why = moving ? why_it_died(status, result.cpu_seconds, cpu_seconds)
                        : "it stood still for " + std::to_string(idle_seconds) + " s";
    remove_if_empty(messages);
    return result;
}

}  // namespace compilers
