#!/usr/bin/env python3
"""Gives the shipped model a chat template, so that what makes conversations can be tried without a download.

SPDX-License-Identifier: Apache-2.0

usage: chat_model.py MODEL.gguf CHAT_MODEL.gguf

The model was not trained for it: it writes on with a story whatever is said. It never ends an answer by itself.
"""

import struct
import sys
from pathlib import Path

HEAD = 24  # magic, version, number of tensors, number of pairs
STRING = 8  # the type of a value
TEMPLATE = ("{% for m in messages %}{{ eos_token }}{{ m.content | trim }}{% endfor %}"
            "{% if add_generation_prompt %}{{ eos_token }}Once{% endif %}")


def string(data: bytes) -> bytes:
    return struct.pack("<Q", len(data)) + data


def with_template(model: bytes, template: str) -> bytes:
    """One more pair at the beginning, which a comment fills up to a multiple of 32: the weights stay aligned."""
    def pair(filler: int) -> bytes:
        text = template + "{#" + filler * " " + "#}"
        return string(b"tokenizer.chat_template") + struct.pack("<I", STRING) + string(text.encode())

    n_pairs = struct.unpack_from("<Q", model, HEAD - 8)[0]
    return model[:HEAD - 8] + struct.pack("<Q", n_pairs + 1) + pair(-len(pair(0)) % 32) + model[HEAD:]


if __name__ == "__main__":
    source, target = map(Path, sys.argv[1:])
    target.write_bytes(with_template(source.read_bytes(), TEMPLATE))
