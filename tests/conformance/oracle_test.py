"""The oracle against closed forms and identities: what must hold whatever the code looks like.

SPDX-License-Identifier: Apache-2.0
"""

import cmath
import copy
import math
import unittest
from fractions import Fraction

import numpy as np

import inputs
import oracle
from oracle import Block, Pair

# 80 decimals of pi (OEIS A000796).
PI = Fraction(31415926535897932384626433832795028841971693993751058209749445923078164062862089986, 10**82)
N_EMBD = 12


def pairs_of(head_dim, pairing="half", d=None, theta=10000.0, inv_freq=None):
    inv_freq = inv_freq or oracle.rope_frequencies(d or head_dim, theta)
    channels = oracle.pair_channels(pairing, len(inv_freq), len(inv_freq))
    return [Pair(a, b, w) for (a, b), w in zip(channels, inv_freq)]


def rotary_block(head_dim=8, n_head=4, n_head_kv=2, **more):
    pairs = more.pop("pairs", None) or pairs_of(head_dim)
    return Block(n_head=n_head, n_head_kv=n_head_kv, head_dim=head_dim, pairs=pairs, **more)


def random_input(block, n_tokens, seed=1):
    """x, weight, bias."""
    rows = (block.n_head + 2 * block.n_head_kv) * block.head_dim
    numbers = inputs.uniform(inputs.splitmix64(seed, n_tokens * N_EMBD + rows * N_EMBD + rows))
    x, numbers = numbers[: n_tokens * N_EMBD].reshape(n_tokens, N_EMBD), numbers[n_tokens * N_EMBD :]
    return x, numbers[: rows * N_EMBD].reshape(rows, N_EMBD), numbers[rows * N_EMBD :] / 2


def run(block, n_tokens=7, first=0, seed=1):
    return oracle.attention_block(block, *random_input(block, n_tokens, seed), range(first, first + n_tokens))


def distance(a, b):
    return float(np.abs(a - b).max())


class Generator(unittest.TestCase):
    def test_splitmix64_gives_the_published_numbers(self):
        expected = [6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431]
        self.assertEqual([int(n) for n in inputs.splitmix64(1234567, 4)], expected)

    def test_numbers_are_float32(self):
        numbers = inputs.uniform(inputs.splitmix64(7, 1000))
        self.assertTrue(np.array_equal(numbers, numbers.astype(np.float32)))
        self.assertTrue(-1.0 <= numbers.min() < -0.99 and 0.99 < numbers.max() < 1.0)


class Angles(unittest.TestCase):
    def test_exact_at_every_position(self):
        for w in (1.0, 0.7498942093324559, 10000.0 ** (-0.9), 1e-30, -0.31, 6.25):
            for position in (0, 1, 31, 1023, 65535, 1048575):
                angle = float((Fraction(w) * position) % (2 * PI))  # reduced before it is rounded
                c, s = oracle.cos_sin(position, w)
                self.assertLess(abs(c - math.cos(angle)) + abs(s - math.sin(angle)), 4e-15)


