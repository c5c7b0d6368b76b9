// Every allocation of the library's own code fails, one after the other.
// SPDX-License-Identifier: Apache-2.0
//
// Wanted: GYRE_ERROR_OUT_OF_HOST_MEMORY or no difference at all; no crash, hang or leak; the
// session holds what it was given and told, no more and no less, and goes on from there with
// exactly the tokens and logits of a run in which nothing fails.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iomanip>
#include <iostream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "tests/faults/worker_process.h"

namespace gyre::alloc {
namespace {

using faults::WorkerProcess;

constexpr std::chrono::seconds kPatience{60};

std::string driver() {
    const char* value = std::getenv("GYRE_TEST_DRIVER");
    return value == nullptr ? "" : value;
}

double processor_seconds_of_children() {
    rusage usage = {};
    getrusage(RUSAGE_CHILDREN, &usage);
    const auto seconds = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
    };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

struct Answer {
    std::string outcome;  // "unreached", "absorbed", "error", "wrong", "died"
    unsigned seen = 0;
    std::string detail;
};

struct Listed {
    std::string name;
    unsigned stride;
};

// A worker, started anew where a case killed it.
class Crew {
  public:
    Crew() {
        folder_ = std::filesystem::temp_directory_path() / "gyre-alloc-XXXXXX";
        if (mkdtemp(folder_.data()) == nullptr) throw std::runtime_error("no " + folder_);
        start();
    }
    ~Crew() {
        worker_.reset();
        std::error_code error;
        std::filesystem::remove_all(folder_, error);
    }
    Crew(const Crew&) = delete;
    Crew& operator=(const Crew&) = delete;

    const std::vector<Listed>& scenarios() const { return scenarios_; }

    Answer run(const std::string& scenario, unsigned nth, const char* times) {
        if (worker_ == nullptr) start();
        worker_->say(std::to_string(nth) + ' ' + times + ' ' + scenario);
        const std::optional<std::string> line = worker_->hear(kPatience);
        if (!line || line->rfind("signal ", 0) == 0) {
            const std::string how = worker_->end();
            worker_.reset();
            return {"died", 0, line.value_or(how)};
        }
        std::istringstream in(*line);
        Answer answer;
        in >> answer.outcome >> answer.seen;
        std::getline(in >> std::ws, answer.detail);
        if (answer.outcome == "wrong") worker_.reset();  // what is left would be there again
        return answer;
    }

    // "": nothing is left of anything.
    std::string end() {
        if (worker_ == nullptr) return "";
        const std::string left = worker_->finish(kPatience);
        worker_.reset();
        return left;
    }

  private:
    void start() {
        const std::string root = GYRE_SOURCE_DIR "/";
        worker_ = std::make_unique<WorkerProcess>(std::vector<std::string>{
            GYRE_ALLOC_WORKER, root + "tests/golden/text.gguf", root + "models/gyre-books-5m.gguf",
            driver() == "swiftshader" ? "SwiftShader" : "llvmpipe", folder_ + "/cache"});
        const std::string line = worker_->hear(kPatience).value_or("");
        if (line.rfind("scenarios ", 0) != 0) throw std::runtime_error("the worker says: " + line);
        scenarios_.clear();
        std::istringstream in(line.substr(10));
        unsigned stride = 0;
        for (std::string name; in >> stride && std::getline(in >> std::ws, name, ';');)
            scenarios_.push_back({name, stride});
    }

    std::string folder_;
    std::unique_ptr<WorkerProcess> worker_;
    std::vector<Listed> scenarios_;
};

struct Row {
    std::string scenario;
    unsigned allocations = 0, cases = 0, errors = 0, absorbed = 0, died = 0, wrong = 0;

    void add(const Answer& answer) {
        allocations = std::max(allocations, answer.seen);
        cases += 1;
        errors += answer.outcome == "error" ? 1 : 0;
        absorbed += answer.outcome == "absorbed" ? 1 : 0;
        died += answer.outcome == "died" ? 1 : 0;
        wrong += answer.outcome == "wrong" ? 1 : 0;
    }
    void add(const Row& other) {
        allocations += other.allocations;
        cases += other.cases;
        errors += other.errors;
        absorbed += other.absorbed;
        died += other.died;
        wrong += other.wrong;
    }
    void print(std::ostream& out) const {
        out << std::left << std::setw(18) << scenario << std::right << std::setw(12) << allocations
            << std::setw(7) << cases << std::setw(7) << errors << std::setw(10) << absorbed
            << std::setw(6) << died << std::setw(7) << wrong << '\n';
    }
};

// The nth, and then every stride-th, until the scenario makes no so many.
void run_scenario(Crew& crew, const std::string& scenario, unsigned stride, const char* times,
                  Row& row) {
    constexpr unsigned kFar = 100'000;
    for (unsigned nth = 1; nth < kFar; nth += stride) {
        const Answer answer = crew.run(scenario, nth, times);
        if (answer.outcome == "unreached") return;
        row.add(answer);
        if (answer.outcome == "wrong" || answer.outcome == "died") {
            ADD_FAILURE() << scenario << ", allocation " << nth << " (" << times
                          << "): " << answer.outcome << ' ' << answer.detail;
        }
        if (answer.detail.rfind("unusable", 0) == 0) return;
    }
    ADD_FAILURE() << scenario << " does not come to its end";
}

// stride: how far from each allocation that fails to the next.
void run_all(unsigned once, unsigned lasting) {
    ASSERT_NE(driver(), "") << "set GYRE_TEST_DRIVER to lavapipe or swiftshader";
    Crew crew;
    Row total{"all"};
    std::vector<Row> rows;
    const char* only = std::getenv("GYRE_ALLOC_ONLY");
    const std::vector<Listed> all = crew.scenarios();
    for (const auto& [scenario, stride] : all) {
        if (only != nullptr && scenario != only) continue;
        const double before = processor_seconds_of_children();
        Row row{scenario};
        run_scenario(crew, scenario, once * stride, "once", row);
        run_scenario(crew, scenario, lasting * stride, "lasting", row);
        EXPECT_EQ(crew.end(), "") << "after " << scenario;
        total.add(row);
        rows.push_back(row);
        row.print(std::cout);
        std::cout << "    " << processor_seconds_of_children() - before << " s" << std::endl;
    }
    total.print(std::cout);
    if (only != nullptr) return;
    EXPECT_GT(total.cases, 300u);
}

TEST(Allocations, EverySeventh) {
    run_all(7, 49);
}

TEST(Allocations, Every) {
    run_all(1, 5);
}

}  // namespace
}  // namespace gyre::alloc
