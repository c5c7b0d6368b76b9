#!/usr/bin/env python3
"""Holds what drivers' compilers make of the kernels: check says what got worse, take records what got better.

    ratchet.py check OUT [GPU...]    compares OUT/GPU/FORMAT.jsonl with tests/compilers/expected.json; 1: something fails
    ratchet.py take OUT [GPU...]     records new and better rows, other versions and other tiles; --worse: also worse ones
    ratchet.py known GPU --driver TEXT    keys that need no compiling: recorded with this version of the driver

Compared are rows of the same versions of driver and glslang: instructions or registers over 3 % more, or a new spill, fail.
Always: nothing spills but the exceptions named in expected.json (sampling kernels, two at most), and of published shapes what
it names as a shortfall of a GPU ("shape_spills", no more than recorded); no pipeline takes over 10 s of CPU to compile, 60 s
under emulation; a session opens on every device that reports Vulkan 1.1.
SPDX-License-Identifier: Apache-2.0
"""

import argparse
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from compilers import expected, records, rows, rules  # noqa: E402


def parse(arguments=None):
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument(
        "--expected",
        type=pathlib.Path,
        default=expected.PATH,
        help="the file; tests/compilers/expected.json if not given",
    )
    commands = p.add_subparsers(dest="command", required=True)
    for name in ("check", "take"):
        c = commands.add_parser(name)
        c.add_argument("out", type=pathlib.Path, help="the folder with GPU/FORMAT.jsonl")
        c.add_argument("gpu", nargs="*", help="folders in it; all recorded and all there, if none is named")
        c.add_argument("--glslang", help="the version that compiled the shaders, where the files do not say")
        if name == "check":
            c.add_argument("--quiet", action="store_true", help="only what fails")
        else:
            c.add_argument("--worse", action="store_true", help="takes worse rows, too")
    c = commands.add_parser("known")
    c.add_argument("gpu")
    c.add_argument("--driver", required=True, help='as the report has it, e.g. "radv Mesa 22.3.6"')
    return p.parse_args(arguments)


class Gpu:
    """What was collected of a GPU, and the versions that made it."""

    def __init__(self, out, name, data, glslang):
        self.name = name
        self.collections = records.read_gpu(out, name)
        with_device = [c for c in self.collections if c.device] or self.collections
        self.device, self.driver, self.emulated = with_device[0].device, with_device[0].driver, with_device[0].emulated
        version = self.device.get("glslang") or glslang
        if not version:
            raise expected.ExpectedError(f"{name}: its device line names no glslang; --glslang VERSION does")
        self.versions = (self.driver, version)
        self.recorded = expected.by_key(data, name, self.driver)
        self.rows = rows.gather(self.collections, self.recorded)

    def entries(self, data):
        """What is recorded of this GPU, and the shapes and formats collected."""
        shapes = {c.shape for c in self.collections}
        formats = {c.format.lower() for c in self.collections if not c.shape} | {rows.ANY}
        of_gpu = [e for e in data["rows"] if e["gpu"] == self.name and e.get("shape", "") in shapes]
        return [e for e in of_gpu if "shape" in e or e["format"] in formats]


def check_gpu(gpu, data):
    found = [finding for c in gpu.collections for finding in rules.of_session(c)]
    recorded, seen = expected.by_identity(data), set()
    entries = gpu.entries(data)
    comparable = any(expected.versions(e) == gpu.versions for e in entries)
    shapes = {e.get("shape", "") for e in entries}
    for row in gpu.rows:
        seen.add(row.identity)
        found += rules.of_row(row, data, gpu.emulated)
        entry = recorded.get(row.identity)
        if row.event == "known" and row.key not in gpu.recorded:
            found.append(
                rules.fail(f"{rules.named(row)}: left out as known, and {row.key} is not recorded with {gpu.driver}")
            )
        elif entry:
            found += rules.of_comparison(row, entry, gpu.versions)
        elif row.shape in shapes:
            tell = rules.fail if comparable else rules.note
            found.append(tell(f"{rules.named(row)}: not recorded; ratchet.py take records it"))
    for shape in dict.fromkeys(row.shape for row in gpu.rows if row.shape not in shapes):
        n_kernels = sum(row.shape == shape for row in gpu.rows)
        found.append(
            rules.note(
                f"{gpu.name}: nothing is recorded{f' of {shape}' if shape else ''}; ratchet.py take records its "
                f"{n_kernels} kernels"
            )
        )
    complete = all(c.complete for c in gpu.collections)
    for entry in entries:
        if expected.identity(entry) not in seen and complete:
            tell = rules.fail if expected.versions(entry) == gpu.versions else rules.note
            found.append(
                tell(f"{entry['gpu']}: {expected.name(entry)}: recorded and no longer compiled; ratchet.py take drops it")
            )
    return found


