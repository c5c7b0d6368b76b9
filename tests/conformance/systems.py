"""The table of systems: one row a system, files of its name in cases/.

SPDX-License-Identifier: Apache-2.0
"""

from dataclasses import dataclass

import rules as r
from shapes import full_grid, some_grid


@dataclass(frozen=True)
class System:
    name: str
    about: str
    extra: object  # Shape -> Extra: what it adds to a plain attention block
    grid: object  # offset -> [Shape]


# --- Grids ---
ROTATING = some_grid(10)
COMBINED = some_grid(6)
MANY = some_grid(12)
# Rules that need more than one pair.
PAIRS = some_grid(10, head_dims=(64, 8, 20, 128, 80))
PAIRS_COMBINED = some_grid(6, head_dims=(8, 64, 20, 80))
NEOX = some_grid(6, head_dims=(80, 64, 128, 20))
ODD = some_grid(6, head_dims=(7, 21, 5), n_tokens=[5, 3])
LONG = some_grid(4, head_dims=(8, 20), n_tokens=[70, 131])  # more than one tile of cells
WINDOWED = some_grid(10, head_dims=(8, 2, 20), n_tokens=[7, 66, 9, 130, 5, 71], heads=[(2, 1), (2, 2)])
GROUPED = some_grid(8, head_dims=(64, 8, 20, 2, 80), heads=[(4, 2), (6, 2), (6, 3), (8, 2)])
GROUPED_PAIRS = some_grid(6, head_dims=(8, 64, 20, 80), heads=[(4, 2), (6, 2), (6, 3), (8, 2)])
MULTI_QUERY = some_grid(8, head_dims=(8, 64, 20, 2, 80), heads=[(4, 1), (3, 1), (5, 1), (8, 1)])
SLOPES = some_grid(10, head_dims=(8, 20, 2, 64), heads=[(3, 3), (4, 2), (6, 2), (5, 5), (1, 1), (12, 4)])
# xPos: over a few tokens the decay hardly changes, so some cases have many.
DECAYING_TOKENS = [5, 70, 3, 131, 9]
DECAYING = some_grid(12, n_tokens=DECAYING_TOKENS)
DECAYING_PAIRS = some_grid(8, head_dims=(8, 64, 20, 80), n_tokens=DECAYING_TOKENS)

ROPE = [
    System("rope", "RoPE of the whole head", r.rope, full_grid),
    System("rope_partial", "RoPE of the first channels only; the rest pass", r.partial, PAIRS),
    System("rope_odd_head", "Head sizes with a last channel of no pair", r.odd_head, ODD),
    System("rope_long", "More tokens than one tile of cells", r.rope, LONG),
    System("gptneox", "GPT-NeoX: partial, half pairing, the architecture's own keys", r.gptneox, NEOX),
    System("gqa", "Grouped-query attention", r.rope, GROUPED),
    System("mqa", "Multi-query attention", r.rope, MULTI_QUERY),
    System("temperature", "Length-dependent logit factor", r.temperature(r.rope), ROTATING),
    System("rope_id", "RoPE-ID: quarters 1 and 3 rotate; every second case with temperature", r.rope_id, PAIRS),
    System("p_rope", "p-RoPE: the fastest part of the pairs", r.p_rope, PAIRS),
    System("hope", "HoPE: pairs that complete a rotation in training", r.hope, ROTATING),
]

