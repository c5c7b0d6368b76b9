"""The main loop of a product, and what a weight costs in it.

**The main loop** is the loop with the most products of floats; of loops with equally many the shortest, which is the
innermost. A loop is what lies between a jump back and where it goes, since most compilers lay loops out in one piece; where
the text names the blocks that control comes from, it is what leads from the loop's head to that jump.

**Weights per iteration.** The loop of lib/multiply.glsl runs once for every step of a weight format, and an invocation takes
that many elements of each of its rows: weights = ROWS x elements per step, each multiplied with TOKENS numbers. That the
compiler has left the loop so is not taken for granted: the products that its text really has are divided by
weights x TOKENS. The ratio lies between 1 and 2 where an iteration is a step, because the products with scales and with the
places of nibbles come on top and are fewer than those with weights. So the number of steps per iteration is the power of two
at or just below the ratio: 2 or 4 where shader or compiler take several steps at once. Below 1, or where the main loop holds
another one, the compiler has left loops inside the step: **rolled**, and what it issues per weight is not in the text.

**Issue slots per weight** (and, for prompts, per token) = slots that a subgroup issues in an iteration / (steps x weights x
TOKENS) of ONE of its invocations. Everything that is issued counts: loads, address arithmetic, waits that take a slot. A
subgroup of 64 and one of 8 do different amounts of work with one instruction: compare a GPU with itself.
SPDX-License-Identifier: Apache-2.0
"""

import collections
import dataclasses
import math

from compilers import assembly

SLACK = 0.98  # of a step: some compilers drop a product with 1


@dataclasses.dataclass(frozen=True)
class Loop:
    instructions: int  # in its text
    slots: int  # that they take
    multiplies: int
    kinds: dict  # {"load": 12, ...}: instructions
    nested: bool  # holds another loop, whose iterations are not known: it counts once


def main_loop(program):
    """The Loop with the most multiplies; None: nothing multiplies in a loop."""

    def multiplies(loop):
        return sum(program.instructions[i].multiplies for i in loop)

    best = max(program.loops, key=lambda loop: (multiplies(loop), -len(loop)), default=frozenset())
    if multiplies(best) == 0:
        return None
    body = [program.instructions[i] for i in best]
    kinds = dict(sorted(collections.Counter(i.kind for i in body).items()))
    nested = any(loop < best for loop in program.loops)
    return Loop(len(body), sum(i.slots for i in body), multiplies(best), kinds, nested)


def steps_per_iteration(loop, kernel):
    """1, 2, 4 ..., or 1/2, 1/4 ...; None: not a product whose step is known."""
    if not kernel.multiplies or loop is None or not loop.multiplies:
        return None
    return 2.0 ** math.floor(math.log2(loop.multiplies / (SLACK * kernel.multiplies)))


def slots_per_weight(loop, kernel):
    """Issue slots per weight and token; None where the text does not tell them."""
    steps = steps_per_iteration(loop, kernel)
    return None if steps is None or is_rolled(loop, kernel) else loop.slots / (steps * kernel.multiplies)


def is_rolled(loop, kernel):
    """Whether loops are left inside a step."""
    steps = steps_per_iteration(loop, kernel)
    return steps is not None and (loop.nested or steps < 1)


def loop_of(driver_name, text):
    """The main Loop of an assembly text; None: there is no text, nobody reads it, or nothing in it loops."""
    program = assembly.parse(driver_name, text) if text else None
    return main_loop(program) if program else None