def check(a, data):
    found = rules.of_exceptions(data)
    for name in names_of(a, data):
        found += check_gpu(Gpu(a.out, name, data, a.glslang), data)
    for finding in found:
        if finding.fails or not a.quiet:
            print(f"{'FAILS' if finding.fails else 'note '}  {finding.text}")
    n_failed = sum(finding.fails for finding in found)
    print(f"{len(names_of(a, data))} GPUs: {n_failed} failures, {len(found) - n_failed} notes")
    return 1 if n_failed else 0


def take_gpu(gpu, data, and_worse):
    """Changes data; the lines that say what."""
    recorded, said = expected.by_identity(data), []
    kept = {expected.identity(e): e for e in gpu.entries(data)}
    complete = all(c.complete for c in gpu.collections)
    taken = {} if complete else dict(kept)
    for row in gpu.rows:
        entry = recorded.get(row.identity)
        new = expected.entry_of(row, *gpu.versions)
        if row.event != "pipeline":
            if entry:
                taken[row.identity] = entry
            continue
        comparable = entry and expected.versions(entry) == gpu.versions
        if not comparable or and_worse or rules.is_better_or_equal(row, entry):
            same = comparable and {**new, "seconds": 0} == {**entry, "seconds": 0}  # seconds are another machine's
            taken[row.identity] = entry if same else new
            if not same:
                said.append(f"{'new' if not entry else 'taken'}    {rules.named(row)}")
        else:
            taken[row.identity] = entry
            said.append(f"NOT taken  {rules.named(row)}: " + (", ".join(rules.worse(row, entry)) or "a little worse"))
    said += [f"dropped  {gpu.name}: {expected.name(e)}" for name, e in kept.items() if name not in taken]
    data["rows"] = [e for e in data["rows"] if expected.identity(e) not in kept and expected.identity(e) not in taken]
    data["rows"] += taken.values()
    data["gpus"] = [e for e in data["gpus"] if e["gpu"] != gpu.name] + [
        {
            "gpu": gpu.name,
            "device": gpu.device.get("name", ""),
            "api": gpu.device.get("api_version", ""),
            "emulated": gpu.emulated,
            **dict(zip(expected.VERSIONS, gpu.versions)),
        }
    ]
    return said


def take(a, data):
    for name in names_of(a, data):
        print("\n".join(take_gpu(Gpu(a.out, name, data, a.glslang), data, a.worse) or [f"nothing new  {name}"]))
    expected.save(data, a.expected)
    return 0


def names_of(a, data):
    """The GPUs named; else all that are recorded or collected."""
    there = {path.parent.name for path in a.out.glob("*/*.jsonl")}
    return a.gpu or sorted(there | {entry["gpu"] for entry in data["gpus"]})


def main(arguments=None):
    a = parse(arguments)
    try:
        data = expected.load(a.expected)
        if a.command == "known":
            print("".join(key + "\n" for key in sorted(expected.by_key(data, a.gpu, a.driver))), end="")
            return 0
        return check(a, data) if a.command == "check" else take(a, data)
    except (records.RecordError, expected.ExpectedError) as e:
        print(f"ratchet: {e}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
