// The texts of a vocabulary's tokens, and the token of a text.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gyre {

inline constexpr std::uint32_t kNoToken = 0xFFFFFFFFu;

// The bytes of all tokens in a row.
class TokenTexts {
  public:
    TokenTexts() : begins_{0} {}

    void reserve(std::size_t n_tokens) { begins_.reserve(n_tokens + 1); }
    void append(std::string_view text) {
        pool_.append(text);
        begins_.push_back(pool_.size());
    }
    std::string_view operator[](std::uint32_t id) const {
        return std::string_view(pool_).substr(begins_[id], begins_[id + 1] - begins_[id]);
    }
    std::size_t memory_bytes() const { return pool_.size() + begins_.size() * sizeof(begins_[0]); }

  private:
    std::string pool_;
    std::vector<std::size_t> begins_;  // [n_tokens + 1]
};

std::uint64_t hash_of(std::string_view text);

// Text -> id, of some of the tokens. Open addressing; its size is fixed when it is made.
class TokenTable {
  public:
    explicit TokenTable(std::size_t n_tokens);

    // The token that has the text already, or kNoToken, and then id has it. texts[id] is the text.
    std::uint32_t insert(const TokenTexts& texts, std::uint32_t id);

    std::uint32_t find(const TokenTexts& texts, std::string_view text) const;  // kNoToken: none

    std::size_t memory_bytes() const { return slots_.size() * sizeof(Slot); }

  private:
    struct Slot {
        std::uint32_t tag;  // other bits of the hash than those that make the place
        std::uint32_t id;
    };

    std::size_t slot_of(const TokenTexts& texts, std::string_view text) const;

    std::vector<Slot> slots_;
    std::size_t mask_;
    std::size_t longest_ = 0;  // bytes of the longest text
};

}  // namespace gyre
