"""tools/peer with programs that only pretend: what is read, what is refused, what is made of it."""

import contextlib
import io
import json
import os
import pathlib
import sys
import tempfile
import textwrap
import time
import unittest

TOOLS = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TOOLS), str(TOOLS / "tests")]
import suffixless  # noqa: E402
from peer import figures, output, programs  # noqa: E402
from peer.output import PeerError  # noqa: E402

compare = suffixless.load("peer_compare", TOOLS / "peer/compare")

DEVICE = "llvmpipe (LLVM 15.0.6, 256 bits)"
FOUND = f"""ggml_vulkan: Found 1 Vulkan devices:
ggml_vulkan: 0 = {DEVICE} (llvmpipe) | uma: 0 | fp16: 1 | warp size: 8
ggml_vulkan: Warning: Device type is CPU. This is probably not the device you want.
"""
ON_VULKAN = FOUND + """load_tensors: layer   0 assigned to device Vulkan0, is_swa = 0
load_tensors: layer   1 assigned to device Vulkan0, is_swa = 0
load_tensors: offloaded 2/2 layers to GPU
llama_kv_cache: layer   0: dev = Vulkan0
llama_kv_cache: layer   1: dev = Vulkan0
sched_reserve: graph: nodes = 393, splits = 2, input objects = 4, input tensors = 6
"""
ON_CPU = """load_tensors: layer   0 assigned to device CPU, is_swa = 0
load_tensors: layer   1 assigned to device CPU, is_swa = 0
llama_kv_cache: layer   0: dev = CPU
llama_kv_cache: layer   1: dev = CPU
sched_reserve: graph: nodes = 393, splits = 1, input objects = 4, input tensors = 6
"""
GYRE = {"device": DEVICE, "driver": "Mesa 22.3.6", "prefill": {"tokens_per_second": {"median": 400.0, "min": 1, "max": 500}},
        "decode": {"tokens_per_second": {"median": 30.0, "min": 29, "max": 31}}, "time_to_first_token_seconds": 0.4,
        "time_to_first_token": {"prompt_tokens": 512, "warm_seconds": {"median": 0.4}, "cold_seconds": 0.5}}


def test(prompt, gen, depth, *speeds):
    return {"n_prompt": prompt, "n_gen": gen, "n_depth": depth, "samples_ts": list(speeds), "samples_ns": [2_000_000_000],
            "backends": "Vulkan"}


class Results(unittest.TestCase):
    def test_gyre(self):
        got = output.gyre_results(json.dumps(GYRE))
        self.assertEqual(got, {"device": DEVICE, "driver": "Mesa 22.3.6", "prefill": 400.0, "decode": 30.0})
        self.assertEqual(output.gyre_first_token(json.dumps(GYRE)), 0.5)

    def test_gyre_without_a_key_is_refused_by_its_name(self):
        for path in ("prefill.tokens_per_second.median", "decode.tokens_per_second.median", "device"):
            broken = json.loads(json.dumps(GYRE))
            *way, last = path.split(".")
            inner = broken
            for key in way:
                inner = inner[key]
            del inner[last]
            with self.assertRaisesRegex(PeerError, path):
                output.gyre_results(json.dumps(broken))

    def test_gyre_with_a_speed_that_is_none(self):
        for value in (0, -1.0, None, "30", True):
            broken = json.loads(json.dumps(GYRE))
            broken["decode"]["tokens_per_second"]["median"] = value
            with self.assertRaisesRegex(PeerError, "decode.tokens_per_second.median"):
                output.gyre_results(json.dumps(broken))

    def test_output_that_is_not_json(self):
        with self.assertRaisesRegex(PeerError, "gyre bench.*not JSON"):
            output.gyre_results("usage: gyre")
        with self.assertRaisesRegex(PeerError, "llama-bench.*not JSON"):
            output.peer_results("[", 1, 1, 0)

    def test_peer_takes_the_median_of_the_test_that_was_asked_for(self):
        text = json.dumps([test(512, 0, 0, 40, 10, 30), test(0, 32, 0, 5, 6), test(0, 32, 512, 4)])
        self.assertEqual(output.peer_results(text, 512, 32, 0), {"prefill": 30, "decode": 5.5})
        self.assertEqual(output.peer_results(text, 0, 32, 512), {"prefill": None, "decode": 4})

    def test_peer_without_a_test_that_was_asked_for(self):
        with self.assertRaisesRegex(PeerError, "no decode result for 16 tokens at depth 0"):
            output.peer_results(json.dumps([test(0, 32, 0, 5)]), 0, 16, 0)

    def test_peer_first_token(self):
        self.assertEqual(output.peer_first_token(json.dumps([test(32, 0, 0, 16)]), 32), 2.0)
        with self.assertRaisesRegex(PeerError, "prompt of 31"):
            output.peer_first_token(json.dumps([test(32, 0, 0, 16)]), 31)


