"""tools/compilers: what is read of real drivers' statistics and texts, against figures counted by hand.

SPDX-License-Identifier: Apache-2.0
"""

import pathlib
import sys
import unittest

TOOLS = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TOOLS))
from compilers import assembly, drivers, interface, kernels, loops, records, rows  # noqa: E402

EXAMPLES = TOOLS.parent / "tests/compilers/examples"
# The F16 product that adds to the residual stream, 2 rows by 1 token, 8 lanes: 16 products per iteration. Counted by hand in
# the texts: instructions from the loop's first to its jump, and for Qualcomm their repetitions and waits on top (20 slots);
# for Broadcom with the three delay slots; for Intel without sync.
#            instructions, slots, loads
BY_HAND = {
    "radv": (55, 55, 6),
    "turnip": (81, 101, 4),
    "v3dv": (67, 67, 11),
    "panvk": (60, 60, 4),
    "panvk-bifrost": (73, 73, 6),
    "anv": (64, 64, 4),
    "nvk": (59, 59, 4),
}
# registers, threads, spills, fills, bytes of scratch, instructions, subgroup; None: the driver does not tell.
TOLD = {
    "radv": (32, 32, 0, None, 0, 171, 64),
    "turnip": (8, 16, 0, 0, None, 348, 64),
    "v3dv": (None, 4, None, None, 0, 266, 16),
    "panvk": (28, 2, 0, 0, None, 234, 16),
    "panvk-bifrost": (32, 1, 0, 0, None, 234, 8),
    "anv": (63, None, 0, 0, 0, 227, 16),
    "nvk": (32, 48, 0, 0, 0, 218, 32),
}


def example(name):
    [collection] = records.read_gpu(EXAMPLES, name)
    [row] = rows.gather([collection])
    return collection, row


class Interface(unittest.TestCase):
    def test_names_come_from_the_headers(self):
        names = interface.constant_names("linear_q8_0")
        self.assertEqual(
            (names[0], names[1], names[5], names[20]),
            ("SPEC_LOCAL_SIZE", "SPEC_LINEAR_ROWS", "SPEC_LINEAR_EPILOGUE", "SPEC_COOPERATIVE_M"),
        )
        self.assertEqual(interface.constant_names("attention_streams")[9], "SPEC_ATTENTION_QUERIES")
        self.assertEqual(interface.constant_names("shift_cache")[2], "SPEC_SHIFT_ROTATE_KEYS")

    def test_lists(self):
        self.assertEqual(interface.weight_formats()["f16"], 8)
        self.assertEqual(interface.weight_formats()["q4_k"], 64)
        self.assertEqual(
            interface.epilogues(),
            {0: "Logits", 1: "Residual", 2: "Activate", 3: "ResidualNorm", 4: "Keep", 5: "Multiply"},
        )
        with self.assertRaisesRegex(ValueError, "linear.h has no NO_SUCH_LIST"):
            interface.rows_of("linear", "NO_SUCH_LIST")


