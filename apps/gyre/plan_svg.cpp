// A plan as a picture: a box for every operation, a frame for every block of like layers.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "apps/gyre/plan.h"
#include "apps/gyre/svg_picture.h"

namespace gyre::app {
namespace {

constexpr double kInset = 150.0;  // left of the boxes: a block's name
constexpr double kBox = 24.0;
constexpr double kGap = 20.0;  // between boxes: an arrow, and what it carries
constexpr double kLeft = Picture::kMargin + kInset;
constexpr double kBoxes = Picture::kWidth - kLeft - Picture::kMargin - 12.0;

void draw_row(Picture& picture, const PlanRow& row) {
    const std::string shape = shape_text(row);
    picture.bar(kLeft, picture.y, kBoxes, kBox, colour_of(row.operation),
                row.operation + ": " + row.kernel);
    const double baseline = picture.y + kBox / 2 + 4;
    picture.text(kLeft + 10, baseline, 12, row.operation, "label", "start", true);
    picture.text(kLeft + 190, baseline, 11, row.kernel, "label");
    picture.text(kLeft + 380, baseline, 11, shape.empty() ? "" : shape + "  " + row.weight_types,
                 "label");
    picture.text(kLeft + kBoxes - 130, baseline, 11, row.bytes == 0 ? "" : bytes_text(row.bytes),
                 "label", "end");
    picture.text(
        kLeft + kBoxes - 12, baseline, 11,
        std::to_string(row.dispatches) + (row.dispatches == 1 ? " dispatch" : " dispatches"),
        "label", "end");
    picture.y += kBox;
}

void draw_block(Picture& picture, const PlanBlock& block) {
    const std::string name = block.name();
    const double top = picture.y;
    if (!name.empty()) picture.y += 10;
    for (std::size_t i = 0; i < block.rows.size(); ++i) {
        draw_row(picture, block.rows[i]);
        const bool last = i + 1 == block.rows.size();
        if (last && !name.empty()) {
            picture.y += 10;
            picture.frame(Picture::kMargin, top, kLeft - Picture::kMargin + kBoxes + 12,
                          picture.y - top);
            picture.text(Picture::kMargin + 12, (top + picture.y) / 2 + 4, 12, name, "text",
                         "start", true);
        }
        if (block.rows[i].output == "logits") continue;
        picture.arrow(kLeft + 24, picture.y + 2, picture.y + kGap - 3);
        const std::string& carried = block.rows[i].output;
        picture.text(kLeft + 34, picture.y + kGap / 2 + 4, 10, carried.empty() ? "cache" : carried,
                     "faint");
        picture.y += kGap;
    }
}

}  // namespace

std::string plan_svg(const std::string& title, const std::string& note,
                     const std::vector<PlanPart>& parts) {
    Picture picture;
    picture.y = Picture::kMargin;
    picture.text(Picture::kMargin, picture.y + 14, 18, title, "text", "start", true);
    picture.y += 22;
    picture.text(Picture::kMargin, picture.y + 12, 12, note, "faint");
    picture.y += 14;
    for (const PlanPart& part : parts) {
        picture.y += 24;
        picture.text(Picture::kMargin, picture.y + 12, 14,
                     part.title + ": " + std::to_string(part.dispatches()) + " dispatches, " +
                         bytes_text(part.bytes()),
                     "text", "start", true);
        picture.y += 26;
        for (const PlanBlock& block : part.blocks)
            draw_block(picture, block);
    }
    return picture.finish();
}

}  // namespace gyre::app
