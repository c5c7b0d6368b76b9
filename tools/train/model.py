"""The model that is trained: a GPT-2 decoder whose positions are RoVE.

Pre-LN blocks, biases, tanh GELU, tied head (Radford et al. 2019); no learned positions. Queries and keys are rotated by
their position (Su et al. 2021, RoFormer), values are rotated with the keys, and the weighted sum is rotated back at the
query (Garcia-Castellanos et al. 2026, RoVE, arXiv:2606.11275):

    y_i = R_-i sum_j softmax_j(R_i q_i . R_j k_j / sqrt(D)) R_j v_j

Written for speed on a small CPU: causal attention in query blocks, and a head that never keeps all logits.
"""

import dataclasses
import math

import torch
from torch import nn
from torch.nn import functional as F


@dataclasses.dataclass
class ModelConfig:
    vocab: int = 8192
    n_embd: int = 256
    n_layer: int = 4
    n_head: int = 4
    n_ff: int = 1024
    context: int = 512
    theta: float = 10000.0
    eps: float = 1e-5


def rotary_tables(context, head_dim, theta):
    """cos and sin of position x frequency, [context, head_dim/2] each; angles in float64, as position 500 needs it."""
    inv_freq = theta ** (-torch.arange(0, head_dim, 2, dtype=torch.float64) / head_dim)
    angle = torch.arange(context, dtype=torch.float64)[:, None] * inv_freq
    return angle.cos().float(), angle.sin().float()


def rotate(x, cos, sin):
    """x [..., T, D] rotated by half pairing: channel i goes with i + D/2."""
    a, b = x.chunk(2, dim=-1)
    return torch.cat((a * cos - b * sin, a * sin + b * cos), dim=-1)


def causal_attention(q, k, v, block=128):
    """softmax(q k^T / sqrt(D)) v with a causal mask; q, k, v [B, H, T, D].

    A block of queries sees only the keys up to its own end: less than two thirds of the full T x T work.
    """
    length, scale = q.shape[2], q.shape[3] ** -0.5
    out = []
    for start in range(0, length, block):
        end = min(start + block, length)
        scores = (q[:, :, start:end] * scale) @ k[:, :, :end].transpose(2, 3)  # [B, H, block, end]
        mask = torch.ones(end - start, end, dtype=torch.bool, device=q.device).triu(start + 1)
        out.append(scores.masked_fill(mask, -math.inf).softmax(-1) @ v[:, :, :end])
    return torch.cat(out, dim=2)


class FusedLoss(torch.autograd.Function):
    """Mean cross entropy of x W^T, x [N, C], W [V, C], in row chunks that stay in the cache.

    The gradient is made beside the loss, so that the [N, V] logits are never stored.
    """

    @staticmethod
    def forward(ctx, x, weight, targets, chunk):
        total, grad_x, grad_w = 0.0, torch.empty_like(x), torch.zeros_like(weight)
        for start in range(0, x.shape[0], chunk):
            rows, ids = x[start : start + chunk], targets[start : start + chunk, None]
            p = rows @ weight.T
            p -= p.max(dim=-1, keepdim=True).values
            picked = p.gather(1, ids)
            p.exp_()
            norm = p.sum(dim=-1, keepdim=True)
            total += float((norm.log() - picked).sum(dtype=torch.float64))
            p /= norm
            p.scatter_add_(1, ids, torch.full_like(picked, -1.0))
            grad_x[start : start + chunk] = p @ weight
            grad_w.addmm_(p.T, rows)
        ctx.save_for_backward(grad_x, grad_w)
        ctx.rows = x.shape[0]
        return x.new_tensor(total / x.shape[0])

    @staticmethod
    def backward(ctx, grad):
        grad_x, grad_w = ctx.saved_tensors
        return grad_x * (grad / ctx.rows), grad_w * (grad / ctx.rows), None, None


class Block(nn.Module):
    def __init__(self, config):
        super().__init__()
        c = config.n_embd
        self.n_head = config.n_head
        self.attn_norm = nn.LayerNorm(c, eps=config.eps)
        self.attn_qkv = nn.Linear(c, 3 * c)
        self.attn_output = nn.Linear(c, c)
        self.ffn_norm = nn.LayerNorm(c, eps=config.eps)
        self.ffn_up = nn.Linear(c, config.n_ff)
        self.ffn_down = nn.Linear(config.n_ff, c)

    def forward(self, x, cos, sin):  # x [B, T, C]
        b, t, c = x.shape
        qkv = self.attn_qkv(self.attn_norm(x)).view(b, t, 3, self.n_head, c // self.n_head)
        q, k, v = rotate(qkv.permute(2, 0, 3, 1, 4), cos, sin).unbind(0)  # each [B, H, T, D]
        y = rotate(causal_attention(q, k, v), cos, -sin)
        x = x + self.attn_output(y.transpose(1, 2).reshape(b, t, c))
        return x + self.ffn_down(F.gelu(self.ffn_up(self.ffn_norm(x)), approximate="tanh"))


class Model(nn.Module):
    """Module names are the GGUF tensor names, so that export needs no table."""

    def __init__(self, config):
        super().__init__()
        self.config = config
        self.token_embd = nn.Embedding(config.vocab, config.n_embd)
        self.blk = nn.ModuleList(Block(config) for _ in range(config.n_layer))
        self.output_norm = nn.LayerNorm(config.n_embd, eps=config.eps)
        cos, sin = rotary_tables(config.context, config.n_embd // config.n_head, config.theta)
        self.register_buffer("cos", cos, persistent=False)
        self.register_buffer("sin", sin, persistent=False)
        self.apply(self._init)
        for block in self.blk:  # GPT-2: the residual stream has 2 L summands of equal size
            for layer in (block.attn_output, block.ffn_down):
                nn.init.normal_(layer.weight, std=0.02 / math.sqrt(2 * config.n_layer))

    @staticmethod
    def _init(module):
        if isinstance(module, (nn.Linear, nn.Embedding)):
            nn.init.normal_(module.weight, std=0.02)
        if isinstance(module, nn.Linear):
            nn.init.zeros_(module.bias)

    def hidden(self, ids):
        """ids [B, T] -> the normalised last layer [B, T, C]."""
        x, t = self.token_embd(ids), ids.shape[1]
        for block in self.blk:
            x = block(x, self.cos[:t], self.sin[:t])
        return self.output_norm(x)

    def forward(self, ids):
        return self.hidden(ids) @ self.token_embd.weight.T  # [B, T, vocab]

    def loss(self, ids, targets, chunk=512):
        return FusedLoss.apply(self.hidden(ids).flatten(0, 1), self.token_embd.weight, targets.flatten(), chunk)
