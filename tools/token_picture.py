#!/usr/bin/env python3
"""Draws docs/token.svg: the path of one decoded token through the code. Every function that it names has to be in its file.

As in tools/compilers/heat_map.py colours are attributes, so that a viewer without CSS shows the light version; one
style rule swaps background and text.
SPDX-License-Identifier: Apache-2.0
"""

import argparse
import html
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
WIDTH, HEIGHT, MARGIN = 960, 640, 20
BOX_WIDTH, BOX_HEIGHT = 216, 46
FACE = "system-ui, 'Segoe UI', 'Helvetica Neue', 'DejaVu Sans', sans-serif"
STYLE = (
    "@media (prefers-color-scheme: dark) { .page { fill: #15191f } .text { fill: #e6e9ed } .faint { fill: #9aa4af } "
    ".line { stroke: #9aa4af } .head { fill: #9aa4af } }"
)
FILLS = {"apps/gyre": "#d9e8fb", "runtime/c_api": "#dff1e1", "runtime/engine": "#fff0cf", "runtime/vk": "#f6dede"}

# The name of a folder, its top and its height.
BANDS = [
    ("apps/gyre", 48, 66),
    ("runtime/c_api", 128, 126),
    ("runtime/engine", 268, 126),
    ("runtime/vk", 408, 66),
    ("the device", 488, 154),
]

# Function, file, left edge, top edge.
BOXES = {
    "run": ("run", "apps/gyre/run.cpp", 150, 58),
    "generate": ("gyre_session_generate", "runtime/c_api/generate.cpp", 150, 138),
    "text": ("TextSession::generate", "runtime/c_api/text_generate.cpp", 150, 198),
    "write": ("TextSession::write_on_device", "runtime/c_api/text_generate.cpp", 400, 198),
    "write_on": ("Session::write_on", "runtime/engine/session.cpp", 150, 278),
    "loop": ("TokenLoop::run", "runtime/engine/token_loop.cpp", 150, 338),
    "decode": ("Schedule::record_decode", "runtime/engine/schedule.cpp", 400, 278),
    "once": ("TokenLoop::record_once", "runtime/engine/token_loop.cpp", 400, 338),
    "look": ("TokenLoop::look_at", "runtime/engine/token_loop.cpp", 709, 338),
    "submit": ("DeviceState::submit", "runtime/vk/device_state.cpp", 150, 418),
    "record": ("CommandRecorder::dispatch", "runtime/vk/command_recorder.cpp", 400, 418),
    "wait": ("Submission::wait", "runtime/vk/device_state.cpp", 709, 418),
    "prepare": ("Writing::prepare, Writing::tell", "runtime/c_api/text_generate.cpp", 709, 198),
    "tell": ("tell", "runtime/c_api/generate.cpp", 709, 138),
    "print": ("Output::on_token", "apps/gyre/run.cpp", 709, 58),
}

# A box, another below, above or beside it, and what goes from the one to the other.
ARROWS = [
    ("run", "generate", "prompt, options"),
    ("generate", "text", ""),
    ("text", "write", ""),
    ("write", "write_on", ""),
    ("write_on", "loop", ""),
    ("loop", "submit", "two recordings per token"),
    ("decode", "record", ""),
    ("once", "record", ""),
    ("wait", "look", "id"),
    ("look", "prepare", "id"),
    ("prepare", "tell", "characters"),
    ("tell", "print", ""),
]

KERNELS = [
    ("embed", "x"),
    ("qkv", "q, cache"),
    ("attention", "mix"),
    ("linear", "project: x"),
    ("linear", "up: hidden"),
    ("linear", "down: x"),
    ("linear", "logits"),
    ("sample_*", "next id"),
]


def is_in(function, file):
    """The definition or the use of a function, by its last name; `Class::` has to be in the file too."""
    text = (ROOT / file).read_text()
    return all(re.search(rf"\b{name}\b", text) for one in function.split(", ") for name in one.split("::"))


class Picture:
    def __init__(self):
        self.body = []

    def text(self, x, y, size, words, kind="text", anchor="start", bold=False, fixed=False):
        fill = "#5b6570" if kind == "faint" else "#1a1f24"
        weight = ' font-weight="600"' if bold else ""
        mark = "" if fixed else f' class="{kind}"'  # fixed: on a box, which is pale on every page
        self.body.append(
            f'<text{mark} x="{x}" y="{y}" font-size="{size}" fill="{fill}" text-anchor="{anchor}"{weight}>'
            f"{html.escape(words)}</text>"
        )

    def box(self, x, y, width, height, fill):
        self.body.append(f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="5" fill="{fill}"/>')

    def arrow(self, *points):
        (x0, y0), (x1, y1) = points[-2:]
        path = "M" + " L".join(f"{x} {y}" for x, y in points)
        self.body.append(f'<path class="line" d="{path}" fill="none" stroke="#5b6570" stroke-width="1.4"/>')
        dx, dy = (x1 > x0) - (x1 < x0), (y1 > y0) - (y1 < y0)
        a, b = (x1 - 7 * dx - 4 * dy, y1 - 7 * dy - 4 * dx), (x1 - 7 * dx + 4 * dy, y1 - 7 * dy + 4 * dx)
        self.body.append(f'<path class="head" d="M{x1} {y1} L{a[0]} {a[1]} L{b[0]} {b[1]}z" fill="#5b6570"/>')

    def finish(self, title):
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}" '
            f'font-family="{FACE}">\n<title>{title}</title>\n<style>{STYLE}</style>\n'
            f'<rect class="page" width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>\n'
            + "\n".join(self.body)
            + "\n</svg>\n"
        )


