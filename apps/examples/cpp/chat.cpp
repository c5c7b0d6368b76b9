// chat.cpp: a conversation: reads lines, and prints the model's answers as they are made.
// SPDX-License-Identifier: Apache-2.0
//
//     cmake -B build && cmake --build build
//     build/chat model.gguf
#include <exception>
#include <gyre/gyre.hpp>
#include <iostream>
#include <string>
#include <vector>

int main(int argc, char** argv) try {
    if (argc != 2) {
        std::cerr << "usage: " << argv[0] << " MODEL\n";
        return 2;
    }
    const gyre::model model(argv[1]);
    gyre::session session(model);

    gyre::generate_options options;
    options.max_tokens = 400;  // most answers end sooner, by themselves
    std::vector<gyre::chat_message> messages;
    for (std::string line; std::getline(std::cin, line);) {
        messages.push_back({"user", line});
        // The prompt of the conversation, by the file's chat template; the oldest questions and
        // answers go if there is no room. What the session holds of it already is kept, and not
        // computed again.
        session.set_tokens(model.chat_fit(messages, session.n_ctx(), options.max_tokens));
        std::string answer;
        for (const std::string& piece : session.write("", options)) {
            std::cout << piece << std::flush;
            answer += piece;
        }
        std::cout << '\n';
        messages.push_back({"assistant", answer});
    }
    return 0;
} catch (const std::exception& error) {
    std::cerr << argv[0] << ": " << error.what() << '\n';
    return 1;
}
