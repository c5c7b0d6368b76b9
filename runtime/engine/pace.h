// How much work goes into one submission, so that it takes a budget of time.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>

namespace gyre {

// Works with amounts of something: tokens of a prompt, or tokens of a text.
class Pace {
  public:
    // Amounts are multiples of `least`, or `most`; 1 <= least <= most.
    Pace(double budget_seconds, std::uint32_t least, std::uint32_t most)
        : budget_(budget_seconds), least_(least), most_(std::max(least, most)) {}

    // The next submission's amount; `least` while nothing has been measured.
    std::uint32_t next() const {
        if (seconds_each_ <= 0.0) return least_;
        const double fitting = budget_ / seconds_each_;
        if (fitting >= most_) return most_;
        const auto whole = static_cast<std::uint32_t>(fitting) / least_ * least_;
        return std::max(whole, least_);
    }

    // The device was busy for so long with n.
    void took(std::uint32_t n, double seconds) { seconds_each_ = seconds / n; }

    double seconds_each() const { return seconds_each_; }  // as measured last; 0: never

  private:
    double budget_;
    std::uint32_t least_, most_;
    double seconds_each_ = 0.0;
};

}  // namespace gyre
