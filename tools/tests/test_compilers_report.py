"""tools/compilers/report.py: the tables, the picture and the page.

SPDX-License-Identifier: Apache-2.0
"""

import contextlib
import io
import json
import pathlib
import sys
import tempfile
import unittest
import xml.etree.ElementTree

TOOLS = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TOOLS))
from compilers import drivers, heat_map, page, records, report, rows  # noqa: E402

EXAMPLES = TOOLS.parent / "tests/compilers/examples"


def example(name):
    [collection] = records.read_gpu(EXAMPLES, name)
    [row] = rows.gather([collection])
    return collection, row


class Whole(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def report(self, *arguments):
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = report.main([*map(str, arguments)])
        return code, out.getvalue(), err.getvalue()

    def test_tables(self):
        code, out, _ = self.report(EXAMPLES, "radv", "turnip")
        self.assertEqual(code, 0)
        self.assertIn("radv: Null hardware (RADV VANGOGH); radv Mesa 22.3.6; Vulkan 1.3.230", out)
        self.assertRegex(out, r"f16 residual 2x1 8 lanes texels +32 +32 +- +- +171 +3\.44 +64 +0\.02\n")
        self.assertRegex(out, r"f16 residual 2x1 8 lanes texels +8 +16 +- +- +348 +6\.31 +64 +0\.01")
        self.assertIn("per weight: issue slots in the main loop; of prompts per weight and token", out)

    def test_json(self):
        _, out, _ = self.report(EXAMPLES, "panvk", "--json")
        row = json.loads(out)
        self.assertEqual((row["per_weight"], row["figures"]["registers"], row["role"]), (3.75, 28, "residual"))

    def collection(self, *lines, gpu="gpu", name="q8_0"):
        path = self.folder / gpu / f"{name}.jsonl"
        path.parent.mkdir(exist_ok=True)
        path.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines))
        return path

    def test_what_died_and_a_run_cut_off(self):
        spec = {"0": 64, "5": 0, "6": 0, "1": 2, "2": 1, "3": 8, "4": 0, "7": 0, "8": 0}
        self.collection(
            {"event": "device", "name": "V3D", "driver": "V3DV", "driver_info": "Mesa 25.0.7", "api_version": "1.3.0"},
            {"event": "died", "module": "linear_q8_0", "spec": spec, "key": "k", "cpu_seconds": 60, "why": "time"},
            '{"event": "pipe',
        )
        code, out, _ = self.report(self.folder)
        self.assertEqual(code, 0)
        self.assertIn("q8_0: no session opened: the run was cut off", out)
        self.assertRegex(out, r"q8_0 logits 2x1 8 lanes +no program: time.* 60\.00")

    def test_sessions_of_the_page(self):
        def devices(first, *ends):
            for number, end in enumerate(ends):
                device = {
                    "event": "device",
                    "name": "V3D",
                    "title": "Pi 5",
                    "driver": "V3DV",
                    "driver_info": "Mesa 25.0.7",
                }
                lines = [device | first, *([end | {"event": "end"}] if end else [])]
                self.collection(*lines, name=["f16", "q8_0"][number])
            collections = records.read_gpu(self.folder, "gpu")
            return page.devices({"gpu": collections}, {"gpu": []}).splitlines()[-1]

        new, old = {"api_version": "1.3.0", "emulated": True}, {"api_version": "1.0.9"}
        yes, no = {"opened": True}, {"opened": False, "message": "memory"}
        start = "| gpu | Pi 5 | V3DV Mesa 25.0.7"
        self.assertEqual(devices(new, yes, yes), f"{start}, emulated | 1.3.0 | opens | 0 | - | 0.0 |")
        self.assertIn("| does not open with q8_0: memory |", devices(new, yes, no))
        self.assertIn("| does not open: memory |", devices(new, no, no))
        self.assertIn("| does not open with q8_0: the run was cut off |", devices(new, yes, None))
        self.assertEqual(devices(old, no), f"{start} | 1.0.9 | refused: Vulkan 1.0 | 0 | - | 0.0 |")

    def test_shapes_have_tables_of_their_own(self):
        collection, ours = example("radv")
        dear = {**vars(ours), "shape": "gemma3-270m", "per_weight": 9.04}
        spilling = {"shape": "llama3.2-1b", "figures": drivers.Figures(registers=5, threads=2, spills=3, fills=4)}
        attention = {"kind": "attention", "kernel": "attention splits 8", "format": "any", "per_weight": None}
        gathered = {
            "a": [ours, rows.Row(**dear), rows.Row(**{**dear, "format": "q6_k"})],
            "b": [ours, rows.Row(**{**vars(ours), **spilling, **attention}), rows.Row(**{**vars(ours), **spilling})],
        }
        gpus = {"a": [collection], "b": [collection]}
        self.assertEqual(
            page.SECTIONS["shapes, decode"](gpus, gathered).splitlines(),
            [
                "| GPU | Gemma 3 270M F16 | Gemma 3 270M Q6_K | Llama 3.2 1B F16 |",
                "| --- | --- | --- | --- |",
                "| a | 2x1: 9.0 | 2x1: 9.0 | - |",
                "| b | - | - | 2x1: 3.4; spills 3:4 |",
            ],
        )
        self.assertEqual(
            page.SECTIONS["shapes, others"](gpus, gathered).splitlines()[2:],
            ["| a | -, - | -, - | none |", "| b | -, - | 5, 2 | attention splits 8 3:4 |"],
        )
        self.assertEqual(
            page.SECTIONS["decode"](gpus, gathered).splitlines(),
            ["| GPU | F16 |", "| --- | --- |", "| a | 2x1: 3.4 |", "| b | 2x1: 3.4 |"],
        )
        self.assertIn("| b | -, - | -, - | none |", page.SECTIONS["others"](gpus, gathered))
        self.assertNotIn("9.04", heat_map.draw(gathered, ""))

    def test_a_shape_is_named_in_the_table(self):
        source = EXAMPLES / "radv"
        for name in ("f16", "smollm2-135m"):
            lines = next(source.glob("*.jsonl")).read_text().replace('"texts/', f'"{source}/texts/').splitlines()
            self.collection(*lines, name=name)
        code, out, err = self.report(self.folder)
        self.assertEqual((code, err), (0, ""))
        found = [line.split("  ")[0] for line in out.splitlines() if "residual" in line]
        self.assertEqual(found, ["f16 residual 2x1 8 lanes texels", "smollm2-135m: f16 residual 2x1 8 lanes texels"])

    def test_errors_name_the_file(self):
        path = self.collection('{"event": "device"}', "nonsense", '{"event": "end", "opened": true}')
        code, _, err = self.report(self.folder)
        self.assertEqual((code, err), (1, f"report: {path}:2: no JSON object with an event\n"))
        self.collection({"event": "pipeline", "module": "norm", "spec": {"0": 64}})
        self.assertIn("pipeline norm: KeyError('key')", self.report(self.folder)[2])
        self.collection(
            {
                "event": "pipeline",
                "module": "norm",
                "spec": {"0": 64},
                "key": "k",
                "executables": [{"assembly": "gone.txt"}],
            }
        )
        self.assertIn("names gone.txt, and there is no such file", self.report(self.folder)[2])
        self.assertIn("other holds no FORMAT.jsonl", self.report(self.folder, "other")[2])

    def test_picture(self):
        _, ours = example("radv")
        spilling = rows.Row(
            **{
                **vars(ours),
                "gpu": "b",
                "figures": drivers.Figures(registers=5, spills=3, fills=4, scratch=16),
                "per_weight": 9.0,
            }
        )
        rolled = rows.Row(**{**vars(ours), "gpu": "d", "per_weight": None, "rolled": True})
        matrix = rows.Row(**{**vars(ours), "gpu": "e", "per_weight": None, "kernel": "f16 residual 64x32 cooperative"})
        dead = rows.Row(
            **{
                **vars(ours),
                "gpu": "c",
                "event": "died",
                "per_weight": None,
                "why": "time",
                "figures": drivers.Figures(),
            }
        )
        text = heat_map.draw(
            {"a": [ours], "b": [spilling], "c": [dead], "d": [rolled], "e": [matrix]}, "Mesa <9> & more"
        )
        svg = xml.etree.ElementTree.fromstring(text)
        name = "{http://www.w3.org/2000/svg}"
        said = ["".join(e.itertext()) for e in svg.iter(f"{name}text")]
        for word in ("a", "b", "c", "F16", "residual", "3.4", "9.0", "X", "R", "M", "Mesa <9> & more"):
            self.assertIn(word, said)
        tips = [e.text for e in svg.iter(f"{name}title")]
        self.assertIn("b, f16, residual: 9.00, tile 2x1, 5 registers, 3 spills, 4 fills, 16 bytes of scratch", tips)
        self.assertIn("c, f16, residual: no program: time", tips)
        marks = len(list(svg.iter(f"{name}path")))
        self.assertEqual(marks, 1 + 2)  # one cell spills; one in each panel's legend
        colours = {e[0].text: e.get("fill") for e in svg.iter(f"{name}rect") if len(e)}
        self.assertEqual(colours["a, f16, residual: 3.44, tile 2x1, 32 registers"], heat_map.COLOURS[0])
        self.assertEqual(
            colours["b, f16, residual: 9.00, tile 2x1, 5 registers, 3 spills, 4 fills, 16 bytes of scratch"],
            heat_map.COLOURS[-1],
        )

    def test_page(self):
        marks = "".join(
            f"# {n}\n<!-- {n}: report.py --update writes what follows -->\nold {n}\n<!-- end of {n} -->\nkept {n}\n"
            for n in ("now, devices", "now, decode", "before, decode")
        )
        path = self.folder / "gpus.md"
        path.write_text(marks)
        for _ in range(2):  # a second time nothing changes
            self.assertEqual(
                self.report(EXAMPLES, "radv", "v3dv", "--update", path, "--svg", self.folder / "a.svg")[0], 0
            )
            text = path.read_text()
            self.assertEqual([line for line in text.split("\n") if line.startswith("old ")], ["old before, decode"])
            self.assertEqual(text.count("kept "), 3)
            self.assertIn("| GPU | F16 |\n| --- | --- |\n| radv | 2x1: 3.4 |\n| v3dv | 2x1: 4.2 |\n", text)
            self.assertIn(
                "| radv | Null hardware (RADV VANGOGH) | radv Mesa 22.3.6 | 1.3.230 | opens | 1 | 0.0 | 0.0 |", text
            )
        self.assertIn("Mesa 22.3.6, 26.1.6", (self.folder / "a.svg").read_text())
        self.assertEqual(self.report(EXAMPLES, "panvk", "--update", path, "--before")[0], 0)
        self.assertIn("| panvk | 2x1: 3.8 |", path.read_text())
        self.assertIn("| radv | 2x1: 3.4 |", path.read_text())
        for broken, said in (
            (marks.replace("<!-- end of now, decode -->", ""), "end of now, decode"),
            ("", "now, devices"),
        ):
            path.write_text(broken)
            code, _, err = self.report(EXAMPLES, "radv", "--update", path)
            self.assertEqual(code, 1)
            self.assertIn(said, err)
            self.assertEqual(path.read_text(), broken)


if __name__ == "__main__":
    unittest.main()
