// What the device takes for the work of a schedule, learnt from what submissions took.
// SPDX-License-Identifier: Apache-2.0
#pragma once

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
    double amount(WorkKind kind) const { return amounts_[static_cast<std::size_t>(kind)]; }
    bool empty() const { return *this == Work(); }
    bool operator==(const Work&) const = default;

  private:
    std::array<double, kWorkKinds> amounts_{};
};

class WorkRates {
  public:
    // Before anything was measured: as slow as any device may be, so that the first submission is no
    // long one. A fast device shows at once what it is.
    static constexpr double kFirstGuess = 4e-9;  // seconds of a multiplication

    double seconds(WorkKind kind, double amount) const {
        return amount * rates_[static_cast<std::size_t>(kind)].seconds_each;
    }
    double seconds(const Work& work) const {
        double sum = 0.0;
        for (std::size_t k = 0; k < kWorkKinds; ++k)
            sum += seconds(static_cast<WorkKind>(k), work.amount(static_cast<WorkKind>(k)));
        return sum;
    }

    // The device was busy for so long: the same work is expected to take that next time. A kind
    // that was never measured follows those that were.
    void took(const Work& work, double seconds_taken) {
        const double expected = seconds(work);
        if (expected <= 0.0 || seconds_taken <= 0.0) return;
        for (std::size_t k = 0; k < kWorkKinds; ++k) {
            Rate& rate = rates_[k];
            const bool done = work.amount(static_cast<WorkKind>(k)) > 0.0;
            if (done || !rate.measured) rate.seconds_each *= seconds_taken / expected;
            rate.measured |= done;
        }
    }

  private:
    struct Rate {
        double seconds_each = kFirstGuess;
        bool measured = false;
    };
    std::array<Rate, kWorkKinds> rates_{};
};

}  // namespace gyre