class Names(unittest.TestCase):
    def test_products(self):
        linear = {0: 64, 5: 1, 6: 0, 1: 4, 2: 8, 3: 1, 4: 0, 7: 0, 8: 0}
        for module, changes, name, kind, multiplies in (
            ("linear_q8_0", {}, "q8_0 residual 4x8", kernels.PREFILL, 4 * 64 * 8),
            (
                "linear_f16",
                {5: 0, 1: 2, 2: 1, 3: 8, 4: 192, 7: 1},
                "f16 logits 2x1 8 lanes norm texels",
                kernels.DECODE,
                16,
            ),
            ("linear_q4_k", {8: 1, 0: 128}, "q4_k residual 4x8 staged of 128", kernels.PREFILL, 4 * 64 * 8),
            ("linear_complex_q8_0", {}, "q8_0 residual 4x8 complex", kernels.PREFILL, 0),
        ):
            with self.subTest(name):
                kernel = kernels.kernel_of(module, linear | changes)
                self.assertEqual((kernel.name, kernel.kind, kernel.multiplies), (name, kind, multiplies))
        qkv = kernels.kernel_of("qkv_q4_0", {0: 64, 1: 2, 2: 8, 3: 1, 4: 0, 5: 0, 6: 0, 7: 0, 8: 1, 9: 0, 10: 0, 11: 2})
        self.assertEqual((qkv.name, qkv.multiplies), ("q4_0 qkv 4x8", 4 * 64 * 8))  # 2 pairs are 4 rows

    def test_made_for_one_tile_and_matrix_units(self):
        fixed = kernels.kernel_of("linear_q8_0_8x4", {0: 4, 5: 2, 6: 0})
        self.assertEqual((fixed.name, fixed.kind, fixed.tile), ("q8_0 activate 8x4 fixed of 4", kernels.PREFILL, "8x4"))
        matrix = kernels.kernel_of(
            "linear_q4_0_cooperative", {0: 256, 5: 2, 6: 0, 20: 16, 21: 16, 22: 16, 23: 0, 1: 64, 2: 32, 7: 0}
        )
        self.assertEqual((matrix.name, matrix.multiplies), ("q4_0 activate 64x32 cooperative of 256", 0))

    def test_others(self):
        for module, spec, name, kind in (
            ("attention", {0: 64, 1: 32, 11: 4}, "attention splits 4", kernels.ATTENTION),
            ("attention_streams", {0: 64, 9: 8, 10: 1}, "attention_streams queries 8 texels", kernels.ATTENTION),
            ("sample_pick", {0: 64}, "sample_pick", kernels.SAMPLING),
            ("embed_q4_k", {0: 64}, "embed q4_k", kernels.OTHER),
            ("norm", {0: 64, 1: 1}, "norm texels", kernels.OTHER),
        ):
            kernel = kernels.kernel_of(module, spec)
            self.assertEqual((kernel.name, kernel.kind), (name, kind))

    def test_the_same_name_is_told_apart(self):
        def pipeline(key, pairing):
            return records.Pipeline(
                kernels.kernel_of("attention", {0: 64, 2: pairing, 11: 1}),
                "pipeline",
                key,
                0.1,
                None,
                "",
                "",
                64,
                {},
                None,
            )

        pipelines = [pipeline("a", 0), pipeline("b", 1), pipeline("b", 1)]
        kernels.distinct(pipelines)
        self.assertEqual(
            [p.kernel.name for p in pipelines],
            ["attention splits 1 2=0", "attention splits 1 2=1", "attention splits 1 2=1"],
        )
        pipelines = [pipeline("a", 0), pipeline("a", 0)]
        kernels.distinct(pipelines)
        self.assertEqual(pipelines[0].kernel.name, "attention splits 1")


class Drivers(unittest.TestCase):
    def test_statistics(self):
        for name, told in TOLD.items():
            with self.subTest(name):
                f, row = example(name)[1].figures, example(name)[1]
                self.assertEqual(
                    (f.registers, f.threads, f.spills, f.fills, f.scratch, f.instructions, row.subgroup), told
                )
                self.assertFalse(f.leaves_registers)

    def test_every_driver_has_an_example(self):
        names = {drivers.driver_of(example(path.name)[0].pipelines[0].stats).name for path in EXAMPLES.iterdir()}
        self.assertEqual(set(BY_HAND), {path.name for path in EXAMPLES.iterdir()})
        self.assertEqual(names, {d.name for d in drivers.DRIVERS})

    def test_both_kinds_of_spills_and_scratch_of_a_subgroup(self):
        f = drivers.figures_of({"VGPRs": 128, "Spilled VGPRs": 9, "Spilled SGPRs": 2, "Scratch size": 3072}, 64)
        self.assertEqual((f.spills, f.scratch), (11, 48))
        f = drivers.figures_of({"QPU Read Stalls": 0, "Spill Size": 5888, "TMU Spills": 5888, "TMU Fills": 5888}, 16)
        self.assertEqual((f.spills, f.fills, f.scratch), (None, None, 368))
        self.assertTrue(f.leaves_registers)

    def test_spills_and_fills_are_told_apart(self):
        for stats in (
            {"Half-registers used": 0, "STP Count": 3, "LDP Count": 5},
            {"SENDs": 1, "Spills": 3, "Fills": 5},
            {"SEND Count": 1, "Spill Count": 3, "Fill Count": 5},
            {"Load/store": 1.5, "Spills": 3, "Fills": 5},
            {"Number of GPRs": 9, "Spills to memory": 3, "Fills from memory": 5},
        ):
            f = drivers.figures_of(stats, 32)
            self.assertEqual((f.spills, f.fills), (3, 5), stats)

    def test_nobody_known(self):
        self.assertIsNone(drivers.driver_of({"Speed": 1}))
        self.assertEqual(drivers.figures_of({"Speed": 1}, 8), drivers.Figures())


