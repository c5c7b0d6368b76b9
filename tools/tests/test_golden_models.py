"""The golden models: everything that one of them says shows in its logits, and the reference's rules against closed
forms. Needs PyTorch."""

import math
import pathlib
import sys
import unittest

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
try:
    import torch

    from common.gguf_reader import GGUFFile
    from golden import frequencies
    from golden.models import FAMILIES, FIRST_FAR, LONG, SYSTEMS
    from golden.reference import Reference, alibi_slopes, sinusoids
    from golden.spec import SpecError, pair_up, spec_of
except ImportError:
    torch = None

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "tests" / "golden"
SHOWS = 1e-2  # of the largest logit: far more than a float32 kernel may be off

# Key -> another value of it, to which the logits must not be blind; None leaves it out. ARCH is the architecture.
OTHER = {
    "gyre.rotary.keys": lambda v: None, "gyre.rotary.values": lambda v: None, "gyre.rotary.xpos": lambda v: None,
    "gyre.rotary.resonance": lambda v: None,
    "gyre.rotary.pairing": lambda v: {"half": "interleaved", "interleaved": "half"}[v],
    "gyre.rotary.scaling.factor": lambda v: 2 * v, "gyre.rotary.scaling.attention_factor": lambda v: None,
    "gyre.rotary.scaling.original_context_length": lambda v: v // 4 if v >= 32 else 8 * v,
    "gyre.rotary.scaling.low_freq_factor": lambda v: v / 4, "gyre.rotary.scaling.high_freq_factor": lambda v: 2 * v,
    "gyre.attention.temperature.coefficient": lambda v: v / 2, "gyre.attention.temperature.power": lambda v: v / 2,
    "gyre.attention.temperature.train_length": lambda v: 4 * v, "gyre.attention.sink_tokens": lambda v: None,
    "ARCH.attention.sliding_window": lambda v: v + 1, "ARCH.use_parallel_residual": lambda v: not v,
    "ARCH.rope.dimension_count": lambda v: v - 2, "ARCH.rope.freq_base": lambda v: v / 3,
    "ARCH.rope.scaling.factor": lambda v: 2 * v, "ARCH.rope.scaling.attn_factor": lambda v: None,
    "ARCH.rope.scaling.original_context_length": lambda v: v // 4 if v >= 32 else 8 * v,
    "ARCH.rope.scaling.yarn_attn_factor": lambda v: None, "ARCH.rope.scaling.yarn_ext_factor": lambda v: None,
    "ARCH.rope.scaling.yarn_beta_fast": lambda v: 5 * v, "ARCH.rope.scaling.yarn_beta_slow": lambda v: 5 * v,
    "ARCH.attention.layer_norm_rms_epsilon": lambda v: v / 10, "ARCH.rope.freq_base_swa": lambda v: v / 3,
    "ARCH.embedding_scale": lambda v: 1.0, "ARCH.residual_scale": lambda v: 1.0,
    "ARCH.attention.scale": lambda v: None, "ARCH.logit_scale": lambda v: 1.0,
    "ARCH.attention.clamp_kqv": lambda v: None, "ARCH.attention.max_alibi_bias": lambda v: 8.0,
    "ARCH.attention.sliding_window_pattern": lambda v: v[::-1] if v != v[::-1] else [not w for w in v],
    "ARCH.final_logit_softcapping": lambda v: None, "ARCH.attn_logit_softcapping": lambda v: None,
}
# What cannot show: a factor beside an amplitude of the file's own; a key that all files of the family have, whatever they
# are. Nor the base beside explicit frequencies.
SILENT = {("longrope_standard", "ARCH.rope.scaling.factor"), ("longrope_short", "gyre.rotary.scaling.factor"),
          ("stablelm_12b", "ARCH.use_parallel_residual")}


# What a row of the reader's table may get wrong: another value of a field of Spec, where a family has one.
TRAPS = {
    "norm": lambda s: {"rms": "layer", "layer": "rms"}[s.norm],
    "qk_norm": lambda s: {"heads": "heads rotated", "heads rotated": "heads"}.get(s.qk_norm), "clamp": lambda s: 0.0,
    "alibi_max": lambda s: 8.0, "embedding_norm": lambda s: False, "attn_norm": lambda s: "attn_norm",
    "activation": lambda s: {"gelu_tanh": "gelu_erf", "gelu_erf": "gelu_tanh"}.get(s.activation, "gelu_erf"),
    "parallel": lambda s: not s.parallel, "pairs": lambda s: other_pairing(s), "embedding_scale": lambda s: 1.0,
    "global_layers": lambda s: () if s.window else s.global_layers, "other_layers": lambda s: (),
    "residual_scale": lambda s: 1.0,
    "score_scale": lambda s: other_scale(s), "score_cap": lambda s: 0.0, "logit_cap": lambda s: 0.0,
    "logit_scale": lambda s: 1.0, "logit_divisor": lambda s: 1.0,
}
TRAP_SHOWS = 2e-4  # of the largest logit: ten times what golden_logits_test allows; GELU's two forms give a little more


