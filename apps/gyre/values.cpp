// SPDX-License-Identifier: Apache-2.0
#include "apps/gyre/values.h"

#include <CLI/CLI.hpp>
#include <charconv>
#include <locale>
#include <sstream>
#include <string_view>

#include "apps/gyre/command.h"

namespace gyre::app {
namespace {

// The whole of text as one whole number, whatever the locale.
template <typename T>
bool parse(const std::string& text, T& value) {
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, value);
    return error == std::errc() && stop == end;
}

// The same for fractions. No std::from_chars: libc++ has none for them before version 20. A stream
// would also skip spaces, and in libc++ read hexadecimal numbers.
bool parse(const std::string& text, double& value) {
    constexpr std::string_view kParts = "0123456789.-+eE";
    if (text.starts_with('+') || text.find_first_not_of(kParts) != std::string::npos) return false;
    std::istringstream stream(text);
    stream.imbue(std::locale::classic());
    return (stream >> value) && stream.peek() == std::istringstream::traits_type::eof();
}

// expected: for the message, "a token id".
std::uint32_t parse_u32(const std::string& text, const std::string& option, const char* expected) {
    std::uint32_t value = 0;
    if (parse(text, value)) return value;
    throw Failure(option + ": '" + text + "' is not " + expected + " (see gyre --help)",
                  Failure::kUsage);
}

std::vector<std::uint32_t> parse_list(const std::string& list, const std::string& option,
                                      const char* expected) {
    std::vector<std::uint32_t> values;
    std::size_t begin = 0;
    while (true) {
        const std::size_t comma = list.find(',', begin);
        const bool last = comma == std::string::npos;
        const std::string part = list.substr(begin, last ? comma : comma - begin);
        values.push_back(parse_u32(part, option, expected));
        if (last) return values;
        begin = comma + 1;
    }
}

}  // namespace

CLI::Validator number_in(double min, double max) {
    std::ostringstream expected;
    expected << "a number from " << min << " to " << max;
    const std::string text = expected.str();
    return CLI::Validator(
        [=](std::string& input) {
            double value = 0;
            const bool good = parse(input, value) && value >= min && value <= max;
            return good ? std::string() : "'" + input + "' is not " + text;
        },
        "NUMBER");
}

CLI::Validator whole_number(std::uint64_t max, std::uint64_t min) {
    return CLI::Validator(
        [=](std::string& input) {
            std::uint64_t value = 0;
            return parse(input, value) && value >= min && value <= max
                       ? std::string()
                       : "'" + input + "' is not a whole number from " + std::to_string(min) +
                             " to " + std::to_string(max);
        },
        "N");
}

std::uint32_t parse_token(const std::string& text, const std::string& option) {
    return parse_u32(text, option, "a token id");
}

std::vector<std::uint32_t> parse_tokens(const std::string& list, const std::string& option) {
    return parse_list(list, option, "a token id");
}

std::vector<std::uint32_t> parse_numbers(const std::string& list, const std::string& option) {
    return parse_list(list, option, "a whole number");
}

std::vector<std::string> lines_of(const char* text) {
    std::istringstream stream(text);
    std::vector<std::string> lines;
    for (std::string line; std::getline(stream, line);)
        lines.push_back(line);
    return lines;
}

const std::map<std::string, gyre_kv_type>& kv_types() {
    static const std::map<std::string, gyre_kv_type> types = {
        {"f16", GYRE_KV_F16}, {"f32", GYRE_KV_F32}, {"q8_0", GYRE_KV_Q8_0}};
    return types;
}

void add_cache_options(CLI::App& parser, std::uint32_t& n_ctx, std::string& kv) {
    parser
        .add_option("--ctx", n_ctx,
                    "Tokens that the context holds (default: as many as the model has)")
        ->check(whole_number());
    parser.add_option("--kv", kv, with_default("Type of the cache of keys and values", kv))
        ->check(CLI::IsMember(kv_types()));
}

}  // namespace gyre::app
