// Text of a file or a driver, made fit for one line of a terminal or a log.
// SPDX-License-Identifier: Apache-2.0
//
// A model file is somebody else's: its texts must not move the cursor, colour or hide what stands
// around them, or reverse its order (CVE-2021-42574 is what the last one is good for). Generated
// and detokenized text never goes through here: it is a result, and stays byte for byte.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace gyre {

// How many bytes at text[position] are one character that may be shown: 1 to 4; 0 if what stands
// there is none: a byte that is not part of valid UTF-8, a control character (C0, DEL, C1), a
// format character (general category Cf: marks of direction, zero width, tags) or a separator of
// lines or paragraphs. position < text.size().
std::size_t shown_length(std::string_view text, std::size_t position);

// text with one '?' for every character or byte that may not be shown.
std::string shown(std::string_view text);

}  // namespace gyre
