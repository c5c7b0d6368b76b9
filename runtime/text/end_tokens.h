// Which tokens end the text that a model writes.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace gyre {

// Whether a token called so ends a text, as its publishers use it, where no key says anything.
//
// The names are those of llama.cpp's vocabulary loader, so that a file ends where it ends there:
// ends of turns and of texts, of calls of tools, and what separates the files of a repository,
// which a model that completes code writes when it has nothing more to add.
bool is_end_name(std::string_view text);

}  // namespace gyre
