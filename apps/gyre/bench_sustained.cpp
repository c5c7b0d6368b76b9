// gyre bench --minutes: decodes on and on, to see what heat and power limits make of the rate.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chrono>

#include "apps/gyre/bench.h"

namespace gyre::app {
namespace {

using Clock = std::chrono::steady_clock;

constexpr double kWindowSeconds = 5.0;
constexpr double kLeastWindows = 12.0;  // a short run has shorter windows
constexpr double kMostWindows = 120.0;  // a long run longer ones

// Counts tokens and cuts the time into windows.
class Windows {
  public:
    explicit Windows(double seconds)
        : total_(seconds),
          window_(std::clamp(kWindowSeconds, seconds / kMostWindows, seconds / kLeastWindows)) {}

    // After a token; false when the time is over.
    bool add_token() {
        ++tokens_;
        const double now = seconds();
        if (now - begin_ >= window_) {
            samples.push_back({now, tokens_ / (now - begin_)});
            begin_ = now;
            tokens_ = 0;
        }
        return now < total_;
    }
    double fraction() const { return seconds() / total_; }
    bool over() const { return seconds() >= total_; }

    std::vector<SustainedSample> samples;

  private:
    double seconds() const { return std::chrono::duration<double>(Clock::now() - start_).count(); }

    Clock::time_point start_ = Clock::now();
    double total_;
    double window_;
    double begin_ = 0.0;  // of the window, seconds
    double tokens_ = 0.0;
};

}  // namespace

std::vector<SustainedSample> measure_sustained(BenchSession& session, const BenchOptions& options,
                                               const BenchProgress& progress) {
    const std::uint32_t begin = first_depth(options.depths.front());
    session.feed(begin);
    Windows windows(options.minutes * 60.0);
    while (!windows.over()) {
        session.generate(options.gen + 1, [&] {
            progress("sustained", windows.fraction());
            return windows.add_token();
        });
        session.truncate(begin);  // so that every window has the same depths
    }
    return windows.samples;
}

}  // namespace gyre::app