VALUES = [
    System("rove", "RoVE: values rotated with the keys, rotated back at the query", r.rove(r.rope), full_grid),
    System("rove_partial", "RoVE of the first channels only", r.rove(r.partial), PAIRS),
    System("rove_odd_head", "RoVE with a last channel of no pair", r.rove(r.odd_head), ODD),
    System("rove_long", "RoVE over more than one tile of cells", r.rove(r.rope), LONG),
    System("rove_gqa", "RoVE: values rotated a group, rotated back a query head", r.rove(r.rope), GROUPED),
    System("rove_mqa", "RoVE with one value head", r.rove(r.rope), MULTI_QUERY),
    System("rove_partial_gqa", "RoVE, partial, grouped", r.rove(r.partial), GROUPED_PAIRS),
    System("rove_rope_id", "RoVE on RoPE-ID's quarters", r.rove(r.rope_id), PAIRS),
    System("rove_p_rope", "RoVE on p-RoPE's pairs", r.rove(r.p_rope), PAIRS_COMBINED),
    System("rove_hope", "RoVE on HoPE's pairs", r.rove(r.hope), COMBINED),
    System("rove_temperature", "RoVE and the logit factor", r.temperature(r.rove(r.rope)), COMBINED),
    System("vo_rope", "VO-RoPE: values and outputs rotate, queries and keys do not", r.vo_rope(r.rope), ROTATING),
    System("vo_rope_partial", "VO-RoPE of the first channels", r.vo_rope(r.partial), PAIRS_COMBINED),
    System("vo_rope_yarn", "VO-RoPE with YaRN: its amplitude has nothing to scale", r.vo_rope(r.yarn), COMBINED),
    System("rotate_only", "RoFormer's rotary_value: rotated, never rotated back", r.rotate_only(r.rope), ROTATING),
    System("rotate_only_partial", "The same on the first channels", r.rotate_only(r.partial), PAIRS_COMBINED),
    System("rotate_only_yarn", "The same with YaRN: unit amplitude on values", r.rotate_only(r.yarn), COMBINED),
    System("v_rotate_only", "The same, queries and keys not rotated", r.v_rotate_only(r.rope), COMBINED),
]

COMPLEX = [
    System("crope", "CRoPE: complex query, key and value projections", r.crope(r.rope), MANY),
    System("crope_partial", "CRoPE with partial rotary", r.crope(r.partial), PAIRS_COMBINED),
    System("crope_gqa", "CRoPE, grouped", r.crope(r.rope), GROUPED_PAIRS),
    System("crope_rove", "CRoPE and RoVE", r.rove(r.crope(r.rope)), MANY),
    System("crope_rope_id", "CRoPE and RoPE-ID, in CRoPE's pairs", r.crope(r.rope_id), PAIRS),
    System("crope_rove_rope_id", "CRoPE, RoVE and RoPE-ID", r.rove(r.crope(r.rope_id)), PAIRS_COMBINED),
    System("crope_nope", "Complex projections without positions", r.crope(r.unrotated("none")), COMBINED),
    System("crope_alibi", "Complex projections and ALiBi", r.crope(r.unrotated("alibi")), SLOPES),
    System("crope_window", "CRoPE, RoVE and a sliding window", r.rove(r.crope(r.window(r.rope))), WINDOWED),
    System("crope_yarn", "CRoPE and YaRN", r.crope(r.yarn), COMBINED),
]

SCALING = [
    System("linear", "Position interpolation", r.linear, ROTATING),
    System("ntk", "NTK-aware base", r.ntk, ROTATING),
    System("dynamic", "Dynamic NTK, frozen for the session", r.dynamic, ROTATING),
    System("yarn", "YaRN: ramp, amplitude, all parameters", r.yarn, some_grid(18)),
    System("yarn_partial", "YaRN on the first channels: the rest keep their amplitude", r.yarn_partial, PAIRS),
    System("llama3", "Llama 3.1", r.llama3, ROTATING),
    System("longrope", "LongRoPE: short and long factors, attention factor", r.longrope, MANY),
    System("resonance", "Resonance RoPE on YaRN's speeds: whole wavelengths", r.resonance(r.yarn), COMBINED),
    System("freq_factors", "rope_freqs.weight", r.freq_factors, MANY),
    System("rove_linear", "RoVE with position interpolation", r.rove(r.linear), COMBINED),
    System("rove_ntk", "RoVE with the NTK-aware base", r.rove(r.ntk), COMBINED),
    System("rove_dynamic", "RoVE with dynamic NTK", r.rove(r.dynamic), COMBINED),
    System("rove_yarn", "RoVE with YaRN: unit amplitude on values and outputs", r.rove(r.yarn), MANY),
    System("rove_yarn_partial", "RoVE with YaRN on the first channels", r.rove(r.yarn_partial), PAIRS_COMBINED),
    System("rove_llama3", "RoVE with Llama 3.1's speeds", r.rove(r.llama3), COMBINED),
    System("rove_longrope", "RoVE with LongRoPE: unit amplitude on values", r.rove(r.longrope), COMBINED),
    System("rove_freq_factors", "RoVE with rope_freqs.weight", r.rove(r.freq_factors), COMBINED),
]

