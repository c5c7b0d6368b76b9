"""tests/compilers/expected.json: the figures that were taken last, one line per kernel, so that a change can be read.

{"exceptions": [{"kernel", "why"}], "shape_spills": [{"gpus", "kernels", "why"}], "gpus": [{"gpu", "device", "api", "emulated", "driver", "glslang"}], "rows": [...]}. A
row holds the figures of one kernel on one GPU, its shape where that is not GPT-2's, the versions of driver and glslang that
made them where they are not the GPU's, and the key of the SPIR-V and its specialization: other versions make other
programs, and are not compared.
SPDX-License-Identifier: Apache-2.0
"""

import json
import pathlib

from compilers import rows

PATH = pathlib.Path(__file__).resolve().parents[2] / "tests/compilers/expected.json"
MAX_BYTES = 600_000  # what a reviewer's tools still show
VERSIONS = ("driver", "glslang")
SPILLS = ("spills", "fills", "scratch")
EMPTY = {"exceptions": [], "shape_spills": [], "gpus": [], "rows": []}


class ExpectedError(Exception):
    pass


def load(path=PATH):
    if not path.exists():
        return json.loads(json.dumps(EMPTY))
    try:
        data = json.loads(path.read_text())
        found, gpus = data["rows"], {gpu["gpu"]: gpu for gpu in data["gpus"]}
        for row in found:
            for name in VERSIONS:
                row.setdefault(name, gpus.get(row["gpu"], {}).get(name))
            if None in (*identity(row), *versions(row)):
                raise KeyError(", ".join(VERSIONS))
            _leave_out_no_spills(row)
    except (ValueError, KeyError, TypeError) as e:
        raise ExpectedError(f"{path}: {e!r}; git restores it, tools/compilers/ratchet.py take makes it again") from e
    return data


def save(data, path=PATH):
    """Sorted, one line an entry; of a row no version that is its GPU's."""
    gpus, parts = {gpu["gpu"]: gpu for gpu in data["gpus"]}, []
    for name in EMPTY:
        entries = [json.dumps(_without_versions(entry, gpus), separators=(", ", ": ")) for entry in data.get(name, [])]
        if name in ("gpus", "rows"):
            entries = [line for _, line in sorted(zip(map(_order, data[name]), entries))]
        parts.append(f'"{name}": [\n' + ",\n".join(entries) + "\n]")
    text = "{\n" + ",\n".join(parts) + "\n}\n"
    if len(text) > MAX_BYTES:
        raise ExpectedError(f"{path}: {len(text)} bytes, {MAX_BYTES} at most: record fewer GPUs or formats")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def _order(entry):
    return identity(entry) if "kernel" in entry else (entry["gpu"],)


def _without_versions(entry, gpus):
    if "key" not in entry:
        return entry
    gpu = gpus.get(entry["gpu"], {})
    return {name: value for name, value in entry.items() if name not in VERSIONS or gpu.get(name) != value}


def identity(entry):
    return entry["gpu"], entry.get("shape", ""), entry["format"], entry["kernel"]


def name(entry):
    """The kernel's with its shape's, as rows.Row.name."""
    return f"{entry['shape']}: {entry['kernel']}" if "shape" in entry else entry["kernel"]


def versions(entry):
    return tuple(entry[name] for name in VERSIONS)


def entry_of(row, driver, glslang):
    """What is written of a Row; what the driver does not tell is left out, and spills where there are none."""
    f = row.figures
    entry = {
        "gpu": row.gpu,
        "shape": row.shape or None,
        "format": row.format,
        "kernel": row.kernel,
        **{name: getattr(f, name) for name in rows.RECORDED},
        "per_weight": None if row.per_weight is None else round(row.per_weight, 2),
        "rolled": row.rolled or None,
        "subgroup": row.subgroup,
        "seconds": None if row.seconds is None else round(row.seconds, 2),
        "driver": driver,
        "glslang": glslang,
        "key": row.key,
    }
    entry = {name: value for name, value in entry.items() if value is not None}
    _leave_out_no_spills(entry)
    return entry


def _leave_out_no_spills(entry):
    if not any(entry.get(name) for name in SPILLS):
        for name in SPILLS:
            entry.pop(name, None)


def by_identity(data):
    return {identity(entry): entry for entry in data["rows"]}


def by_key(data, gpu, driver):
    """{key: entry} of what is recorded for a GPU with this version of its driver."""
    return {e["key"]: e for e in data["rows"] if e["gpu"] == gpu and e["driver"] == driver}
