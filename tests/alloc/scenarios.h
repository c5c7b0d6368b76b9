// The calls of gyre.h whose allocations fail one after the other.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "tests/alloc/life.h"

namespace gyre::alloc {

struct Scenario {
    const char* name;
    Ground ground;
    // Called again after an error, it goes on where it was.
    gyre_status (*act)(Life&);
    // What comes before it, where nothing fails.
    gyre_status (*prepare)(Life&) = nullptr;
    // In a full run not each allocation fails, but every so manieth, where a case takes long.
    unsigned stride = 1;
};

const std::vector<Scenario>& model_scenarios();
const std::vector<Scenario>& session_scenarios();
const std::vector<Scenario>& text_scenarios();
const std::vector<Scenario>& scenarios();  // all of them

}  // namespace gyre::alloc
