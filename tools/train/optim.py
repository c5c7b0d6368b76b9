"""The two optimizers: Muon for the matrices inside the blocks, AdamW for the embedding, norms and biases.

Muon (Jordan et al. 2024, kellerjordan.github.io/posts/muon): momentum, then the nearest semi-orthogonal matrix, found
by a quintic Newton-Schulz iteration. In a run of a few thousand steps it needs clearly fewer steps than AdamW alone.
"""

import torch


def orthogonalize(g, steps=5):
    """[rows, cols] U S V^T -> about U V^T; coefficients from the article: singular values end in 0.7..1.2."""
    a, b, c = 3.4445, -4.7750, 2.0315
    tall = g.shape[0] > g.shape[1]
    x = g.T if tall else g
    x = x / (x.norm() + 1e-7)
    for _ in range(steps):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.T if tall else x


class Muon(torch.optim.Optimizer):
    def __init__(self, params, lr=0.02, momentum=0.95, weight_decay=0.0, run=map):
        """`run` is map, or the map of a thread pool: the matrices do not depend on one another."""
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})
        self.run = run

    def step(self):
        for group in self.param_groups:
            list(self.run(lambda p: self._update(p, group), group["params"]))

    @torch.no_grad()  # here, not at step(): the mode belongs to the thread
    def _update(self, p, group):
        buffer = self.state[p].setdefault("momentum", torch.zeros_like(p))
        buffer.lerp_(p.grad, 1 - group["momentum"])
        update = orthogonalize(p.grad.lerp(buffer, group["momentum"]))  # Nesterov
        p.mul_(1 - group["lr"] * group["weight_decay"])
        p.add_(update, alpha=-group["lr"] * max(1.0, p.shape[0] / p.shape[1]) ** 0.5)


def make_optimizers(model, kind, lr, muon_lr, weight_decay, run=map):
    """A list of optimizers whose groups remember their peak rate as "peak"."""
    inner = [p for p in model.blk.parameters() if p.ndim == 2]
    embedding = [model.token_embd.weight]
    vectors = [p for p in model.parameters() if p.ndim == 1]
    adam = [{"params": embedding, "weight_decay": weight_decay}, {"params": vectors, "weight_decay": 0.0}]
    optimizers = []
    if kind == "muon":
        # fused q, k, v are three maps: orthogonalized apart they would each keep full rank; together is close enough
        optimizers.append(Muon(inner, lr=muon_lr, weight_decay=weight_decay, run=run))
    else:
        adam.append({"params": inner, "weight_decay": weight_decay})
    optimizers.append(torch.optim.AdamW(adam, lr=lr, betas=(0.9, 0.95), eps=1e-8))
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["peak"] = group["lr"]
    return optimizers
