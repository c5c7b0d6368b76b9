// SPDX-License-Identifier: Apache-2.0
#include "apps/gyre/sampling_option.h"

#include <CLI/CLI.hpp>
#include <limits>
#include <string>

#include "apps/gyre/values.h"

namespace gyre::app {

void add_sampling_options(CLI::App& parser, gyre_sampling_options& sampling) {
    const auto add = [&](const char* name, auto& value, const char* words) {
        return parser.add_option(name, value, with_default(words, value));
    };
    add("--temp", sampling.temperature, "Temperature; 0: always the most likely token")
        ->check(number_in(0, 1e30));
    add("--top-k", sampling.top_k, "Of the N most likely tokens; 0: off")->check(whole_number());
    add("--top-p", sampling.top_p, "Of the fewest tokens with this probability together; 1: off")
        ->check(number_in(1e-6, 1));
    add("--min-p", sampling.min_p, "Of those with this part of the best probability; 0: off")
        ->check(number_in(0, 1));
    const std::string recent = "Above 1 it makes the last " +
                               std::to_string(sampling.repeat_window) +
                               " tokens less likely; 1: off";
    add("--repeat-penalty", sampling.repeat_penalty, recent.c_str())->check(number_in(1e-3, 1e3));
    add("--seed", sampling.seed, "Another seed, another text")
        ->check(whole_number(std::numeric_limits<std::uint64_t>::max()));
}

}  // namespace gyre::app
