"""Writes cases/: one JSON of cases and one binary of expected results a system. The same bytes on every run.

SPDX-License-Identifier: Apache-2.0

usage: generate.py [--out FOLDER] [--check]    --check: compares with what is there instead of writing

Formats and reasons: docs/conformance.md.
"""

import argparse
import json
import math
import sys
import zlib
from pathlib import Path

import numpy as np

import inputs
import model_keys
import oracle
from rules import base_keys
from systems import SYSTEMS
from tolerance import tolerance

FORMAT = 1


def weight_scale(n_embd):
    """A power of two: queries and keys of deviation near 1.5, so that softmax prefers some keys and forgets none."""
    return 2.0 ** round(math.log2(4.5 / math.sqrt(n_embd)))


def generated_arrays(shape, extra, n_embd):
    """Name, shape and scale of the seeded arrays, in the order in which they are drawn."""
    rows = (shape.n_head + 2 * shape.n_head_kv) * shape.head_dim
    scale = weight_scale(n_embd)
    arrays = [("x", [shape.n_tokens, n_embd], 1.0)]
    if extra.complex:
        for part in ("re", "im"):
            arrays.append((f"blk.0.attn_qkv.{part}.weight", [rows // 2, n_embd // 2], scale))
    else:
        arrays.append(("blk.0.attn_qkv.weight", [rows, n_embd], scale))
    if extra.bias:
        arrays.append(("blk.0.attn_qkv.bias", [rows], 0.5))
    if extra.sink_logits:
        arrays.append(("blk.0.attn_sinks.weight", [shape.n_head], 2.0))
    return [{"name": name, "shape": dims, "scale": scale} for name, dims, scale in arrays]


def number_of(name):
    """From a name, so that a new system changes no other."""
    return zlib.crc32(name.encode())


def case_of(system, shape):
    extra = system.extra(shape)
    keys = {**base_keys(shape), **extra.keys}
    n_ctx = extra.n_ctx or keys["ARCH.context_length"]
    keys["ARCH.context_length"] = max(n_ctx, keys["ARCH.context_length"])
    metadata = {key.replace("ARCH", keys["general.architecture"]): value for key, value in keys.items()}
    return {
        "name": f"{system.name}_{shape.index}",
        "seed": number_of(f"{system.name}_{shape.index}"),
        "n_tokens": shape.n_tokens,
        "first_position": shape.first_position,
        "n_ctx": n_ctx,
        "cache": shape.cache,
        "metadata": metadata,
        "tensors": extra.tensors,
        "generated": generated_arrays(shape, extra, shape.n_head * shape.head_dim),
    }


def block_inputs(case):
    """block, x, weight, bias, positions, sinks: the arguments of oracle.attention_block."""
    arrays = inputs.arrays_of(case)
    weight = arrays.get("blk.0.attn_qkv.weight")
    if weight is None:
        weight = oracle.complex_as_dense(arrays["blk.0.attn_qkv.re.weight"], arrays["blk.0.attn_qkv.im.weight"])
    bias = arrays.get("blk.0.attn_qkv.bias", np.zeros(1))
    positions = range(case["first_position"], case["first_position"] + case["n_tokens"])
    block = model_keys.block_of(case["metadata"], case["tensors"], case["n_ctx"])
    block.decay_origin = case["first_position"] + case["n_tokens"] / 2
    return block, arrays["x"], weight, bias, positions, arrays.get("blk.0.attn_sinks.weight")


def round_up(value):
    """Two significant digits."""
    step = 10.0 ** (math.floor(math.log10(value)) - 1)
    return float(f"{math.ceil(value / step) * step:.1e}")


def solve(case):
    """Adds the tolerance; gives the expected result, float32 [n_tokens, n_embd]."""
    block, x, weight, bias, positions, sinks = block_inputs(case)
    expected = oracle.attention_block(block, x, weight, bias, positions, sinks)
    case["tolerance"] = round_up(tolerance(block, case["cache"], x, weight, bias, positions, sinks))
    return expected.astype("<f4")


def write_json(system, cases):
    """One case a line, so that a change of one case is a change of one line."""
    head = {"format": FORMAT, "system": system.name, "about": system.about, "expected": f"{system.name}.bin"}
    lines = [json.dumps(case, separators=(",", ":")) for case in cases]
    return json.dumps(head)[:-1] + ', "cases": [\n' + ",\n".join(lines) + "\n]}\n"


def system_files(system):
    """The two files of a system as bytes by name."""
    cases, results, offset = [], [], 0
    for shape in system.grid(number_of(system.name) % 2520):
        case = case_of(system, shape)
        expected = solve(case)
        case["offset"] = offset
        offset += expected.nbytes
        cases.append(case)
        results.append(expected.tobytes())
    files = {f"{system.name}.json": write_json(system, cases).encode(), f"{system.name}.bin": b"".join(results)}
    return files, len(cases)


def is_same(path, content):
    """Byte by byte; a result may differ in the last place, which another C library or BLAS can bring about."""
    there = path.read_bytes()
    if there == content or path.suffix != ".bin" or len(there) != len(content):
        return there == content
    found, wanted = np.frombuffer(there, "<f4"), np.frombuffer(content, "<f4")
    n_last_place = int(np.count_nonzero(found != wanted))
    print(f"{path.name}: {n_last_place} results are not the same bits")
    return bool(np.all(np.abs(found - wanted) <= np.spacing(np.abs(wanted))))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "cases")
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    options.out.mkdir(exist_ok=True)
    n_cases, n_bytes, names, different = 0, 0, set(), []
    for system in SYSTEMS:
        files, count = system_files(system)
        n_cases += count
        for name, content in files.items():
            path = options.out / name
            names.add(name)
            n_bytes += len(content)
            if not options.check:
                path.write_bytes(content)
            elif not path.exists() or not is_same(path, content):
                different.append(name)
    stray = sorted({path.name for path in options.out.iterdir()} - names)
    print(f"{len(SYSTEMS)} systems, {n_cases} cases, {n_bytes / 1e6:.2f} MB")
    for name in different:
        print(f"{name}: differs from what the generator writes", file=sys.stderr)
    for name in stray:
        print(f"{name}: no system of this name", file=sys.stderr)
    return 1 if different or stray else 0


if __name__ == "__main__":
    sys.exit(main())
