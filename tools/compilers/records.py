"""Reads what the collecting half writes: one file of JSON lines per GPU and model, one line per pipeline.

OUT/GPU/MODEL.jsonl, of a weight format of GPT-2's shape or of another shape, holds in this order: {"event": "device"} with the driver's names and versions; for every pipeline
{"event": "pipeline"} with the driver's statistics, {"event": "died"} where its compiler crashed or was stopped, or
{"event": "known"} where it was left out because tests/compilers/expected.json has it; {"event": "end"}. A file without the
last one is of a run that was cut off.
SPDX-License-Identifier: Apache-2.0
"""

import dataclasses
import json
import pathlib

from common.published_shapes import SHAPES
from compilers import kernels

MIN_API = (1, 1)  # of Vulkan: devices that report less are refused, with a message


class RecordError(Exception):
    """Of a file that is not what it should be: one line that names it."""


@dataclasses.dataclass
class Pipeline:
    kernel: kernels.Kernel
    event: str  # "pipeline", "died" or "known"
    key: str  # of SPIR-V, specialization and subgroup flags; the same on every machine
    seconds: float | None  # of CPU
    limit: float | None  # seconds that it may take
    why: str  # event "died": what became of it
    driver: str  # the device's
    subgroup: int | None
    stats: dict
    assembly: str | None  # the driver's text


@dataclasses.dataclass
class Collection:
    """One GPU, one model: GPT-2's shape in a weight format, or another shape."""

    gpu: str
    format: str  # the model: the file's name
    device: dict
    pipelines: list
    opened: bool | None  # a session; None: the run was cut off
    why: str  # not opened: the reason, in a line

    @property
    def shape(self):
        """The name of a shape; "": GPT-2's, in one weight format."""
        return "" if self.format.lower() in kernels.interface.weight_formats() else self.format

    @property
    def driver(self):
        return " ".join(str(self.device.get(k, "")) for k in ("driver", "driver_info")).strip()

    @property
    def complete(self):
        """Whether every kernel of the session is here: also where some of them died, or the device was refused and its
        kernels compiled all the same."""
        if self.opened is None or not self.pipelines:
            return False
        return self.opened or self.api < MIN_API or any(p.event == "died" for p in self.pipelines)

    @property
    def emulated(self):
        return bool(self.device.get("emulated"))

    @property
    def api(self):
        """(1, 3): what Vulkan the device reports."""
        return tuple(int(part) for part in str(self.device.get("api_version", "0.0")).split(".")[:2])


def formats_of(out, gpu):
    """What was collected of a GPU: weight formats in the order of the interface's list, shapes in that of their table."""
    order = [*kernels.interface.weight_formats(), *SHAPES]
    found = [path.stem for path in pathlib.Path(out, gpu).glob("*.jsonl")]
    return sorted(found, key=lambda name: (order.index(name.lower()) if name.lower() in order else len(order), name))


def read(out, gpu, format_name):
    path = pathlib.Path(out, gpu, format_name + ".jsonl")
    try:
        lines = path.read_text().splitlines()
    except OSError as e:
        raise RecordError(f"{path}: {e.strerror}; scripts/compilers makes it") from e
    rows = []
    for number, line in enumerate(lines, 1):
        try:
            row = json.loads(line)
            row["event"]
        except (ValueError, KeyError, TypeError) as e:
            if number == len(lines):  # cut off while it was written
                break
            raise RecordError(f"{path}:{number}: no JSON object with an event") from e
        rows.append(row)
    devices = [row for row in rows if row["event"] == "device"]
    ends = [row for row in rows if row["event"] == "end"]
    device = devices[-1] if devices else {}
    end = ends[-1] if ends else {}
    pipelines = [_pipeline(path, row, device) for row in rows if row["event"] in ("pipeline", "died", "known")]
    return Collection(
        gpu,
        format_name,
        device,
        pipelines,
        end.get("opened") if ends else None,
        end.get("why") or end.get("message") or ("" if ends else "the run was cut off"),
    )


def _pipeline(path, row, device):
    try:
        kernel = kernels.kernel_of(row["module"], {int(k): int(v) for k, v in row["spec"].items()})
        event, why = row["event"], row.get("why", "")
        if event == "pipeline" and row.get("result", 0) != 0:
            event, why = "died", f"VkResult {row['result']}"
        executable = (row.get("executables") or [{}])[0]
        text = executable.get("assembly") or row.get("assembly")
        return Pipeline(
            kernel,
            event,
            row["key"],
            row.get("cpu_seconds"),
            row.get("limit_seconds"),
            why,
            str(device.get("driver", "")),
            executable.get("subgroup"),
            executable.get("stats", {}),
            _text(path, text),
        )
    except (KeyError, ValueError, TypeError, AttributeError) as e:
        raise RecordError(f"{path}: {row.get('event')} {row.get('module', '?')}: {e!r} is not as expected") from e


def _text(path, name):
    if not name:
        return None
    file = pathlib.Path(name) if pathlib.Path(name).is_absolute() else path.parent / name
    if not file.is_file():
        raise RecordError(f"{path} names {name}, and there is no such file")
    return file.read_bytes().replace(b"\0", b"").decode("utf-8", "replace")


def read_gpu(out, gpu):
    """All collections of a GPU."""
    formats = formats_of(out, gpu)
    if not formats:
        raise RecordError(f"{pathlib.Path(out, gpu)} holds no FORMAT.jsonl; scripts/compilers makes them")
    collections = [read(out, gpu, name) for name in formats]
    for shape in dict.fromkeys(c.shape for c in collections):  # a shape's names do not depend on which others are there
        kernels.distinct([p for c in collections if c.shape == shape for p in c.pipelines])
    return collections
