// Every Vulkan function fails with every result that the specification allows for it.
// SPDX-License-Identifier: Apache-2.0
//
// At its first, second, middle and last call of every phase of a session's life.
// Wanted: a clear status or no difference at all; no crash, hang or leak; nothing is destroyed or
// used again that the device still works with; and if the session goes on, exactly the tokens of a
// run without faults.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iomanip>
#include <iostream>
#include <map>
#include <memory>
#include <set>
#include <sstream>
#include <thread>

#include "tests/faults/fault_case.h"
#include "tests/faults/fault_list.h"
#include "tests/faults/worker_process.h"

namespace gyre::faults {
namespace {

constexpr std::chrono::seconds kPatience{150};  // far above what the slowest case takes
constexpr std::size_t kDrawn = 40;

// Model, memory and budget with which workers run, and the phases that are of interest there.
struct Setting {
    const char* name;
    const char* model;
    const char* first_phase;
    const char* memory;
    const char* submit_ms;
    std::set<Phase> phases;  // empty: all
    bool everywhere = true;  // else at the first and the last call only
};
const Setting kSettings[] = {
    {"unified memory", "tests/golden/text.gguf", "open", "unified", "0", {}},
    {"discrete memory", "tests/golden/text.gguf", "open", "discrete", "0", {}, false},
    {"tuner", "tests/golden/text.gguf", "tune", "unified", "0", {Phase::kTune}, false},
    // So large for its budget that chunks and tokens are cut.
    {"cut work",
     "models/gyre-books-5m.gguf",
     "open",
     "unified",
     "1",
     {Phase::kPrompt, Phase::kDecode, Phase::kSlide, Phase::kCancel},
     false},
};

struct Case {
    const Setting* setting;
    FaultCase fault;
    std::uint64_t rank = 0;  // for drawing: a hash of what it is, without its number
};

struct Verdict {
    Case tried;
    Outcome outcome = Outcome::kWrong;
    std::string detail;
};

std::string driver() {
    const char* value = std::getenv("GYRE_TEST_DRIVER");
    return value == nullptr ? "" : value;
}

std::uint64_t hash(const std::string& text) {
    std::uint64_t value = 0xcbf29ce484222325u;  // FNV-1a
    for (const char c : text)
        value = (value ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
    return value ^ value >> 29;
}

// Workers of one setting, started anew where one was killed by its fault.
class Crew {
  public:
    explicit Crew(const Setting& setting) : setting_(setting) {
        folder_ = std::filesystem::temp_directory_path() / "gyre-faults-XXXXXX";
        if (mkdtemp(folder_.data()) == nullptr) throw std::runtime_error("no " + folder_);
    }
    ~Crew() {
        std::error_code error;
        std::filesystem::remove_all(folder_, error);
    }

    // Starts one; the calls that it counted: by phase and function.
    using Calls = std::map<std::pair<Phase, std::string>, unsigned>;
    bool start(std::string& problem) {
        const std::string device = driver() == "swiftshader" ? "SwiftShader" : "llvmpipe";
        const std::string root = GYRE_SOURCE_DIR "/";
        worker_ = std::make_unique<WorkerProcess>(std::vector<std::string>{
            GYRE_FAULT_WORKER, root + setting_.model, device, folder_ + "/cache",
            setting_.first_phase, setting_.memory, setting_.submit_ms});
        while (const auto line = worker_->hear(kPatience)) {
            if (*line == "ready") return true;
            if (line->rfind("unusable ", 0) == 0) {
                problem = *line;
                break;
            }
            std::istringstream in(line->substr(line->find(' ')));
            std::string phase, function;
            unsigned n = 0;
            in >> phase >> function >> n;
            calls_[{from_line(phase + " x 0 1 1").phase, function}] = n;
        }
        problem += " (" + worker_->end() + ")";
        worker_.reset();
        return false;
    }
    const Calls& calls() const { return calls_; }
    const Setting& setting() const { return setting_; }

    Verdict run(const Case& tried) {
        std::string problem;
        if (worker_ == nullptr && !start(problem)) return {tried, Outcome::kWrong, problem};
        worker_->say(to_line(tried.fault));
        std::optional<std::string> line = worker_->hear(kPatience);
        if (line && *line == "begin") line = worker_->hear(kPatience);
        if (!line || line->rfind("end ", 0) != 0) {
            const std::string how = worker_->end();
            worker_.reset();
            return {tried, Outcome::kWrong, how};
        }
        std::istringstream in(line->substr(4));
        std::string outcome, detail;
        in >> outcome;
        std::getline(in >> std::ws, detail);
        const auto* name = std::find(kOutcomeNames.begin(), kOutcomeNames.end(), outcome);
        // What a device that was given up still works with stays until the process ends.
        if (tried.fault.fault.times > 1) worker_.reset();
        return {tried, static_cast<Outcome>(name - kOutcomeNames.begin()), detail};
    }

    std::string end() {
        if (worker_ == nullptr) return "";
        const std::string left = worker_->finish(kPatience);
        worker_.reset();
        return left;
    }

  private:
    const Setting& setting_;
    std::string folder_;
    std::unique_ptr<WorkerProcess> worker_;
    Calls calls_;
};

std::vector<Case> cases_of(const Setting& setting, const Crew::Calls& calls) {
    std::vector<Case> all;
    for (const auto& [where, n] : calls) {
        const auto& [phase, function] = where;
        if (!setting.phases.empty() && setting.phases.count(phase) == 0) continue;
        const std::vector<FaultRow>& rows = fault_rows();
        const auto row =
            std::find_if(rows.begin(), rows.end(),
                         [&name = where.second](const FaultRow& r) { return r.name == name; });
        for (const VkResult result : row->results) {
            std::vector<unsigned> places = {1, 2, n / 2 + 1, n};
            if (!setting.everywhere) places = {1, n};
            if (result == VK_ERROR_UNKNOWN) places = {1};  // the way of all other errors
            std::set<unsigned> taken;
            for (std::size_t place = 0; place < places.size(); ++place) {
                if (places[place] > n || !taken.insert(places[place]).second) continue;
                const FaultCase fault{phase, {function, result, places[place], 1}};
                const std::string what = setting.name + to_line({phase, {function, result, 0, 1}}) +
                                         std::to_string(place);
                all.push_back({&setting, fault, hash(what)});
            }
        }
    }
    return all;
}

// Errors that do not pass: of waits a device that is given up, of others an error that leaves the
// session as it was.
std::vector<Case> lasting_cases() {
    constexpr unsigned kForEver = 1u << 30;
    std::vector<Case> all;
    for (const Phase phase : {Phase::kCreate, Phase::kPrompt, Phase::kDecode, Phase::kShift}) {
        for (const char* function : {"vkWaitForFences", "vkQueueSubmit"}) {
            for (const VkResult result : {kHost, kDevice})
                all.push_back({&kSettings[0], {phase, {function, result, 1, kForEver}}});
        }
    }
    return all;
}

class Report {
  public:
    void add(const Crew::Calls& calls) {
        for (const auto& [where, n] : calls)
            rows_[where].calls = std::max(rows_[where].calls, n);
    }
    void add(const Verdict& verdict) {
        Row& row = rows_[{verdict.tried.fault.phase, verdict.tried.fault.fault.function}];
        ++row.outcomes[static_cast<std::size_t>(verdict.outcome)];
        ++total_.outcomes[static_cast<std::size_t>(verdict.outcome)];
        if (verdict.outcome == Outcome::kWrong) {
            ADD_FAILURE() << verdict.tried.setting->name << ", " << describe(verdict.tried.fault)
                          << ": " << verdict.detail;
        }
    }
    unsigned injected() const { return injected(total_); }
    unsigned unreached() const { return total_.outcomes[0]; }

    void print(std::ostream& out) const {
        out << "phase    function                               calls  injected  error  absorbed  "
               "wrong\n";
        for (const auto& [where, row] : rows_) {
            if (injected(row) == 0) continue;
            print(out, std::string(kPhaseNames[static_cast<std::size_t>(where.first)]),
                  where.second, row);
        }
        print(out, "all", "", total_);
        out << unreached() << " more were not reached: another run makes other calls\n";
    }

  private:
    struct Row {
        unsigned calls = 0;
        std::array<unsigned, 4> outcomes{};
    };
    static unsigned injected(const Row& row) {
        return row.outcomes[1] + row.outcomes[2] + row.outcomes[3];
    }
    static void print(std::ostream& out, const std::string& phase, const std::string& function,
                      const Row& row) {
        out << std::left << std::setw(9) << phase << std::setw(38) << function << std::right
            << std::setw(6) << row.calls << std::setw(10) << injected(row) << std::setw(7)
            << row.outcomes[2] << std::setw(10) << row.outcomes[1] << std::setw(7)
            << row.outcomes[3] << '\n';
    }

    std::map<std::pair<Phase, std::string>, Row> rows_;
    Row total_;
};

void run_some(Crew& crew, const std::vector<Case>& cases, std::size_t first, std::size_t step,
              std::vector<Verdict>& verdicts) {
    for (std::size_t i = first; i < cases.size(); i += step) {
        verdicts.push_back(crew.run(cases[i]));
        const bool wrong = verdicts.back().outcome == Outcome::kWrong;
        if (wrong && GTEST_FLAG_GET(fail_fast)) return;
    }
}

// Those of one setting, by two workers at a time if they are many.
void run_all(Crew& crew, const std::vector<Case>& cases, Report& report) {
    std::array<std::vector<Verdict>, 2> verdicts;
    std::string second_end;
    const std::size_t step = cases.size() > kDrawn ? 2 : 1;
    std::thread second([&] {
        if (step == 1) return;
        Crew other(crew.setting());
        run_some(other, cases, 1, step, verdicts[1]);
        second_end = other.end();
    });
    run_some(crew, cases, 0, step, verdicts[0]);
    EXPECT_EQ(crew.end(), "");
    second.join();
    EXPECT_EQ(second_end, "");
    for (const auto& some : verdicts) {
        for (const Verdict& verdict : some)
            report.add(verdict);
    }
}

void run_settings(bool every, Report& report) {
    std::vector<std::unique_ptr<Crew>> crews;
    std::vector<Case> all;
    for (const Setting& setting : kSettings) {
        crews.push_back(std::make_unique<Crew>(setting));
        std::string problem;
        ASSERT_TRUE(crews.back()->start(problem)) << setting.name << ": " << problem;
        report.add(crews.back()->calls());
        const std::vector<Case> more = cases_of(setting, crews.back()->calls());
        all.insert(all.end(), more.begin(), more.end());
    }
    if (every) {
        const std::vector<Case> lasting = lasting_cases();
        all.insert(all.end(), lasting.begin(), lasting.end());
    } else {
        std::sort(all.begin(), all.end(),
                  [](const Case& a, const Case& b) { return a.rank < b.rank; });
        all.resize(std::min(all.size(), kDrawn));
    }
    for (std::size_t s = 0; s < crews.size(); ++s) {
        std::vector<Case> here;
        std::copy_if(all.begin(), all.end(), std::back_inserter(here),
                     [&](const Case& tried) { return tried.setting == &kSettings[s]; });
        const auto begin = std::chrono::steady_clock::now();
        run_all(*crews[s], here, report);
        const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
        std::cout << kSettings[s].name << ": " << here.size() << " faults in " << took.count()
                  << " s" << std::endl;
        if (testing::Test::HasFailure() && GTEST_FLAG_GET(fail_fast)) return;
    }
}

void expect_a_good_report(bool every) {
    ASSERT_NE(driver(), "") << "set GYRE_TEST_DRIVER to lavapipe or swiftshader";
    Report report;
    run_settings(every, report);
    report.print(std::cout);
    std::ofstream file(std::string(GYRE_BINARY_DIR "/faults.") + driver() +
                       (every ? ".txt" : ".drawn.txt"));
    report.print(file);
    EXPECT_GE(report.injected(), every ? 1000u : kDrawn / 2) << "few faults strike";
    EXPECT_LT(report.unreached(), (report.injected() + report.unreached()) / 5);
}

TEST(Faults, FortyDrawn) {
    expect_a_good_report(false);
}

TEST(Faults, Every) {
    expect_a_good_report(true);
}

}  // namespace
}  // namespace gyre::faults