def draw_arrow(picture, source, target, words):
    _, _, x0, y0 = BOXES[source]
    _, _, x1, y1 = BOXES[target]
    middle = x1 + BOX_WIDTH // 2
    if y0 == y1:
        picture.arrow((x0 + BOX_WIDTH, y0 + BOX_HEIGHT // 2), (x1, y0 + BOX_HEIGHT // 2))
    elif x0 != x1:  # down and back
        between = y1 - 12
        picture.arrow(
            (x0 + BOX_WIDTH // 2, y0 + BOX_HEIGHT), (x0 + BOX_WIDTH // 2, between), (middle, between), (middle, y1)
        )
    elif (source, target) == ("decode", "record"):  # around the box between them
        right = x0 + BOX_WIDTH
        picture.arrow((right, y0 + 23), (right + 16, y0 + 23), (right + 16, y1 + 23), (right, y1 + 23))
    else:
        down = y1 > y0
        ends = (y0 + BOX_HEIGHT, y1) if down else (y0, y1 + BOX_HEIGHT)
        picture.arrow((middle, ends[0]), (middle, ends[1]))
        picture.text(middle + 8, (ends[0] + ends[1]) // 2 + 4, 11, words, "faint")


def draw_device(picture):
    top, width, gap = 532, 82, 17
    left = [150 + i * (width + gap) for i in range(len(KERNELS))]
    for i, (kernel, result) in enumerate(KERNELS):
        picture.box(left[i], top, width, BOX_HEIGHT, "#e8e0f5")
        picture.text(left[i] + width // 2, top + 20, 12, kernel, anchor="middle", bold=True, fixed=True)
        picture.text(left[i] + width // 2, top + 36, 11, result, "faint", "middle", fixed=True)
        if i > 0:
            picture.arrow((left[i] - gap, top + 23), (left[i], top + 23))
    first, last = left[1] - 6, left[5] + width + 6
    picture.body.append(
        f'<path class="line" d="M{first} {top - 6} v-8 H{last} v8" fill="none" stroke="#5b6570" stroke-width="1.2"/>'
    )
    picture.text((first + last) // 2, top - 19, 11, "every layer, n_layer times", "faint", "middle")
    y = top + BOX_HEIGHT
    ends = left[-1] + width // 2, left[0] + width // 2
    picture.arrow((ends[0], y), (ends[0], y + 26), (ends[1], y + 26), (ends[1], y))
    picture.text(
        (ends[0] + ends[1]) // 2,
        y + 42,
        11,
        "token id and StepState: the next token begins without the host",
        "faint",
        "middle",
    )
    picture.arrow((258, 464), (258, 494), (191, 494), (191, top))
    picture.text(266, 484, 11, "vkQueueSubmit", "faint")
    picture.arrow((ends[0], top), (ends[0], 464))
    picture.text(ends[0] - 8, 508, 11, "ring of ids, fence", "faint", "end")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="only see whether it is what would be drawn")
    check = parser.parse_args().check
    missing = [f"{file} has no {name}" for name, file, _, _ in BOXES.values() if not is_in(name, file)]
    if missing:
        sys.exit("\n".join(missing))
    picture = Picture()
    picture.text(MARGIN, 30, 17, "The path of one decoded token through the code", bold=True)
    for name, top, height in BANDS:
        picture.body.append(
            f'<path class="line" d="M{MARGIN} {top} H{WIDTH - MARGIN}" fill="none" stroke="#5b6570" '
            'stroke-width="0.5"/>'
        )
        picture.text(MARGIN, top + 20, 12, name, "faint", bold=True)
    for name, file, x, y in BOXES.values():
        picture.box(x, y, BOX_WIDTH, BOX_HEIGHT, FILLS["/".join(file.split("/")[:2])])
        picture.text(x + 10, y + 20, 12, name, bold=True, fixed=True)
        picture.text(x + 10, y + 36, 11, file, "faint", fixed=True)
    for source, target, words in ARROWS:
        draw_arrow(picture, source, target, words)
    picture.text(638, 278 + 16, 11, "recorded", "faint")
    picture.text(638, 278 + 30, 11, "once", "faint")
    draw_device(picture)
    drawn, file = picture.finish("The path of one decoded token through the code"), ROOT / "docs" / "token.svg"
    if check and file.read_text() != drawn:
        sys.exit(f"{file.relative_to(ROOT)} is not what tools/token_picture.py draws: run it without --check")
    if not check:
        file.write_text(drawn)


if __name__ == "__main__":
    main()
