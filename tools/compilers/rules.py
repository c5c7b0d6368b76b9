"""What the ratchet holds against a kernel: rules that always hold, and the figures recorded last.

SPDX-License-Identifier: Apache-2.0
"""

import dataclasses

from compilers import expected, kernels, records

WORSE = 1.03  # a compiler's small changes of order move a figure by a percent or two
COMPARED = ("instructions", "registers")
SECONDS = 10  # of CPU per pipeline: a session opens with sixteen, while its user waits
EMULATED_SECONDS = 60  # a driver for ARM through qemu, several times as long
MAX_EXCEPTIONS = 2  # kernels


@dataclasses.dataclass(frozen=True)
class Finding:
    fails: bool
    text: str


def fail(text):
    return Finding(True, text)


def note(text):
    return Finding(False, text)


def named(row):
    return f"{row.gpu}: {row.name}"


def of_exceptions(data):
    """Whether the named exceptions are ones that may be made."""
    found = []
    names = [entry.get("kernel", "?") for entry in data["exceptions"]]
    if len(names) > MAX_EXCEPTIONS:
        found.append(fail(f"exceptions: {len(names)} are named, {MAX_EXCEPTIONS} at most may be"))
    for entry, name in zip(data["exceptions"], names):
        if kernels.kernel_of(name, {}).kind != kernels.SAMPLING:
            found.append(fail(f"exceptions: {name} is no sampling kernel; only those may spill"))
        elif not entry.get("why"):
            found.append(fail(f'exceptions: {name} has no reason ("why")'))
    for entry in data.get("shape_spills", []):
        found += [fail(f"shape_spills: {name} is of GPT-2's shape; nothing of it may spill")
                  for name in entry["kernels"] if ": " not in name]
        if not entry.get("why"):
            found.append(fail(f'shape_spills: {", ".join(entry["kernels"])}: no reason ("why")'))
    return found


def may_spill(row, data):
    """Whether it is a named exception, or of a published shape and recorded as a shortfall of that GPU."""
    return row.kernel in {entry["kernel"] for entry in data["exceptions"]} or any(
        row.gpu in entry["gpus"] and row.name in entry["kernels"] for entry in data.get("shape_spills", [])
    )


def of_session(collection):
    """Whether a session opened on the device with this weight format."""
    what = f"{collection.gpu}: {collection.format}"
    if not collection.device:
        return [fail(f"{what}: no device: {collection.why}")]
    if collection.api < records.MIN_API:
        return [note(f"{what}: reports Vulkan {collection.device.get('api_version')} and is refused")]
    if not collection.opened:
        return [fail(f"{what}: no session opened: {collection.why or 'the run was cut off'}")]
    return []


def of_row(row, data, emulated):
    """The rules that hold whatever was recorded."""
    found = []
    if row.event == "died":
        found.append(fail(f"{named(row)}: the compiler gave no program: {row.why}"))
    if row.figures.leaves_registers:
        f = row.figures
        what = f"{f.spills or 0} spills, {f.fills or 0} fills, {f.scratch or 0} bytes of scratch"
        if may_spill(row, data):
            found.append(note(f"{named(row)}: spills and may: {what}"))
        else:
            found.append(fail(f"{named(row)}: {row.kind} spills: {what}"))
    limit = row.limit or (EMULATED_SECONDS if emulated else SECONDS)
    if row.seconds is not None and row.seconds > limit:
        found.append(
            fail(
                f"{named(row)}: {row.seconds:.1f} s of CPU to compile, {limit:.0f} at most"
                f"{' under emulation' if emulated else ''}"
            )
        )
    return found


def worse(row, entry):
    """What is worse than recorded: words, one each."""
    found = []
    for name in COMPARED:
        now, before = getattr(row.figures, name), entry.get(name)
        if now is not None and before is not None and now > WORSE * before:
            found.append(f"{name} {before} -> {now} (+{100 * (now / before - 1):.1f} %)")
    for name in ("spills", "fills", "scratch"):
        now, before = getattr(row.figures, name) or 0, entry.get(name) or 0
        if now > before:
            found.append(f"{name} {before} -> {now}")
    return found


def is_better_or_equal(row, entry):
    """Whether no figure that is compared rose."""
    names = (*COMPARED, "spills", "fills", "scratch")
    return all((getattr(row.figures, name) or 0) <= (entry.get(name) or 0) for name in names)


def of_comparison(row, entry, versions):
    """A row against its entry; versions: (driver, glslang) of the row."""
    if row.event == "died":
        return []
    changes = ", ".join(worse(row, entry))
    if expected.versions(entry) == versions:
        return [fail(f"{named(row)}: worse than recorded: {changes}")] if changes else []
    was, now = " and glslang ".join(expected.versions(entry)), " and glslang ".join(versions)
    return [note(f"{named(row)}: not compared, recorded with {was}, now {now}{': ' + changes if changes else ''}")]
