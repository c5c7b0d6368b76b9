"""tools/compilers/ratchet.py: what fails, what is only told, what is taken.

SPDX-License-Identifier: Apache-2.0
"""

import collections
import contextlib
import copy
import io
import json
import pathlib
import sys
import tempfile
import unittest

TOOLS = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TOOLS))
from compilers import expected, ratchet, rules  # noqa: E402

DEVICE = {
    "event": "device",
    "name": "GPU",
    "driver": "radv",
    "driver_info": "Mesa 22.3.6",
    "api_version": "1.3.230",
    "glslang": "11:12.0.0",
}
PRODUCT = {"0": 64, "5": 0, "6": 0, "1": 2, "2": 1, "3": 8, "4": 0, "7": 0, "8": 0}
PROMPT = PRODUCT | {"1": 4, "2": 8, "3": 1}
STATS = {
    "VGPRs": 100,
    "Spilled VGPRs": 0,
    "Spilled SGPRs": 0,
    "Scratch size": 0,
    "Subgroups per SIMD": 8,
    "Instructions": 1000,
}


def pipeline(module, spec, key, seconds=0.1, event="pipeline", **more):
    row = {"event": event, "module": module, "spec": spec, "key": key, "cpu_seconds": seconds, **more}
    if event == "pipeline":
        row |= {"result": 0, "executables": [{"name": "x", "subgroup": 64, "stats": dict(STATS)}]}
    return row


def lines():
    return [
        dict(DEVICE),
        pipeline("linear_q8_0", dict(PRODUCT), "decode"),
        pipeline("linear_q8_0", dict(PROMPT), "prompt"),
        pipeline("sample_pick", {"0": 64}, "pick"),
        {"event": "end", "opened": True},
    ]


def stats(rows, number):
    return rows[number]["executables"][0]["stats"]


# What always fails: a name, a change of lines(), and parts of the failures that it brings.
ALWAYS = (
    ("decode spills", lambda r: stats(r, 1).update({"Spilled SGPRs": 2}), ["decode product spills: 2 spills"]),
    (
        "prompt has scratch",
        lambda r: stats(r, 2).update({"Scratch size": 64}),
        ["prefill product spills: 0 spills, 0 fills, 1 bytes"],
    ),
    ("sampling spills", lambda r: stats(r, 3).update({"Spilled VGPRs": 2}), ["sample_pick: sampling spills"]),
    (
        "slow",
        lambda r: r[1].update(cpu_seconds=10.5),
        ["q8_0 logits 2x1 8 lanes: 10.5 s of CPU to compile, 10 at most"],
    ),
    ("not slow", lambda r: r[1].update(cpu_seconds=9.9), []),
    (
        "slow for its own limit",
        lambda r: r[1].update(cpu_seconds=61, limit_seconds=60),
        ["61.0 s of CPU to compile, 60 at most"],
    ),
    ("emulated", lambda r: (r[0].update(emulated=True), r[1].update(cpu_seconds=59)), []),
    (
        "slow under emulation",
        lambda r: (r[0].update(emulated=True), r[1].update(cpu_seconds=61)),
        ["61.0 s of CPU to compile, 60 at most under emulation"],
    ),
    (
        "crash",
        lambda r: (r[1].update(event="died", why="segmentation fault"), r[1].pop("executables")),
        ["q8_0 logits 2x1 8 lanes: the compiler gave no program: segmentation fault"],
    ),
    ("refused", lambda r: r[1].update(result=-1, executables=[]), ["the compiler gave no program: VkResult -1"]),
    (
        "not opened",
        lambda r: r[-1].update(opened=False, message="out of memory"),
        ["gpu: q8_0: no session opened: out of memory"],
    ),
    ("cut off", lambda r: r.pop(), ["gpu: q8_0: no session opened: the run was cut off"]),
    ("no device", lambda r: r.pop(0), ["gpu: q8_0: no device"]),
)


