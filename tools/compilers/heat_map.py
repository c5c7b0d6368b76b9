"""A picture of all GPUs: issue slots per weight of every product, as colour and number, spills marked. Reads on light and
dark pages.

As in apps/gyre/profile_svg.cpp colours are attributes, so that a viewer without CSS shows the light version; one style rule
swaps background and text. The cells' colours are light enough for dark text in both, and grow from pale to dark in one
direction, so that those who see no colours read the same.
SPDX-License-Identifier: Apache-2.0
"""

import html
import math

from compilers import interface, kernels

WIDTH, MARGIN, NAMES, CELL_HEIGHT = 960, 24, 132, 20
GAP = 8  # between two formats
COLOURS = ("#fff3c4", "#fde08a", "#fbc65a", "#f7a544", "#ef8443", "#e2674a")
EMPTY = "#d5dae0"
ROLES = ("qkv", "residual", "activate", "logits")
FACE = "system-ui, 'Segoe UI', 'Helvetica Neue', 'DejaVu Sans', sans-serif"
STYLE = (
    "@media (prefers-color-scheme: dark) { .page { fill: #15191f } .text { fill: #e6e9ed } .faint { fill: #9aa4af } }"
)
PANELS = (
    (kernels.DECODE, "One token: issue slots per weight"),
    (kernels.PREFILL, "Prompts: issue slots per weight and token"),
)


class Picture:
    def __init__(self):
        self.body, self.y = [], MARGIN

    def text(self, x, y, size, words, kind="text", anchor="start", bold=False):
        fill = "#5b6570" if kind == "faint" else "#1a1f24"
        weight = ' font-weight="600"' if bold else ""
        self.body.append(
            f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" font-size="{size}" fill="{fill}" '
            f'text-anchor="{anchor}"{weight}>{html.escape(words)}</text>'
        )

    def cell(self, x, y, width, height, fill, tooltip):
        self.body.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height}" rx="1.5" fill="{fill}">'
            f"<title>{html.escape(tooltip)}</title></rect>"
        )

    def corner(self, x, y):
        """The mark of a spill, inside the corner that ends at (x, y): it shows on any page."""
        self.body.append(f'<path d="M{x - 9.5:.1f} {y + 1.5:.1f}h8v8z" fill="#1a1f24"/>')

    def finish(self):
        height = int(self.y + MARGIN)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" '
            f'font-family="{FACE}">\n<style>{STYLE}</style>\n'
            f'<rect class="page" width="{WIDTH}" height="{height}" fill="#ffffff"/>\n'
            + "\n".join(self.body)
            + "\n</svg>\n"
        )


class Scale:
    """Six colours over the values of a panel, each so many times the one before: one GPU that is far off leaves the
    others their differences."""

    def __init__(self, values):
        self.low, self.high = (min(values), max(values)) if values else (1.0, 1.0)
        self.factor = max((self.high / self.low) ** (1 / len(COLOURS)), 1.0001)

    def colour(self, value):
        step = int(math.log(value / self.low) / math.log(self.factor) + 1e-9)
        return COLOURS[min(step, len(COLOURS) - 1)]

    def ranges(self):
        return [(c, self.low * self.factor**i, self.low * self.factor ** (i + 1)) for i, c in enumerate(COLOURS)]


def draw(gathered, note):
    """The SVG text. gathered: {gpu: [Row]}; note: what the figures were made with, in one line."""
    picture = Picture()
    picture.text(MARGIN, picture.y + 14, 18, "What GPU compilers make of the products", bold=True)
    picture.text(MARGIN, picture.y + 34, 12, note, "faint")
    picture.y += 46
    for kind, title in PANELS:
        _panel(picture, gathered, kind, title)
    return picture.finish()


def _panel(picture, gathered, kind, title):
    cells = _cells(gathered, kind)
    formats = [name for name in interface.weight_formats() if any(key[1] == name for key in cells)]
    scale = Scale([row.per_weight for row in cells.values() if row.per_weight is not None])
    group = (WIDTH - 2 * MARGIN - NAMES) / max(1, len(formats))
    width = (group - GAP) / len(ROLES)
    picture.text(MARGIN, picture.y + 22, 14, title, bold=True)
    _legend(picture, scale)
    picture.y += 70
    for f, name in enumerate(formats):
        x = MARGIN + NAMES + f * group
        picture.text(x + (group - GAP) / 2, picture.y, 12, name.upper(), anchor="middle", bold=True)
        for r, role in enumerate(ROLES):
            picture.text(x + (r + 0.5) * width, picture.y + 14, 9.5, role, "faint", "middle")
    picture.y += 20
    for gpu in gathered:
        picture.text(MARGIN + NAMES - 8, picture.y + CELL_HEIGHT - 6, 11, gpu, anchor="end")
        for f, name in enumerate(formats):
            for r, role in enumerate(ROLES):
                _cell(
                    picture,
                    MARGIN + NAMES + f * group + r * width,
                    width - 1.5,
                    cells.get((gpu, name, role)),
                    scale,
                    f"{gpu}, {name}, {role}: ",
                )
        picture.y += CELL_HEIGHT
    picture.y += 8


def _cells(gathered, kind):
    """{(gpu, format, role): Row} of GPT-2's shape; of several the one that costs most."""
    cells = {}
    for gpu, found in gathered.items():
        for row in found:
            if row.kind == kind and not row.shape:
                key = (gpu, row.format, row.role)
                if key not in cells or (row.per_weight or 0) > (cells[key].per_weight or 0):
                    cells[key] = row
    return cells


def _cell(picture, x, width, row, scale, where):
    y, height = picture.y, CELL_HEIGHT - 1.5
    if row is None or row.per_weight is None:
        what, label = _without_figure(row)
        picture.cell(x, y, width, height, EMPTY, where + what)
    else:
        f = row.figures
        tooltip = f"{where}{row.per_weight:.2f}, tile {row.tile}, {f.registers or '?'} registers"
        if f.leaves_registers:
            tooltip += f", {f.spills or 0} spills, {f.fills or 0} fills, {f.scratch or 0} bytes of scratch"
        picture.cell(x, y, width, height, scale.colour(row.per_weight), tooltip)
        label = f"{row.per_weight:.1f}"
    picture.text(x + width / 2, y + 13.5, 10.5, label, "label", "middle")
    if row is not None and row.figures.leaves_registers:
        picture.corner(x + width, y)


def _without_figure(row):
    """Why a cell has none, and its letter."""
    if row is None:
        return "not there", ""
    if row.event == "died":
        return f"no program: {row.why}", "X"
    if row.by_matrix_units:
        return "by matrix units", "M"
    return ("loops left rolled", "R") if row.rolled else ("not counted", "-")


def _legend(picture, scale):
    x, y = MARGIN, picture.y + 32
    for colour, low, high in scale.ranges():
        picture.cell(x, y, 12, 12, colour, f"{low:.2f} to {high:.2f}")
        picture.text(x + 16, y + 10, 9.5, f"{low:.1f}-{high:.1f}", "faint")
        x += 62
    picture.cell(x, y, 12, 12, COLOURS[1], "spills")
    picture.corner(x + 12, y)
    picture.text(x + 16, y + 10, 9.5, "spills", "faint")
    picture.cell(x + 52, y, 12, 12, EMPTY, "no figure")
    picture.text(x + 68, y + 10, 9.5, "no figure: R loops left rolled, M matrix units, X no program", "faint")
