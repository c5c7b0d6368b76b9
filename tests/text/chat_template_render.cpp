// Renders chat templates for chat_judge.py: one JSON object a line in, one a line out.
// SPDX-License-Identifier: Apache-2.0
//
// In: {"template": text, "variables": {...}, "now": [year, month, day, hour, minute, second]}.
// Strings under "messages" are marked as a user's, but for roles. Out: {"text": text, "spans":
// [[begin, end] ...]} or {"error": text}.
#include <iostream>
#include <string>

#include "runtime/text/chat_template.h"
#include "tests/text/chat_json.h"

int main() {
    for (std::string line; std::getline(std::cin, line);) {
        const auto input = nlohmann::ordered_json::parse(line);
        nlohmann::ordered_json output;
        const auto parsed = gyre::ChatTemplate::parse(input["template"].get<std::string>());
        gyre::Status status = parsed.status();
        if (parsed.ok()) {
            const auto text = parsed.value().render(gyre::test::variables(input["variables"]),
                                                    gyre::test::time_of(input["now"]));
            status = text.status();
            if (text.ok()) {
                output["text"] = text.value().bytes();
                output["spans"] = nlohmann::ordered_json::array();
                for (const gyre::ByteRange& span : text.value().spans())
                    output["spans"].push_back({span.begin, span.end});
            }
        }
        if (!status.ok()) output["error"] = status.message();
        const auto replace = nlohmann::ordered_json::error_handler_t::replace;
        std::cout << output.dump(-1, ' ', false, replace) << std::endl;
    }
}