class Ratchet(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.expected = self.folder / "expected.json"

    def write(self, rows, gpu="gpu", name="q8_0"):
        path = self.folder / "out" / gpu / f"{name}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(map(json.dumps, rows)) + "\n")

    def run_tool(self, command, *arguments):
        out, err = io.StringIO(), io.StringIO()
        place = [] if command == "known" else [str(self.folder / "out")]
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = ratchet.main(["--expected", str(self.expected), command, *place, *arguments])
        return code, out.getvalue() + err.getvalue()

    def take(self, rows, *arguments):
        self.write(rows)
        code, out = self.run_tool("take", *arguments)
        self.assertEqual(code, 0, out)
        return out

    def recorded(self, kernel):
        return {e["kernel"]: e for e in expected.load(self.expected)["rows"]}.get(kernel)

    def check(self, rows, fails=(), notes=()):
        """What check says of rows: exactly these failures and notes, each as part of a line."""
        self.write(rows)
        code, out = self.run_tool("check")
        for mark, wanted in (("FAILS  ", fails), ("note   ", notes)):
            told = [line.removeprefix(mark) for line in out.splitlines() if line.startswith(mark)]
            self.assertEqual(len(told), len(wanted), out)
            for part in wanted:
                self.assertTrue(any(part in line for line in told), f"{part!r} is not in {told}")
        self.assertEqual(code, 1 if fails else 0, out)

    def test_comparisons(self):
        """Every change of one kernel since it was recorded, and what comes of it."""
        decode = "gpu: q8_0 logits 2x1 8 lanes: worse than recorded: "
        for change, fails in (
            ({}, []),
            ({"Instructions": 1020}, []),  # 2 %
            ({"Instructions": 1030}, []),
            ({"Instructions": 1040}, [decode + "instructions 1000 -> 1040 (+4.0 %)"]),
            ({"VGPRs": 103}, []),
            ({"VGPRs": 104}, [decode + "registers 100 -> 104 (+4.0 %)"]),
            (
                {"Instructions": 1040, "VGPRs": 104},
                ["instructions 1000 -> 1040 (+4.0 %), registers 100 -> 104 (+4.0 %)"],
            ),
            ({"Instructions": 500, "VGPRs": 50}, []),
            ({"Subgroups per SIMD": 1}, []),
        ):
            with self.subTest(change):
                self.take(lines())
                rows = lines()
                stats(rows, 1).update(change)
                self.check(rows, fails)
                self.expected.unlink()

    def test_new_spills(self):
        self.take(lines())
        rows = lines()
        stats(rows, 2)["Spilled VGPRs"] = 1
        self.check(
            rows,
            [
                "gpu: q8_0 logits 4x8: prefill product spills: 1 spills",
                "q8_0 logits 4x8: worse than recorded: spills 0 -> 1",
            ],
        )
        # Where it may spill, it may not spill more.
        data = expected.load(self.expected)
        data["exceptions"] = [{"kernel": "sample_pick", "why": "one workgroup"}]
        expected.save(data, self.expected)
        rows = lines()
        stats(rows, 3)["Scratch size"] = 640
        self.check(
            rows,
            ["sample_pick: worse than recorded: scratch 0 -> 10"],
            ["sample_pick: spills and may: 0 spills, 0 fills, 10 bytes"],
        )
        self.take(rows, "--worse")
        self.check(rows, [], ["sample_pick: spills and may"])

    def test_spills_of_a_shape_are_named_with_gpu_and_reason(self):
        Named = collections.namedtuple("Named", "gpu kernel name")
        data = {"exceptions": [], "shape_spills": [{"gpus": ["a"], "kernels": ["shape: q8_0 qkv"], "why": "registers"}]}
        self.assertTrue(rules.may_spill(Named("a", "q8_0 qkv", "shape: q8_0 qkv"), data))
        self.assertFalse(rules.may_spill(Named("b", "q8_0 qkv", "shape: q8_0 qkv"), data), "another GPU")
        self.assertFalse(rules.may_spill(Named("a", "q8_0 qkv", "q8_0 qkv"), data), "GPT-2's shape")
        self.assertEqual(rules.of_exceptions(data), [])
        data["shape_spills"] = [{"gpus": ["a"], "kernels": ["q8_0 qkv"], "why": ""}]
        self.assertEqual([finding.fails for finding in rules.of_exceptions(data)], [True, True])

    def test_rules_that_always_hold(self):
        def changed(change):
            rows = lines()
            change(rows)
            return rows

        for name, change, fails in ALWAYS:
            with self.subTest(name):
                rows = changed(change)
                self.write(rows)
                data = copy.deepcopy(expected.EMPTY)
                gpu = ratchet.Gpu(self.folder / "out", "gpu", data, "11:12.0.0")
                told = [f.text for f in ratchet.check_gpu(gpu, data) if f.fails]
                self.assertEqual(len(told), len(fails), told)
                for part, text in zip(fails, told):
                    self.assertIn(part, text)

    def test_nothing_recorded_is_one_note(self):
        self.check(lines(), [], ["gpu: nothing is recorded; ratchet.py take records its 3 kernels"])

    def test_old_vulkan_is_told(self):
        self.take(lines())
        rows = [DEVICE | {"api_version": "1.0.335"}, {"event": "end", "opened": False, "message": "Vulkan 1.0"}]
        self.check(rows, [], ["gpu: q8_0: reports Vulkan 1.0.335 and is refused"])
        rows[0]["api_version"] = "1.1.0"
        self.check(rows, ["gpu: q8_0: no session opened: Vulkan 1.0"])

    def test_other_versions_are_told_and_never_fail(self):
        self.take(lines())
        for member, value in (("driver_info", "Mesa 25.0.7"), ("glslang", "11:15.1.0")):
            rows = lines()
            rows[0][member] = value
            stats(rows, 1)["Instructions"] = 2000
            new = pipeline("linear_q8_0", PROMPT | {"1": 2}, "new")
            rows = [*rows[:2], new, *rows[3:]]  # one tile for another: also only told
            with self.subTest(member):
                self.check(
                    rows,
                    [],
                    [
                        "q8_0 logits 2x1 8 lanes: not compared, recorded with radv Mesa 22.3.6 and glslang 11:12.0.0, now",
                        "sample_pick: not compared",
                        "q8_0 logits 2x8: not recorded",
                        "q8_0 logits 4x8: recorded and no longer",
                    ],
                )
                self.assertIn("instructions 1000 -> 2000 (+100.0 %)", self.run_tool("check")[1])
                stats(rows, 2)["Spilled VGPRs"] = 1  # but what always holds does
                self.write(rows)
                self.assertEqual(self.run_tool("check")[0], 1)

    def test_missing_and_new_rows(self):
        self.take(lines())
        rows = lines()
        rows[2]["spec"]["1"] = 2  # another tile
        self.check(
            rows,
            [
                "q8_0 logits 2x8: not recorded; ratchet.py take records it",
                "q8_0 logits 4x8: recorded and no longer compiled; ratchet.py take drops it",
            ],
        )
        said = self.take(rows)
        self.assertIn("new    gpu: q8_0 logits 2x8", said)
        self.assertIn("dropped  gpu: q8_0 logits 4x8", said)
        self.check(rows)
        # Of a session with a kernel that died the others are all there.
        died = [
            rows[0],
            rows[1],
            pipeline("sample_pick", {"0": 64}, "pick", event="died", why="time"),
            {"event": "end", "opened": False},
        ]
        self.check(
            died, ["no session opened", "gave no program: time", "q8_0 logits 2x8: recorded and no longer compiled"]
        )
        # So are those of a device that is refused.
        old = [
            rows[0] | {"api_version": "1.0.9"},
            rows[1],
            rows[3],
            {"event": "end", "opened": False, "message": "1.0"},
        ]
        self.check(old, ["q8_0 logits 2x8: recorded and no longer compiled"], ["reports Vulkan 1.0.9 and is refused"])
        # A run that was cut off tells nothing of what it did not reach.
        self.check([*rows[:2], {"event": "end", "opened": False, "message": "stopped"}], ["no session opened"])
        self.take([*rows[:2], {"event": "end", "opened": False, "message": "stopped"}])
        self.check(rows)

    def test_a_gpu_that_was_not_collected(self):
        self.take(lines())
        self.write(lines(), "other")
        code, out = self.run_tool("check", "gone")
        self.assertEqual(code, 2)
        self.assertIn("gone holds no FORMAT.jsonl; scripts/compilers makes them", out)
        for path in (self.folder / "out/gpu").iterdir():
            path.unlink()
        self.assertIn("gpu holds no FORMAT.jsonl", self.run_tool("check")[1])  # recorded: it has to be there
        self.assertEqual(self.run_tool("check", "other")[0], 0)

    def test_glslang_is_named(self):
        rows = lines()
        del rows[0]["glslang"]
        self.write(rows)
        code, out = self.run_tool("take")
        self.assertEqual((code, out), (2, "ratchet: gpu: its device line names no glslang; --glslang VERSION does\n"))
        self.assertEqual(self.run_tool("take", "--glslang", "11:15.1.0")[0], 0)
        self.assertEqual(self.recorded("sample_pick")["glslang"], "11:15.1.0")

    def test_formats_are_rows_of_their_own(self):
        f16 = lines()
        for row in f16[1:3]:
            row["module"] = "linear_f16"
            row["key"] += "_f16"
        self.write(f16, name="f16")
        self.take(lines())
        self.assertEqual({e["format"] for e in expected.load(self.expected)["rows"]}, {"any", "f16", "q8_0"})
        (self.folder / "out/gpu/f16.jsonl").unlink()  # this format was not asked for now
        self.check(lines())
        self.take(lines())
        self.assertIsNotNone(self.recorded("f16 logits 4x8"))

    def write_shape(self, name, norm_quads, event="pipeline"):
        """A shape's kernels: one product of GPT-2's name and other constants, and one that is GPT-2's own."""
        rows = lines()
        rows[1] = pipeline("linear_q8_0", PRODUCT | {"4": norm_quads, "9": 1}, f"decode of {norm_quads}", event=event)
        rows[3] = pipeline("sample_pick", {"0": 64}, "pick", event=event)
        self.write([rows[0], rows[1], rows[3], rows[4]], name=name)
        return self.folder / "out/gpu" / f"{name}.jsonl"

    def names(self):
        return sorted((e.get("shape", ""), e["kernel"]) for e in expected.load(self.expected)["rows"])

    def test_shapes_are_rows_of_their_own(self):
        self.take(lines())
        ours = self.names()
        first = self.write_shape("smollm2-135m", 144)
        self.check(lines(), [], ["gpu: nothing is recorded of smollm2-135m; ratchet.py take records its 2 kernels"])
        said = self.take(lines())
        self.assertIn("new    gpu: smollm2-135m: q8_0 logits 2x1 8 lanes norm", said)
        with_one = self.names()
        # GPT-2's rows keep their names, and so does a shape's when another one comes that has them too.
        self.assertEqual([row for row in with_one if not row[0]], ours)
        self.assertEqual([kernel for shape, kernel in with_one if shape], ["q8_0 logits 2x1 8 lanes norm", "sample_pick"])
        second = self.write_shape("llama3.2-1b", 512)
        self.take(lines())
        self.assertEqual([row for row in self.names() if row[0] != "llama3.2-1b"], with_one)
        self.check(lines())
        # What was not asked for is neither missed nor dropped: shapes, or GPT-2's.
        first.unlink(), second.unlink()
        self.check(lines())
        self.take(lines())
        self.write_shape("smollm2-135m", 144)
        (self.folder / "out/gpu/q8_0.jsonl").unlink()
        code, out = self.run_tool("check")
        self.assertEqual((code, out), (0, "1 GPUs: 0 failures, 0 notes\n"))
        self.run_tool("take")
        self.assertEqual(len(self.names()), 3 + 2 + 2)

    def test_a_shape_that_got_worse_is_named(self):
        self.write_shape("smollm2-135m", 144)
        self.take(lines())
        path = self.write_shape("smollm2-135m", 144)
        rows = [json.loads(line) for line in path.read_text().splitlines()]
        stats(rows, 1)["Instructions"] = 1100
        stats(rows, 2)["Spilled VGPRs"] = 3
        self.write(rows[:3] + [rows[3]], name="smollm2-135m")
        name = "gpu: smollm2-135m: "
        self.check(
            lines(),
            [
                name + "q8_0 logits 2x1 8 lanes norm: worse than recorded: instructions 1000 -> 1100 (+10.0 %)",
                name + "sample_pick: worse than recorded: spills 0 -> 3",
                name + "sample_pick: sampling spills: 3 spills",
            ],
        )
        data = expected.load(self.expected)
        data["exceptions"] = [{"kernel": "sample_pick", "why": "one workgroup"}]  # of all shapes
        expected.save(data, self.expected)
        self.assertNotIn("sampling spills", self.run_tool("check", "--quiet")[1])
        (self.folder / "out/gpu/q8_0.jsonl").unlink()  # whether GPT-2's were collected does not matter
        self.write([rows[0], rows[2], rows[3]], name="smollm2-135m")
        self.assertIn(name + "q8_0 logits 2x1 8 lanes norm: recorded and no longer compiled", self.run_tool("check")[1])

    def test_a_shape_s_known_kernels_have_their_figures(self):
        self.write_shape("smollm2-135m", 144)
        self.take(lines())
        before = self.expected.read_text()
        self.write_shape("smollm2-135m", 144, event="known")
        self.check(lines())
        self.take(lines())
        self.assertEqual(self.expected.read_text(), before)

    def test_only_spills_that_are_there_are_written(self):
        rows = lines()
        stats(rows, 3).update({"Spilled SGPRs": 2})
        self.take(rows)
        written = {e["kernel"]: e for e in json.loads(self.expected.read_text())["rows"]}
        found = {kernel: [name for name in expected.SPILLS if name in e] for kernel, e in written.items()}
        self.assertEqual(found["q8_0 logits 4x8"], [])
        self.assertEqual((found["sample_pick"], written["sample_pick"]["scratch"]), (["spills", "scratch"], 0))
        # As they were written before, and no row is another one for it.
        data = json.loads(self.expected.read_text())
        data["rows"][1]["spills"] = 0
        self.expected.write_text(json.dumps(data))
        self.assertIn("nothing new", self.take(rows))

    def test_versions_are_written_once_a_gpu(self):
        self.take(lines())
        text = self.expected.read_text()
        self.assertEqual((text.count("radv Mesa 22.3.6"), text.count("11:12.0.0")), (1, 1))
        [kept] = [e for e in expected.load(self.expected)["rows"] if e["kernel"] == "sample_pick"]
        self.assertEqual(expected.versions(kept), ("radv Mesa 22.3.6", "11:12.0.0"))
        # A row of another version than its GPU's newest says so: here of a format that was not collected again.
        f16 = lines()[:2] + lines()[4:]
        f16[0]["driver_info"], f16[1]["module"] = "Mesa 25.0.7", "linear_f16"
        self.write(f16, name="f16")
        (self.folder / "out/gpu/q8_0.jsonl").unlink()
        self.run_tool("take")
        self.assertEqual(expected.versions(self.recorded("f16 logits 2x1 8 lanes")), ("radv Mesa 25.0.7", "11:12.0.0"))
        self.assertEqual(expected.versions(self.recorded("q8_0 logits 4x8")), ("radv Mesa 22.3.6", "11:12.0.0"))
        data = json.loads(self.expected.read_text())
        del data["gpus"][0]["driver"]
        self.expected.write_text(json.dumps(data))
        self.assertIn("KeyError('driver, glslang'); git restores it", self.run_tool("check")[1])

    def test_better_is_taken_and_worse_is_not(self):
        self.take(lines())
        rows = lines()
        stats(rows, 1)["Instructions"] = 900
        stats(rows, 2)["Instructions"] = 1020
        said = self.take(rows)
        self.assertIn("taken    gpu: q8_0 logits 2x1 8 lanes", said)
        self.assertIn("NOT taken  gpu: q8_0 logits 4x8: a little worse", said)
        self.assertEqual(
            (
                self.recorded("q8_0 logits 2x1 8 lanes")["instructions"],
                self.recorded("q8_0 logits 4x8")["instructions"],
            ),
            (900, 1000),
        )
        self.check(lines(), ["q8_0 logits 2x1 8 lanes: worse than recorded: instructions 900 -> 1000 (+11.1 %)"])
        said = self.take(lines())
        self.assertIn("NOT taken  gpu: q8_0 logits 2x1 8 lanes: instructions 900 -> 1000", said)
        self.take(lines(), "--worse")
        self.check(lines())

    def test_what_did_not_change_stays_as_it_was(self):
        self.take(lines())
        before = self.expected.read_text()
        rows = lines()
        rows[1]["cpu_seconds"] = 0.9  # another machine
        self.assertIn("nothing new", self.take(rows))
        self.assertEqual(self.expected.read_text(), before)
        rows[0]["driver_info"] = "Mesa 25.0.7"
        stats(rows, 1)["Instructions"] = 5000  # another version: taken as it is
        self.take(rows)
        self.assertEqual(self.recorded("q8_0 logits 2x1 8 lanes")["instructions"], 5000)
        self.assertEqual(self.recorded("q8_0 logits 2x1 8 lanes")["driver"], "radv Mesa 25.0.7")

    def test_known(self):
        self.assertEqual(self.run_tool("known", "gpu", "--driver", "radv Mesa 22.3.6"), (0, ""))
        self.take(lines())
        self.assertEqual(self.run_tool("known", "gpu", "--driver", "radv Mesa 22.3.6"), (0, "decode\npick\nprompt\n"))
        self.assertEqual(self.run_tool("known", "gpu", "--driver", "radv Mesa 25.0.7"), (0, ""))
        self.assertEqual(self.run_tool("known", "other", "--driver", "radv Mesa 22.3.6"), (0, ""))
        rows = lines()
        for number in (1, 2):
            rows[number] = pipeline("linear_q8_0", rows[number]["spec"], rows[number]["key"], event="known")
        self.check(rows)
        before = self.expected.read_text()
        self.take(rows)
        self.assertEqual(self.expected.read_text(), before)
        rows[1]["key"] = "something else"
        self.check(
            rows,
            ["q8_0 logits 2x1 8 lanes: left out as known, and something else is not recorded with radv Mesa 22.3.6"],
        )

    def test_known_and_recorded_as_spilling(self):
        rows = lines()
        stats(rows, 2)["Spilled VGPRs"] = 7
        self.take(rows)
        rows[2] = pipeline("linear_q8_0", rows[2]["spec"], "prompt", event="known")
        self.check(rows, ["q8_0 logits 4x8: prefill product spills: 7 spills"])

    def test_exceptions(self):
        one = {"kernel": "sample_pick", "why": "one workgroup"}
        for entries, said in (
            ([], None),
            ([one], None),
            ([one, {"kernel": "sample_scan", "why": "x"}], None),
            ([one] * 3, "3 are named, 2 at most may be"),
            ([{"kernel": "norm", "why": "x"}], "norm is no sampling kernel"),
            ([{"kernel": "sample_pick"}], "sample_pick has no reason"),
        ):
            found = [f.text for f in rules.of_exceptions({"exceptions": entries}) if f.fails]
            self.assertEqual(len(found), 0 if said is None else 1, found)
            self.assertIn(said or "", "".join(found))
        self.take(lines())
        data = expected.load(self.expected)
        data["exceptions"] = [{"kernel": "linear_q8_0", "why": "x"}]
        expected.save(data, self.expected)
        self.check(lines(), ["linear_q8_0 is no sampling kernel"])

    def test_the_file(self):
        rows = lines()
        self.take([rows[0], rows[3], rows[2], rows[1], rows[4]])
        other = self.expected.read_text()
        self.expected.unlink()
        self.take(lines())
        self.assertEqual(self.expected.read_text(), other)  # in whatever order the rows came
        of_rows = [line for line in other.splitlines() if '"kernel"' in line]
        self.assertEqual(len(of_rows), 3)  # one line per row
        self.assertEqual(
            [json.loads(line.rstrip(","))["kernel"] for line in of_rows],
            ["sample_pick", "q8_0 logits 2x1 8 lanes", "q8_0 logits 4x8"],
        )
        self.expected.write_text("{}")
        code, out = self.run_tool("check")
        self.assertEqual(
            (code, out),
            (
                2,
                f"ratchet: {self.expected}: KeyError('rows'); git restores it, "
                "tools/compilers/ratchet.py take makes it again\n",
            ),
        )
        with self.assertRaisesRegex(expected.ExpectedError, "600000 at most"):
            many = [{"gpu": "g", "format": "any", "kernel": str(i) * 90} for i in range(4000)]
            expected.save({"exceptions": [], "gpus": [], "rows": many}, self.expected)

    def test_the_tree_s_own_file(self):
        data = expected.load()
        self.assertEqual([f.text for f in rules.of_exceptions(data)], [])
        self.assertLessEqual(expected.PATH.stat().st_size if expected.PATH.exists() else 0, expected.MAX_BYTES)
        identities = [expected.identity(e) for e in data["rows"]]
        self.assertEqual(identities, sorted(set(identities)))


if __name__ == "__main__":
    unittest.main()
