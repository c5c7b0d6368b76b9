// generate.cpp: lets a model write on from a prompt and prints the text as it is made.
// SPDX-License-Identifier: Apache-2.0
//
//     cmake -B build && cmake --build build
//     build/generate model.gguf "Once upon a time"
#include <exception>
#include <gyre/gyre.hpp>
#include <iostream>
#include <string>

int main(int argc, char** argv) try {
    if (argc != 3) {
        std::cerr << "usage: " << argv[0] << " MODEL PROMPT\n";
        return 2;
    }
    // The model: its weights on a GPU, or on the processor where there is none. The session: one
    // text in the making.
    const gyre::model model(argv[1]);
    gyre::session session(model);

    gyre::generate_options options;
    options.max_tokens = 100;
    for (const std::string& piece : session.write(argv[2], options)) {
        std::cout << piece << std::flush;  // UTF-8, never a part of a character
    }
    std::cout << '\n';
    return 0;
} catch (const std::exception& error) {
    std::cerr << argv[0] << ": " << error.what() << '\n';
    return 1;
}