BASELINES = [
    System("nope", "No position: by name, and as pairs that stand still", r.nope, ROTATING),
    System("learned", "Learned positions: in the embedding, none in attention", r.unrotated("learned"), COMBINED),
    System("sinusoidal", "Sinusoidal positions: the same", r.unrotated("sinusoidal"), COMBINED),
    System("alibi", "ALiBi, other head counts than powers of two too", r.unrotated("alibi"), SLOPES),
    System("xpos", "xPos: decay of queries and keys", r.xpos(r.rope), DECAYING),
    System("xpos_partial", "xPos on the first channels", r.xpos(r.partial), DECAYING_PAIRS),
    System("rove_xpos", "RoVE and xPos: values rotate without decay", r.rove(r.xpos(r.rope)), DECAYING_PAIRS),
]

VISIBILITY = [
    System("window", "Sliding window", r.window(r.rope), WINDOWED),
    System("sinks", "Sliding window that keeps the first tokens", r.sinks(r.rope), WINDOWED),
    System("sink_logits", "A learned logit a head that takes weight and has no value", r.sink_logits(r.rope), ROTATING),
    System("rove_window", "RoVE and a sliding window", r.rove(r.window(r.rope)), WINDOWED),
    System("rove_sinks", "RoVE and kept first tokens", r.rove(r.sinks(r.rope)), WINDOWED),
    System("rove_sink_logits", "RoVE and a learned sink logit", r.rove(r.sink_logits(r.rope)), ROTATING),
    System("nope_window", "Sliding window without positions", r.window(r.unrotated("none")), WINDOWED),
    System("alibi_window", "ALiBi and a sliding window", r.window(r.unrotated("alibi")), WINDOWED),
    System("window_sink_logits", "Window and learned sink logits", r.sink_logits(r.window(r.rope)), WINDOWED),
]

# A family with RMS norms, a matrix each for queries, keys and values, and interleaved pairs; one with LayerNorm, in halves.
IN_FAMILIES = [
    System(f"{family}_{name}", f"{about}, in a file of {maker}", r.of_family(family, rule), grid)
    for family, maker in (("llama", "Llama's family"), ("stablelm", "StableLM's family"))
    for name, about, rule, grid in (
        ("rope", "RoPE", r.rope, COMBINED),
        ("rove", "RoVE", r.rove(r.rope), COMBINED),
        ("rove_gqa", "RoVE, grouped", r.rove(r.rope), GROUPED_PAIRS),
        ("rope_id", "RoPE-ID", r.rope_id, PAIRS_COMBINED),
        ("crope", "CRoPE", r.crope(r.rope), COMBINED),
        ("crope_rove", "CRoPE and RoVE", r.rove(r.crope(r.rope)), COMBINED),
        ("linear", "Position interpolation", r.linear, COMBINED),
        ("ntk", "NTK-aware base", r.ntk, COMBINED),
        ("dynamic", "Dynamic NTK", r.dynamic, COMBINED),
        ("rove_yarn", "RoVE with YaRN", r.rove(r.yarn), COMBINED),
        ("llama3", "Llama 3.1's speeds", r.llama3, COMBINED),
        ("longrope", "LongRoPE", r.longrope, COMBINED),
    )
]

SYSTEMS = ROPE + VALUES + COMPLEX + SCALING + BASELINES + VISIBILITY + IN_FAMILIES
