"""tools/compilers: kernels with a loop over the blocks of a step, against figures counted by hand.

SPDX-License-Identifier: Apache-2.0
"""

import pathlib
import sys
import unittest
from unittest import mock

TOOLS = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TOOLS))
from compilers import assembly, heat_map, interface, kernels, loops, records, rows, table  # noqa: E402

ROLLED = TOOLS.parent / "tests/compilers/rolled"
EXAMPLES = TOOLS.parent / "tests/compilers/examples"  # of kernels without such a loop
# Products of 1 row by 1 token, specialized as rolled, as the drivers compile them. Counted by hand in the texts, line by
# line: of the loop over steps what lies outside the loop over blocks, and that one. For Qualcomm slots are more than
# instructions: repetitions and waits; for Broadcom a load in the same line as a product is none. Products of a block: Q8_0
# has 32 and one with the scale; Q4_K also 24 with places and one with the minimum, and outside 4 of scales with factors;
# Q6_K 16 and 2 with the scale, and outside one.
#   name, format: blocks a step, (instructions, slots, products, loads) outside, the same inside
BY_HAND = {
    ("radv", "q8_0"): (2, (30, 30, 0, 3), (104, 104, 33, 10)),
    ("turnip", "q8_0"): (2, (28, 37, 0, 1), (169, 193, 33, 10)),
    ("v3dv", "q8_0"): (2, (19, 19, 0, 1), (143, 143, 33, 37)),
    ("panvk", "q8_0"): (2, (25, 25, 0, 1), (104, 104, 33, 10)),
    ("panvk-bifrost", "q8_0"): (2, (29, 29, 0, 2), (128, 128, 33, 11)),
    ("anv", "q8_0"): (2, (30, 30, 0, 1), (105, 105, 33, 10)),
    ("nvk", "q8_0"): (2, (25, 25, 0, 2), (154, 154, 33, 10)),
    ("turnip", "q4_k"): (2, (53, 74, 4, 1), (236, 266, 58, 10)),
    ("radv", "q6_k"): (4, (54, 54, 1, 7), (96, 96, 18, 4)),
}
LINEAR = {0: 64, 5: 1, 6: 0, 1: 4, 2: 8, 3: 1, 4: 0, 7: 0, 8: 0, 9: 1}


def examples():
    """{(driver, format): Row}"""
    found = {}
    for folder in ROLLED.iterdir():
        for row in rows.gather(records.read_gpu(ROLLED, folder.name)):
            found[folder.name, row.format] = row
    return found


def program(kinds, *back):
    """A Program of "*", which multiplies, and others; jumps back are (from, to)."""
    one = {"*": assembly.Instruction(assembly.MULTIPLY, 1)}
    other = assembly.Instruction(assembly.OTHER)
    return assembly.Program([one.get(kind, other) for kind in kinds], assembly.between_jumps(back))


def kernel(multiplies, blocks):
    return kernels.Kernel("", kernels.PREFILL, "", "", multiplies=multiplies, blocks=blocks)


class Blocks(unittest.TestCase):
    def test_elements_that_share_a_scale(self):
        found = interface.block_elements()
        self.assertEqual({name: found[name] for name in ("q8_0", "q4_0", "q4_k", "q6_k", "q3_k", "mxfp4")},
                         {"q8_0": 32, "q4_0": 32, "q4_k": 32, "q6_k": 16, "q3_k": 16, "mxfp4": 32})
        self.assertFalse({"f32", "f16", "bf16"} & set(found))
        self.assertEqual(interface.weight_formats()["f16"], 8)
        self.assertEqual(interface.weight_formats()["q5_1"], 64)

    def test_what_the_constants_ask_for(self):
        qkv = {0: 64, 1: 2, 2: 8, 3: 1, 4: 0, 5: 0, 6: 0, 7: 0, 8: 1, 9: 0, 10: 0, 11: 2, 12: 1}
        for module, spec, blocks in (
            ("linear_q8_0", LINEAR, 2),
            ("linear_q6_k", LINEAR, 4),
            ("linear_q8_0", LINEAR | {9: 0}, 1),
            ("linear_f16", LINEAR, 1),  # nothing to roll
            ("linear_complex_q8_0", LINEAR, 1),  # not counted
            ("qkv_q4_k", qkv, 2),
            ("qkv_q4_k", qkv | {12: 0}, 1),
        ):
            self.assertEqual(kernels.kernel_of(module, spec).blocks, blocks, (module, spec))


