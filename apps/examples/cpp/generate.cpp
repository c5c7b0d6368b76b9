// generate.cpp: lets a model write on from a prompt and prints the text as it is made.
// SPDX-License-Identifier: Apache-2.0
//
//     cmake -B build && cmake --build build
//     build/generate model.gguf "Once upon a time"
#include <gyre/gyre.h>

#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>

namespace {

struct Destroy {
    void operator()(gyre_model* model) const { gyre_model_destroy(model); }
    void operator()(gyre_session* session) const { gyre_session_destroy(session); }
};
using Model = std::unique_ptr<gyre_model, Destroy>;
using Session = std::unique_ptr<gyre_session, Destroy>;

void check(gyre_status status) {
    if (status != GYRE_OK) throw std::runtime_error(gyre_last_error());
}

// The model: its weights on a GPU, or on the processor where there is none.
Model open_model(const char* path) {
    gyre_model* model = nullptr;
    check(gyre_model_open(path, nullptr, &model));
    return Model(model);
}

// The session: one text in the making.
Session create_session(const Model& model) {
    gyre_session* session = nullptr;
    check(gyre_session_create(model.get(), nullptr, &session));
    return Session(session);
}

// Called for every token with the characters that it completes: UTF-8, never a part of one. It is
// called from C: nothing may be thrown through it.
int print_text(const gyre_token_event* event, void*) {
    std::cout.write(event->text, static_cast<std::streamsize>(event->n_text)).flush();
    return std::cout.good() ? 1 : 0;  // 0 ends the text: nobody reads it any more
}

void generate(const char* path, const std::string& prompt) {
    const Model model = open_model(path);
    const Session session = create_session(model);
    gyre_generate_options options = GYRE_GENERATE_OPTIONS_INIT;
    options.on_token = print_text;
    options.max_tokens = 100;
    check(gyre_session_generate(session.get(), prompt.data(), prompt.size(), &options, nullptr));
    std::cout << '\n';
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 3) {
        std::cerr << "usage: " << argv[0] << " MODEL PROMPT\n";
        return 2;
    }
    try {
        generate(argv[1], argv[2]);
    } catch (const std::exception& error) {
        std::cerr << argv[0] << ": " << error.what() << '\n';
        return 1;
    }
    return 0;
}
