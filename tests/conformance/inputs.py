"""Inputs of a case from its seed: integers and exact float operations only, so that every machine has the same bits.

SPDX-License-Identifier: Apache-2.0
"""

import math

import numpy as np

MASK = (1 << 64) - 1
GAMMA = 0x9E3779B97F4A7C15


def splitmix64(seed, count):
    """The first count outputs of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014) as uint64."""
    with np.errstate(over="ignore"):
        z = np.uint64(seed & MASK) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(GAMMA)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


def uniform(bits):
    """The top 21 bits as a multiple of 2^-20 in [-1, 1): exact in float32."""
    return ((bits >> np.uint64(43)).astype(np.int64) - (1 << 20)) * 2.0**-20


def arrays_of(case):
    """name -> float64 array, drawn in the order of the list; scales are powers of two."""
    counts = [math.prod(item["shape"]) for item in case["generated"]]
    numbers = uniform(splitmix64(case["seed"], sum(counts)))
    result, at = {}, 0
    for item, count in zip(case["generated"], counts):
        result[item["name"]] = numbers[at : at + count].reshape(item["shape"]) * item["scale"]
        at += count
    return result
