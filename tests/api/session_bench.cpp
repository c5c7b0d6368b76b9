// What a pause, a cancel, a saved session and a model's fingerprint take: a program to run by hand.
// SPDX-License-Identifier: Apache-2.0
//
// usage: session_bench MODEL [DEVICE [SUBMIT_MS [ROUNDS]]]
//
// A thread writes one text after the other, or feeds a prompt again and again; this one waits for a
// moment that is drawn and then pauses or cancels. Median and maximum of ROUNDS (100), in ms.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "gyre/gyre.h"
#include "runtime/base/mapped_file.h"
#include "runtime/model/model_fingerprint.h"
#include "tests/api/saved_session.h"

namespace {

using Clock = std::chrono::steady_clock;

void check(gyre_status status) {
    if (status == GYRE_OK) return;
    std::fprintf(stderr, "session_bench: %s\n", gyre_last_error());
    std::exit(1);
}

double ms_since(Clock::time_point start) {
    return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

void print(const char* what, std::vector<double> times) {
    std::sort(times.begin(), times.end());
    std::printf("%-34s median %8.2f ms, max %8.2f ms of %zu\n", what, times[times.size() / 2],
                times.back(), times.size());
    std::fflush(stdout);
}

enum class Work { kText, kPrompt };

// Computes without an end; done_at: when the last interrupted call returned.
class Worker {
  public:
    Worker(gyre_model* model, gyre_session* session, Work work)
        : model_(model), session_(session), work_(work), thread_([this] { run(); }) {}
    ~Worker() {
        end_ = true;
        check(gyre_model_resume(model_));
        gyre_session_cancel(session_);
        thread_.join();
    }
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;

    // Waits until calls are under way again.
    void wait_for_work() const {
        for (const int n = tokens_; tokens_ == n;)
            std::this_thread::sleep_for(std::chrono::microseconds(200));
    }
    int returns() const { return returns_; }
    Clock::time_point returned_at() const { return returned_at_; }

  private:
    void run() {
        while (!end_) {
            const gyre_status status = work_ == Work::kText ? write() : feed();
            if (status == GYRE_ERROR_CANCELLED) {
                returned_at_ = Clock::now();
                ++returns_;
            } else if (status == GYRE_ERROR_PAUSED) {
                std::this_thread::sleep_for(std::chrono::milliseconds(1));
            } else {
                check(status);
            }
        }
    }
    gyre_status write() {
        gyre_generate_options options = GYRE_GENERATE_OPTIONS_INIT;
        options.ignore_eos = 1;
        options.user = this;
        options.on_token = [](const gyre_token_event*, void* user) {
            ++static_cast<Worker*>(user)->tokens_;
            return 1;
        };
        const std::uint32_t n_ctx = gyre_session_n_ctx(session_);
        if (gyre_session_position(session_) == n_ctx) check(gyre_session_reset(session_));
        return gyre_session_generate(session_, "", 0, &options, nullptr);
    }
    gyre_status feed() {
        std::vector<std::uint32_t> prompt(256, 17);
        ++tokens_;
        check(gyre_session_reset(session_));
        return gyre_session_feed(session_, prompt.data(), prompt.size());
    }

    gyre_model* model_;
    gyre_session* session_;
    Work work_;
    std::atomic<bool> end_ = false;
    std::atomic<int> tokens_ = 0, returns_ = 0;
    std::atomic<Clock::time_point> returned_at_{};
    std::thread thread_;
};

void measure(gyre_model* model, gyre_session* session, Work work, int rounds) {
    std::mt19937 random(5);
    const auto some_time = [&] {
        std::this_thread::sleep_for(std::chrono::microseconds(random() % 60'000));
    };
    std::vector<double> pauses, cancels;
    Worker worker(model, session, work);
    for (int i = 0; i < rounds; ++i) {
        worker.wait_for_work();
        some_time();
        const auto start = Clock::now();
        check(gyre_model_pause(model));
        pauses.push_back(ms_since(start));
        check(gyre_model_resume(model));
    }
    for (int i = 0; i < rounds; ++i) {
        worker.wait_for_work();
        some_time();
        const int before = worker.returns();
        const auto start = Clock::now();
        gyre_session_cancel(session);
        while (worker.returns() == before)
            std::this_thread::sleep_for(std::chrono::microseconds(50));
        cancels.push_back(
            std::chrono::duration<double, std::milli>(worker.returned_at() - start).count());
    }
    print(work == Work::kText ? "pause of a text" : "pause of a prompt", pauses);
    print(work == Work::kText ? "cancel of a text" : "cancel of a prompt", cancels);
}

void measure_saving(gyre_model* model, std::uint32_t n_tokens) {
    gyre_session_options options = GYRE_SESSION_OPTIONS_INIT;
    options.n_ctx = n_tokens;
    gyre_session* session = nullptr;
    check(gyre_session_create(model, &options, &session));
    const std::vector<std::uint32_t> prompt(n_tokens, 17);
    check(gyre_session_feed(session, prompt.data(), prompt.size()));
    std::vector<double> saves, loads;
    std::size_t bytes = 0;
    for (int i = 0; i < 20; ++i) {
        gyre::test::MemoryFile file;
        auto start = Clock::now();
        check(gyre_session_save(session, gyre::test::MemoryFile::write, &file));
        saves.push_back(ms_since(start));
        bytes = file.bytes.size();
        start = Clock::now();
        check(gyre_session_load(session, gyre::test::MemoryFile::read, &file));
        loads.push_back(ms_since(start));
    }
    gyre_session_destroy(session);
    std::printf("a session of %u tokens: %zu bytes\n", n_tokens, bytes);
    print("save", saves);
    print("load", loads);
}

void measure_fingerprint(const char* path) {
    const auto file = gyre::MappedFile::open(path);
    if (!file.ok()) return;
    const auto gguf = gyre::Gguf::parse(file->bytes());
    if (!gguf.ok()) return;
    std::vector<double> times;
    for (int i = 0; i < 20; ++i) {
        file->release_pages(file->bytes());
        const auto start = Clock::now();
        const std::uint64_t hash = gyre::model_fingerprint(gguf.value(), {});
        times.push_back(ms_since(start));
        if (hash == 0) std::printf("\n");  // it is used
    }
    print("fingerprint, pages released before", times);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 2) {
        std::fprintf(stderr, "usage: session_bench MODEL [DEVICE [SUBMIT_MS [ROUNDS]]]\n");
        return 2;
    }
    measure_fingerprint(argv[1]);
    gyre_model_options model_options = GYRE_MODEL_OPTIONS_INIT;
    model_options.device = argc > 2 ? argv[2] : "auto";
    gyre_model* model = nullptr;
    check(gyre_model_open(argv[1], &model_options, &model));
    gyre_device_info device = GYRE_DEVICE_INFO_INIT;
    check(gyre_model_get_device(model, &device));
    gyre_session_options options = GYRE_SESSION_OPTIONS_INIT;
    options.n_ctx = 512;
    options.submit_ms = argc > 3 ? static_cast<std::uint32_t>(std::atoi(argv[3])) : 0;
    const int rounds = argc > 4 ? std::atoi(argv[4]) : 100;
    std::printf("%s, submit_ms %u\n", device.name, options.submit_ms == 0 ? 50 : options.submit_ms);
    for (const Work work : {Work::kText, Work::kPrompt}) {
        gyre_session* session = nullptr;
        check(gyre_session_create(model, &options, &session));
        measure(model, session, work, rounds);
        gyre_session_destroy(session);
    }
    measure_saving(model, 512);
    gyre_model_destroy(model);
    return 0;
}
