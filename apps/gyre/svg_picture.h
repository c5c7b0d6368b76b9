// An SVG picture that reads on light and on dark pages, and the colours of operations.
// SPDX-License-Identifier: Apache-2.0
//
// Colours are attributes, so that a viewer without CSS shows the light version; one style rule
// swaps background and text where the reader's system is dark. The bars' colours are light enough
// for dark text in both.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace gyre::app {

struct OperationColour {
    std::string_view operation, fill;
};
// In the order of the schedule.
std::span<const OperationColour> operation_colours();
std::string_view colour_of(const std::string& operation);

class Picture {
  public:
    static constexpr double kWidth = 960.0;
    static constexpr double kMargin = 24.0;
    static constexpr double kCharacter = 6.3;  // width of an average one of the labels' size

    std::string finish() const;

    // kind: "text", "faint", "label" (in a bar). anchor: of SVG.
    void text(double x, double at_y, double size, const std::string& words, const char* kind,
              const char* anchor = "start", bool bold = false);
    void bar(double x, double at_y, double width, double height, std::string_view fill,
             const std::string& tooltip);
    // The outline of a box, and an arrow downwards.
    void frame(double x, double at_y, double width, double height);
    void arrow(double x, double from_y, double to_y);

    double y = 0.0;  // where the next thing goes

  private:
    __attribute__((format(printf, 2, 3))) void add(const char* format, ...);

    std::string body_;
};

}  // namespace gyre::app
