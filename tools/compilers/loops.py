"""The main loop of a product, and what a weight costs in it.

**The main loop** is the loop with the most products of floats; of loops with equally many the shortest, which is the
innermost. A loop is what lies between a jump back and where it goes: all these compilers lay loops out in one piece.

**Weights per iteration.** The loop of lib/multiply.glsl runs once for every step of a weight format, and an invocation takes
that many elements of each of its rows: weights = ROWS x elements per step, each multiplied with TOKENS numbers. That the
compiler has left the loop so is not taken for granted: the products that its text really has are divided by
weights x TOKENS. The ratio lies between 1 and 2 where an iteration is a step, because the products with scales and with the
places of nibbles come on top and are fewer than those with weights. So the number of steps per iteration is the power of two
at or just below the ratio: 2 or 4 where shader or compiler take several steps at once, 1/2 where a loop inside the step was
left rolled.

**Issue slots per weight** (and, for prompts, per token) = slots that a subgroup issues in an iteration / (steps x weights x
TOKENS) of ONE of its invocations. Everything that is issued counts: loads, address arithmetic, waits that take a slot. A
subgroup of 64 and one of 8 do different amounts of work with one instruction: compare a GPU with itself.
SPDX-License-Identifier: Apache-2.0
"""

import dataclasses
import math

from compilers import assembly

SLACK = 0.98  # of a step: some compilers drop a product with 1


@dataclasses.dataclass(frozen=True)
class Loop:
    instructions: int  # in its text
    slots: int         # that they take
    multiplies: int
    kinds: dict        # {"load": 12, ...}: instructions
    nested: bool       # holds another loop, whose iterations are not known: it counts once


def loops_of(program):
    """(first, last) of every loop, indices of instructions; jumps to one place make one loop."""
    ends = {}
    for at, to in program.jumps:
        if to <= at:
            ends[to] = max(at, ends.get(to, at))
    return sorted(ends.items())


def main_loop(program):
    """The Loop with the most multiplies; None: nothing multiplies in a loop."""
    spans = loops_of(program)
    best = max(spans, key=lambda s: (_multiplies(program, s), s[0] - s[1]), default=None)
    if best is None or _multiplies(program, best) == 0:
        return None
    body = program.instructions[best[0] : best[1] + 1]
    kinds = {}
    for instruction in body:
        kinds[instruction.kind] = kinds.get(instruction.kind, 0) + 1
    nested = any(best[0] <= first and last <= best[1] and (first, last) != best for first, last in spans)
    return Loop(len(body), sum(i.slots for i in body), sum(i.multiplies for i in body), kinds, nested)


def _multiplies(program, span):
    return sum(i.multiplies for i in program.instructions[span[0] : span[1] + 1])


def steps_per_iteration(loop, kernel):
    """1, 2, 4 ... or 1/2, 1/4 ...; None: not a product whose step is known."""
    if not kernel.multiplies or loop is None or not loop.multiplies:
        return None
    return 2.0 ** math.floor(math.log2(loop.multiplies / (SLACK * kernel.multiplies)))


def slots_per_weight(loop, kernel):
    """Issue slots per weight and token; None where they are not counted."""
    steps = steps_per_iteration(loop, kernel)
    return None if steps is None else loop.slots / (steps * kernel.multiplies)


def loop_of(driver_name, text):
    """The main Loop of an assembly text; None: there is no text, nobody reads it, or nothing in it loops."""
    program = assembly.parse(driver_name, text) if text else None
    return main_loop(program) if program else None
