"""What tools/compilers/collect.py makes of a run, with the run itself played."""

# SPDX-License-Identifier: Apache-2.0

import argparse
import json
import pathlib
import sys
import tempfile
import unittest
from unittest import mock

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from compilers import collect, gpus, runs  # noqa: E402

DEVICE = {"event": "device", "name": "Some GPU", "api_version": "1.3.0"}


def compiled(key, **more):
    return {"event": "pipeline", "id": 0, "module": "norm", "spec": {}, "key": key, "cpu_seconds": 1.0, "result": 0,
            "executables": [{"name": "CS", "subgroup": 64, "stats": {"Spills": 3}, "texts": {
                "NIR": f"norm.{key}.0.NIR.txt", "IR3 Assembly": f"norm.{key}.0.IR3_Assembly.txt"}}], **more}


def died(key):
    return {"event": "died", "id": 1, "module": "qkv", "spec": {}, "key": key, "cpu_seconds": 21.0, "why": "CPU limit of 20 s"}


class TableTest(unittest.TestCase):
    def test_rows(self):
        rows = gpus.read_table()
        names = [row.name for row in rows]
        self.assertEqual(len(set(names)), len(names))
        self.assertEqual(len({name.partition("@")[0] for name in names}), 16)
        for row in rows:
            self.assertIn(row.suite, ("trixie", "trixie-backports"), row.name)
            self.assertIn(row.arch, ("amd64", "arm64"), row.name)
            self.assertTrue(row.node or row.shim or row.environment, f"{row.name} would be the host's own GPU")

    def test_select(self):
        rows = gpus.read_table()
        self.assertEqual([row.name for row in gpus.select(["v3d-7.1", "renoir"], rows)],
                         ["renoir", "v3d-7.1@25.0", "v3d-7.1@26.1"])
        with self.assertRaisesRegex(ValueError, "no GPU 'v3d'; there are: renoir"):
            gpus.select(["v3d"], rows)

    def test_a_row_with_a_missing_column_is_named(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "gpus.txt")
            path.write_text("# comment\na | b | c | d | e | f\n")
            with self.assertRaisesRegex(ValueError, "gpus.txt:2: 6 columns, expected 7"):
                gpus.read_table(path)


class CommandTest(unittest.TestCase):
    def command(self, name):
        gpu = gpus.select([name], gpus.read_table())[-1]
        cache = pathlib.Path("/somewhere")
        return runs.command_line(gpu, cache, ["program"], cache / "work" / "x", {})

    def test_a_null_device_needs_no_preload(self):
        line = self.command("vangogh")
        self.assertIn("RADV_FORCE_FAMILY=vangogh", line)
        self.assertFalse([word for word in line if "LD_PRELOAD" in word])
        self.assertIn("GYRE_LAYER_CPU_SECONDS=20", line)

    def test_a_render_node_is_preloaded_into_the_program_alone(self):
        line = self.command("adreno-740")
        self.assertIn("GYRE_RENDER_NODE=msm:43050a01", line)
        self.assertEqual(line[-3:], ["env", "LD_PRELOAD=/cache/tools/amd64/render_node.so", "program"])

    def test_arm64_runs_under_qemu(self):
        line = self.command("mali-g610")
        self.assertEqual(line[-3:], ["-E", "LD_PRELOAD=/cache/tools/arm64/render_node.so", "program"])
        self.assertIn("/usr/bin/qemu-aarch64", line)
        self.assertIn("VK_DRIVER_FILES=/cache/drivers/trixie-backports-arm64/panfrost.json", line)
        self.assertIn("GYRE_LAYER_CPU_SECONDS=120", line)

    def test_a_shim_is_preloaded(self):
        self.assertIn("LD_PRELOAD=/cache/shims/libintel_noop_drm_shim.so", self.command("tgl"))


class CollectTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.cache = pathlib.Path(folder.name).resolve()
        self.version = self.cache / "drivers/trixie-backports-amd64/version"
        self.version.parent.mkdir(parents=True)
        self.version.write_text("1")
        built = self.cache / "build/main-amd64"
        built.mkdir(parents=True)
        (built / "glslang").write_text("11:15.2.0\n")
        self.setup = collect.Setup(argparse.Namespace(cache=self.cache, out=self.cache / "out", build="main", known=None, recorded=False))
        self.gpu = gpus.select(["adreno-660"], gpus.read_table())[0]
        self.asked = []

    def run_with(self, *plays, gpu=None):
        """Collects with the runs played: (exit code, last words, lines) each. Returns the lines of the result."""
        left = list(plays)

        def play(_gpu, _cache, _program, work, known, more=None):
            self.asked.append((set(known), more or {}))
            (work / "texts").mkdir(parents=True, exist_ok=True)
            code, said, lines = left.pop(0)
            lines = [{**line, "event": "known"} if line.get("key") in known else line for line in lines]
            for line in lines:
                for executable in line.get("executables", ()):
                    for name, file in executable["texts"].items():
                        (work / "texts" / file).write_text(name + " of " + line["key"])
            return code, said, json.loads(json.dumps(lines))

        gpu = gpu or self.gpu
        with mock.patch.object(collect, "run_once", play):
            collect.collect(gpu, "Q8_0", "/model", self.setup)
        self.assertEqual(left, [])
        return runs.read_lines(self.cache / "out" / gpu.name / "Q8_0.jsonl")

    def test_a_session_that_opens(self):
        lines = self.run_with((0, "", [DEVICE, compiled("aa"), compiled("bb", id=1, cpu_seconds=12.0)]))
        self.assertEqual([line["event"] for line in lines], ["device", "pipeline", "pipeline", "end"])
        self.assertEqual((lines[0]["emulated"], lines[0]["glslang"]), (False, "11:15.2.0"))
        executable = lines[1]["executables"][0]
        self.assertEqual(executable["assembly"], "texts/norm.aa.0.IR3_Assembly.txt")
        self.assertEqual((self.cache / "out/adreno-660" / executable["assembly"]).read_text(), "IR3 Assembly of aa")
        self.assertNotIn("texts", executable)
        self.assertEqual([line["over_limit"] for line in lines[1:3]], [False, True])
        self.assertTrue(lines[-1]["opened"])
        self.assertEqual((lines[-1]["pipelines"], lines[-1]["compiled"]), (2, 2))

    def test_what_was_compiled_is_not_compiled_again_and_complete_all_the_same(self):
        first = self.run_with((0, "", [DEVICE, compiled("aa")]))
        second = self.run_with((0, "", [DEVICE, compiled("aa", id=7), compiled("cc", id=8)]))
        self.assertEqual([known for known, _ in self.asked], [set(), {"aa"}])
        self.assertEqual({**first[1], "id": 7}, second[1])
        self.assertEqual((second[-1]["pipelines"], second[-1]["compiled"]), (2, 1))

    def test_another_driver_version_is_another_store(self):
        self.run_with((0, "", [DEVICE, compiled("aa")]))
        self.version.write_text("2")
        self.run_with((0, "", [DEVICE, compiled("aa")]))
        self.assertEqual([known for known, _ in self.asked], [set(), set()])

    def test_what_the_ratchet_has_recorded_of_this_driver_is_not_compiled(self):
        self.setup.recorded = True
        device = {**DEVICE, "driver": "turnip", "driver_info": "Mesa 26.1"}
        with mock.patch.object(collect.subprocess, "run") as run:
            run.return_value.stdout = "aa\nzz\n"
            lines = self.run_with((0, "", [device]), (0, "", [device, compiled("aa"), compiled("bb")]))
        self.assertEqual(run.call_args.args[0][-3:], ["adreno-660", "--driver", "turnip Mesa 26.1"])
        self.assertEqual([line["event"] for line in lines[1:3]], ["known", "pipeline"])
        lines = self.run_with((0, "", [device, compiled("zz"), compiled("cc")]))  # a driver is asked for its version once
        self.assertEqual([line["event"] for line in lines[1:3]], ["known", "pipeline"])
        other = gpus.select(["adreno-740"], gpus.read_table())[0]
        lines = self.run_with((0, "", []), (0, "", [device, compiled("zz")]), gpu=other)
        self.assertEqual(lines[1]["event"], "pipeline")

    def test_keys_recorded_elsewhere_stay_known(self):
        self.setup.known = {"aa"}
        lines = self.run_with((0, "", [DEVICE, compiled("aa"), compiled("bb")]))
        self.assertEqual([line["event"] for line in lines[1:3]], ["known", "pipeline"])

    def test_a_compiler_that_dies_means_that_no_session_opens(self):
        lines = self.run_with((0, "", [DEVICE, compiled("aa"), died("dd")]))
        self.assertEqual((lines[2]["event"], lines[2]["over_limit"], lines[2]["why"]), ("died", True, "CPU limit of 20 s"))
        self.assertFalse(lines[-1]["opened"])
        self.assertEqual((lines[-1]["died"], lines[-1]["exit"]), (1, 0))
        self.assertIn("hangs or crashes on 1 pipeline", lines[-1]["message"])

    def test_a_driver_of_vulkan_1_0_is_refused_and_compiles_all_the_same(self):
        old = {**DEVICE, "api_version": "1.0.354"}
        lines = self.run_with((1, "gyre: its driver has Vulkan 1.0", [old]), (0, "", [old, compiled("aa")]))
        self.assertEqual([more for _, more in self.asked], [{}, {"GYRE_LAYER_API_VERSION": "1.1"}])
        self.assertEqual([line["event"] for line in lines], ["device", "pipeline", "end"])
        self.assertEqual((lines[-1]["opened"], lines[-1]["exit"]), (False, 1))
        self.assertIn("Vulkan 1.0", lines[-1]["message"])

    def test_a_program_that_fails_is_not_run_twice(self):
        lines = self.run_with((1, "gyre: no such file", [DEVICE]))
        self.assertEqual((lines[-1]["opened"], lines[-1]["message"]), (False, "gyre: no such file"))


    def test_a_run_without_a_device_is_a_problem(self):
        with self.assertRaisesRegex(ValueError, "there is no device: gyre: no Vulkan driver was found"):
            self.run_with((1, "gyre: no Vulkan driver was found", []))


class QueueTest(unittest.TestCase):
    def test_two_formats_of_a_gpu_run_one_after_the_other_where_there_is_other_work(self):
        a, b = gpus.select(["renoir", "vangogh"], gpus.read_table())
        queue = collect.Queue([(a, "1", ""), (a, "2", ""), (b, "1", "")])
        first, second = queue.take(), queue.take()
        self.assertEqual([(task[0].name, task[1]) for task in (first, second)], [("renoir", "1"), ("vangogh", "1")])
        third = queue.take()  # nothing else is left
        self.assertEqual((third[0].name, third[1]), ("renoir", "2"))
        self.assertIsNone(queue.take())


if __name__ == "__main__":
    unittest.main()