class Loops(unittest.TestCase):
    def test_main_loops_as_counted_by_hand(self):
        for name, (instructions, slots, loads) in BY_HAND.items():
            with self.subTest(name):
                row = example(name)[1]
                loop = row.loop
                self.assertEqual((loop.instructions, loop.slots, loop.kinds["load"]), (instructions, slots, loads))
                self.assertEqual((loop.multiplies, loop.nested, row.rolled), (16, False, False))
                self.assertEqual(row.per_weight, slots / 16)

    def test_steps_per_iteration(self):
        # Products of an iteration, expected of a step, steps: scales and places come on top and are fewer.
        kernel = {n: kernels.Kernel("", kernels.DECODE, "", "", multiplies=n) for n in (16, 64, 128)}
        for found, of_a_step, steps in (
            (16, 16, 1),
            (132, 128, 1),
            (188, 128, 1),
            (119, 64, 1),
            (64, 16, 4),
            (32, 16, 2),
            (66, 128, 0.5),
            (127, 128, 1),
            (238, 64, 2),
        ):
            loop = loops.Loop(100, 120, found, {}, False)
            self.assertEqual(loops.steps_per_iteration(loop, kernel[of_a_step]), steps, (found, of_a_step))
            self.assertEqual(
                loops.slots_per_weight(loop, kernel[of_a_step]), None if steps < 1 else 120 / (steps * of_a_step)
            )
            self.assertEqual(loops.is_rolled(loop, kernel[of_a_step]), steps < 1)
        loop = loops.Loop(100, 120, 132, {}, True)
        self.assertEqual((loops.slots_per_weight(loop, kernel[128]), loops.is_rolled(loop, kernel[128])), (None, True))
        none = kernels.Kernel("", kernels.OTHER, "", "")
        self.assertEqual((loops.slots_per_weight(loop, none), loops.is_rolled(loop, none)), (None, False))
        self.assertIsNone(loops.slots_per_weight(None, kernel[16]))

    def program(self, kinds, jumps):
        return assembly.Program(
            [
                assembly.Instruction(assembly.MULTIPLY, 1) if k == "*" else assembly.Instruction(assembly.OTHER)
                for k in kinds
            ],
            assembly.between_jumps(jumps),
        )

    def test_the_loop_that_multiplies_is_taken(self):
        # A longer loop without products, one with two, one with three.
        program = self.program("..........**.***.", [(9, 0), (12, 10), (16, 13)])
        loop = loops.main_loop(program)
        self.assertEqual((loop.instructions, loop.multiplies, loop.nested), (4, 3, False))
        self.assertIsNone(loops.main_loop(self.program("....", [(3, 0)])))
        self.assertIsNone(loops.main_loop(self.program("****", [(0, 3)])))  # a jump forward is no loop

    def test_nested_loops(self):
        inner = loops.main_loop(self.program(".****.", [(5, 0), (4, 1)]))
        self.assertEqual((inner.instructions, inner.nested), (4, False))  # all products are in the inner one
        outer = loops.main_loop(self.program("*****.", [(5, 0), (4, 1)]))
        self.assertEqual((outer.instructions, outer.nested), (6, True))

    def test_two_jumps_to_one_place_are_one_loop(self):
        for jumps in ([(1, 0), (5, 0)], [(5, 0), (1, 0)]):
            loop = loops.main_loop(self.program("*.*.*.", jumps))
            self.assertEqual((loop.instructions, loop.nested), (6, False))


