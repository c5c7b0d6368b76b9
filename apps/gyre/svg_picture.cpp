// SPDX-License-Identifier: Apache-2.0
#include "apps/gyre/svg_picture.h"

#include <algorithm>
#include <cstdarg>
#include <cstdio>

namespace gyre::app {
namespace {

// Told apart also by those who see red and green alike.
constexpr OperationColour kColours[] = {
    {"embed", "#b8c1cc"},
    {"norm", "#d5dae0"},
    {"norm_qkv_rotary", "#7fb8f5"},
    {"quantize_cache", "#c5a8f0"},
    {"attention", "#f7b456"},
    {"project", "#7fd1c1"},
    {"norm_up_activate", "#b5d977"},
    {"down", "#f49a93"},
    {"norm_logits", "#f0d965"},
    {"sample", "#d9b3d9"},
};

std::string escaped(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '&') {
            out += "&amp;";
        } else if (c == '<') {
            out += "&lt;";
        } else if (c == '>') {
            out += "&gt;";
        } else if (c == '"') {
            out += "&quot;";
        } else if (static_cast<unsigned char>(c) >= 0x20 && static_cast<unsigned char>(c) < 0x7f) {
            out += c;
        } else {
            out += '?';  // names out of files and drivers need not be UTF-8
        }
    }
    return out;
}

}  // namespace

std::span<const OperationColour> operation_colours() {
    return kColours;
}

// With a norm inside or without, it is the same operation.
std::string_view colour_of(const std::string& operation) {
    for (const OperationColour& colour : kColours) {
        const std::string name(colour.operation);
        if (operation == name || "norm_" + operation == name || operation == name + "_norm") {
            return colour.fill;
        }
    }
    return "#cccccc";
}

std::string Picture::finish() const {
    const std::string height = std::to_string(static_cast<int>(y + kMargin));
    return "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"960\" height=\"" + height +
           "\" viewBox=\"0 0 960 " + height +
           "\" font-family=\"system-ui, 'Segoe UI', 'Helvetica Neue', 'DejaVu Sans', "
           "sans-serif\">\n"
           "<style>@media (prefers-color-scheme: dark) { .page { fill: #15191f } .text { fill: "
           "#e6e9ed } .faint { fill: #9aa4af } }</style>\n"
           "<rect class=\"page\" width=\"960\" height=\"" +
           height + "\" fill=\"#ffffff\"/>\n" + body_ + "</svg>\n";
}

void Picture::text(double x, double at_y, double size, const std::string& words, const char* kind,
                   const char* anchor, bool bold) {
    const char* fill = std::string_view(kind) == "faint" ? "#5b6570" : "#1a1f24";
    add("<text class=\"%s\" x=\"%.1f\" y=\"%.1f\" font-size=\"%.1f\" fill=\"%s\" "
        "text-anchor=\"%s\"%s>",
        kind, x, at_y, size, fill, anchor, bold ? " font-weight=\"600\"" : "");
    body_ += escaped(words) + "</text>\n";
}

void Picture::bar(double x, double at_y, double width, double height, std::string_view fill,
                  const std::string& tooltip) {
    add("<rect x=\"%.2f\" y=\"%.1f\" width=\"%.2f\" height=\"%.1f\" rx=\"1.5\" fill=\"%.*s\">", x,
        at_y, std::max(0.3, width - 0.8), height, static_cast<int>(fill.size()), fill.data());
    body_ += "<title>" + escaped(tooltip) + "</title></rect>\n";
}

void Picture::frame(double x, double at_y, double width, double height) {
    add("<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" rx=\"6\" fill=\"none\" "
        "stroke=\"#8a939c\"/>\n",
        x, at_y, width, height);
}

void Picture::arrow(double x, double from_y, double to_y) {
    add("<path d=\"M%.1f %.1f V%.1f m-3 -5 l3 5 l3 -5\" fill=\"none\" stroke=\"#8a939c\"/>\n", x,
        from_y, to_y);
}

void Picture::add(const char* format, ...) {
    char piece[512];
    va_list arguments;
    va_start(arguments, format);
    std::vsnprintf(piece, sizeof piece, format, arguments);
    va_end(arguments);
    body_ += piece;
}

}  // namespace gyre::app
