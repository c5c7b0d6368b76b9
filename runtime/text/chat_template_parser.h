// From tokens to the tree of a chat template.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "runtime/base/status.h"
#include "runtime/text/chat_template_ast.h"
#include "runtime/text/chat_template_lexer.h"

namespace gyre::chat {

// kBadFile where it is no template; kUnsupported, with the name, for statements, filters and tests
// that are not known here, and for what is nested too deep.
Result<Body> parse(std::vector<Token> tokens);

}  // namespace gyre::chat
