// --temp and its kin: how a token is chosen.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "gyre/gyre.h"

namespace CLI {
class App;
}

namespace gyre::app {

// sampling has the defaults, and must live as long as the parser.
void add_sampling_options(CLI::App& parser, gyre_sampling_options& sampling);

}  // namespace gyre::app
