// What the layer is asked to do, read once from the environment, and the file that it writes to.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace compilers {

struct Settings {
    std::string out;              // GYRE_LAYER_OUT: JSON lines are appended to it; empty: stderr
    std::string texts;            // GYRE_LAYER_TEXTS: folder for what drivers show of a pipeline
    std::set<std::string> known;  // GYRE_LAYER_KNOWN: file with a key a line, not compiled again
    bool dry = false;             // GYRE_LAYER_DRY=1: nothing reaches the device but pipelines
    // GYRE_LAYER_CPU_SECONDS, with dry: each pipeline in a child, which is ended at this much
    // processor time, or when it stands still. 0: in the program itself.
    unsigned cpu_seconds = 0;
    // GYRE_LAYER_API_VERSION=1.1: devices that report an older version report this one.
    std::optional<std::uint32_t> api_version;
};

const Settings& settings();

void write_line(std::string_view line);

}  // namespace compilers
