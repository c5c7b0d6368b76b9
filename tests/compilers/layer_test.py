"""The layer of tools/compilers on lavapipe: a dry session, known pipelines, and compilers that hang.

ctest sets the driver and where the program, a model and the layers lie.
SPDX-License-Identifier: Apache-2.0
"""

import json
import os
import pathlib
import signal
import subprocess
import tempfile
import unittest

LAYER = "VK_LAYER_GYRE_compilers"
HANG = "VK_LAYER_GYRE_test_hang"


def identity(line):
    return line["module"], json.dumps(line["spec"], sort_keys=True), line["key"]


class LayerTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def run_session(self, layers=(LAYER,), **settings):
        """Opens a session under the layers: (exit code, stderr, lines)."""
        out = self.folder / "lines.jsonl"
        out.unlink(missing_ok=True)
        environment = {**os.environ, "VK_LAYER_PATH": os.environ["GYRE_TEST_LAYERS"],
                       "VK_INSTANCE_LAYERS": ":".join(layers), "XDG_CACHE_HOME": str(self.folder / "cache"),
                       "MESA_SHADER_CACHE_DISABLE": "true", "GYRE_LAYER_OUT": str(out), "GYRE_THREADS": "1", **settings}
        done = subprocess.run([os.environ["GYRE_TEST_PROGRAM"], "logits", "-m", os.environ["GYRE_TEST_MODEL"], "--tune",
                               "off", "--tokens", "1,2,3", "--out", str(self.folder / "logits.bin")],
                              env=environment, capture_output=True, text=True, timeout=120, check=False)
        lines = out.read_text().splitlines() if out.exists() else []
        return done.returncode, done.stderr, [json.loads(line) for line in lines]

    def dry(self, **settings):
        return self.run_session(GYRE_LAYER_DRY="1", GYRE_LAYER_CPU_SECONDS="20", **settings)

    def hanging(self, how, cpu_seconds):
        """A dry session whose third pipeline does not get compiled, as the test layer plays it."""
        return self.run_session(layers=(LAYER, HANG), GYRE_LAYER_DRY="1", GYRE_LAYER_CPU_SECONDS=cpu_seconds,
                                GYRE_TEST_HANG=how + ":3")

    def test_a_dry_session_creates_what_a_real_one_does(self):
        code, said, real = self.run_session()
        self.assertEqual(code, 0, said)
        code, said, dry = self.dry()
        self.assertEqual(code, 0, said)
        self.assertEqual([line["event"] for line in dry], ["device"] + ["pipeline"] * (len(real) - 1))
        self.assertIn("llvmpipe", dry[0]["name"])
        self.assertGreaterEqual(len(dry), 10)  # norms, attention, products and sampling have one each at least
        self.assertEqual([identity(line) for line in dry[1:]], [identity(line) for line in real[1:]])
        for number, line in enumerate(dry[1:]):
            self.assertEqual((line["id"], line["result"]), (number, 0))
            self.assertRegex(line["key"], "^[0-9a-f]{16}$")
            self.assertNotEqual(line["module"], line["spirv_hash"], "the product names its modules")
        keys = [line["key"] for line in dry[1:]]
        self.assertEqual(len(set(keys)), len(set(map(identity, dry[1:]))))
        self.assertIn("attention", {line["module"].removesuffix("_streams") for line in dry[1:]})

    def test_nothing_reaches_the_device_in_a_dry_session(self):
        _, _, _ = self.run_session()
        real = (self.folder / "logits.bin").read_bytes()
        self.dry()
        dry = (self.folder / "logits.bin").read_bytes()
        self.assertEqual(len(dry), len(real))
        self.assertTrue(any(real))
        self.assertFalse(any(dry), "logits were computed")

    def test_known_pipelines_are_not_compiled(self):
        _, _, lines = self.dry()
        keys = [line["key"] for line in lines[1:]]
        known = set(keys[::2])
        (self.folder / "known.txt").write_text("".join(key + "\n" for key in known))
        code, said, lines = self.dry(GYRE_LAYER_KNOWN=str(self.folder / "known.txt"))
        self.assertEqual(code, 0, said)
        self.assertEqual([line["key"] for line in lines[1:]], keys)
        for line in lines[1:]:
            self.assertEqual(line["event"], "known" if line["key"] in known else "pipeline")
            self.assertEqual("cpu_seconds" in line, line["key"] not in known)

    def check_third_died(self, lines, why):
        events = [line["event"] for line in lines[1:]]
        self.assertEqual(events, ["pipeline"] * 2 + ["died"] + ["pipeline"] * (len(events) - 3))
        self.assertGreater(len(events), 5)
        self.assertRegex(lines[3]["why"], why)

    def test_a_compiler_that_never_ends_is_stopped_by_its_processor_time(self):
        code, said, lines = self.hanging("spin", "1")
        self.assertEqual(code, 0, said)
        self.check_third_died(lines, "^CPU limit of 1 s$")
        self.assertGreater(lines[3]["cpu_seconds"], 0.9)
        self.assertLess(lines[3]["cpu_seconds"], 4)

    def test_a_compiler_that_waits_for_ever_is_stopped_too(self):
        code, said, lines = self.hanging("sleep", "1")
        self.assertEqual(code, 0, said)
        self.check_third_died(lines, "^it stood still for 4 s$")

    def test_a_compiler_that_crashes_is_a_result(self):
        code, said, lines = self.hanging("crash", "20")
        self.assertEqual(code, 0, said)
        self.check_third_died(lines, "^signal: Aborted$")

    def test_a_compiler_that_refuses_is_told_to_the_program(self):
        code, said, lines = self.hanging("refuse", "20")
        self.assertEqual(code, 1)
        self.assertIn("vkCreateComputePipelines", said)
        self.assertEqual((lines[3]["event"], lines[3]["result"]), ("pipeline", -1))

    def test_a_dry_session_leaves_its_device_as_it_is(self):
        code, _, _ = self.run_session(layers=(LAYER, HANG), GYRE_TEST_HANG="end:0")
        self.assertEqual(code, -signal.SIGABRT, "the test layer sees the end of a session that is not dry")
        code, said, _ = self.run_session(layers=(LAYER, HANG), GYRE_TEST_HANG="end:0", GYRE_LAYER_DRY="1")
        self.assertEqual(code, 0, said)

    def test_the_version_that_a_device_reports_can_be_raised(self):
        _, _, lines = self.dry()
        self.assertNotIn("api_version_told", lines[0])
        _, _, lines = self.dry(GYRE_LAYER_API_VERSION="1.99")
        self.assertEqual(lines[0]["api_version_told"], "1.99.0")

    def test_a_setting_that_is_not_understood_ends_the_program(self):
        code, said, lines = self.run_session(GYRE_LAYER_DRY="1", GYRE_LAYER_CPU_SECONDS="20s")
        self.assertEqual((code, lines), (2, []))
        self.assertIn("GYRE_LAYER_CPU_SECONDS is '20s', expected a number of seconds", said)


if __name__ == "__main__":
    unittest.main()
