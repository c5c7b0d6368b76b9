"""tools/peer/judge with programs that only pretend, and the copies that it makes for llama.cpp.

SPDX-License-Identifier: Apache-2.0
"""

import contextlib
import io
import pathlib
import sys
import tempfile
import textwrap
import unittest

import numpy as np

TOOLS = pathlib.Path(__file__).resolve().parents[1]
GOLDEN = TOOLS.parent / "tests/golden"
sys.path[:0] = [str(TOOLS), str(TOOLS / "tests")]
import suffixless  # noqa: E402
from common.gguf_reader import GGUFFile  # noqa: E402
from peer import peer_file  # noqa: E402

judge = suffixless.load("peer_judge", TOOLS / "peer/judge")

# The golden logits, with something added to the first.
FAKE = """
    import os, struct, sys
    data = bytearray(open({golden!r}, "rb").read())
    (first,) = struct.unpack_from("<f", data)
    struct.pack_into("<f", data, 0, first + {add})
"""
FAKE_GYRE = FAKE + """
    assert sys.argv[1] == "logits" and sys.argv[sys.argv.index("--kv") + 1] == "f32", sys.argv
    open(sys.argv[sys.argv.index("--out") + 1], "wb").write(data)
"""
FAKE_JUDGE = FAKE + """
    model, what, out, n_ctx = sys.argv[1:]
    assert what == "logits" and n_ctx == "64" and os.environ["VK_DRIVER_FILES"] == "/nonexistent", sys.argv
    assert sys.stdin.read().split() == {ids!r}
    if {fail!r}:
        print("load: error loading model: no such thing", file=sys.stderr)
        print("llama-judge: see above", file=sys.stderr)
        sys.exit(1)
    open(out, "wb").write(data)
"""


class Copies(unittest.TestCase):
    def copy(self, name, unpacked):
        file = peer_file.PairedFile(GOLDEN / f"{name}.gguf")
        with tempfile.TemporaryDirectory() as folder:
            peer_file.write_copy(file, f"{folder}/copy.gguf", unpacked)
            return file, GGUFFile(f"{folder}/copy.gguf")

    def test_only_what_llama_cpp_wants_is_added(self):
        file, copy = self.copy("llama", False)
        added = {"tokenizer.ggml.model": "none", "llama.vocab_size": file.shapes["token_embd.weight"][0]}
        self.assertEqual(copy.metadata, file.metadata | added)
        self.assertEqual((copy.shapes, copy.types), (file.shapes, file.types))
        for name in file.shapes:
            self.assertTrue(np.array_equal(copy.tensor(name), file.tensor(name)), name)

    def test_a_file_with_a_tokenizer_keeps_it(self):
        file, copy = self.copy("text", False)
        self.assertIn("tokenizer.ggml.tokens", file.metadata)  # strings: pairs within a pair
        self.assertEqual(copy.metadata, file.metadata)

    def test_unpacked_weights_are_the_stored_values(self):
        file, copy = self.copy("mixed_k", True)
        self.assertGreater(len(set(file.types.values())), 4)
        self.assertEqual(set(copy.types.values()), {"f32"})
        self.assertEqual(copy.shapes, file.shapes)
        for name in file.shapes:
            self.assertTrue(np.array_equal(copy.tensor(name), file.tensor(name)), name)


class Judge(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.logits = GOLDEN / "llama.logits.bin"
        self.largest = float(np.abs(np.fromfile(self.logits, "<f4")).max())

    def program(self, name, text, add=0.0, fail=False):
        ids = (GOLDEN / "llama.tokens.txt").read_text().strip().split(",")
        path = self.folder / name
        path.write_text(f"#!{sys.executable}\n" + textwrap.dedent(text).format(golden=str(self.logits), add=add, ids=ids, fail=fail))
        path.chmod(0o755)
        return str(path)

    def judged(self, *arguments, name="llama", gyre=0.0, peer=0.0, fail=False):
        """(exit code, cells of the row, stderr)"""
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = judge.main([str(GOLDEN / f"{name}.gguf"), "--gyre", self.program("gyre", FAKE_GYRE, gyre), "--judge",
                               self.program("judge", FAKE_JUDGE, peer, fail), *arguments])
        rows = out.getvalue().splitlines()[2:]
        return code, [cell.strip() for cell in rows[0].split("|")[1:-1]] if rows else [], err.getvalue()

    def test_differences_are_shares_of_the_largest_logit(self):
        code, cells, _ = self.judged(gyre=1e-3 * self.largest)
        self.assertEqual((code, cells), (0, ["llama", "1.0e-03", "", "0.0e+00", ""]))

    def test_beyond_the_bound_is_an_error(self):
        self.assertEqual(self.judged(peer=3e-3 * self.largest)[0], 1)
        self.assertEqual(self.judged(gyre=3e-3 * self.largest)[0], 1)
        self.assertEqual(self.judged("--bound", "4e-3", gyre=3e-3 * self.largest)[0], 0)

    def test_another_most_likely_token_is_counted(self):
        self.assertIn("(22 of 23 the same)", self.judged(peer=100.0)[1][3])

    def test_refusals_and_gyres_own_keys_are_no_errors(self):
        code, cells, _ = self.judged(fail=True)
        self.assertEqual((code, cells[2]), (0, "refused: load: error loading model: no such thing"))
        self.logits = GOLDEN / "llama_rove.logits.bin"
        code, cells, _ = self.judged(name="llama_rove", fail=True)
        self.assertEqual((code, cells[2]), (0, "not asked: gyre.rotary.values"))

    def test_errors_are_one_line(self):
        self.assertIn("token 99, expected 0 to 52", self.judged("--tokens", "1,99")[2])
        self.assertIn("tools/peer/install", self.judged("--judge", "/nonexistent")[2])


if __name__ == "__main__":
    unittest.main()
