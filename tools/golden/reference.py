"""The whole model in float64, written from the papers and for reading: no cache, no blocks, one sentence a step.

Backbones: Radford et al. 2019 (GPT-2): pre-LN decoder, tied head unless the file has its own. Black et al. 2022 (GPT-
NeoX-20B, arXiv:2204.06745): attention and MLP side by side. Touvron et al. 2023 (Llama, arXiv:2302.13971): RMS norms,
separate projections, a gated feed-forward; families.py has what other families change of it. Rotary: Su et al. 2021
(RoFormer, arXiv:2104.09864). RoVE: Garcia-Castellanos et al. 2026 (arXiv:2606.11275). T is the number of tokens, C
n_embd, H heads, G key/value heads, D head size, V vocabulary.
"""

import math

import torch

from .spec import spec_of


class Reference:
    """`weights`: tensor name -> array as stored (decoded, not the values before quantization)."""

    def __init__(self, spec, weights):
        self.spec = spec
        self.weights = {name: torch.as_tensor(w).to(torch.float64) for name, w in weights.items()}
        self.attention_peaks = []  # mean largest weight of the rows of each layer: says whether attention does anything

    @classmethod
    def from_gguf(cls, file):
        weights = {name: file.tensor(name) for name in file.shapes}
        return cls(spec_of(file.metadata, weights), weights)

    def logits(self, tokens, first_position=0):
        """tokens: list of T ids -> float64 [T, V]."""
        self.attention_peaks = []
        ids = torch.as_tensor(tokens)
        positions = torch.arange(first_position, first_position + len(tokens), dtype=torch.float64)
        x = self._embed(ids, positions)  # [T, C]
        for n in range(self.spec.n_layer):
            block = f"blk.{n}."
            mixed = self._attention(block, self._before(block + self.spec.attn_norm, x), positions)
            mixed = self.spec.residual_scale * self._after(block + "post_attention_norm", mixed)
            beside = x if self.spec.parallel else x + mixed
            fed = self._mlp(block, self._before(block + self.spec.ffn_norm, beside))
            x = x + mixed + self.spec.residual_scale * self._after(block + "post_ffw_norm", fed)
        x = self._norm("output_norm", x)
        logits = x @ self.weights.get("output.weight", self.weights["token_embd.weight"]).T
        logits = logits + self.weights.get("output.bias", 0.0)
        return soft_cap(logits * self.spec.logit_scale / self.spec.logit_divisor, self.spec.logit_cap)

    def _embed(self, ids, positions):
        x = self.weights["token_embd.weight"][ids] * self.spec.embedding_scale
        if self.spec.embedding_norm:
            x = self._norm("token_embd_norm", x)
        if self.spec.position == "learned":
            return x + self.weights["position_embd.weight"][positions.long()]
        if self.spec.position == "sinusoidal":
            return x + sinusoids(positions, self.spec.n_embd)
        return x

    def _norm(self, name, x):
        """LayerNorm: biased variance. RMSNorm: no mean is taken off. Epsilon inside the root."""
        mean = x.mean(-1, keepdim=True) if self.spec.norm == "layer" else 0.0
        variance = ((x - mean) ** 2).mean(-1, keepdim=True)
        y = (x - mean) / torch.sqrt(variance + self.spec.eps)
        if not self.spec.norm_weights:
            return y
        return y * self.weights[name + ".weight"] + self.weights.get(name + ".bias", 0.0)

    def _before(self, name, x):
        """What a block reads of the residual stream."""
        return x if self.spec.place == "after" else self._norm(name, x)

    def _after(self, name, y):
        """What is added of a block's result."""
        return y if self.spec.place == "before" else self._norm(name, y)

    def _linear(self, name, x, is_complex=False):
        """x [T, in], weight [out, in]; complex: re and im [out / 2, in / 2] each."""
        if is_complex:
            return self._complex_linear(name, x) + self.weights.get(name + ".bias", 0.0)
        return x @ self.weights[name + ".weight"].T + self.weights.get(name + ".bias", 0.0)

    def _complex_linear(self, name, x):
        """Lou & Xu 2026 (CRoPE, arXiv:2601.02728): neighbours are one complex number, y = (W_re + i W_im) x."""
        z = torch.view_as_complex(x.reshape(len(x), -1, 2).contiguous())
        weight = torch.complex(self.weights[name + ".re.weight"], self.weights[name + ".im.weight"])
        return torch.view_as_real(z @ weight.T).reshape(len(x), -1)

    def _turn(self, x, positions, pairs, sign=1.0, amplitude=1.0, decay=0.0):
        """R_p x (sign 1) or R_-p x (sign -1) for every position; x [T, heads, D].

        (x_a, x_b) -> (x_a cos - x_b sin, x_a sin + x_b cos), angle = position times the pair's frequency. The amplitude
        belongs to what rotates. decay 1 or -1: xPos, times zeta^(decay p / 512).
        """
        y = x.clone()
        for i, (a, b, inv_freq) in enumerate(pairs):
            if inv_freq == 0.0:
                continue
            angle = (sign * positions * inv_freq)[:, None]  # [T, 1]
            size = amplitude
            if decay and self.spec.zetas:
                size = amplitude * self.spec.zetas[i] ** (decay * positions / 512)[:, None]
            y[..., a] = size * (x[..., a] * angle.cos() - x[..., b] * angle.sin())
            y[..., b] = size * (x[..., a] * angle.sin() + x[..., b] * angle.cos())
        return y

    def _projections(self, block, x):
        """Queries [T, H D], keys and values [T, G D]: of one matrix, or of three."""
        spec = self.spec
        if any(name.startswith(block + "attn_qkv.") for name in self.weights):
            kv = spec.n_head_kv * spec.head_dim
            parts = self._linear(block + "attn_qkv", x, spec.complex_qkv).split((spec.n_head * spec.head_dim, kv, kv), dim=-1)
            names = (block + name + ".bias" for name in ("attn_q", "attn_k", "attn_v"))
            return tuple(part + self.weights.get(name, 0.0) for part, name in zip(parts, names))
        return tuple(self._linear(block + name, x, spec.complex_qkv) for name in ("attn_q", "attn_k", "attn_v"))

    def _qk_norm(self, block, q, k):
        """Henry et al. 2020 (arXiv:2010.04245), as it is done today: with weights."""
        return self._norm(block + "attn_q_norm", q), self._norm(block + "attn_k_norm", k)

    def _attention(self, block, x, positions):
        spec, t, layer = self.spec, x.shape[0], int(block.split(".")[1])
        h, g, d = spec.n_head, spec.n_head_kv, spec.head_dim
        other = layer in spec.other_layers
        pairs, amplitude, decay = (spec.other_pairs, 1.0, 0.0) if other else (spec.pairs, spec.amplitude, 1.0)
        q, k, v = self._projections(block, x)
        if spec.clamp:
            q, k, v = (y.clamp(-spec.clamp, spec.clamp) for y in (q, k, v))
        if spec.qk_norm == "rows":
            q, k = self._qk_norm(block, q, k)
        q, k, v = q.reshape(t, h, d), k.reshape(t, g, d), v.reshape(t, g, d)
        if spec.qk_norm in ("heads", "own heads"):
            q, k = self._qk_norm(block, q, k)
        if spec.turn_keys:
            q = self._turn(q, positions, pairs, amplitude=amplitude, decay=decay)
            k = self._turn(k, positions, pairs, amplitude=amplitude, decay=-decay)
        if spec.qk_norm == "heads rotated":
            q, k = self._qk_norm(block, q, k)
        if spec.values != "none":
            v = self._turn(v, positions, pairs)  # after the bias: with RoVE a value bias is no constant of the output
        # Ainslie et al. 2023 (grouped queries): query head i reads key/value head i / (H / G)
        k, v = k.repeat_interleave(h // g, dim=1), v.repeat_interleave(h // g, dim=1)
        weights = self._weights(block, torch.einsum("ihd,jhd->hij", q, k), positions, layer)
        self.attention_peaks.append(weights[:, t // 2 :].max(-1).values.mean().item())
        y = torch.einsum("hij,jhd->ihd", weights, v)
        if spec.values == "rove":
            y = self._turn(y, positions, pairs, -1.0)  # y_i = R_-i sum_j a_ij R_j v_j, for every query head
        return self._linear(block + "attn_output", y.reshape(t, h * d), spec.complex_output)

    def _weights(self, block, scores, positions, layer):
        """Scores [H, T, T], not yet scaled -> what every query gives to every key."""
        spec = self.spec
        scores = soft_cap(scores * (spec.score_scale or 1 / math.sqrt(spec.head_dim)), spec.score_cap)
        coefficient, power, trained = spec.temperature  # RoPE-ID (Wertheimer et al. 2026, arXiv:2603.18017)
        stretch = ((positions + 1) / trained).clamp(min=1.0)
        scores = scores * ((1 + coefficient * stretch.log()) ** power)[None, :, None]
        distance = positions[:, None] - positions[None, :]  # [query, key]
        if spec.position == "alibi":
            scores = scores - alibi_slopes(spec.n_head, spec.alibi_max)[:, None, None] * distance
        hidden = distance < 0
        # Beltagy et al. 2020; Xiao et al. 2023 (StreamingLLM) for the first positions
        if spec.window and layer not in spec.global_layers:
            hidden |= (distance >= spec.window) & (positions[None, :] >= spec.sink_tokens)
        scores = scores.masked_fill(hidden, -math.inf)
        sinks = self.weights.get(block + "attn_sinks.weight")
        if sinks is None:
            return scores.softmax(-1)
        # A logit a head that takes its share and gives nothing (OpenAI 2025, gpt-oss, arXiv:2508.10925)
        column = sinks[:, None, None].expand(-1, scores.shape[1], 1)
        return torch.cat((scores, column), dim=-1).softmax(-1)[..., :-1]

    def _mlp(self, block, x):
        up = self._linear(block + "ffn_up", x)
        if self.spec.gated:
            own = block + "ffn_gate.weight" in self.weights
            gate, up = (self._linear(block + "ffn_gate", x), up) if own else up.chunk(2, dim=-1)
            return self._linear(block + "ffn_down", self._activation(gate) * up)
        return self._linear(block + "ffn_down", self._activation(up))

    def _activation(self, x):
        kind = self.spec.activation
        if kind == "gelu_tanh":  # Hendrycks & Gimpel 2016, the approximation that GPT-2 uses
            return 0.5 * x * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
        if kind == "gelu_erf":
            return 0.5 * x * (1 + torch.erf(x / math.sqrt(2)))
        if kind == "silu":  # Elfwing et al. 2018 (arXiv:1702.03118)
            return x * torch.sigmoid(x)
        return torch.relu(x) ** 2  # So et al. 2021 (Primer)


def soft_cap(x, cap):
    """Bello et al. 2016 (arXiv:1611.09940), section 5.1: cap tanh(x / cap); none where cap is 0."""
    return cap * torch.tanh(x / cap) if cap else x


def sinusoids(positions, n):
    """Vaswani et al. 2017, section 3.5: PE(p, 2i) = sin(p / 10000^(2i / n)), PE(p, 2i + 1) its cosine. [T, n]"""
    angles = positions[:, None] / 10000.0 ** (torch.arange(0, n, 2, dtype=torch.float64) / n)
    return torch.stack((angles.sin(), angles.cos()), dim=-1).reshape(len(positions), -1)[:, :n]


def alibi_slopes(n_head, largest=8.0):
    """Press et al. 2022 (ALiBi, arXiv:2108.12409): 2^(-8/n), 2^(-16/n), ... for n heads. Where n is no power of two,
    those of the power below, then every other one of the power above (their code)."""
    below = 2 ** int(math.log2(n_head))
    slopes = [2.0 ** (-largest * (h + 1) / below) for h in range(below)]
    slopes += [2.0 ** (-largest / 2 * (2 * h + 1) / below) for h in range(n_head - below)]
    return torch.tensor(slopes, dtype=torch.float64)
