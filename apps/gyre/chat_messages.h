// The messages of a conversation, and the JSON files that hold them: a list of {"role", "content"}.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace gyre::app {

struct Message {
    std::string role;
    std::string content;
};
using Messages = std::vector<Message>;

// Both throw Failure. A file has nothing but roles and contents, all of them strings.
Messages read_messages(const std::string& path);
void write_messages(const std::string& path, const Messages& messages);

}  // namespace gyre::app
