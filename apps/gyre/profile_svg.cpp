// A profile as an SVG picture that reads on light and on dark pages.
// SPDX-License-Identifier: Apache-2.0
//
// Colours are attributes, so that a viewer without CSS shows the light version; one style rule
// swaps background and text where the reader's system is dark. The bars' colours are light enough
// for dark text in both.
#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <string_view>

#include "apps/gyre/bench.h"

namespace gyre::app {
namespace {

constexpr double kWidth = 960.0;
constexpr double kMargin = 24.0;
constexpr double kNames = 78.0;  // column of the rows' names
constexpr double kTimes = 82.0;  // column of their times
constexpr double kBars = kWidth - 2 * kMargin - kNames - kTimes;
constexpr double kCharacter = 6.3;  // width of an average one of the labels' size

struct Colour {
    std::string_view operation, fill;
};

// In the order of the schedule; told apart also by those who see red and green alike.
constexpr Colour kColours[] = {
    {"embed", "#b8c1cc"},     {"norm_qkv_rotary", "#7fb8f5"}, {"quantize_cache", "#c5a8f0"},
    {"attention", "#f7b456"}, {"project", "#7fd1c1"},         {"norm_up_activate", "#b5d977"},
    {"down", "#f49a93"},      {"norm_logits", "#f0d965"},     {"sample", "#d9b3d9"},
};

std::string_view colour_of(const std::string& operation) {
    for (const Colour& colour : kColours) {
        if (colour.operation == operation) return colour.fill;
    }
    return "#cccccc";
}

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

std::string milliseconds(double seconds) {
    char text[32];
    const double ms = seconds * 1e3;
    std::snprintf(text, sizeof text, "%.*f ms", ms >= 100 ? 0 : ms >= 10 ? 1 : ms >= 1 ? 2 : 3, ms);
    return text;
}

class Picture {
  public:
    std::string finish() {
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

    void text(double x, double at_y, double size, const std::string& words, const char* kind,
              const char* anchor = "start", bool bold = false) {
        const std::string_view name = kind;
        const char* fill = name == "faint" ? "#5b6570" : name == "label" ? "#1a1f24" : "#1a1f24";
        add("<text class=\"%s\" x=\"%.1f\" y=\"%.1f\" font-size=\"%.1f\" fill=\"%s\" "
            "text-anchor=\"%s\"%s>",
            kind, x, at_y, size, fill, anchor, bold ? " font-weight=\"600\"" : "");
        body_ += escaped(words) + "</text>\n";
    }

    void bar(double x, double at_y, double width, double height, std::string_view fill,
             const std::string& tooltip) {
        add("<rect x=\"%.2f\" y=\"%.1f\" width=\"%.2f\" height=\"%.1f\" rx=\"1.5\" fill=\"%.*s\">",
            x, at_y, std::max(0.3, width - 0.8), height, static_cast<int>(fill.size()),
            fill.data());
        body_ += "<title>" + escaped(tooltip) + "</title></rect>\n";
    }

    double y = 0.0;  // where the next thing goes

  private:
    __attribute__((format(printf, 2, 3))) void add(const char* format, ...) {
        char piece[512];
        va_list arguments;
        va_start(arguments, format);
        std::vsnprintf(piece, sizeof piece, format, arguments);
        va_end(arguments);
        body_ += piece;
    }

    std::string body_;
};

// One bar of pieces side by side; scale: pixels per second.
struct Row {
    std::string name;
    std::vector<ProfileRow> pieces;

