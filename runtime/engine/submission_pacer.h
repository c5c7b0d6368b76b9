// How many tokens of a text go into one submission, so that it takes a budget of time.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>

namespace gyre {

class SubmissionPacer {
  public:
    // Of tokens: 1 to `most` a submission.
    SubmissionPacer(double budget_seconds, std::uint32_t most)
        : budget_(budget_seconds), most_(most) {}

    // The next submission's tokens; 1 while nothing has been measured.
    std::uint32_t next() const {
        if (seconds_each_ <= 0.0) return 1;
        const double fitting = budget_ / seconds_each_;
        return fitting >= most_ ? most_ : std::max(static_cast<std::uint32_t>(fitting), 1u);
    }

    // One token is expected to exceed the budget. guess: its seconds, where none was measured.
    bool one_exceeds(double guess) const {
        return (seconds_each_ > 0.0 ? seconds_each_ : guess) > budget_;
    }

    // The device was busy for so long with n.
    void took(std::uint32_t n, double seconds) { seconds_each_ = seconds / n; }

    double seconds_each() const { return seconds_each_; }  // as measured last; 0: never

  private:
    double budget_;
    std::uint32_t most_;
    double seconds_each_ = 0.0;
};

}  // namespace gyre
