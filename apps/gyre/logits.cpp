// gyre logits: the logits after each of some tokens, as a file.
// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>
#include <bit>
#include <exception>
#include <memory>
#include <string>
#include <vector>

#include "apps/gyre/interrupt.h"
#include "apps/gyre/model_option.h"
#include "apps/gyre/output_file.h"
#include "apps/gyre/progress.h"
#include "apps/gyre/values.h"

namespace gyre::app {
namespace {

static_assert(std::endian::native == std::endian::little, "the file's floats are little-endian");

struct LogitsOptions {
    ModelOption model;
    std::string tokens;
    std::string out;
    std::string kv = "f16";
    std::uint32_t chunk = 0;
};

// Takes the rows to the file. An exception waits here until the library's call has returned.
struct Rows {
    OutputFile& file;
    const gyre_model* model;
    Progress progress;
    std::size_t n_tokens = 0;
    std::exception_ptr error;

    static int receive(const float* logits, std::size_t first, std::size_t n_rows,
                       std::size_t n_vocab, void* user) {
        auto* self = static_cast<Rows*>(user);
        try {
            if (first == 0) note_software_fallback(self->model);
            self->file.write(logits, n_rows * n_vocab * sizeof(float));
            self->progress.update("logits", static_cast<double>(first + n_rows) /
                                                static_cast<double>(self->n_tokens));
            return 1;
        } catch (...) {
            self->error = std::current_exception();
            return 0;
        }
    }
};

void write_logits(const LogitsOptions& options) {
    const std::vector<std::uint32_t> tokens = parse_tokens(options.tokens, "--tokens");
    OutputFile file(options.out);
    const Model model = options.model.open();
    gyre_session_options session_options = GYRE_SESSION_OPTIONS_INIT;
    session_options.chunk = options.chunk;
    session_options.kv_type = kv_types().at(options.kv);
    const Session session = open_session(model.get(), session_options);

    Rows rows{file, model.get(), {}, tokens.size(), nullptr};
    gyre_status status = GYRE_OK;
    {
        const InterruptCancels cancels(session.get());
        status = gyre_session_feed_logits(session.get(), tokens.data(), tokens.size(),
                                          Rows::receive, &rows);
    }
    rows.progress.clear();
    if (rows.error) std::rethrow_exception(rows.error);
    if (status == GYRE_ERROR_CANCELLED && interrupted()) throw Failure("interrupted");
    check(status);
    file.commit();
}

}  // namespace

Command add_logits(CLI::App& program) {
    CLI::App* parser = program.add_subcommand(
        "logits", "Write float32 logits, little-endian [n_tokens, n_vocab], to a file");
    const auto options = std::make_shared<LogitsOptions>();
    options->model.add_to(*parser, true);
    parser->add_option("--tokens", options->tokens, "Token ids, separated by commas")->required();
    parser->add_option("--out", options->out, "The file")->required()->type_name("FILE");
    parser
        ->add_option("--chunk", options->chunk,
                     with_default("Tokens computed at once; 0: 128", options->chunk))
        ->check(whole_number());
    parser
        ->add_option("--kv", options->kv,
                     with_default("Type of the cache of keys and values", options->kv))
        ->check(CLI::IsMember(kv_types()));
    return {parser, [options] { write_logits(*options); }};
}

}  // namespace gyre::app