def other_pairing(spec):
    pairing = "half" if spec.pairs[:2] and spec.pairs[0][:2] == (0, 1) else "interleaved"
    return pair_up(spec.head_dim, pairing, 2 * len(spec.pairs), [w for _, _, w in spec.pairs])


def other_scale(spec):
    """None for one that the file says; by the width's share of a head for one by the head's size, where they differ."""
    return 0.0 if spec.score_scale or not spec.head_size else (spec.n_embd / spec.n_head) ** -0.5


def read(name):
    file = GGUFFile(FOLDER / f"{name}.gguf")
    return file, [int(t) for t in (FOLDER / f"{name}.tokens.txt").read_text().split(",")]


def stored_logits(name, n_tokens):
    values = np.fromfile(FOLDER / f"{name}.logits.bin", "<f4").reshape(n_tokens, -1)
    return torch.as_tensor(values).to(torch.float64)


def difference(a, b):
    return float((a - b).abs().max() / b.abs().max())


@unittest.skipIf(torch is None, "PyTorch is not installed")
class Files(unittest.TestCase):
    def test_logits_are_those_of_the_file(self):
        for name in (*SYSTEMS, *FAMILIES, *(f"long/{name}" for name in LONG)):
            with self.subTest(name):
                file, tokens = read(name)
                first = FIRST_FAR if name.startswith("long/") else 0
                if first:
                    self.assertEqual((FOLDER / f"{name}.position.txt").read_text(), f"{first}\n")
                    self.assertLessEqual(first + len(tokens), Reference.from_gguf(file).spec.context)
                logits = Reference.from_gguf(file).logits(tokens, first)
                self.assertLess(difference(logits, stored_logits(name, len(tokens))), 1e-7)

    def test_every_key_shows(self):
        for name in (*SYSTEMS, *FAMILIES):
            file, tokens = read(name)
            wanted = Reference.from_gguf(file).logits(tokens)
            for key in [k for k in file.metadata if self.other_of(file, k)]:
                if (name, self.general(file, key)) in SILENT:
                    continue
                with self.subTest(name, key=key):
                    other, _ = read(name)
                    other.metadata[key] = self.other_of(file, key)(file.metadata[key])
                    if other.metadata[key] is None:
                        del other.metadata[key]
                    self.assertGreater(difference(Reference.from_gguf(other).logits(tokens), wanted), SHOWS)

    def test_every_frequency_shows(self):
        for name in (*SYSTEMS, *FAMILIES):
            file, tokens = read(name)
            reference = Reference.from_gguf(file)
            wanted, pairs = reference.logits(tokens), reference.spec.pairs
            for i, (a, b, w) in enumerate(pairs):
                if w < 1e-20:
                    continue
                with self.subTest(name, pair=i):
                    reference.spec.pairs = (*pairs[:i], (a, b, 1.5 * w), *pairs[i + 1 :])
                    self.assertGreater(difference(reference.logits(tokens), wanted), SHOWS / 10)

    def test_every_small_tensor_shows(self):
        for name in ("sink_logits", "rope_freqs", "longrope_short", "longrope_long", "longrope_standard"):
            file, tokens = read(name)
            reference = Reference.from_gguf(file)
            wanted = reference.logits(tokens)
            for tensor in [t for t in file.shapes if t.startswith("rope_f") or t.endswith("attn_sinks.weight")]:
                unused = {"longrope_short": "rope_factors_long.weight"}.get(name, "rope_factors_short.weight")
                weights = {t: file.tensor(t) for t in file.shapes}
                weights[tensor] = weights[tensor] + 1
                moved = difference(Reference(spec_of(file.metadata, weights), weights).logits(tokens), wanted)
                with self.subTest(name, tensor=tensor):
                    self.assertEqual(moved == 0, tensor == unused)
                    self.assertTrue(moved == 0 or moved > SHOWS)

    def test_every_trap_shows(self):
        for name in FAMILIES:
            file, tokens = read(name)
            wanted = Reference.from_gguf(file).logits(tokens)
            for field, other in TRAPS.items():
                reference = Reference.from_gguf(file)
                if other(reference.spec) == getattr(reference.spec, field):
                    continue
                with self.subTest(name, field=field):
                    setattr(reference.spec, field, other(reference.spec))
                    self.assertGreater(difference(reference.logits(tokens), wanted), TRAP_SHOWS)

    def test_every_tensor_of_a_family_shows(self):
        for name in FAMILIES:
            file, tokens = read(name)
            wanted = Reference.from_gguf(file).logits(tokens)
            for tensor in file.shapes:
                if tensor == "rope_factors_short.weight":  # the session is longer
                    continue
                with self.subTest(name, tensor=tensor):
                    weights = {t: file.tensor(t) for t in file.shapes}
                    # Every other number: a norm after a product does not see the product's scale.
                    weights[tensor] = weights[tensor] * np.resize([1.0, 0.5], weights[tensor].shape[-1])
                    moved = difference(Reference(spec_of(file.metadata, weights), weights).logits(tokens), wanted)
                    self.assertGreater(moved, TRAP_SHOWS)

    @staticmethod
    def general(file, key):
        return key.replace(file.metadata["general.architecture"] + ".", "ARCH.", 1)

    def other_of(self, file, key):
        other = OTHER.get(self.general(file, key))
        if other and key.endswith("rope.freq_base") and "gyre.rotary.inv_freq" in file.metadata:
            return None
        if key.endswith("rope.dimension_count") and any(name.startswith("rope_f") for name in file.shapes):
            return None  # which these have the length of
        return other


