// -m, --ignore-key, --device, --tune and --matrix-units: which model, on which device.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "apps/gyre/command.h"
#include "apps/gyre/handles.h"

namespace gyre::app {

class ModelOption {
  public:
    // Adds -m and --ignore-key; with_device adds the others as well.
    void add_to(CLI::App& parser, bool with_device);

    // Adds --ignore-key alone.
    void add_ignore_key(CLI::App& parser);

    // The file: -m, else $GYRE_MODEL, each a file or the name of a fetched model; else the shipped
    // model. Throws if there is none.
    std::string path() const;

    // Opens it on the chosen device, with a progress bar.
    Model open() const;

    // Opens it without a device: information and tokenizer.
    Model open_file() const;

    // The same for a look at a file that open_file refuses: what nothing reads, or an empty handle
    // if that is not the reason.
    Model open_refused_file() const;

    std::string given_path;  // empty: not given

  private:
    std::string device_ = "auto";
    std::string tune_ = "on";
    std::string matrix_units_ = "auto";
    std::vector<std::string> ignored_;
};

// A session, with a progress bar as the model's.
Session open_session(const gyre_model* model, gyre_session_options options);

// Says on stderr that "auto" had to take a software driver, if it had to. Called with the first
// result, so that a failure is one line.
void note_software_fallback(const gyre_model* model);

}  // namespace gyre::app
