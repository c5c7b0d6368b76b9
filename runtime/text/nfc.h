// Unicode normalization form C of text that need not be UTF-8 throughout.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace gyre {

// Unicode Standard Annex 15. Bytes that are not UTF-8 stay as they are, and nothing composes or is
// reordered across them. Time is n log n in the text, whatever marks are piled up. Code points that
// the Unicode version of utf8proc does not know stay as they are.
std::string to_nfc(std::string_view text);

// False only if text surely is in this form: nothing in it is at or above U+0300.
bool may_need_nfc(std::string_view text);

}  // namespace gyre