@unittest.skipIf(torch is None, "PyTorch is not installed")
class Rules(unittest.TestCase):
    def test_ntk_slows_the_last_pair_by_the_factor(self):
        plain, slowed = (frequencies.rope(20, base) for base in (1e4, frequencies.ntk_base(20, 1e4, 8.0)))
        self.assertEqual(slowed[0], plain[0])
        self.assertAlmostEqual(plain[-1] / slowed[-1], 8.0, places=10)

    def test_dynamic_begins_at_the_trained_length(self):
        self.assertEqual(frequencies.dynamic_stretch(4.0, 1024, 1024), 1.0)
        self.assertEqual(frequencies.dynamic_stretch(1.0, 1024, 4096), 4.0)
        self.assertEqual(frequencies.dynamic_stretch(2.0, 1024, 4096), 7.0)

    def test_yarn_keeps_the_fast_and_interpolates_the_slow(self):
        plain, scaled = frequencies.rope(128, 1e4), frequencies.yarn(128, 1e4, 8.0, 2048)
        rotates = 2048 * plain / (2 * math.pi)
        np.testing.assert_array_equal(scaled[rotates > 40], plain[rotates > 40])
        np.testing.assert_allclose(scaled[rotates < 0.8], plain[rotates < 0.8] / 8, rtol=1e-15)
        self.assertTrue(((scaled <= plain) & (scaled >= plain / 8 * (1 - 1e-15))).all())
        np.testing.assert_allclose(frequencies.yarn(128, 1e4, 8.0, 2048, ext_factor=0.0), plain / 8, rtol=1e-15)

    def test_llama3_published_example(self):
        """Llama 3.1 8B: head size 128, base 500000, factor 8, trained on 8192; rope_freqs of its published files."""
        divisor = frequencies.rope(128, 5e5) / frequencies.llama3(128, 5e5, 8.0, 8192, 1.0, 4.0)
        np.testing.assert_allclose(divisor[[0, 28, 35, 63]], [1, 1, 8, 8], rtol=1e-12)
        self.assertTrue((np.diff(divisor) >= 0).all())

    def test_explicit_frequencies(self):
        plain = frequencies.rope(64, 1e4)
        np.testing.assert_array_equal(frequencies.p_rope(64, 1e4, 0.75), [*plain[:24], *[0.0] * 8])
        kept = frequencies.hope(64, 1e4, 1024)
        self.assertTrue((2 * math.pi / kept[kept > 0] <= 1024).all())
        self.assertTrue((2 * math.pi / plain[kept == 0] > 1024).all())

    def test_baichuan_of_40_layers_has_alibi_and_does_not_rotate(self):
        meta = GGUFFile(FOLDER / "baichuan.gguf").metadata
        self.assertIn("baichuan.rope.freq_base", meta)
        spec = spec_of({**meta, "baichuan.block_count": 40})
        self.assertEqual((spec.position, list(spec.pairs)), ("alibi", []))
        self.assertEqual((spec_of(meta).position, len(spec_of(meta).pairs)), ("rotary", 4))

    def test_alibi_slopes(self):
        self.assertEqual(alibi_slopes(8).tolist(), [2.0**-h for h in range(1, 9)])
        self.assertEqual(alibi_slopes(3).tolist(), [2.0**-4, 2.0**-8, 2.0**-2])
        self.assertEqual(alibi_slopes(1).tolist(), [2.0**-8])
        self.assertEqual(alibi_slopes(12)[8:].tolist(), [2.0 ** -(h / 2) for h in (1, 3, 5, 7)])

    def test_sinusoids(self):
        row = sinusoids(torch.tensor([3.0], dtype=torch.float64), 5)[0]
        wanted = [math.sin(3), math.cos(3), math.sin(3 / 1e4**0.4), math.cos(3 / 1e4**0.4), math.sin(3 / 1e4**0.8)]
        np.testing.assert_allclose(row, wanted, rtol=1e-15)

    def test_keys_without_a_meaning_are_refused(self):
        file, _ = read("crope")
        for key, value in (("gyre.rotary.twist", 1), ("gpt2.rope.sideways", 1), ("gpt2.attention.softcap", 1.0),
                           ("gyre.rotary.scaling.factor", 2.0), ("gyre.rotary.values", "half")):
            with self.subTest(key), self.assertRaises(SpecError):
                spec_of({**file.metadata, key: value})


if __name__ == "__main__":
    unittest.main()
