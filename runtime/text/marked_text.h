// Text that knows which of its bytes came from messages: what a chat template makes of them keeps
// the marks.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/text/byte_range.h"

namespace gyre {

class MarkedText {
  public:
    MarkedText() = default;
    MarkedText(std::string bytes, bool marked);

    const std::string& bytes() const { return bytes_; }
    std::size_t size() const { return bytes_.size(); }
    bool empty() const { return bytes_.empty(); }

    // Sorted, none empty, none touching the next.
    const std::vector<ByteRange>& spans() const { return spans_; }

    // Whether the byte came from a message. position < size().
    bool is_marked(std::size_t position) const;

    void append(std::string_view bytes, bool marked);
    void append(const MarkedText& text) { append(text, 0, text.size()); }
    // Bytes [begin, end) of text, which is another one.
    void append(const MarkedText& text, std::size_t begin, std::size_t end);

    MarkedText slice(std::size_t begin, std::size_t end) const;

    std::size_t memory_bytes() const { return bytes_.size() + spans_.size() * sizeof(ByteRange); }

  private:
    // The first span that ends after position.
    std::vector<ByteRange>::const_iterator span_at(std::size_t position) const;
    void mark(std::size_t begin, std::size_t end);

    std::string bytes_;
    std::vector<ByteRange> spans_;
};

}  // namespace gyre