class Texts(unittest.TestCase):
    def test_as_counted_by_hand(self):
        found = examples()
        self.assertEqual(set(found), set(BY_HAND))
        for name, (blocks, outside, inside) in BY_HAND.items():
            with self.subTest(name):
                row = found[name]
                loop = row.loop
                self.assertEqual(
                    (loop.instructions, loop.slots, loop.multiplies, loop.kinds["load"]),
                    tuple(o + blocks * i for o, i in zip(outside, inside)),
                )
                self.assertEqual((loop.nested, row.rolled), (False, False))
                self.assertEqual(row.per_weight, (outside[1] + blocks * inside[1]) / 64)

    def test_every_driver_has_an_example(self):
        self.assertEqual({path.name for path in ROLLED.iterdir()}, {path.name for path in EXAMPLES.iterdir()})

    def test_figures_are_shown(self):
        row = examples()["anv", "q8_0"]
        self.assertEqual(table.per_weight(row), "3.75")
        self.assertIn(">3.8<", heat_map.draw({"a": [row]}, ""))

    def test_amd_shortens_repetitions(self):
        found = assembly.aco("BB1:\n\ts_nop 0 ; bf80\n\t(then repeated 2 times)\n\ts_branch BB1 ; bf82\n")
        self.assertEqual((len(found.instructions), found.loops), (4, [frozenset(range(4))]))


class Loops(unittest.TestCase):
    """Programs of a step of 8 products in 2 blocks, unless it says otherwise."""

    def main_loop(self, found, of=None):
        of = of or kernel(8, 2)
        loop = loops.main_loop(found, of)
        return loop.instructions, loop.multiplies, loops.slots_per_weight(loop, of), loops.is_rolled(loop, of)

    def test_all_products_in_the_inner_loop(self):
        # 3 outside, 6 inside.
        found = program("..****...", (8, 0), (7, 2))
        self.assertEqual(self.main_loop(found), (3 + 2 * 6, 8, 15 / 8, False))

    def test_products_of_scales_outside(self):
        found = program(".*****.*.", (8, 0), (6, 2))
        self.assertEqual(self.main_loop(found), (4 + 2 * 5, 2 + 2 * 4, 14 / 8, False))

    def test_a_loop_around_both(self):
        found = program("...****....", (10, 0), (9, 1), (7, 2))
        self.assertEqual(self.main_loop(found), (3 + 2 * 6, 8, 15 / 8, False))

    def test_unrolled_in_spite_of_the_constant(self):
        self.assertEqual(self.main_loop(program("..********", (9, 0))), (10, 8, 10 / 8, False))
        # Two steps in one piece; a loop around steps that is not one over blocks.
        self.assertEqual(self.main_loop(program("." + 16 * "*", (16, 0))), (17, 16, 17 / 16, False))
        self.assertEqual(self.main_loop(program("..********.", (10, 0), (9, 1))), (9, 8, 9 / 8, False))

    def test_some_blocks_in_one_piece(self):
        # 4 blocks of 2 products, two of them at once: twice around.
        found = program(".****..", (6, 0), (5, 1))
        self.assertEqual(self.main_loop(found, kernel(8, 4)), (2 + 2 * 5, 8, 12 / 8, False))

    def test_one_block_at_a_time(self):
        found = program(".**..", (4, 0), (3, 1))
        self.assertEqual(self.main_loop(found, kernel(8, 4)), (2 + 4 * 3, 8, 14 / 8, False))

    def test_loops_that_the_constants_do_not_explain(self):
        for name, found, of in (
            ("not asked for", program("..****...", (8, 0), (7, 2)), kernel(8, 1)),
            ("a block taken out of its loop", program("****.****.", (9, 0), (8, 5)), kernel(8, 2)),
            ("a loop inside the block", program(".**...", (5, 0), (4, 1)), kernel(8, 2)),
            ("another beside it", program("...****..", (8, 0), (1, 1), (7, 2)), kernel(8, 2)),
            ("one inside it", program(".****...", (7, 0), (6, 1), (5, 5)), kernel(8, 2)),
            ("nothing around it", program(".****.", (5, 0)), kernel(8, 2)),
            ("products around both", program("..****..*.", (9, 0), (7, 1), (6, 2)), kernel(8, 2)),
        ):
            with self.subTest(name):
                self.assertEqual(self.main_loop(found, of)[2:], (None, True))

    def test_four_steps_beside_what_is_left_over(self):
        found = program("..********.**.", (9, 0), (13, 11))
        self.assertEqual(self.main_loop(found, kernel(2, 1)), (10, 8, 10 / 8, False))


if __name__ == "__main__":
    unittest.main()
