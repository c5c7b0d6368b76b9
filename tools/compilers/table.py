"""Tables for people: of one GPU every kernel, as text.

SPDX-License-Identifier: Apache-2.0
"""

from compilers import drivers, rows


def cell(value):
    return "-" if value is None else str(value)


def seconds(row):
    return "-" if row.seconds is None else f"{row.seconds:.2f}"


def spilled(figures):
    """ "12:40": spills and fills; "12" where the driver does not tell fills; "-" for no spill."""
    if not (figures.spills or figures.fills):
        return "-"
    return f"{figures.spills}:{figures.fills}" if figures.fills is not None else str(figures.spills)


def per_weight(row):
    """With two digits; "rolled" where loops hide it that the kernel's constants do not explain."""
    return f"{row.per_weight:.2f}" if row.per_weight is not None else "rolled" if row.rolled else "-"


def aligned(cells):
    """Lines of text: the first column to the left, the others to the right; None is a line between."""
    widths = [max(len(row[i]) for row in cells if row) for i in range(len(cells[0]))]
    lines = []
    for row in cells:
        if row is None:
            lines.append("-" * (sum(widths) + 2 * len(widths) - 2))
            continue
        lines.append(
            "  ".join(word.ljust(w) if i == 0 else word.rjust(w) for i, (word, w) in enumerate(zip(row, widths)))
        )
    return lines


def heading(collections):
    """What the device is, and whether a session opened with each format."""
    c = collections[0]
    lines = [
        f"{c.gpu}: {c.device.get('name', 'no device')}; {c.driver}; Vulkan {c.device.get('api_version', '?')}"
        + ("; emulated" if c.emulated else "")
    ]
    for c in collections:
        if not c.opened:
            lines.append(f"    {c.format}: no session opened: {c.why}")
    return lines


def of_gpu(collections, gathered):
    """The whole table of a GPU."""
    driver = next((d for d in map(drivers.driver_of, _statistics(collections)) if d), None)
    head = ["kernel", "registers", "threads", "spills", "scratch", "instructions", "per weight", "subgroup", "CPU s"]
    cells = [head]
    for shape in dict.fromkeys(row.shape for row in gathered):
        of_shape = [row for row in gathered if row.shape == shape]
        for name in [*dict.fromkeys(row.format for row in of_shape if row.format != rows.ANY), rows.ANY]:
            of_format = [row for row in of_shape if row.format == name]
            if of_format:
                cells += [None, *map(_cells, of_format)]
    lines = heading(collections)
    if driver:
        lines.append(
            f"    registers: {driver.registers_are}; threads: {driver.threads_are}; spills: instructions that spill"
            f"{':that fill' if 'fills' in driver.names else ''}; scratch: bytes per invocation"
        )
        lines.append(f"    per weight: {driver.issues} in the main loop; of prompts per weight and token")
    return "\n".join([*lines, "", *aligned(cells)])


def _statistics(collections):
    return (p.stats for c in collections for p in c.pipelines)


def _cells(row):
    if row.event == "died":
        return [row.name, f"no program: {row.why}", *[""] * 6, seconds(row)]
    f = row.figures
    return [
        row.name,
        cell(f.registers),
        cell(f.threads),
        spilled(f),
        cell(f.scratch or None),
        cell(f.instructions),
        per_weight(row),
        cell(row.subgroup),
        seconds(row),
    ]
