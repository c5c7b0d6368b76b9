// The prompts of conversations as text and as ids, by gyre.h, for tests/text/chat_ids_judge.py.
// SPDX-License-Identifier: Apache-2.0
//
//   chat_ids FILE.gguf < conversations > prompts
//
// conversations: a JSON list of {"messages": [{"role": text, "content": text} ...],
// "add_generation_prompt": bool}. prompts: a JSON list with one of {"text": text, "ids": [id ...]}
// and {"error": text} for each.
#include <iostream>
#include <nlohmann/json.hpp>

#include "gyre/gyre.hpp"

namespace {

nlohmann::json prompt_of(const gyre::model& model, const nlohmann::json& conversation) {
    std::vector<gyre::chat_message> messages;
    for (const auto& message : conversation["messages"])
        messages.push_back({message["role"], message["content"]});
    gyre::chat_options options;
    options.generation_prompt = conversation["add_generation_prompt"].get<bool>();
    try {
        return {{"text", model.chat_text(messages, options)},
                {"ids", model.chat_tokens(messages, options)}};
    } catch (const gyre::error& error) {
        return {{"error", error.what()}};
    }
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 2) {
        std::cerr << "usage: chat_ids FILE.gguf\n";
        return 1;
    }
    try {
        gyre::model_options options;
        options.device = "none";
        const gyre::model model(argv[1], options);
        auto prompts = nlohmann::json::array();
        for (const auto& conversation : nlohmann::json::parse(std::cin))
            prompts.push_back(prompt_of(model, conversation));
        std::cout << prompts.dump() << '\n';
        return 0;
    } catch (const std::exception& error) {
        std::cerr << "chat_ids: " << error.what() << '\n';
        return 1;
    }
}
