"""The two optimizers: Muon for the matrices inside the blocks, AdamW for the embedding, norms and biases.

Muon (Jordan et al. 2024, kellerjordan.github.io/posts/muon): momentum, then the nearest semi-orthogonal matrix, found
by a quintic Newton-Schulz iteration. In a run of a few thousand steps it needs clearly fewer steps than AdamW alone.
"""

import torch


def orthogonalize(g, steps=5):
    """[N, rows, cols] -> about U V^T of each; coefficients from the article: singular values end in 0.7..1.2."""
    a, b, c = 3.4445, -4.7750, 2.0315
    tall = g.shape[1] > g.shape[2]
    x = g.transpose(1, 2) if tall else g
    x = x / (x.flatten(1).norm(dim=1)[:, None, None] + 1e-7)
    for _ in range(steps):
        gram = x @ x.transpose(1, 2)
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.transpose(1, 2) if tall else x


class Muon(torch.optim.Optimizer):
    def __init__(self, params, lr=0.02, momentum=0.95, weight_decay=0.0):
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            by_shape = {}  # matrices of one shape share a batched iteration
            for p in group["params"]:
                by_shape.setdefault(p.shape, []).append(p)
            for shape, params in by_shape.items():
                updates = []
                for p in params:
                    buffer = self.state[p].setdefault("momentum", torch.zeros_like(p))
                    buffer.lerp_(p.grad, 1 - group["momentum"])
                    updates.append(p.grad.lerp(buffer, group["momentum"]))  # Nesterov
                scale = group["lr"] * max(1.0, shape[0] / shape[1]) ** 0.5
                for p, u in zip(params, orthogonalize(torch.stack(updates))):
                    p.mul_(1 - group["lr"] * group["weight_decay"])
                    p.add_(u, alpha=-scale)


def make_optimizers(model, kind, lr, muon_lr, weight_decay):
    """[(optimizer, ...)] whose groups remember their peak rate as "peak"."""
    inner = [p for p in model.blk.parameters() if p.ndim == 2]
    embedding = [model.token_embd.weight]
    vectors = [p for p in model.parameters() if p.ndim == 1]
    adam = [{"params": embedding, "weight_decay": weight_decay}, {"params": vectors, "weight_decay": 0.0}]
    optimizers = []
    if kind == "muon":
        # fused q, k, v are three maps: orthogonalized apart they would each keep full rank; together is close enough
        optimizers.append(Muon(inner, lr=muon_lr, weight_decay=weight_decay))
    else:
        adam.append({"params": inner, "weight_decay": weight_decay})
    optimizers.append(torch.optim.AdamW(adam, lr=lr, betas=(0.9, 0.95), eps=1e-8))
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["peak"] = group["lr"]
    return optimizers
