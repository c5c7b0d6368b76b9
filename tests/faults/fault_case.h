// One fault: where it strikes, and what came of it. Lines of text between the test and its worker.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "tests/faults/fault_loader.h"
#include "tests/faults/scenario.h"

namespace gyre::faults {

struct FaultCase {
    Phase phase = Phase::kOpen;
    Fault fault;
};

enum class Outcome {
    kUnreached,  // there was no such call
    kAbsorbed,   // all went on as if nothing had been
    kError,      // a clear status; then on, or to a clean end
    kWrong,      // anything else; the detail says what
};
inline constexpr std::array<std::string_view, 4> kOutcomeNames = {"unreached", "absorbed", "error",
                                                                  "wrong"};

// "decode vkQueueSubmit -4 2 1": phase, function, result, nth, times.
std::string to_line(const FaultCase& fault);
FaultCase from_line(const std::string& line);
// "decode: call 2 of vkQueueSubmit returns VK_ERROR_DEVICE_LOST", for people.
std::string describe(const FaultCase& fault);

}  // namespace gyre::faults
