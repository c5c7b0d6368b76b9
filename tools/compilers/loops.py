"""The main loop of a product, and what a weight costs in it.

**The main loop** is the loop with the most products of floats; of loops with equally many the shortest, which is the
innermost. A loop is what lies between a jump back and where it goes, since most compilers lay loops out in one piece; where
the text names the blocks that control comes from, it is what leads from the loop's head to that jump.

**Weights per iteration.** The loop of lib/product_loop.glsl runs once for every step of a weight format, and an invocation takes
that many elements of each of its rows: weights = ROWS x elements per step, each multiplied with TOKENS numbers. That the
compiler has left the loop so is not taken for granted: the products that its text really has are divided by
weights x TOKENS. The ratio lies between 1 and 2 where an iteration is a step, because the products with scales and with the
places of nibbles come on top and are fewer than those with weights. So the number of steps per iteration is the power of two
at or just below the ratio: 2 or 4 where shader or compiler take several steps at once. Where the shader takes 4, what is
left over passes through a loop of one step beside it, which has fewer products and is not looked at.

**Loops over blocks.** A kernel that was specialized as ROLLED has a loop inside the step, once around for each block of
elements that share a scale. How often it runs is then known: an iteration of the main loop is one of the loop over steps, and
what lies in the loop over blocks counts as often as that runs. Which two loops these are, the products tell: an innermost
loop with at least a block's, but not a step's; around it, with no other loop inside, one with less than a block's besides,
namely those of a step's scales or none. Where the compiler takes some of a step's blocks in one piece, the loop over the
others runs less often by as much; where it takes all, nothing is left of that loop, and counting is as in any other kernel.
What stands below the loop's exit is not issued the last time, but counted: a few slots in the texts of the tests.

Below a ratio of 1, or where the main loop holds loops that the constants do not explain, the compiler has left loops inside
the step: **rolled**, and what it issues per weight is not in the text.

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
    instructions: int  # of an iteration: those of a loop over blocks as often as it runs
    slots: int  # that they take
    multiplies: int
    kinds: dict  # {"load": 12, ...}: instructions
    nested: bool  # holds another loop, whose iterations are not known: it counts once


def main_loop(program, kernel=None):
    """The Loop with the most multiplies, loops over the kernel's blocks included; None: nothing multiplies in a loop."""
    best = max(program.loops, key=lambda loop: (_multiplies(program, loop), -len(loop)), default=frozenset())
    if _multiplies(program, best) == 0:
        return None
    blocks = _loop_over_blocks(program, best, kernel) if kernel else None
    outer, inner, runs = blocks or (best, frozenset(), 1)
    body = [program.instructions[i] for i in outer for _ in range(runs if i in inner else 1)]
    kinds = dict(sorted(collections.Counter(i.kind for i in body).items()))
    nested = not blocks and any(loop < best for loop in program.loops)
    return Loop(len(body), sum(i.slots for i in body), sum(i.multiplies for i in body), kinds, nested)


def _multiplies(program, loop):
    return sum(program.instructions[i].multiplies for i in loop)


def _loop_over_blocks(program, best, kernel):
    """(the loop over steps, the loop over blocks inside it, how often that runs); None: the kernel's constants ask for no
    such loop, or do not explain those around and inside the one with the most multiplies."""
    if kernel.blocks == 1:
        return None
    # Innermost: of several inside, the others fail below.
    inner = min((loop for loop in program.loops if loop < best), key=len, default=best)
    outer = min((loop for loop in program.loops if inner < loop), key=len, default=None)
    if outer is None or best not in (inner, outer) or sum(loop < outer for loop in program.loops) != 1:
        return None
    block = SLACK * kernel.multiplies / kernel.blocks
    inside = _multiplies(program, inner)
    if inside < block or _multiplies(program, outer) - inside >= block:
        return None
    at_once = 2 ** math.floor(math.log2(inside / block))
    return (outer, inner, kernel.blocks // at_once) if at_once < kernel.blocks else None


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
    """Whether loops are left inside a step that are not counted."""
    steps = steps_per_iteration(loop, kernel)
    return steps is not None and (loop.nested or steps < 1)


def loop_of(driver_name, text, kernel):
    """The main Loop of a kernel's assembly text; None: there is no text, nobody reads it, or nothing in it loops."""
    program = assembly.parse(driver_name, text) if text else None
    return main_loop(program, kernel) if program else None
