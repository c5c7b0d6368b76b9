// Values of options: numbers in a range, lists of token ids, KV types; lists of lines.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "gyre/gyre.h"

namespace CLI {
class App;
class Validator;
}  // namespace CLI

namespace gyre::app {

// Refuses what is not a decimal number from min to max; NaN is none.
CLI::Validator number_in(double min, double max);

// Refuses what is not a whole decimal number from min to max.
CLI::Validator whole_number(std::uint64_t max = 0xffffffffu, std::uint64_t min = 0);

// One token id: decimal digits and nothing else. Throws Failure (wrong usage) that names option and
// text.
std::uint32_t parse_token(const std::string& text, const std::string& option);

// "1,2,3": at least one.
std::vector<std::uint32_t> parse_tokens(const std::string& list, const std::string& option);

// "0,512,900": whole numbers, at least one. Throws as parse_token.
std::vector<std::uint32_t> parse_numbers(const std::string& list, const std::string& option);

// What an option's help says, and the value that stands if it is not given.
template <typename T>
std::string with_default(const char* words, const T& value) {
    std::ostringstream text;
    text << words << " (default: " << value << ')';
    return text.str();
}

// The lines of text, each of which ends with a newline.
std::vector<std::string> lines_of(const char* text);

// The names of --kv.
const std::map<std::string, gyre_kv_type>& kv_types();
// --ctx and --kv. Both must live as long as the parser.
void add_cache_options(CLI::App& parser, std::uint32_t& n_ctx, std::string& kv);

}  // namespace gyre::app
