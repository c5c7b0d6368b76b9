"""Medians over rounds, and ratios of runs that lay beside each other in time."""

import statistics


def spread(values):
    """{"median", "min", "max", "rounds"} of one figure of one program, one value a round."""
    return {"median": statistics.median(values), "min": min(values), "max": max(values), "rounds": list(values)}


def ratio(ours, theirs, seconds=False):
    """How many times as fast ours is, round by round, and of those the spread: what slows both in one round cancels out.
    The values are speeds, or `seconds`."""
    if len(ours) != len(theirs) or not ours:
        raise ValueError(f"{len(ours)} rounds against {len(theirs)}")
    return spread([b / a if seconds else a / b for a, b in zip(ours, theirs)])


def strongest(results, names, seconds=False):
    """The name with the best median, or None; `results` is {name: spread}."""
    best = min if seconds else max
    return best((n for n in names if n in results), key=lambda n: results[n]["median"], default=None)


def digits(value):
    """Three significant digits, whole numbers in full: 0.612, 5.83, 40.1, 1375."""
    if value >= 100:
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}" if value >= 1 else f"{value:.3f}"


def cell(s, unit=""):
    text = digits(s["median"]) + unit
    if len(s["rounds"]) > 1:
        text += f" ({digits(s['min'])}-{digits(s['max'])})"
    return text


def table(rows):
    """Lines of left-aligned first and right-aligned other columns; a row None is a rule."""
    widths = [max(len(row[i]) for row in rows if row) for i in range(len(next(row for row in rows if row)))]
    lines = []
    for row in rows:
        if row is None:
            lines.append("-" * (sum(widths) + 2 * (len(widths) - 1)))
        else:
            lines.append("  ".join([row[0].ljust(widths[0])] + [c.rjust(w) for c, w in zip(row[1:], widths[1:])]))
    return lines
