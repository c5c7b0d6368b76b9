"""The tables of docs/gpus.md, between its marks.

A mark is a line `<!-- WHEN, NAME: report.py --update writes what follows -->`, and its end a line
`<!-- end of WHEN, NAME -->`. WHEN is "now", or "before" for the tables of the commit that the page compares with. What lies
between is replaced; the rest of the page is people's.
SPDX-License-Identifier: Apache-2.0
"""

import re

from common.published_shapes import SHAPES
from compilers import interface, kernels, records, table


class PageError(Exception):
    pass


def updated(text, gpus, gathered, when="now"):
    """The page with new tables. gpus: {name: [Collection]}; gathered: {name: [Row]}."""
    found = 0
    for name, make in SECTIONS.items():
        mark, end = (
            f"<!-- {when}, {name}: report.py --update writes what follows -->",
            f"<!-- end of {when}, {name} -->",
        )
        counts = text.count(mark), text.count(end)
        if counts == (0, 0):
            continue
        if counts != (1, 1) or text.index(end) < text.index(mark):
            raise PageError(f"the page needs one line {mark!r} and below it one line {end!r}")
        before, rest = text.split(mark)
        text = f"{before}{mark}\n\n{make(gpus, gathered)}\n\n{end}{rest.split(end)[1]}"
        found += 1
    if not found:
        raise PageError(
            f"the page has no line '<!-- {when}, {next(iter(SECTIONS))}: report.py --update writes what follows -->'"
        )
    return text


def drivers_line(gpus):
    """ "Mesa 22.3.6, 26.1.6": what the figures were made with."""
    versions = {m[0] for c in gpus.values() for m in re.finditer(r"\d+\.\d+\.\d+", c[0].driver)}
    return "Mesa " + ", ".join(sorted(versions, key=lambda v: [int(n) for n in v.split(".")]))


def markdown(cells):
    head, *body = cells
    return "\n".join("| " + " | ".join(row) + " |" for row in (head, ["---"] * len(head), *body))


def devices(gpus, gathered):
    """Which devices, with which drivers; whether a session opens, and what compiling costs."""
    cells = [["GPU", "device", "driver", "Vulkan", "session", "pipelines", "slowest, CPU s", "all of a session, CPU s"]]
    for gpu, collections in gpus.items():
        first = collections[0]
        seconds = [row.seconds for row in gathered[gpu] if row.seconds is not None]
        whole = [
            sum(p.seconds or 0 for p in c.pipelines)
            for c in collections
            if all(p.seconds is not None for p in c.pipelines)
        ]
        cells.append(
            [
                gpu,
                first.device.get("title") or first.device.get("name") or "-",
                first.driver + (", emulated" if first.emulated else ""),
                str(first.device.get("api_version", "-")),
                _session(collections),
                str(len({row.key for row in gathered[gpu]})),
                f"{max(seconds):.1f}" if seconds else "-",
                f"{max(whole):.1f}" if whole else "-",
            ]
        )
    return markdown(cells)


def _session(collections):
    closed = [c for c in collections if not c.opened]
    if not closed:
        return "opens"
    if closed[0].api < records.MIN_API:
        return "refused: Vulkan 1.0"
    where = "" if len(closed) == len(collections) else f" with {', '.join(c.format for c in closed)}"
    return f"does not open{where}: {closed[0].why}"


def decode(gpus, gathered):
    """Issue slots per weight, from the cheapest product to the dearest."""
    return _products(gathered, kernels.DECODE, _cost)


def prompts(gpus, gathered):
    return _products(gathered, kernels.PREFILL, _cost)


def prompt_registers(gpus, gathered):
    return _products(gathered, kernels.PREFILL, _registers)


def shapes_decode(gpus, gathered):
    return _products(gathered, kernels.DECODE, _cost, SHAPES)


def shapes_prompts(gpus, gathered):
    return _products(gathered, kernels.PREFILL, _cost, SHAPES)