class Log(unittest.TestCase):
    def test_vulkan(self):
        self.assertEqual(output.check_vulkan(ON_VULKAN), DEVICE)
        self.assertTrue(output.is_software(ON_VULKAN))
        self.assertEqual(output.driver_name(ON_VULKAN), "llvmpipe")
        self.assertEqual(output.graph_pieces(ON_VULKAN), 2)

    def test_silent_fallback_is_no_vulkan_run(self):
        with self.assertRaisesRegex(PeerError, "without a word"):
            output.check_vulkan("ggml_vulkan: No devices found.\n" + ON_CPU)
        with self.assertRaisesRegex(PeerError, "not a Vulkan figure"):
            output.check_vulkan(FOUND + ON_CPU)

    def test_one_layer_elsewhere(self):
        for old, new, said in (("offloaded 2/2", "offloaded 1/2", "1 of 2"),
                               ("layer   1 assigned to device Vulkan0", "layer   1 assigned to device CPU", "layers on CPU"),
                               ("layer   1: dev = Vulkan0", "layer   1: dev = CPU", "caches of layers on CPU")):
            self.assertIn(old, ON_VULKAN)
            with self.assertRaisesRegex(PeerError, said):
                output.check_vulkan(ON_VULKAN.replace(old, new))

    def test_two_devices(self):
        second = "ggml_vulkan: 1 = Other (other driver) | uma: 0\n"
        with self.assertRaisesRegex(PeerError, "took 2 Vulkan devices"):
            output.check_vulkan(second + ON_VULKAN)

    def test_cpu(self):
        output.check_cpu(ON_CPU)
        for log in (ON_VULKAN, FOUND + ON_CPU, ON_CPU.replace("1: dev = CPU", "1: dev = Vulkan0"), ""):
            with self.assertRaises(PeerError):
                output.check_cpu(log)

    def test_what_went_wrong(self):
        self.assertEqual(output.trouble("a\nb: error: no memory\nc\n"), "b: error: no memory")
        self.assertEqual(output.trouble("a\n\nb\n"), "a | b")
        self.assertEqual(output.trouble(""), "it printed nothing")


class Statistics(unittest.TestCase):
    def test_spread(self):
        self.assertEqual(figures.spread([3, 1, 2, 10]), {"median": 2.5, "min": 1, "max": 10, "rounds": [3, 1, 2, 10]})

    def test_ratio_is_taken_round_by_round(self):
        # A slow second round: the ratio of the medians would be 20 / 4, that of each round is 4.
        got = figures.ratio([20, 4, 40], [5, 1, 10])
        self.assertEqual((got["median"], got["min"], got["max"]), (4, 4, 4))
        self.assertEqual(figures.ratio([0.5], [2.0], seconds=True)["median"], 4)
        for ours, theirs in (([1], [1, 2]), ([], [])):
            with self.assertRaises(ValueError):
                figures.ratio(ours, theirs)

    def test_strongest(self):
        results = {"best": figures.spread([5, 6]), "user": figures.spread([7, 3]), "cpu": figures.spread([99])}
        self.assertEqual(figures.strongest(results, ["user", "best"]), "best")
        self.assertEqual(figures.strongest(results, ["user", "best"], seconds=True), "user")
        self.assertIsNone(figures.strongest(results, ["also 1"]))

    def test_cells(self):
        self.assertEqual([figures.digits(v) for v in (0.6123, 5.834, 40.12, 1375.4)], ["0.612", "5.83", "40.1", "1375"])
        self.assertEqual(figures.cell(figures.spread([2.0]), "x"), "2.00x")
        self.assertEqual(figures.cell(figures.spread([2.0, 4.0])), "3.00 (2.00-4.00)")
        self.assertEqual(figures.table([["a", "bb"], None, ["ccc", "d"]]), ["a    bb", "-------", "ccc   d"])


