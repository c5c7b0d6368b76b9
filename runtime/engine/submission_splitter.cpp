// SPDX-License-Identifier: Apache-2.0
#include "runtime/engine/submission_splitter.h"

#include <algorithm>
#include <cmath>

namespace gyre {
namespace {

// The time of a shorter submission is mostly the time until it begins, and says little about speed.
constexpr double kWorthLearning = 1.0 / 8;  // of the budget

}  // namespace

SubmissionSplitter::SubmissionSplitter(WorkQueue& queue, WorkRates& rates,
                                       std::span<CommandRecorder, 2> recorders,
                                       double budget_seconds, Interrupted interrupted)
    : queue_(queue),
      rates_(rates),
      recorders_(recorders),
      budget_(budget_seconds),
      interrupted_(std::move(interrupted)) {}

SubmissionSplitter::~SubmissionSplitter() {
    stop({});
}

void SubmissionSplitter::next_costs(std::uint32_t kind, double amount) {
    kind_ = static_cast<WorkKind>(kind);
    amount_ = amount;
}

// How many of the workgroups that are left of a dispatch go into the part that is being recorded;
// 0: none, it is full. What exceeds the budget is cut evenly, also into what is left of this part.
std::uint32_t SubmissionSplitter::groups_that_fit(std::uint32_t n_groups) const {
    const double room = budget_ - planned();
    const double seconds = rates_.seconds(kind_, amount_);
    if (seconds <= room) return n_groups;
    if (!work_.empty() && (seconds <= budget_ || room < budget_ / 2)) return 0;
    const double even = seconds / std::ceil(seconds / budget_);
    const double fitting = n_groups * std::min(room, even) / seconds;
    return std::clamp(static_cast<std::uint32_t>(fitting), 1u, n_groups);
}

void SubmissionSplitter::dispatch(const Pipeline& pipeline, const DescriptorSet& set,
                                  const void* push, std::uint32_t push_bytes, Groups groups,
                                  std::span<const Access> accesses) {
    if (groups.x == 0 || groups.y == 0 || groups.z == 0) return;
    for (Groups first{0, 0, 0}; groups.x > 0 && status_.ok();) {
        const std::uint32_t n = groups_that_fit(groups.x);
        if (n == 0) {
            status_ = cut();
            continue;
        }
        status_ = open();
        if (!status_.ok()) break;
        if (first.x == 0 && n == groups.x) {
            recorder().dispatch(pipeline, set, push, push_bytes, groups, accesses);
        } else {
            recorder().dispatch_from(first, pipeline, set, push, push_bytes,
                                     {n, groups.y, groups.z}, accesses);
        }
        const double amount = amount_ * n / groups.x;
        work_.add(kind_, amount);
        amount_ -= amount;
        first.x += n;
        groups.x -= n;
    }
    if (!status_.ok()) stop(status_);
}

Status SubmissionSplitter::open() {
    if (open_) return {};
    GYRE_TRY(recorder().begin());
    open_ = true;
    return {};
}

Status SubmissionSplitter::submit(std::span<CommandRecorder* const> after) {
    open_ = false;
    GYRE_TRY(recorder().end());
    std::vector<CommandRecorder*> all{&recorder()};
    all.insert(all.end(), after.begin(), after.end());
    const auto now = Clock::now();
    GYRE_ASSIGN(Submission submission, queue_.submit(all));
    if (first_submitted_ == Clock::time_point{}) first_submitted_ = now;
    under_way_.push_back({std::move(submission), work_, now});
    work_ = {};
    next_ = 1 - next_;
    return {};
}

// Submits what was recorded; the other recorder is free afterwards.
Status SubmissionSplitter::cut() {
    if (interrupted_) GYRE_TRY(interrupted_());
    GYRE_TRY(submit({}));
    return under_way_.size() > 1 ? retire() : Status();
}

// Waits for the oldest. A host that comes late, or did so before, sees more than the device needed:
// of that only good news is believed.
Status SubmissionSplitter::retire() {
    UnderWay& oldest = under_way_.front();
    const bool early = !oldest.submission.done();
    GYRE_TRY(queue_.wait(oldest.submission));
    const auto now = Clock::now();
    const auto begin = std::max(oldest.submitted, last_done_);
    const double seconds = std::chrono::duration<double>(now - begin).count();
    const double expected = rates_.seconds(oldest.work);
    const bool worth_it = std::max(seconds, expected) >= kWorthLearning * budget_;
    if (worth_it && (early || seconds < expected)) rates_.took(oldest.work, seconds);
    last_done_ = early ? now : oldest.submitted;  // late: the next one may have begun any time
    seconds_ = std::chrono::duration<double>(now - first_submitted_).count();
    under_way_.pop_front();
    return {};
}

Status SubmissionSplitter::finish(std::span<CommandRecorder* const> after) {
    if (status_.ok()) {
        status_ = open();
        if (status_.ok()) {
            recorder().host_read_barrier();
            status_ = submit(after);
        }
        while (status_.ok() && !under_way_.empty())
            status_ = retire();
    }
    stop(status_);
    return status_;
}

// Leaves the recorders as others expect them, and nothing under way.
void SubmissionSplitter::stop(const Status& status) {
    status_ = status;
    if (open_) static_cast<void>(recorder().end());  // it is never submitted
    open_ = false;
    under_way_.clear();
}

}  // namespace gyre
