"""The float64 reference against properties that do not depend on how it is written. Needs PyTorch."""

import pathlib
import sys
import unittest

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
try:
    import torch

    from golden.generate import random_weights
    from golden.models import fields_of
    from golden.reference import Reference
    from golden.spec import Spec, SpecError, rotary_pairs_of, spec_of
except ImportError:
    torch = None

TOKENS = [5, 99, 0, 17, 17, 42, 3, 8, 100, 61, 2]


def model(name, seed=1, **changes):
    f = {**fields_of(name), **changes}
    d = f["n_embd"] // f["n_head"]
    spec = Spec(n_embd=f["n_embd"], n_layer=f["n_layer"], n_head=f["n_head"], n_head_kv=f["n_head_kv"] or f["n_head"],
                n_ff=f["n_ff"], context=f["context"], eps=1e-5, position=f["position"], values=f["values"],
                activation=f["activation"])
    if f["position"] == "rotary":
        spec.pairs = rotary_pairs_of(d, f["pairing"], f["rotary_dims"] or d, f["theta"], f["inv_freq"])
    return Reference(spec, random_weights(f, np.random.default_rng(seed)))


def distance(a, b):
    return float((a - b).abs().max())


@unittest.skipIf(torch is None, "PyTorch is not installed")
class Properties(unittest.TestCase):
    def test_only_relative_positions_matter(self):
        for name in ("rope_half", "rope_partial_interleaved", "rove_half", "rove_inv_freq", "gqa"):
            with self.subTest(name):
                m = model(name)
                self.assertLess(distance(m.logits(TOKENS), m.logits(TOKENS, first_position=37)), 1e-10)

    def test_values_turned_but_not_back_are_absolute(self):
        m = model("rove_half", values="rotate_only")
        self.assertGreater(distance(m.logits(TOKENS), m.logits(TOKENS, first_position=37)), 0.1)

    def test_first_token_has_no_rotation(self):
        """At distance 0 RoVE, RoPE and no position at all are the same."""
        rows = [model("rove_half", values=v).logits(TOKENS)[0] for v in ("none", "rove")]
        rows.append(model("rove_half", position="none").logits(TOKENS)[0])
        self.assertLess(max(distance(rows[0], r) for r in rows[1:]), 1e-12)
        later = [model("rove_half", values=v).logits(TOKENS)[3] for v in ("none", "rove")]
        self.assertGreater(distance(*later), 0.1)

    def test_causal(self):
        for name in ("learned", "none", "rove_partial"):
            m = model(name)
            self.assertLess(distance(m.logits(TOKENS)[:4], m.logits(TOKENS[:4])), 1e-11)

    def test_pairing_is_a_permutation(self):
        """Half pairing equals interleaved pairing of a permuted model: rows of q, k, v and columns of the output."""
        half, inter = model("rove_half"), model("rove_half", pairing="interleaved")
        d, c = half.spec.head_dim, half.spec.n_embd
        one = [i // 2 + (i % 2) * (d // 2) for i in range(d)]
        head = torch.tensor([h * d + i for h in range(half.spec.n_head) for i in one])
        rows = torch.cat([head, head + c, head + 2 * c])
        for n in range(half.spec.n_layer):
            for part in ("weight", "bias"):
                key = f"blk.{n}.attn_qkv.{part}"
                inter.weights[key] = half.weights[key][rows]
            key = f"blk.{n}.attn_output.weight"
            inter.weights[key] = half.weights[key][:, head]
        self.assertLess(distance(half.logits(TOKENS), inter.logits(TOKENS)), 1e-11)

    def test_zero_frequencies_are_no_position(self):
        a = model("rove_half", inv_freq=[0.0] * 10)
        self.assertLess(distance(a.logits(TOKENS), model("rove_half", position="none").logits(TOKENS)), 1e-12)

    def test_uniform_attention_is_a_mean_of_turned_values(self):
        """With all scores 0: y_i = mean over j <= i of R_(j-i) v_j. Checked with complex numbers for every pair."""
        m = model("rove_half", n_layer=1)
        d, c, t = m.spec.head_dim, m.spec.n_embd, len(TOKENS)
        m.weights["blk.0.attn_qkv.weight"][: 2 * c] = 0
        m.weights["blk.0.attn_qkv.bias"][: 2 * c] = 0
        m.weights["blk.0.attn_output.weight"] = torch.eye(c, dtype=torch.float64)
        m.weights["blk.0.attn_output.bias"].zero_()
        x = torch.randn(t, c, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
        y = m._attention("blk.0.", x, torch.arange(t, dtype=torch.float64)).reshape(t, -1, d)
        v = m._linear("blk.0.attn_qkv", x)[:, 2 * c :].reshape(t, -1, d)
        for a, b, w in m.spec.pairs:
            z, got = torch.complex(v[..., a], v[..., b]), torch.complex(y[..., a], y[..., b])
            for i in range(t):
                delta = torch.arange(i + 1, dtype=torch.float64) - i
                phase = torch.polar(torch.ones_like(delta), w * delta)[:, None]
                self.assertLess(float((got[i] - (phase * z[: i + 1]).mean(0)).abs().max()), 1e-12)

    def test_unknown_keys_are_refused(self):
        with self.assertRaises(SpecError):
            spec_of({"general.architecture": "gpt2", "gyre.rotary.twist": 1})
        with self.assertRaises(SpecError):
            rotary_pairs_of(20, "half", 20, 10000.0, [1.0] * 9)


if __name__ == "__main__":
    unittest.main()