class Frequencies(unittest.TestCase):
    def test_ntk_slows_the_slowest_pair_by_the_factor(self):
        plain, slowed = oracle.rope_frequencies(64), oracle.ntk_frequencies(64, 10000.0, 4.0)
        self.assertEqual(slowed[0], 1.0)
        self.assertAlmostEqual(plain[-1] / slowed[-1], 4.0, places=12)

    def test_dynamic_is_plain_up_to_the_trained_length(self):
        plain = oracle.rope_frequencies(64)
        self.assertEqual(oracle.dynamic_frequencies(64, 10000.0, 2.0, 1024, 1024), plain)
        self.assertEqual(
            oracle.dynamic_frequencies(64, 10000.0, 2.0, 1024, 2048), oracle.ntk_frequencies(64, 10000.0, 3.0)
        )

    def test_yarn_keeps_the_fast_pairs_and_interpolates_the_slow_ones(self):
        plain = oracle.rope_frequencies(128)
        for i, w in enumerate(oracle.yarn_frequencies(128, 10000.0, 8.0, 4096)):
            rotations = 4096 * plain[i] / (2 * math.pi)
            if rotations > 34:
                self.assertAlmostEqual(w, plain[i], places=14)
            elif rotations < 0.8:
                self.assertAlmostEqual(w, plain[i] / 8.0, places=14)
            else:
                self.assertTrue(plain[i] / 8.0 <= w <= plain[i])

    def test_yarn_amplitude(self):
        self.assertAlmostEqual(oracle.yarn_amplitude(16.0), 0.1 * math.log(16.0) + 1.0)
        self.assertEqual(oracle.yarn_amplitude(1.0), 1.0)
        self.assertEqual(oracle.yarn_amplitude(40.0, 0.707, 0.707), 1.0)  # DeepSeek-V2

    def test_llama3_by_wavelength(self):
        plain = oracle.rope_frequencies(128, 500000.0)
        for w, v in zip(plain, oracle.llama3_frequencies(128, 500000.0, 8.0, 8192, 1.0, 4.0)):
            wavelength = 2 * math.pi / w
            if wavelength < 2048:
                self.assertEqual(v, w)
            elif wavelength > 8192:
                self.assertEqual(v, w / 8.0)

    def test_resonance_repeats_after_a_whole_number_of_positions(self):
        plain = oracle.rope_frequencies(8)  # wavelengths of 6.28, 62.8, 628.3 and 6283.2
        for w, wavelength in zip(oracle.whole_wavelengths(plain), (6, 63, 628, 6283), strict=True):
            here, there = oracle.cos_sin(17, w), oracle.cos_sin(17 + wavelength, w)
            self.assertLess(max(abs(a - b) for a, b in zip(here, there)), 1e-12)

    def test_rope_id_from_32_tokens_to_half_the_trained_length(self):
        w = oracle.rope_id_frequencies(64, 1024)
        self.assertEqual(len(w), 32)
        self.assertAlmostEqual(2 * math.pi / w[0], 32.0, places=12)
        self.assertAlmostEqual(2 * math.pi / w[15], 512.0, places=9)
        self.assertEqual(w[16:], [0.0] * 16)
        # With half pairing over the whole head that is quarters 1 and 3.
        rotating = {c for p in pairs_of(64, inv_freq=w) if p.inv_freq for c in (p.a, p.b)}
        self.assertEqual(rotating, set(range(16)) | set(range(32, 48)))

    def test_p_rope_keeps_exponents_and_hope_stops_what_does_not_turn_once(self):
        plain = oracle.rope_frequencies(64)
        self.assertEqual(oracle.p_rope_frequencies(64, 10000.0, 0.75), plain[:24] + [0.0] * 8)
        stopped = oracle.hope_frequencies(64, 10000.0, 1024)
        self.assertEqual([w != 0.0 for w in stopped], [2 * math.pi / w <= 1024 for w in plain])

    def test_alibi_slopes(self):
        self.assertEqual(oracle.alibi_slopes(8), [2.0**-h for h in range(1, 9)])
        self.assertEqual(oracle.alibi_slopes(12), oracle.alibi_slopes(8) + oracle.alibi_slopes(16)[::2][:4])
        self.assertEqual(oracle.alibi_slopes(1), [2.0**-8])


