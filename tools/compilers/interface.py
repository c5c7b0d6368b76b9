"""Reads shaders/interface/*.h: names of specialization constants and rows of lists, which are written there alone; and
shaders/lib/weights.glsl: how many elements share a scale.

SPDX-License-Identifier: Apache-2.0
"""

import functools
import pathlib
import re

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "shaders/interface"
STEP = 64  # elements of a step in formats with scales: STEP_QUADS of shaders/lib/weight_planes.glsl
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


@functools.cache
def _formats():
    """{"q8_0": (elements per chunk, elements that share a scale or 0), ...}"""
    shared = {name: int(elements) for _, name, elements, _, _ in rows_of("weight_formats", "WEIGHT_SCALES_LIST")}
    rows = rows_of("weight_formats", "WEIGHT_FORMAT_LIST")
    return {row[1].lower(): (int(row[14]), shared[row[13]]) for row in rows}


def weight_formats():
    """{"q8_0": elements per step, ...}: what a kernel of that format takes of a row in an iteration of its loop."""
    return {name: STEP if shared else chunk for name, (chunk, shared) in _formats().items()}


def block_elements():
    """{"q8_0": elements that share a scale, ...}: of each format that has scales."""
    return {name: shared for name, (_, shared) in _formats().items() if shared}


def epilogues():
    """{0: "Logits", ...}"""
    return {int(number): name for number, name in rows_of("linear", "LINEAR_EPILOGUE_LIST")}
