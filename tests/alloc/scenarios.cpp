// SPDX-License-Identifier: Apache-2.0
#include "tests/alloc/scenarios.h"

namespace gyre::alloc {

const std::vector<Scenario>& scenarios() {
    static const std::vector<Scenario> list = [] {
        std::vector<Scenario> all = model_scenarios();
        for (const auto* more : {&session_scenarios(), &text_scenarios()})
            all.insert(all.end(), more->begin(), more->end());
        return all;
    }();
    return list;
}

}  // namespace gyre::alloc