class Commands(unittest.TestCase):
    def test_modes(self):
        best, user, cpu = programs.peer_modes(["best", "user", "cpu"], software=True, device=0)
        self.assertEqual(best.environment["GGML_VK_PERF_LOGGER"], "1")
        self.assertEqual((best.options, best.environment["GGML_VK_VISIBLE_DEVICES"]), (["--poll", "0"], "0"))
        self.assertEqual((user.options, user.environment), ([], {"GGML_VK_VISIBLE_DEVICES": "0"}))
        self.assertEqual((cpu.environment["VK_DRIVER_FILES"], cpu.vulkan), (programs.NOWHERE, False))
        # A real GPU takes no core from anybody: there the timestamps would only cost.
        self.assertEqual(programs.peer_modes(["best"], software=False, device=None)[0].environment, {})
        with self.assertRaisesRegex(PeerError, "'fast' is none of best, user, cpu"):
            programs.peer_modes(["fast"], True, 0)

    def test_extra_mode(self):
        mode = programs.extra_mode(2, "A=1 B='x y' -fa 0 --x=3", 1)
        self.assertEqual((mode.name, mode.environment), ("also 2", {"GGML_VK_VISIBLE_DEVICES": "1", "A": "1", "B": "x y"}))
        self.assertEqual(mode.options, ["-fa", "0", "--x=3"])

    def test_environment_is_clean(self):
        before = dict(os.environ)
        try:
            os.environ.update(GGML_VK_DISABLE_F16="1", GYRE_DEVICE="x", LLAMA_ARG_X="1", KEPT="1")
            got = programs.base_environment("d.json")
        finally:
            os.environ.clear()
            os.environ.update(before)
        self.assertFalse([k for k in got if k.startswith(("GGML_", "GYRE_", "LLAMA_"))])
        self.assertEqual((got["KEPT"], got["VK_DRIVER_FILES"], got["VK_ICD_FILENAMES"]), ("1", "d.json", "d.json"))


FAKE_GYRE = """
    import json, sys, time
    if sys.argv[1] == "--version":
        print("gyre 9.9"); sys.exit()
    at = lambda name: int(sys.argv[sys.argv.index(name) + 1])
    spend = time.process_time() + 0.00025 * (at("--gen") + at("--prompt")) * at("--repeat")
    while time.process_time() < spend:
        pass
    print(json.dumps(GYRE))
"""
# Takes no device unless its index is named, and hides nothing: as the real one does with a software driver.
FAKE_PEER = """
    import json, os, sys, time
    seen = os.path.exists(os.environ.get("VK_DRIVER_FILES", "/")) and "GGML_VK_VISIBLE_DEVICES" in os.environ
    if sys.argv[1] == "--list-devices":
        sys.stderr.write(FOUND if seen else "ggml_vulkan: No devices found.\\n"); sys.exit()
    if os.environ.get("FAIL_AS") == "fallback":
        seen = False
    if os.environ.get("FAIL_AS") == "message":
        sys.stderr.write("x\\nllama_bench: error: no 16-bit storage\\n"); sys.exit(1)
    at = lambda name: int(sys.argv[sys.argv.index(name) + 1])
    p, n, d = at("-p"), at("-n"), at("-d")
    sys.stderr.write(ON_VULKAN if seen else ON_CPU)
    spend = time.process_time() + 0.0005 * (n + p) * at("-r")
    while time.process_time() < spend:
        pass
    speed = 10 if "GGML_VK_PERF_LOGGER" in os.environ else 5 if seen else 100
    tests = [test(p, 0, d, 4 * speed)] * (p > 0) + [test(0, n, d, speed)] * (n > 0)
    print(json.dumps(tests))
"""


