#!/usr/bin/env python3
"""Frequencies of RoPE-ID for a head size and a training length: prints them, or writes them into a GGUF file.

RoPE-ID (Wertheimer et al. 2026, arXiv:2603.18017) rotates half of a head's channels, the fastest pair once in 32
positions, the slowest twice in the training length; the rest does not rotate. The file says so with
gyre.rotary.inv_freq, one entry for every pair of the head, and gyre.attention.temperature.*.

Assumed, where the paper is open or its details could not be read:
  - the periods are even on a logarithmic scale with both ends in it: 32 (T / 64)^(i / (n - 1)), n = head size / 4
  - the n pairs that rotate are the first. With pairing `half` they are the first and the third quarter of the head, as
    the paper has it; with `interleaved`, which complex projections need, the first half of the channels
  - the temperature is YaRN's with the length for the factor: logits x (1 + 0.1 ln max(1, L / T))^2, L = position + 1
A model that was trained otherwise must bring its own numbers.
"""

import argparse
import json
import math
import os
import pathlib
import struct
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from common.gguf_reader import GGUFError, GGUFFile  # noqa: E402
from common.gguf_writer import ALIGNMENT, GGUFWriter  # noqa: E402

FASTEST_PERIOD = 32.0  # positions
SLOWEST_TURNS = 2.0  # in the training length
COEFFICIENT, POWER = 0.1, 2.0


def rope_id_inv_freq(head_size, train_length):
    """head_size / 2 floats, radians per position: head_size / 4 that rotate, then as many zeros."""
    if head_size < 4 or head_size % 4:
        raise ValueError(f"head size {head_size}: expected a multiple of 4, for a head has quarters")
    ratio = train_length / SLOWEST_TURNS / FASTEST_PERIOD
    if ratio < 1:
        raise ValueError(f"training length {train_length}: expected at least {SLOWEST_TURNS * FASTEST_PERIOD:.0f}")
    n = head_size // 4
    periods = [FASTEST_PERIOD * ratio ** (i / (n - 1) if n > 1 else 0.0) for i in range(n)]
    return [2 * math.pi / period for period in periods] + [0.0] * n


def metadata_pairs(head_size, train_length, *, coefficient=COEFFICIENT, power=POWER):
    """(key, type, value) for GGUFWriter.add_all; no temperature where the coefficient is 0."""
    pairs = [("gyre.rotary.inv_freq", "[f32]", rope_id_inv_freq(head_size, train_length))]
    if coefficient:
        prefix = "gyre.attention.temperature."
        pairs += [(prefix + "coefficient", "f32", coefficient), (prefix + "power", "f32", power),
                  (prefix + "train_length", "u32", train_length)]
    return pairs


def head_size_of(metadata):
    arch = metadata["general.architecture"]
    return metadata[f"{arch}.embedding_length"] // metadata[f"{arch}.attention.head_count"]


class _Cursor:
    """Steps over the parts of a GGUF header without looking at what they say."""

    _SIZES = (1, 1, 2, 2, 4, 4, 4, 1, None, None, 8, 8, 8)  # by type number; 8 is a string, 9 an array

    def __init__(self, data, at):
        self.data, self.at = data, at

    def number(self, code):
        (value,) = struct.unpack_from("<" + code, self.data, self.at)
        self.at += struct.calcsize("<" + code)
        return value

    def string(self):
        length = self.number("Q")
        self.at += length
        return self.data[self.at - length : self.at].decode("utf-8")

    def skip_value(self, kind):
        if kind == 8:
            self.string()
        elif kind == 9:
            inner = self.number("I")
            for _ in range(self.number("Q")):
                self.skip_value(inner)
        else:
            self.at += self._SIZES[kind]

    def skip_tensor(self):
        self.string()
        n_dims = self.number("I")
        self.at += 8 * n_dims + 12  # dimensions, type, offset


def write_into(source, target, pairs):
    """Copies a GGUF file with these pairs instead of what it says under their keys. Tensors are not touched."""
    file = GGUFFile(source)  # refuses what is no GGUF file
    if file.metadata.get("general.alignment", ALIGNMENT) != ALIGNMENT:
        raise GGUFError(f"{source}: general.alignment is not {ALIGNMENT}")
    added = GGUFWriter(target)
    added.add_all(pairs)
    data = pathlib.Path(source).read_bytes()
    cursor, kept = _Cursor(data, 24), []
    for _ in file.metadata:
        start, key = cursor.at, cursor.string()
        cursor.skip_value(cursor.number("I"))
        if key not in added.names:
            kept.append(data[start : cursor.at])
    start = cursor.at
    for _ in file.shapes:
        cursor.skip_tensor()
    header = struct.pack("<IQQ", 3, len(file.shapes), len(kept) + len(added.pairs))
    head = b"".join((b"GGUF", header, *kept, *added.pairs, data[start : cursor.at]))
    temporary = f"{target}.tmp"
    with open(temporary, "wb") as out:
        out.write(head + bytes(-len(head) % ALIGNMENT))
        out.write(data[cursor.at + -cursor.at % ALIGNMENT :])
    os.replace(temporary, target)


def parse_args(argv):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("train_length", type=int, metavar="TRAIN_LENGTH", help="positions the model was trained on")
    size = parser.add_mutually_exclusive_group(required=True)
    size.add_argument("--head-size", type=int, help="channels of a head: print the frequencies")
    size.add_argument("--gguf", nargs=2, type=pathlib.Path, metavar=("IN", "OUT"),
                      help="copy a model, whose head size is taken, with the frequencies and the temperature in it")
    parser.add_argument("--coefficient", type=float, default=COEFFICIENT, help="of the temperature (0.1); 0: none")
    parser.add_argument("--power", type=float, default=POWER, help="of the temperature (default 2)")
    parser.add_argument("--json", action="store_true", help="print the metadata pairs as a JSON object")
    return parser, parser.parse_args(argv)


def main(argv=None):
    parser, args = parse_args(argv)
    try:
        head_size = args.head_size or head_size_of(GGUFFile(args.gguf[0]).metadata)
        pairs = metadata_pairs(head_size, args.train_length, coefficient=args.coefficient, power=args.power)
        if args.gguf:
            write_into(*args.gguf, pairs)
    except (GGUFError, ValueError, KeyError, OSError) as error:
        parser.exit(1, f"rope_id.py: {error}\n")
    if args.json:
        print(json.dumps({key: value for key, _, value in pairs}))
    elif not args.gguf:
        for i, w in enumerate(pairs[0][2]):
            period = f"period {2 * math.pi / w:.6g}" if w else "does not rotate"
            print(f"pair {i:3d}  {w:.9g} radians/position  {period}")


if __name__ == "__main__":
    main()
