// SPDX-License-Identifier: Apache-2.0
#include "runtime/text/marked_text.h"

#include <algorithm>
#include <utility>

namespace gyre {

MarkedText::MarkedText(std::string bytes, bool marked) : bytes_(std::move(bytes)) {
    if (marked) mark(0, bytes_.size());
}

std::vector<ByteRange>::const_iterator MarkedText::span_at(std::size_t position) const {
    return std::upper_bound(spans_.begin(), spans_.end(), position,
                            [](std::size_t at, const ByteRange& span) { return at < span.end; });
}

bool MarkedText::is_marked(std::size_t position) const {
    const auto span = span_at(position);
    return span != spans_.end() && span->begin <= position;
}

void MarkedText::mark(std::size_t begin, std::size_t end) {
    if (begin == end) return;
    if (!spans_.empty() && spans_.back().end == begin) {
        spans_.back().end = end;
    } else {
        spans_.push_back({begin, end});
    }
}

void MarkedText::append(std::string_view bytes, bool marked) {
    const std::size_t begin = bytes_.size();
    bytes_.append(bytes);
    if (marked) mark(begin, bytes_.size());
}

void MarkedText::append(const MarkedText& text, std::size_t begin, std::size_t end) {
    const std::size_t shift = bytes_.size();  // of begin
    bytes_.append(text.bytes_, begin, end - begin);
    for (auto span = text.span_at(begin); span != text.spans_.end() && span->begin < end; ++span) {
        mark(shift + std::max(span->begin, begin) - begin,
             shift + std::min(span->end, end) - begin);
    }
}

MarkedText MarkedText::slice(std::size_t begin, std::size_t end) const {
    MarkedText part;
    part.append(*this, begin, end);
    return part;
}

}  // namespace gyre
