// Lives through a scenario with an allocation that fails, once for each line of stdin, and says on
// stdout what came of it.
// SPDX-License-Identifier: Apache-2.0
//
// usage: alloc_worker MODEL LARGE_MODEL DEVICE CACHE_DIR
//
// "scenarios 1 A;3 B;..." at the beginning, with their strides. A line is "NTH TIMES SCENARIO",
// TIMES: once or lasting; the answer is "OUTCOME SEEN DETAIL", SEEN: the allocations that there
// were.
#include <unistd.h>
#include <csignal>
#include <cstdio>
#include <cstdlib>

#include <algorithm>
#include <iostream>
#include <map>
#include <sstream>
#include <string>
#include <utility>

#include "tests/alloc/driver_scope.h"
#include "tests/alloc/failing_new.h"
#include "tests/alloc/scenarios.h"
#include "tests/faults/fault_loader.h"

namespace gyre::alloc {
namespace {

std::string logged;
void on_log(gyre_log_level level, const char* message, void*) {
    const Elsewhere callback;
    if (level == GYRE_LOG_ERROR) logged += std::string(message) + "; ";
}

std::string list_alive() {
    std::string list;
    for (const auto& [kind, count] : faults::alive())
        list += ' ' + std::to_string(count) + ' ' + kind;
    return list;
}

std::string where() {
    char calls[1024];
    say_where_it_failed(calls, sizeof calls);
    return std::string(" [") + calls + " ]";
}

class Worker {
  public:
    explicit Worker(const LifeOptions& options) : life_(options) {}

    // "OUTCOME SEEN DETAIL"
    std::string run(const Scenario& scenario, unsigned nth, bool lasting) {
        wrong_.clear();
        if (!learn(scenario)) return "wrong 0 unusable: " + wrong_;
        const Counts counts = live(scenario, nth, lasting);
        if (life_.transcript() != transcripts_[scenario.name]) blame("something else came out");
        if (scenario.ground == Ground::kNothing || scenario.ground == Ground::kNewModel) {
            life_.close();
            if (!faults::alive().empty()) blame("left over:" + list_alive());
            if (library_bytes() != bytes_at_rest_) {
                blame(std::to_string(library_bytes() - bytes_at_rest_) + " bytes are left over");
            }
        }
        const char* outcome = "absorbed";
        if (!wrong_.empty())
            outcome = "wrong";
        else if (counts.failed == 0)
            outcome = "unreached";
        else if (failed_)
            outcome = "error";
        if (!wrong_.empty()) wrong_ += where();
        return std::string(outcome) + ' ' + std::to_string(counts.seen) + ' ' + wrong_;
    }

    // All ends; what is left is a leak.
    std::string end() {
        life_.close();
        std::string left;
        if (!faults::alive().empty()) left = "left over:" + list_alive();
        const std::int64_t bytes = library_bytes() - bytes_at_rest_;
        if (bytes != 0) left += ' ' + std::to_string(bytes) + " bytes are left over";
        return left;
    }

  private:
    void blame(const std::string& text) { wrong_ += (wrong_.empty() ? "" : "; ") + text; }

    // What comes out where nothing fails; the second time, when all that is made once is there.
    bool learn(const Scenario& scenario) {
        if (transcripts_.count(scenario.name) > 0) return true;
        for (int round = 0; round < 2; ++round) {
            live(scenario, 0, false);
            if (failed_) blame("it fails");
            transcripts_[scenario.name] = life_.transcript();
        }
        life_.close();
        bytes_at_rest_ = library_bytes();
        if (!faults::alive().empty()) blame("left over:" + list_alive());
        return wrong_.empty();
    }

    Counts live(const Scenario& scenario, unsigned nth, bool lasting) {
        if (const std::string problem = life_.stand_on(scenario.ground); !problem.empty())
            blame("in front of it: " + problem);
        if (scenario.prepare != nullptr && scenario.prepare(life_) != GYRE_OK)
            blame(std::string("in front of it: ") + gyre_last_error());
        arm(nth, lasting);
        gyre_status status = scenario.act(life_);
        const Counts counts = disarm();
        failed_ = status != GYRE_OK;
        if (life_.session != nullptr) life_.expect_held(life_.session);
        if (failed_ && status != GYRE_ERROR_OUT_OF_HOST_MEMORY) {
            blame(std::string("the status is \"") + gyre_status_string(status) +
                  "\": " + gyre_last_error());
        }
        if (failed_ && std::string(gyre_last_error()).find("memory") == std::string::npos)
            blame(std::string("the message is \"") + gyre_last_error() + '"');
        if (failed_) something_else(nth);
        if (failed_ && scenario.act(life_) != GYRE_OK)
            blame(std::string("again: ") + gyre_last_error());
        life_.write_tail();
        if (life_.session != nullptr) life_.expect_held(life_.session);
        if (!life_.broken().empty()) blame(life_.broken());
        if (faults::under_way() > 0) blame("work is left under way");
        for (const std::string& text : faults::take_violations())
            blame(text);
        if (!logged.empty()) blame("logged: " + std::exchange(logged, {}));
        return counts;
    }

    // Sometimes, after an error: a session that is whole can be saved and goes on from that. What a
    // pause has left to do is not saved.
    void something_else(unsigned nth) {
        if (life_.session == nullptr || nth % 3 != 0 || life_.is_interrupted()) return;
        std::string blob;
        if (life_.save(life_.session, blob) != GYRE_OK ||
            life_.load(life_.session, blob) != GYRE_OK)
            blame(std::string("saved after the error: ") + gyre_last_error());
    }

    Life life_;
    std::map<std::string, std::vector<std::uint32_t>> transcripts_;
    std::int64_t bytes_at_rest_ = 0;
    std::string wrong_;
    bool failed_ = false;
};

// Says where the memory was missing whose want killed the process.
extern "C" void on_signal(int number) {
    char calls[1024];
    say_where_it_failed(calls, sizeof calls);
    dprintf(STDOUT_FILENO, "signal %d [%s ]\n", number, calls);
    _exit(1);
}

int run_all(char** argv) {
    for (const int number : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL})
        static_cast<void>(std::signal(number, on_signal));
    if (!watch_driver_calls()) return 1;
    gyre_set_log_callback(on_log, nullptr, GYRE_LOG_DEBUG);
    Worker worker({argv[1], argv[2], argv[3], argv[4]});
    std::cout << "scenarios ";
    for (const Scenario& scenario : scenarios())
        std::cout << scenario.stride << ' ' << scenario.name << ';';
    std::cout << std::endl;
    for (std::string line; std::getline(std::cin, line);) {
        std::istringstream in(line);
        unsigned nth = 0;
        std::string times, name;
        in >> nth >> times;
        std::getline(in >> std::ws, name);
        const auto found = std::find_if(scenarios().begin(), scenarios().end(),
                                        [&](const Scenario& s) { return s.name == name; });
        if (found == scenarios().end()) return 2;
        std::cout << worker.run(*found, nth, times == "lasting") << std::endl;
    }
    const std::string left = worker.end();
    if (!left.empty()) std::cout << left << std::endl;
    return left.empty() ? 0 : 1;
}

}  // namespace
}  // namespace gyre::alloc

int main(int argc, char** argv) {
    if (argc != 5) return 2;
    return gyre::alloc::run_all(argv);
}
