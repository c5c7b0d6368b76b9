// SPDX-License-Identifier: Apache-2.0
#include "runtime/text/stop_strings.h"

#include <algorithm>
#include <utility>

#include "runtime/text/utf8.h"

namespace gyre {
namespace {

bool is_utf8(std::string_view text) {
    for (std::size_t at = 0; at < text.size();) {
        const Utf8CodePoint point = decode_utf8(text, at);
        if (point.kind != Utf8Kind::kValid) return false;
        at += point.length;
    }
    return true;
}

Status check(const std::string& string, std::size_t index) {
    const std::string name = "stop[" + std::to_string(index) + "]";
    if (string.empty()) return Status::invalid_argument(name + " is empty");
    if (string.size() > StopStrings::kMaxBytes) {
        return Status::invalid_argument(name + " has " + std::to_string(string.size()) +
                                        " bytes: at most " +
                                        std::to_string(StopStrings::kMaxBytes));
    }
    if (!is_utf8(string)) return Status::invalid_argument(name + " is not UTF-8");
    return {};
}

}  // namespace

StopStrings::Matcher::Matcher(const std::string& s) : string(s), shorter(s.size() + 1, 0) {
    std::size_t length = 0;
    for (std::size_t i = 1; i < s.size(); ++i) {
        while (length > 0 && s[i] != s[length])
            length = shorter[length];
        if (s[i] == s[length]) ++length;
        shorter[i + 1] = static_cast<std::uint16_t>(length);
    }
}

bool StopStrings::Matcher::step(char c) {
    while (state > 0 && string[state] != c)
        state = shorter[state];
    if (string[state] == c) ++state;
    return state == string.size();
}

Result<StopStrings> StopStrings::create(const std::vector<std::string>& strings) {
    if (strings.size() > kMaxStrings) {
        return Status::invalid_argument(std::to_string(strings.size()) + " stop strings: at most " +
                                        std::to_string(kMaxStrings));
    }
    StopStrings stop;
    for (std::size_t i = 0; i < strings.size(); ++i) {
        GYRE_TRY(check(strings[i], i));
        stop.matchers_.emplace_back(strings[i]);
    }
    return stop;
}

std::string StopStrings::push(std::string_view text) {
    std::string shown;
    reserve(text.size(), shown);
    push(text, shown);
    return shown;
}

void StopStrings::reserve(std::size_t n_bytes, std::string& shown) {
    shown.reserve(held_.size() + n_bytes);
    if (!matchers_.empty()) held_.reserve(held_.size() + n_bytes);
}

void StopStrings::push(std::string_view text, std::string& shown) {
    shown.assign(held_);
    held_.clear();
    for (const char c : text) {
        shown += c;
        std::size_t found_bytes = 0;
        for (std::size_t i = 0; i < matchers_.size(); ++i) {
            if (!matchers_[i].step(c) || matchers_[i].string.size() <= found_bytes) continue;
            found_ = static_cast<std::uint32_t>(i);
            found_bytes = matchers_[i].string.size();
        }
        if (found_bytes == 0) continue;
        shown.resize(shown.size() - found_bytes);
        return;
    }
    std::size_t n_held = 0;
    for (const Matcher& matcher : matchers_)
        n_held = std::max(n_held, matcher.state);
    held_.assign(shown, shown.size() - n_held);
    shown.resize(shown.size() - n_held);
}

std::size_t StopStrings::most_held() const {
    std::size_t most = 0;
    for (const Matcher& matcher : matchers_)
        most = std::max(most, matcher.string.size() - 1);
    return most;
}

std::string StopStrings::flush() {
    for (Matcher& matcher : matchers_)
        matcher.state = 0;
    return std::exchange(held_, {});
}

}  // namespace gyre
