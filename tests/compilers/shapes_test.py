"""The program reads the models that scripts/compilers makes of published shapes, as what their rows say.

ctest sets where the program lies. No driver is loaded: Llama's shape alone would take lavapipe seconds.
SPDX-License-Identifier: Apache-2.0
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))
import published_shape  # noqa: E402
from common.published_shapes import SHAPES  # noqa: E402

# What `gyre info --json` says of each, beside the row's own numbers.
SAID = {
    "smollm2-135m": {"architecture": "llama", "weight_types": "Q4_1, Q8_0, F32"},
    "gemma3-270m": {"architecture": "gemma3", "weight_types": "Q5_0, Q4_K, Q6_K, Q8_0, F32"},
    "llama3.2-1b": {"architecture": "llama", "weight_types": "Q4_K, Q6_K, F32"},
}


class ShapesTest(unittest.TestCase):
    def info(self, name):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, f"{name}.gguf")
            published_shape.write(SHAPES[name], path)
            done = subprocess.run([os.environ["GYRE_TEST_PROGRAM"], "info", "--json", str(path)], capture_output=True, text=True,
                                  timeout=120, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return json.loads(done.stdout)

    def test_nothing_of_a_file_is_refused(self):
        self.assertEqual(list(SAID), list(SHAPES))
        for name, shape in SHAPES.items():
            with self.subTest(name):
                found = self.info(name)
                self.assertEqual(found["refused"], [])
                row = {"n_embd": shape.n_embd, "n_head": shape.heads, "n_head_kv": shape.kv_heads,
                       "head_dim": shape.head_dim, "n_ff": shape.n_ff, "n_layer": len(shape.layers)}
                for key, value in (SAID[name] | row).items():
                    self.assertEqual(found[key], value, key)


if __name__ == "__main__":
    unittest.main()
