// The split of text into pieces that byte-level BPE makes before it merges bytes.
// SPDX-License-Identifier: Apache-2.0
//
// Publishers write a split as regular expressions. Here it is a row of a table: passes, each of
// which cuts the pieces of the pass before; what lies between two matches of a pass is a piece too.
// A pass is matched by hand over code points, in time linear in the text (split_passes.h).
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "runtime/text/split_passes.h"

namespace gyre {

// What a name in tokenizer.ggml.pre stands for.
struct PreSplit {
    std::span<const std::string_view> names;
    std::span<const SplitPass> passes;
    bool nfc = false;            // text is composed (Unicode NFC) first
    bool ignore_merges = false;  // a piece that is a token is that token, whatever the merges say
    bool add_bos = false;        // where the file has no tokenizer.ggml.add_bos_token
};

std::span<const PreSplit> pre_splits();
const PreSplit* find_pre_split(std::string_view name);  // nullptr: no such name
std::string pre_split_names();                          // all of them, for messages: "a, b, c"

// Calls emit(piece) for each piece of text that passes cut, from left to right.
template <class Emit>
void for_each_piece(std::span<const SplitPass> passes, std::string_view text, Emit&& emit) {
    if (passes.empty()) {
        emit(text);
        return;
    }
    const SplitPass& pass = passes.front();
    const auto rest = passes.subspan(1);
    SplitScan scan{text};
    std::size_t unmatched = 0;  // where the text since the last match begins
    for (std::size_t i = 0; i < text.size();) {
        const std::size_t end = pass.match(pass, scan, i);
        if (end == i) {
            i += code_point_at(text, i).length;
            continue;
        }
        if (unmatched < i) for_each_piece(rest, text.substr(unmatched, i - unmatched), emit);
        for_each_piece(rest, text.substr(i, end - i), emit);
        i = unmatched = end;
    }
    if (unmatched < text.size()) for_each_piece(rest, text.substr(unmatched), emit);
}

}  // namespace gyre