    double seconds() const {
        double sum = 0.0;
        for (const ProfileRow& piece : pieces)
            sum += piece.seconds;
        return sum;
    }
};

// What fits into width: the operation and its share or time, the operation, that alone, nothing.
std::string label(const std::string& operation, const std::string& figure, double width) {
    const auto fits = [&](const std::string& words) {
        return static_cast<double>(words.size()) * kCharacter + 8.0 <= width;
    };
    if (fits(operation + " " + figure)) return operation + " " + figure;
    if (fits(operation)) return operation;
    return fits(figure) ? figure : "";
}

void draw_row(Picture& picture, const Row& row, double scale, double height, bool shares) {
    const double total = row.seconds();
    const double baseline = picture.y + height / 2 + 3.8;
    picture.text(kMargin + kNames - 10, baseline, 11, row.name, "text", "end");
    double x = kMargin + kNames;
    for (const ProfileRow& piece : row.pieces) {
        const double width = piece.seconds * scale;
        char share[16];
        std::snprintf(share, sizeof share, "%.0f %%", 100.0 * piece.seconds / total);
        const std::string time = milliseconds(piece.seconds);
        picture.bar(x, picture.y, width, height, colour_of(piece.operation),
                    row.name + ": " + piece.operation + " " + time + ", " + share);
        const std::string words =
            height >= 14 ? label(piece.operation, shares ? share : time, width) : "";
        if (!words.empty()) picture.text(x + width / 2, baseline, 11, words, "label", "middle");
        x += width;
    }
    picture.text(x + 8, baseline, 11, milliseconds(total), "faint");
    picture.y += height + (height >= 14 ? 4 : 2);
}

// The parts before and after the layers, and a row for every layer.
std::vector<Row> rows_of(const ProfilePart& part) {
    std::vector<Row> layers;
    Row rest{"the rest", {}};
    for (const ProfileRow& piece : part.rows) {
        if (piece.layer == GYRE_LAYER_NONE) {
            rest.pieces.push_back(piece);
            continue;
        }
        if (layers.size() <= piece.layer) layers.resize(piece.layer + std::size_t{1});
        layers[piece.layer].name = "layer " + std::to_string(piece.layer);
        layers[piece.layer].pieces.push_back(piece);
    }
    layers.push_back(rest);
    return layers;
}

void draw_part(Picture& picture, const ProfilePart& part, const std::string& note) {
    picture.y += 18;
    const double total = part.seconds();
    picture.text(kMargin, picture.y + 12, 14, part.title + ": " + milliseconds(total) + note,
                 "text", "start", true);
    picture.y += 26;
    draw_row(picture, {"all", part.by_operation()}, kBars / total, 24, true);
    picture.y += 6;
    const std::vector<Row> rows = rows_of(part);
    double longest = 0.0;
    for (const Row& row : rows)
        longest = std::max(longest, row.seconds());
    const double height = rows.size() > 26 ? 9 : 18;
    for (const Row& row : rows)
        draw_row(picture, row, kBars / longest, height, false);
}

void draw_legend(Picture& picture, const Profile& profile) {
    double x = kMargin;
    picture.y += 14;
    for (const Colour& colour : kColours) {
        const std::string name(colour.operation);
        const auto used = [&](const ProfilePart& part) {
            return std::any_of(part.rows.begin(), part.rows.end(),
                               [&](const ProfileRow& row) { return row.operation == name; });
        };
        if (!used(profile.decode) && !used(profile.prompt)) continue;
        picture.bar(x, picture.y, 12, 12, colour.fill, name);
        picture.text(x + 17, picture.y + 10, 11, name, "text");
        x += 17 + static_cast<double>(name.size()) * kCharacter + 18;
    }
    picture.y += 14;
}

}  // namespace

std::string profile_svg(const BenchReport& report) {
    Picture picture;
    picture.y = kMargin;
    const std::string name =
        *report.model.name != '\0' ? std::string(report.model.name) : report.path;
    picture.text(kMargin, picture.y + 14, 18, "Where the time goes: " + name, "text", "start",
                 true);
    picture.y += 22;
    picture.text(kMargin, picture.y + 12, 12,
                 std::string(report.device.name) + ", " + report.device.driver_info + "; weights " +
                     report.model.weight_types + "; " + std::to_string(report.n_ctx) +
                     " positions. Times are the device's own",
                 "faint");
    picture.y += 14;
    draw_legend(picture, *report.profile);
    draw_part(picture, report.profile->decode, "");
    draw_part(picture, report.profile->prompt, "");
    return picture.finish();
}

}  // namespace gyre::app
