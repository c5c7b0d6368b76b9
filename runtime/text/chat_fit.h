// Which of a conversation's oldest turns are left out of its prompt, so that there is room for an
// answer.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "runtime/base/status.h"

namespace gyre {

// The places of the messages that a conversation may begin with, after the system's message: the
// first one, and every later one of the user. A turn is what stands from one of them to the next.
// At least one place; it is the number of messages if there are none, or only the system's.
std::vector<std::size_t> turns_of(std::span<const std::string_view> roles);

struct FittedPrompt {
    std::vector<std::uint32_t> tokens;
    std::size_t n_forgotten = 0;  // messages after the system's that are left out
};

// The tokens of the prompt without the messages [begin, end).
using PromptWithout =
    std::function<Result<std::vector<std::uint32_t>>(std::size_t begin, std::size_t end)>;

// Leaves out the oldest turns until the prompt leaves room in n_ctx positions: a quarter of them,
// or max_tokens if that is less and not 0. The system's message and the last turn stay; the last
// turn alone may leave less room, but at least one position, else kContextFull.
//
// If a turn less never makes a prompt longer, as with templates that write each message by itself,
// as few turns as possible are left out. With any template the prompt with one turn more was made,
// and left too little room.
//
// Asks for two prompts where one turn must be left out, the usual case, and for about 2 log2(n)
// prompts of n turns at most: one for each turn would take minutes with thousands of turns.
Result<FittedPrompt> fit_prompt(std::span<const std::string_view> roles, std::uint32_t n_ctx,
                                std::uint32_t max_tokens, const PromptWithout& prompt_without);

}  // namespace gyre
