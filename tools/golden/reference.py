"""The whole model in float64, written from the papers and for reading: no cache, no blocks, one sentence a step.

Backbone: Radford et al. 2019 (GPT-2): pre-LN decoder, tied head unless the file has its own. Rotary: Su et al. 2021
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
        return cls(spec_of(file.metadata), {name: file.tensor(name) for name in file.shapes})

    def logits(self, tokens, first_position=0):
        """tokens: list of T ids -> float64 [T, V]."""
        self.attention_peaks = []
        ids = torch.as_tensor(tokens)
        positions = torch.arange(first_position, first_position + len(tokens), dtype=torch.float64)
        x = self.weights["token_embd.weight"][ids]  # [T, C]
        if self.spec.position == "learned":
            x = x + self.weights["position_embd.weight"][positions.long()]
        for n in range(self.spec.n_layer):
            x = x + self._attention(f"blk.{n}.", self._norm(f"blk.{n}.attn_norm", x), positions)
            x = x + self._mlp(f"blk.{n}.", self._norm(f"blk.{n}.ffn_norm", x))
        x = self._norm("output_norm", x)
        return x @ self.weights.get("output.weight", self.weights["token_embd.weight"]).T

    def _norm(self, name, x):
        """LayerNorm (Ba et al. 2016): biased variance, epsilon inside the root."""
        mean = x.mean(-1, keepdim=True)
        variance = ((x - mean) ** 2).mean(-1, keepdim=True)
        y = (x - mean) / torch.sqrt(variance + self.spec.eps) * self.weights[name + ".weight"]
        return y + self.weights.get(name + ".bias", 0.0)

    def _linear(self, name, x):
        """x [T, in], weight [out, in]."""
        return x @ self.weights[name + ".weight"].T + self.weights.get(name + ".bias", 0.0)

    def _turn(self, x, positions, sign=1.0):
        """R_p x (sign 1) or R_-p x (sign -1) for every position; x [T, heads, D].

        (x_a, x_b) -> (x_a cos - x_b sin, x_a sin + x_b cos), angle = position times the pair's frequency.
        """
        y = x.clone()
        for a, b, inv_freq in self.spec.pairs:
            angle = (sign * positions * inv_freq)[:, None]  # [T, 1]
            y[..., a] = x[..., a] * angle.cos() - x[..., b] * angle.sin()
            y[..., b] = x[..., a] * angle.sin() + x[..., b] * angle.cos()
        return y

    def _attention(self, block, x, positions):
        spec, t = self.spec, x.shape[0]
        h, g, d = spec.n_head, spec.n_head_kv, spec.head_dim
        q, k, v = self._linear(block + "attn_qkv", x).split((h * d, g * d, g * d), dim=-1)
        q, k, v = q.reshape(t, h, d), k.reshape(t, g, d), v.reshape(t, g, d)
        if spec.position == "rotary" and spec.turn_keys:
            q, k = self._turn(q, positions), self._turn(k, positions)
        if spec.position == "rotary" and spec.values != "none":
            v = self._turn(v, positions)  # after the bias: with RoVE a value bias is no constant of the output
        # Ainslie et al. 2023 (grouped queries): query head i reads key/value head i / (H / G)
        k, v = k.repeat_interleave(h // g, dim=1), v.repeat_interleave(h // g, dim=1)
        scores = torch.einsum("ihd,jhd->hij", q, k) / math.sqrt(d)  # [H, T, T]
        future = torch.ones(t, t, dtype=torch.bool).triu(1)
        weights = scores.masked_fill(future, -math.inf).softmax(-1)
        self.attention_peaks.append(weights[:, t // 2 :].max(-1).values.mean().item())
        y = torch.einsum("hij,jhd->ihd", weights, v)
        if spec.position == "rotary" and spec.values == "rove":
            y = self._turn(y, positions, -1.0)  # y_i = R_-i sum_j a_ij R_j v_j, for every query head
        return self._linear(block + "attn_output", y.reshape(t, h * d))

    def _mlp(self, block, x):
        return self._linear(block + "ffn_down", self._activation(self._linear(block + "ffn_up", x)))

    def _activation(self, x):
        kind = self.spec.activation
        if kind == "gelu_tanh":  # Hendrycks & Gimpel 2016, the approximation that GPT-2 uses
            return 0.5 * x * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
        if kind == "gelu_erf":
            return 0.5 * x * (1 + torch.erf(x / math.sqrt(2)))
        return torch.relu(x) ** 2  # So et al. 2021 (Primer)
