// --session FILE: a text that is kept from one run of the program to the next.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "apps/gyre/handles.h"
#include "apps/gyre/output_file.h"

namespace gyre::app {

// Both say on stderr what they did. A path of "" is no file, and they do nothing.
class SessionFile {
  public:
    // Checks that the file can be written; throws Failure.
    explicit SessionFile(const std::string& path);

    // Loads it if it is there; throws Failure if it is not what the session can go on from.
    void load(gyre_session* session) const;

    // Writes a new one and renames it over; after a Failure the old one is as it was.
    void save(gyre_session* session);

  private:
    std::string path_;
    std::optional<OutputFile> output_;
};

}  // namespace gyre::app
