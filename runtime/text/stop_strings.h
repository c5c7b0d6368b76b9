// Strings that end a text: found in it as it comes, in pieces of any size.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/status.h"

namespace gyre {

// Of several that are found, the one that ends first wins; of those that end together, the longest.
//
// What may begin a stop string is held back: exactly the longest end of the text so far that is a
// proper beginning of one. All are UTF-8, and so is the text, so that no character is torn. Used by
// one thread at a time.
class StopStrings {
  public:
    static constexpr std::size_t kMaxStrings = 64;
    static constexpr std::size_t kMaxBytes = 1024;  // of each

    // kInvalidArgument: too many, one that is empty, too long or no UTF-8; the text says which.
    static Result<StopStrings> create(const std::vector<std::string>& strings);

    // What of the text may be shown now; after a stop string, what stood before it.
    std::string push(std::string_view text);

    // The same into a string, and without taking memory if it was reserved for a text of so many
    // bytes.
    void push(std::string_view text, std::string& shown);
    void reserve(std::size_t n_bytes, std::string& shown);

    // What is held back; most_held() bytes at most, the longest string less one.
    const std::string& held() const { return held_; }
    std::size_t most_held() const;

    // Which one was found; the text has ended then.
    std::optional<std::uint32_t> found() const { return found_; }

    // Ends the text: what was held back. All is then as new, but for found().
    std::string flush();

  private:
    // Knuth, Morris and Pratt's automaton: its state is the length of the longest end of the text
    // that is a beginning of the string.
    struct Matcher {
        std::string string;
        std::vector<std::uint16_t> shorter;  // [n + 1] the next shorter state that ends alike
        std::size_t state = 0;

        explicit Matcher(const std::string& s);
        bool step(char c);  // true: the string ends here
    };

    std::vector<Matcher> matchers_;
    std::string held_;
    std::optional<std::uint32_t> found_;
};

}  // namespace gyre
