// SPDX-License-Identifier: Apache-2.0
#include "runtime/text/chat_fit.h"

#include <algorithm>
#include <string>
#include <utility>

namespace gyre {

std::vector<std::size_t> turns_of(std::span<const std::string_view> roles) {
    const std::size_t first = !roles.empty() && roles[0] == "system" ? 1 : 0;
    std::vector<std::size_t> turns = {first};
    for (std::size_t i = first + 1; i < roles.size(); ++i)
        if (roles[i] == "user") turns.push_back(i);
    return turns;
}

Result<FittedPrompt> fit_prompt(std::span<const std::string_view> roles, std::uint32_t n_ctx,
                                std::uint32_t max_tokens, const PromptWithout& prompt_without) {
    const std::uint32_t quarter = std::max(1u, n_ctx / 4);
    const std::size_t room = max_tokens == 0 ? quarter : std::min(quarter, max_tokens);
    const std::vector<std::size_t> turns = turns_of(roles);
    const auto prompt_from = [&](std::size_t turn) -> Result<FittedPrompt> {
        GYRE_ASSIGN(std::vector<std::uint32_t> tokens, prompt_without(turns[0], turns[turn]));
        return FittedPrompt{std::move(tokens), turns[turn] - turns[0]};
    };
    const auto leaves_room = [&](const FittedPrompt& prompt) {
        return prompt.tokens.size() + room <= n_ctx;
    };

    GYRE_ASSIGN(FittedPrompt fitted, prompt_from(0));
    // Without the first `too_few` turns there was too little room, without the first `enough` there
    // is some, or only the last turn is left. Steps double, until there is room, and then halve.
    std::size_t too_few = 0, enough = leaves_room(fitted) ? 0 : turns.size() - 1, step = 1;
    while (too_few + 1 < enough) {
        const std::size_t between = too_few + std::min(step, (enough - too_few) / 2);
        GYRE_ASSIGN(FittedPrompt shorter, prompt_from(between));
        if (leaves_room(shorter)) {
            enough = between;
            fitted = std::move(shorter);
        } else {
            too_few = between;
            step *= 2;
        }
    }
    if (fitted.n_forgotten != turns[enough] - turns[0]) {
        GYRE_ASSIGN(fitted, prompt_from(enough));  // the last turn, which was not asked for yet
    }
    if (fitted.tokens.size() >= n_ctx) {
        return Status::context_full("the prompt of the last turn has " +
                                    std::to_string(fitted.tokens.size()) +
                                    " tokens and the context " + std::to_string(n_ctx) +
                                    ": shorten it, or use a larger context (--ctx)");
    }
    return fitted;
}

}  // namespace gyre