class Identities(unittest.TestCase):
    def test_one_token_rove_is_rope(self):
        for position in (0, 31, 65535):
            rove, rope = (run(rotary_block(values=v), 1, position) for v in ("rove", "none"))
            self.assertLess(distance(rove, rope), 1e-14)

    def test_first_token_of_many_too(self):
        self.assertLess(distance(run(rotary_block(values="rove"), 5, 9)[0], run(rotary_block(), 5, 9)[0]), 1e-14)

    def test_rove_rope_and_rotate_only_are_three_things(self):
        rope, rotate_only, rove = (run(rotary_block(values=v)) for v in ("none", "rotate_only", "rove"))
        for a, b in ((rope, rotate_only), (rotate_only, rove), (rope, rove)):
            self.assertGreater(distance(a, b), 0.05)

    def test_only_differences_of_positions_matter(self):
        rope_id = pairs_of(8, inv_freq=oracle.rope_id_frequencies(8, 1024))
        blocks = {
            "rope": rotary_block(),
            "rove": rotary_block(values="rove"),
            "vo_rope": rotary_block(values="rove", turn_keys=False),
            "rope_id": rotary_block(pairs=rope_id),
            "rove_rope_id": rotary_block(pairs=rope_id, values="rove"),
            "xpos": rotary_block(pairs=[Pair(p.a, p.b, p.inv_freq, 0.7) for p in pairs_of(8)]),
            "alibi": Block(4, 2, 8, alibi=True),
        }
        for name, block in blocks.items():
            for shift in (1, 1000, 4096):
                self.assertLess(distance(run(block, first=0), run(block, first=shift)), 1e-12, name)

    def test_the_origin_of_the_decay_does_not_matter(self):
        block = rotary_block(pairs=[Pair(p.a, p.b, p.inv_freq, 0.7) for p in pairs_of(8)])
        at_zero = run(block)
        block.decay_origin = 300.0
        self.assertLess(distance(run(block), at_zero), 1e-13)

    def test_rotate_only_and_temperature_do_depend_on_the_position(self):
        for block in (rotary_block(values="rotate_only"), rotary_block(temperature=(0.5, 1.0, 16))):
            self.assertGreater(distance(run(block, first=0), run(block, first=1000)), 0.01)

    def test_uniform_attention_with_one_pair_is_the_dirichlet_kernel(self):
        w = 0.3
        block = Block(1, 1, 2, pairs=[Pair(0, 1, w)], values="rove")
        n, v = 9, complex(0.8, -0.5)
        q = np.zeros((n, 1, 2))
        value = np.tile([[v.real, v.imag]], (n, 1)).reshape(n, 1, 2)
        positions = range(40, 40 + n)
        y = oracle.mix(block, *oracle.rotated(block, q, q, value, positions), positions)[:, 0]
        for i in range(n):
            kernel = math.sin((i + 1) * w / 2) / ((i + 1) * math.sin(w / 2))
            expected = v * kernel * cmath.exp(-0.5j * i * w)
            self.assertLess(abs(complex(*y[i]) - expected), 1e-14)

    def test_complex_projection_is_its_dense_expansion(self):
        numbers = inputs.uniform(inputs.splitmix64(3, 4 * 6 * 2 + 12))
        re, im, x = numbers[:24].reshape(4, 6), numbers[24:48].reshape(4, 6), numbers[48:60]
        y = (re + 1j * im) @ (x[0::2] + 1j * x[1::2])
        dense = oracle.complex_as_dense(re, im) @ x
        self.assertLess(distance(dense[0::2] + 1j * dense[1::2], y), 1e-14)

    def test_complex_rotation_is_a_phase(self):
        """CRoPE's view: an interleaved pair times e^(i p w)."""
        pairs = pairs_of(8, "interleaved")
        x = inputs.uniform(inputs.splitmix64(5, 8)).reshape(1, 1, 8)
        y = oracle.rotate(x, [77], pairs)[0, 0]
        phase = np.exp(1j * 77 * np.array([p.inv_freq for p in pairs]))
        self.assertLess(distance(y[0::2] + 1j * y[1::2], phase * (x[0, 0, 0::2] + 1j * x[0, 0, 1::2])), 1e-13)

    def test_value_bias_does_not_fold_under_rove(self):
        """Its contribution is (sum_j a_ij R_(j-i)) b_V, and b_V only where values do not rotate."""
        n = 6
        for values in ("none", "rove"):
            block = rotary_block(n_head=1, n_head_kv=1, values=values)
            x, weight, bias = random_input(block, n)
            without = bias.copy()
            without[16:] = 0.0
            b_v = bias[16:].reshape(1, 1, 8)
            share = oracle.attention_block(block, x, weight, bias, range(n))
            share = share - oracle.attention_block(block, x, weight, without, range(n))
            q, k, _ = oracle.rotated(block, *oracle.project(block, x, weight, bias), range(n))
            a = oracle.softmax(oracle.scores(block, 0, q[:, 0], k[:, 0], range(n)))
            if values == "rove":
                for i in range(n):
                    turned_back = sum(a[i, j] * turn_by(b_v, j - i, block.pairs) for j in range(i + 1))
                    self.assertLess(distance(share[i], turned_back), 1e-13)
                self.assertGreater(distance(share, np.broadcast_to(b_v[0], share.shape)), 0.05)
            else:
                self.assertLess(distance(share, np.broadcast_to(b_v[0], share.shape)), 1e-13)

    def test_amplitude_scales_queries_and_keys_but_no_value(self):
        for values in ("none", "rotate_only", "rove"):
            block = rotary_block(values=values, amplitude=1.3)
            x, weight, bias = random_input(block, 5)
            q, k, v = oracle.project(block, x, weight, bias)
            plain = copy.copy(block)
            plain.amplitude = 1.0
            expected = oracle.mix(plain, *oracle.rotated(plain, 1.3 * q, 1.3 * k, v, range(5)), range(5))
            self.assertLess(distance(run(block, 5), expected.reshape(5, -1)), 1e-13)
            # One token: the output is its value, whatever the amplitude.
            self.assertLess(distance(run(block, 1), run(plain, 1)), 1e-14)

    def test_a_shift_must_turn_keys_and_under_rove_values(self):
        delta, first, n = -5, 20, 6
        for values, needs_values in (("none", False), ("rove", True)):
            block = rotary_block(values=values)
            x, weight, bias = random_input(block, n)
            old, new = range(first, first + n), range(first + delta, first + delta + n)
            projected = oracle.project(block, x, weight, bias)
            fresh = oracle.mix(block, *oracle.rotated(block, *projected, new), new)
            query = oracle.rotated(block, *projected, new)[0]
            _, k, v = oracle.rotated(block, *projected, old)
            k = turn_by(k, delta, block.pairs)
            keys_only = oracle.mix(block, query, k, v, new)
            both = oracle.mix(block, query, k, turn_by(v, delta, block.pairs), new)
            self.assertLess(distance(both if needs_values else keys_only, fresh), 1e-13)
            self.assertGreater(distance(keys_only if needs_values else both, fresh), 0.05)

    def test_pairings_are_a_permutation_of_rows(self):
        """half -> interleaved permutes rows of queries and keys; under RoVE of values and outputs as well."""
        order = np.array([0, 4, 1, 5, 2, 6, 3, 7])  # of a head, interleaved: row r holds half's row order[r]
        for values in ("none", "rove"):
            half = rotary_block(values=values)
            interleaved = rotary_block(values=values, pairs=pairs_of(8, "interleaved"))
            x, weight, bias = random_input(half, 6)
            rows = np.arange(len(weight)).reshape(-1, 8)
            rows = np.array([r[order] if i < 6 or values == "rove" else r for i, r in enumerate(rows)]).reshape(-1)
            expected = oracle.attention_block(half, x, weight, bias, range(6)).reshape(6, 4, 8)
            result = oracle.attention_block(interleaved, x, weight[rows], bias[rows], range(6)).reshape(6, 4, 8)
            self.assertLess(distance(result, expected[..., order] if values == "rove" else expected), 1e-13)

    def test_groups_are_repeated_heads(self):
        for values in ("none", "rove"):
            grouped = rotary_block(values=values)
            x, weight, bias = random_input(grouped, 6)
            q, k, v = oracle.project(grouped, x, weight, bias)
            full = rotary_block(values=values, n_head_kv=4)
            repeated = oracle.rotated(full, q, np.repeat(k, 2, axis=1), np.repeat(v, 2, axis=1), range(6))
            expected = oracle.mix(full, *repeated, range(6)).reshape(6, -1)
            self.assertLess(distance(oracle.attention_block(grouped, x, weight, bias, range(6)), expected), 1e-14)

    def test_what_a_window_hides_does_not_matter(self):
        block = rotary_block(window=3, sink_tokens=1)
        x, weight, bias = random_input(block, 8)
        other = x.copy()
        other[2:5] += 1.0  # the last query sees 5, 6, 7 and the kept 0
        results = [oracle.attention_block(block, y, weight, bias, range(8))[-1] for y in (x, other)]
        self.assertEqual(distance(*results), 0.0)
        other[0] += 1.0
        self.assertGreater(distance(results[0], oracle.attention_block(block, other, weight, bias, range(8))[-1]), 1e-3)

    def test_a_sink_logit_only_takes_weight(self):
        block = rotary_block(n_head=1, n_head_kv=1)
        x, weight, bias = random_input(block, 4)
        plain = oracle.attention_block(block, x, weight, bias, range(4))
        self.assertLess(distance(oracle.attention_block(block, x, weight, bias, range(4), [-1e4]), plain), 1e-15)
        half = oracle.attention_block(block, x[:1], weight, bias, [0], [score_of_first(block, x, weight, bias)])
        self.assertLess(distance(half, plain[:1] / 2), 1e-14)


def turn_by(x, delta, pairs):
    """R_delta of everything, whatever its position."""
    y = oracle.rotate(x, [abs(delta)] * len(x), pairs, sign=1 if delta >= 0 else -1)
    return y[0, 0] if x.shape[:2] == (1, 1) else y


def score_of_first(block, x, weight, bias):
    q, k, _ = oracle.rotated(block, *oracle.project(block, x, weight, bias), range(len(x)))
    return oracle.scores(block, 0, q[:1, 0], k[:1, 0], [0])[0, 0]


if __name__ == "__main__":
    unittest.main()