def others(gpus, gathered):
    """What is no product and spills, or else how much room the others take."""
    cells = [["GPU", "attention: registers, threads", "sampling: registers, threads", "spills"]]
    for gpu, found in gathered.items():
        ours = [row for row in found if not row.shape]
        cells.append([gpu, _room(ours, kernels.ATTENTION), _room(ours, kernels.SAMPLING), _spilling(ours)])
    return markdown(cells)


def shapes_others(gpus, gathered):
    """The same of other shapes: attention depends on a head's size, what is sampled on nothing."""
    names = _shapes(gathered)
    cells = [["GPU", *(f"{SHAPES[name].title}: attention: registers, threads" for name in names), "spills"]]
    for gpu, found in gathered.items():
        rooms = [_room([row for row in found if row.shape == name], kernels.ATTENTION) for name in names]
        cells.append([gpu, *rooms, _spilling([row for row in found if row.shape in names])])
    return markdown(cells)


def _room(found, kind):
    of_kind = [row for row in found if row.kind == kind and row.event != "died"]
    most = max((row.figures.registers or 0 for row in of_kind), default=0)
    least = min((row.figures.threads for row in of_kind if row.figures.threads), default=0)
    return f"{most or '-'}, {least or '-'}"


def _spilling(found):
    """What is no product and spills."""
    spilling = {
        row.kernel: f"{row.kernel} {_spills(row)}"
        for row in found
        if row.kind not in kernels.PRODUCTS and row.figures.leaves_registers
    }
    return ", ".join(spilling.values()) or "none"


def _shapes(gathered):
    """Names of the shapes that were collected of any GPU, in the order of their table."""
    there = {row.shape for found in gathered.values() for row in found}
    return [name for name in SHAPES if name in there]


SECTIONS = {
    "devices": devices,
    "decode": decode,
    "prompts": prompts,
    "prompt registers": prompt_registers,
    "others": others,
    "shapes, decode": shapes_decode,
    "shapes, prompts": shapes_prompts,
    "shapes, others": shapes_others,
}


def _products(gathered, kind, cell, shapes=("",)):
    """A column for each weight format of each of the shapes."""
    there = {(row.shape, row.format) for found in gathered.values() for row in found if row.kind == kind}
    columns = [(shape, name) for shape in shapes for name in interface.weight_formats() if (shape, name) in there]
    titles = [f"{SHAPES[shape].title} {name.upper()}" if shape else name.upper() for shape, name in columns]
    cells = [["GPU", *titles]]
    for gpu, found in gathered.items():
        of_kind = [row for row in found if row.kind == kind]
        cells.append([gpu, *(cell([row for row in of_kind if (row.shape, row.format) == c]) for c in columns)])
    return markdown(cells)


def _cost(found):
    """The cost, e.g. "2x1: 3.2-3.5", and what spills."""
    if not found:
        return "-"
    if dead := [row for row in found if row.event == "died"]:
        return f"{', '.join(sorted({row.tile for row in dead}))}: no program: {dead[0].why}"
    tiles = ", ".join(sorted({row.tile for row in found}))
    costs = [row.per_weight for row in found if row.per_weight is not None]
    if costs:
        low, high = f"{min(costs):.1f}", f"{max(costs):.1f}"
        cost = low if low == high else f"{low}-{high}"
    else:
        cost = "matrix units" if found[0].by_matrix_units else "rolled" if found[0].rolled else "-"
    worst = max(
        found, key=lambda row: (row.figures.spills or 0) + (row.figures.fills or 0) + (row.figures.scratch or 0)
    )
    spills = f"; spills {_spills(worst)}" if worst.figures.leaves_registers else ""
    return f"{tiles}: {cost}{spills}"


def _spills(row):
    said = table.spilled(row.figures)
    return said if said != "-" else f"{row.figures.scratch} bytes"


def _registers(found):
    """Most registers, and the threads that leaves."""
    alive = [row for row in found if row.event != "died"]
    registers = max((row.figures.registers for row in alive if row.figures.registers), default=None)
    threads = min((row.figures.threads for row in alive if row.figures.threads), default=None)
    sizes = sorted({row.subgroup for row in alive if row.subgroup})
    if not alive:
        return "-"
    return f"{registers or '-'}, {threads or '-'}, subgroup {'/'.join(map(str, sizes)) or '-'}"
