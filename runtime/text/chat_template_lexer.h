// A chat template's source cut into tokens, as Jinja does it with trim_blocks and lstrip_blocks.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/status.h"

namespace gyre::chat {

enum class TokenKind : std::uint8_t {
    kData,           // text between tags, white space trimmed
    kVariableBegin,  // {{
    kVariableEnd,
    kBlockBegin,  // {%
    kBlockEnd,
    kName,
    kString,  // its value
    kInteger,
    kFloat,
    kOperator,
    kEnd,  // of the template
};

struct Token {
    TokenKind kind = TokenKind::kEnd;
    int line = 1;
    std::string text = {};  // of a number without its underscores
};

// "line 3: ...": how every error of a template begins; one line that a terminal may show.
Status at_line(int line, const Status& status);

// kBadFile where the source is no template. The last token is kEnd.
Result<std::vector<Token>> tokenize(std::string_view source);

}  // namespace gyre::chat
