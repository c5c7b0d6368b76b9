"""Reads shaders/interface/*.h: names of specialization constants and rows of lists, which are written there alone; and
shaders/lib/weights.glsl: how many elements share a scale.

SPDX-License-Identifier: Apache-2.0
"""

import functools
import pathlib
import re

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "shaders/interface"
WEIGHTS = FOLDER.parent / "lib/weights.glsl"
QUAD = 4  # elements
COMMON = ("bindings", "cooperative")  # headers whose constants any module may have


def header_of(module):
    """The stem of the header that describes a module, with or without a weight format's suffix; None: it has none."""
    stems = [path.stem for path in FOLDER.glob("*.h") if module == path.stem or module.startswith(path.stem + "_")]
    return max(stems, key=len, default=None)


@functools.cache
def _numbers(stem):
    """{name: value} of every `#define NAME number` of a header."""
    text = (FOLDER / f"{stem}.h").read_text()
    return {name: int(value) for name, value in re.findall(r"^#define (\w+) +(\d+)u?\b", text, re.MULTILINE)}


def constant_names(module):
    """{specialization id: name} for a module, e.g. {1: "SPEC_LINEAR_ROWS"}."""
    stems = [stem for stem in (header_of(module), *COMMON) if stem]
    return {value: name for stem in stems for name, value in _numbers(stem).items() if name.startswith("SPEC_")}


@functools.cache
def rows_of(stem, name):
    """The rows of an X-macro list, each a list of its words: [["0", "F32", "F32", "4", ...], ...]."""
    text = (FOLDER / f"{stem}.h").read_text()
    start = re.search(rf"^#define {name}\(X\)", text, re.MULTILINE)
    if not start:
        raise ValueError(f"shaders/interface/{stem}.h has no {name}")
    body = re.match(r"(?:.*\\\n)*.*", text[start.end() :])[0]
    return [[word.strip() for word in row.split(",")] for row in re.findall(r"\bX\(([^)]*)\)", body)]


def weight_formats():
    """{"q8_0": elements per step, ...}: what a kernel of that format takes of a row in an iteration of its loop."""
    return {name.lower(): int(step) for _, name, _, _, _, step, _ in rows_of("weight_formats", "WEIGHT_FORMAT_LIST")}


@functools.cache
def block_elements():
    """{"q8_0": elements that share a scale, ...}: BLOCK_QUADS of each format that has scales."""
    sections = re.split(r"^#(?:el)?if defined\(WEIGHT_(\w+)\)", WEIGHTS.read_text(), flags=re.MULTILINE)
    found = {}
    for name, section in zip(sections[1::2], sections[2::2]):
        if quads := re.search(r"^#define BLOCK_QUADS (\d+)", section, re.MULTILINE):
            found[name.lower()] = QUAD * int(quads[1])
    scaled = {row[1].lower() for row in rows_of("weight_formats", "WEIGHT_FORMAT_LIST") if row[-1] != "0"}
    if scaled != set(found):
        named = ", ".join(sorted(scaled ^ set(found)))
        raise ValueError(f"shaders/lib/weights.glsl needs BLOCK_QUADS of formats with scales, and of no others: {named}")
    return found


def epilogues():
    """{0: "Logits", ...}"""
    return {int(number): name for number, name in rows_of("linear", "LINEAR_EPILOGUE_LIST")}
