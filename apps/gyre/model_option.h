// -m and --device: which model, on which device.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "apps/gyre/command.h"
#include "apps/gyre/handles.h"

namespace gyre::app {

class ModelOption {
  public:
    // Adds -m; with_device adds --device as well.
    void add_to(CLI::App& parser, bool with_device);

    // The file: -m, else $GYRE_MODEL, else the shipped model. Throws if there is none.
    std::string path() const;

    // Opens it on the chosen device, with a progress bar; says on stderr when "auto" had to take a
    // software driver.
    Model open() const;

    // Opens it without a device: information and tokenizer.
    Model open_file() const;

    std::string given_path;  // empty: not given

  private:
    std::string device_ = "auto";
};

}  // namespace gyre::app