class Whole(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.model = self.folder / "m.gguf"
        self.model.write_bytes(b"GGUF")
        self.gyre, self.peer = self.program("gyre", FAKE_GYRE), self.program("llama-bench", FAKE_PEER)

    def program(self, name, body):
        path = self.folder / name
        given = f"GYRE, FOUND, ON_VULKAN, ON_CPU = {GYRE!r}, {FOUND!r}, {ON_VULKAN!r}, {ON_CPU!r}\n"
        given += 'def test(p, n, d, *s):\n    return dict(n_prompt=p, n_gen=n, n_depth=d, samples_ts=s, samples_ns=[2e9])\n'
        path.write_text(f"#!{sys.executable}\n{given}{textwrap.dedent(body)}")
        path.chmod(0o755)
        return path

    def compare(self, *options):
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = compare.main(["--model", str(self.model), "--gyre", str(self.gyre), "--peer", str(self.peer), *options])
        return code, out.getvalue(), err.getvalue()

    def test_rounds_alternate_and_ratios_come_out(self):
        code, out, err = self.compare("--rounds", "2", "--depth", "0,512", "--json", "--first-token", "32",
                                      "--also", "GGML_VK_PERF_LOGGER=1 -fa 0")
        self.assertEqual(code, 0, err)
        s = json.loads(out)
        self.assertEqual(set(s["results"]), {"prefill 512", "decode @ 0", "decode @ 512", "first token, s"})
        self.assertEqual(s["results"]["decode @ 512"]["peer, cpu"]["rounds"], [100, 100])
        fast = s["times_as_fast"]
        self.assertEqual({name: v["median"] for name, v in fast["decode @ 0"].items()},
                         {"peer, best": 3, "peer, user": 6, "peer, cpu": 0.3, "peer, also 1": 3})
        self.assertEqual(fast["prefill 512"]["peer, best"]["median"], 10)
        self.assertEqual(fast["first token, s"]["peer, best"]["median"], 4)
        self.assertIn(s["strongest_on_vulkan"]["decode @ 0"], ("peer, best", "peer, also 1"))
        self.assertEqual((s["versions"]["gyre"], s["versions"]["driver"]), ("gyre 9.9", "Mesa 22.3.6"))
        order = [run["program"] for run in s["runs"] if run["what"] == "depth 0"]
        self.assertEqual(order[:5], ["gyre", "peer, best", "peer, user", "peer, cpu", "peer, also 1"])
        self.assertEqual(order[5:], order[1:5] + order[:1])
        self.assertIn("GGML_VK_VISIBLE_DEVICES=0 ", s["commands"]["peer, user, depth 0"])

    def test_cpu_time_is_that_of_the_tokens_alone(self):
        code, out, err = self.compare("--modes", "best", "--rounds", "1", "--gen", "300", "--prompt", "600", "--cpu-time",
                                      "--json")
        self.assertEqual(code, 0, err)
        s = json.loads(out)
        for metric in ("prefill 600, CPU ms", "decode @ 0, CPU ms"):  # the fakes spend 0.25 and 0.5 ms per token, and start
            self.assertAlmostEqual(s["results"][metric]["gyre"]["median"], 0.25, delta=0.1)
            self.assertAlmostEqual(s["results"][metric]["peer, best"]["median"], 0.5, delta=0.1)
            self.assertGreater(s["times_as_fast"][metric]["peer, best"]["median"], 1.2)

    def test_words(self):
        code, out, err = self.compare("--rounds", "1")
        self.assertEqual(code, 0, err)
        for said in ("SHA-256", DEVICE, "gyre 9.9", "gyre against peer, user", "strongest on Vulkan", "6.00x", "bench -m"):
            self.assertIn(said, out)

    def test_the_peer_alone_and_the_cpu_alone(self):
        code, out, err = self.compare("--gyre", "none", "--modes", "cpu", "--rounds", "1")
        self.assertEqual(code, 0, err)
        self.assertNotIn("against", out)

    def failure(self, *options, **environment):
        before = dict(os.environ)
        os.environ.update(environment)
        try:
            code, out, err = self.compare("--rounds", "1", *options)
        finally:
            os.environ.clear()
            os.environ.update(before)
        self.assertEqual((code, out), (1, ""))
        return err

    def test_failures_say_what_is_wrong(self):
        self.assertIn("without a word", self.failure(FAIL_AS="fallback"))
        self.assertIn("no 16-bit storage", self.failure(FAIL_AS="message"))
        self.assertIn("tools/peer/install", self.failure("--peer", str(self.folder / "none")))
        self.assertIn("--driver", self.failure("--driver", str(self.folder / "none.json")))
        self.assertIn("cmake", self.failure("--gyre", str(self.folder / "none")))
        self.assertIn("none of best", self.failure("--modes", "fast"))
        self.model.unlink()
        self.assertIn("--random", self.failure())

    def test_another_device_is_refused(self):
        self.gyre = self.program("other", FAKE_GYRE.replace("json.dumps(GYRE)", 'json.dumps(GYRE | {"device": "Other"})'))
        self.assertIn("gyre ran on Other", self.failure())

    def test_a_runaway_is_ended_with_its_children(self):
        mark = self.folder / "alive"
        self.program("sleeper", f"""
            import subprocess, sys, time
            subprocess.Popen([sys.executable, "-c", "import time; time.sleep(2.5); open({str(mark)!r}, 'w')"])
            time.sleep(60)
        """)
        started = time.monotonic()
        with self.assertRaisesRegex(PeerError, "after 1 s"):
            programs.run([str(self.folder / "sleeper")], dict(os.environ), 1)
        self.assertLess(time.monotonic() - started, 30)
        time.sleep(3)
        self.assertFalse(mark.exists())


if __name__ == "__main__":
    unittest.main()