class Texts(unittest.TestCase):
    """Lines as the drivers write them, and what is read of them."""

    def read(self, parser, line):
        [instruction] = parser(line).instructions
        return instruction.kind, instruction.multiplies, instruction.slots

    def test_amd(self):
        for line, kind, n in (
            ("\tv_fmac_f32_e32 v1, v2, v3 ; 56", "multiply", 1),
            ("\tv_pk_fma_f32 v[0:1], v[2:3]", "multiply", 2),
            ("\tv_fma_mix_f32 v9, v13, v23, neg(0)", "multiply", 1),
            ("\tv_mul_lo_u32 v10, v10, s9", "other", 0),
            ("\tv_mad_u32_u24 v1, v2, v3, v4", "other", 0),
            ("\tv_mac_f32_e32 v1, v2, v3", "multiply", 1),
            ("\tv_dual_fmac_f32 v1, v2, v3 :: v_dual_mul_f32 v4, v5, v6", "multiply", 2),
            ("\tv_dual_fmac_f32 v1, v2, v3 :: v_dual_mov_b32 v4, v5", "multiply", 1),
            ("\tv_dual_mov_b32 v1, v2 :: v_dual_add_f32 v4, v5, v6", "other", 0),
            ("\tbuffer_load_dwordx4 v[0:3], v4, s[0:3], 0 offen", "load", 0),
            ("\tds_read2_b32 v[10:11], v2 offset0:9", "load", 0),
            ("\tscratch_load_b32 v1, off, s0", "private", 0),
            ("\ts_waitcnt vmcnt(1)", "other", 0),
        ):
            self.assertEqual(self.read(assembly.aco, line), (kind, n, 1), line)

    def test_qualcomm(self):
        for line, kind, n, slots in (
            ("(sy)(rpt2)mad.f32 r0.x, (r)r1.x, r2.x, (r)r3.x", "multiply", 3, 3),
            ("(ss)(nop3) cmps.s.ne p0.y, hr53.z, h(0)", "other", 0, 4),
            ("(rpt5)nop", "other", 0, 6),
            ("mad.s24 r1.x, r2.x, r3.x, r4.x", "other", 0, 1),
            ("(nop1) mul.f r1.x, r2.x, r3.x", "multiply", 1, 2),
            ("stp.f32 p[r0.x], r1.x, 1", "private", 0, 1),
            ("isam.base0.1d (f32)(xyzw)r7.x, r6.z, s#0, t#6", "load", 0, 1),
        ):
            self.assertEqual(self.read(assembly.ir3, line), (kind, n, slots), line)

    def test_jumps_by_distance(self):
        # Back to the first line: over this one, three delay slots and itself.
        program = assembly.qpu("fadd rf1, rf2, rf3 ; nop\nbu.allnap  -40, r:unif\nnop ; nop\nnop ; nop\nnop ; nop\n")
        self.assertEqual(program.loops, [frozenset(range(5))])
        program = assembly.valhall(
            "   NOP\n   FADD.f32 r1, r2, r3\n\n   BRANCHZ.eq.reconverge 0x0, offset:-2\n   NOP\n"
        )
        self.assertEqual(program.loops, [frozenset({1, 2})])

    def test_natural_loops(self):
        # 1 is the head of a loop whose exit, 2, stands before its body 3 to 5; 4 loops to itself.
        found = assembly.natural_loops({0: [], 1: [0, 5], 2: [1], 3: [1], 4: [3, 4], 5: [4]})
        self.assertEqual(found, {1: {1, 3, 4, 5}, 4: {4}})

    def test_nvidia_and_intel(self):
        block = "block 0 L1 [] -> {\n"
        for line, kind, n in (
            ("  r5    = ffma r4 r3 r2 // delay=2", "multiply", 1),
            ("  r5 = fmul.ftz r4 r3", "multiply", 1),
            ("  @!p0 r5 = imad r4 r3 r2", "other", 0),
            ("  @p1 r0..4 = ld.global.b128 [r4..6]", "load", 0),
            ("  r5 = hfma2 r1 r2 r3", "multiply", 2),
        ):
            self.assertEqual(self.read(assembly.nak, block + line), (kind, n, 1), line)
        for line, kind, n in (
            (
                "mad(16)         g61<1>F         g58<8,8,1>F     g57<8,8,1>F    g3<1,1,1>F { align16 1H };",
                "multiply",
                1,
            ),
            ("mul(8)          g83<1>D         g82<0,1,0>D     g1.2<0,1,0>UW   { align1 WE_all 1Q @2 };", "other", 0),
            ("(+f0.0) mul(8)          g83.1<1>F         g82<0,1,0>F     g1.2<0,1,0>F   { align1 1Q };", "multiply", 1),
            ("math inv(16)    g5<1>F          g3<8,8,1>F      null<8,8,1>F  { align1 1H $1 };", "other", 0),
            ("send(16)        nullUD          g127UD          nullUD 0x02000000 0x00000000", "load", 0),
        ):
            self.assertEqual(self.read(assembly.gen, line), (kind, n, 1), line)
        self.assertEqual(assembly.gen("sync nop(1)      null<0,1,0>UB      { align1 WE_all 1N @3 };").instructions, [])

    def test_broadcom_and_arm(self):
        self.assertEqual(
            self.read(assembly.qpu, "fadd rf1, rf2, rf3 ; fmul rf4, rf5.l, rf6 ; ldtmu.rf7"), ("multiply", 1, 1)
        )
        self.assertEqual(self.read(assembly.qpu, "nop    ; umul24 rf7, rf5, rf6"), ("other", 0, 1))
        self.assertEqual(self.read(assembly.valhall, "   FMA.f32.reconverge r9, r12^, r50^, r9^"), ("multiply", 1, 1))
        self.assertEqual(
            self.read(assembly.valhall, "   LOAD.i32.unsigned.slot2.wait2 @r1, thread_local_pointer.w0, offset:272"),
            ("private", 0, 1),
        )
        self.assertEqual(self.read(assembly.valhall, "   IMUL.i32 r8, r8^, u5"), ("other", 0, 1))
        for line, kind, n in (
            ("    *FMA.f32 r1:t0, r2, r3, r1\n    +LOAD.i32.tl t1, 0x4, 0x0, @r5", "private", 1),
            ("    *FMA.f32 r1:t0, r2, r3, r1\n    +IADD.s32 r4:t1, r5, r6", "multiply", 1),
            ("    *IMUL.i32 t0, t0, u3.w1\n    +LOAD.i128 t1, r14, r15, @r13", "load", 0),
        ):
            self.assertEqual(self.read(assembly.bifrost, line), (kind, n, 1), line)


if __name__ == "__main__":
    unittest.main()
