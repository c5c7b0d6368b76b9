// How long the device takes for the work of a schedule, learnt from what submissions took.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace gyre {

// Kinds of work that a device does at different speeds.
enum class WorkKind : std::uint32_t { kPromptProduct, kTokenProduct, kAttention };
inline constexpr std::size_t kWorkKinds = 3;

// Multiplications, by kind.
class Work {
  public:
    void add(WorkKind kind, double amount) { amounts_[static_cast<std::size_t>(kind)] += amount; }
    const std::array<double, kWorkKinds>& amounts() const { return amounts_; }
    bool empty() const { return *this == Work(); }
    bool operator==(const Work&) const = default;

  private:
    std::array<double, kWorkKinds> amounts_{};
};

class WorkRates {
  public:
    // Before anything was measured: the speed of the slowest device, so that the first submission
    // is not a long one. On a fast device the next ones grow quickly.
    static constexpr double kFirstGuess = 4e-9;  // seconds of a multiplication

    double seconds(WorkKind kind, double amount) const {
        return amount * rates_[static_cast<std::size_t>(kind)].seconds_each;
    }
    double seconds(const Work& work) const {
        double sum = 0.0;
        for (std::size_t k = 0; k < kWorkKinds; ++k)
            sum += work.amounts()[k] * rates_[k].seconds_each;
        return sum;
    }

    // The device was busy for so long: the same work is expected to take that next time, but not
    // less than half of what was expected. So one wrong reading cannot make the next submission a
    // long one, while a fast device's submissions still double each time. Where several kinds were
    // done, each is corrected by its part of the amount. A kind that was never measured follows.
    void took(const Work& work, double seconds_taken) {
        const double expected = seconds(work);
        if (expected <= 0.0 || seconds_taken <= 0.0) return;
        double squares = 0.0;
        for (const double amount : work.amounts())
            squares += amount * amount;
        const double ratio = std::max(seconds_taken / expected, kMostFall);
        for (std::size_t k = 0; k < kWorkKinds; ++k) {
            Rate& rate = rates_[k];
            const double amount = work.amounts()[k];
            if (amount > 0.0) {
                const double correction = (ratio - 1.0) * expected * amount / squares;
                const double least = rate.seconds_each * std::min(ratio, 1.0);
                rate = {std::max(rate.seconds_each + correction, least), true};
            } else if (!rate.measured) {
                rate.seconds_each *= ratio;
            }
        }
    }

  private:
    static constexpr double kMostFall = 0.5;
    struct Rate {
        double seconds_each = kFirstGuess;
        bool measured = false;
    };
    std::array<Rate, kWorkKinds> rates_{};
};

}  // namespace gyre
