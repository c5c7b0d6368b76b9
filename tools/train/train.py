#!/usr/bin/env python3
"""Trains the small RoVE model on token ids made by tokenize_text.py.

The schedule follows the clock: warm-up, then a cosine over --minutes of training time, so that a run ends when it
should on any machine, busy or not. It can be stopped at any time and goes on from the last checkpoint.
"""

import argparse
import concurrent.futures
import dataclasses
import math
import os
import pathlib
import sys
import time

# One BLAS thread a worker: workers meet once a step, BLAS threads at every product. On a machine that is busy otherwise
# the second waits for the scheduler most of the time (measured: eight times slower with both cores contended).
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
import numpy as np  # noqa: E402
import torch  # noqa: E402

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from model import Model, ModelConfig  # noqa: E402
from optim import make_optimizers  # noqa: E402


class Windows:
    """Random windows of the token stream without replacement: an epoch ends before any window comes twice."""

    def __init__(self, ids, length, seed):
        self.ids, self.length, self.seed = ids, length, seed
        self.count = (len(ids) - 1) // length
        self.epoch, self.order = -1, None

    def batch(self, index, rows):
        """(inputs, targets), [rows, length] each. A function of the index alone: a resumed run sees no window twice."""
        starts = []
        for i in range(index * rows, (index + 1) * rows):
            if i // self.count != self.epoch:
                self.epoch = i // self.count
                self.order = np.random.Generator(np.random.Philox([self.seed, self.epoch])).permutation(self.count)
            starts.append(int(self.order[i % self.count]) * self.length)
        windows = np.stack([self.ids[s : s + self.length + 1] for s in starts]).astype(np.int64)
        return torch.from_numpy(windows[:, :-1].copy()), torch.from_numpy(windows[:, 1:].copy())


@torch.no_grad()
def validate(model, windows, rows, batches, device):
    """Mean loss over the same `batches` batches every time."""
    total = 0.0
    for i in range(batches):
        x, y = windows.batch(i, rows)
        total += model.loss(x.to(device), y.to(device)).item()
    return total / batches


class Gradient:
    """Mean loss of a batch and its gradients, the rows shared out among worker threads (torch frees the interpreter lock
    while it computes)."""

    def __init__(self, model, workers, pool, device):
        self.model, self.workers, self.pool, self.device = model, workers, pool, device
        self.params = list(model.parameters())

    def _part(self, xy):
        with torch.enable_grad():
            loss = self.model.loss(xy[0].to(self.device), xy[1].to(self.device))
            return loss.item(), torch.autograd.grad(loss, self.params)

    def __call__(self, x, y):
        """x, y [rows, length]: sets .grad of every parameter, returns the loss."""
        parts = list(self.pool.map(self._part, zip(x.chunk(self.workers), y.chunk(self.workers))))
        for p, *grads in zip(self.params, *(grads for _, grads in parts)):
            p.grad = sum(grads) / len(grads)
        return sum(loss for loss, _ in parts) / len(parts)


def rate(fraction, warmup, floor):
    """Learning rate as a part of its peak at `fraction` of the run: linear warm-up, cosine down to the floor."""
    if fraction < warmup:
        return max(fraction / warmup, 0.01)
    progress = min((fraction - warmup) / (1 - warmup), 1.0)
    return floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * progress))


def save(path, state):
    """Atomic: a run killed while it writes leaves the checkpoint before."""
    temporary = path.with_suffix(".tmp")
    torch.save(state, temporary)
    os.replace(temporary, path)


def parse():
    p = argparse.ArgumentParser(
        description=__doc__.split("\n")[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    p.add_argument("train", type=pathlib.Path, help="token ids to train on (.npy)")
    p.add_argument("valid", type=pathlib.Path, help="token ids to validate on (.npy)")
    p.add_argument("out", type=pathlib.Path, help="checkpoint file; if it exists the run goes on from it")
    p.add_argument("--minutes", type=float, default=75, help="training time of the whole run")
    p.add_argument("--optimizer", choices=("muon", "adamw"), default="muon")
    p.add_argument("--lr", type=float, default=3e-3, help="peak rate of AdamW")
    p.add_argument("--muon-lr", type=float, default=0.02, help="peak rate of Muon")
    p.add_argument("--weight-decay", type=float, default=0.1)
    p.add_argument("--warmup", type=float, default=0.02, help="part of the run")
    p.add_argument("--floor", type=float, default=0.02, help="last rate as a part of the peak")
    p.add_argument("--clip", type=float, default=1.0, help="largest gradient norm")
    p.add_argument("--rows", type=int, default=4, help="windows in a batch")
    p.add_argument("--save-every", type=float, default=4, help="minutes")
    p.add_argument("--valid-batches", type=int, default=20)
    p.add_argument("--workers", type=int, default=2, help="threads that share a batch; a divisor of --rows")
    p.add_argument("--seed", type=int, default=1)
    for field in dataclasses.fields(ModelConfig):
        p.add_argument("--" + field.name.replace("_", "-"), type=field.type, default=field.default)
    args = p.parse_args()
    for path in (args.train, args.valid):
        if not path.is_file():
            p.error(f"no such file: {path}")
    if args.rows % args.workers:
        p.error("--workers must divide --rows")
    if args.n_embd % (2 * args.n_head):
        p.error("--n-embd must be a multiple of 2 x --n-head")
    return args


def main():
    args = parse()
    torch.manual_seed(args.seed)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    config = ModelConfig(**{f.name: getattr(args, f.name) for f in dataclasses.fields(ModelConfig)})
    model = Model(config).to(device)
    pool = concurrent.futures.ThreadPoolExecutor(args.workers)
    gradient = Gradient(model, args.workers, pool, device)
    optimizers = make_optimizers(model, args.optimizer, args.lr, args.muon_lr, args.weight_decay, pool.map)
    train = Windows(np.load(args.train, mmap_mode="r"), config.context, args.seed)
    valid = Windows(np.load(args.valid, mmap_mode="r"), config.context, args.seed)
    step, elapsed, history = 0, 0.0, []
    if args.out.exists():
        state = torch.load(args.out, map_location=device)
        model.load_state_dict(state["model"])
        for optimizer, saved in zip(optimizers, state["optimizers"]):
            optimizer.load_state_dict(saved)
        step, elapsed, history = state["step"], state["elapsed"], state["history"]
    count = sum(p.numel() for p in model.parameters())
    print(f"{count} parameters, {train.count} windows of {config.context}, {device}, from step {step}", file=sys.stderr)

    budget, tokens = args.minutes * 60, args.rows * config.context
    since, running, saved_at = 0, 0.0, elapsed
    mark = last = time.monotonic()

    def checkpoint():
        loss = validate(model, valid, args.rows, args.valid_batches, device)
        history.append({"step": step, "seconds": round(elapsed), "valid_loss": round(loss, 4)})
        save(args.out, {"model": model.state_dict(), "optimizers": [o.state_dict() for o in optimizers], "step": step,
                        "elapsed": elapsed, "history": history, "config": dataclasses.asdict(config),
                        "tokens": step * tokens, "arguments": {k: str(v) for k, v in vars(args).items()}})
        print(f"step {step}: validation loss {loss:.4f}, saved", file=sys.stderr, flush=True)

    while elapsed < budget:
        factor = rate(elapsed / budget, args.warmup, args.floor)
        for optimizer in optimizers:
            for group in optimizer.param_groups:
                group["lr"] = group["peak"] * factor
        x, y = train.batch(step, args.rows)
        loss = gradient(x, y)
        torch.nn.utils.clip_grad_norm_(model.parameters(), args.clip)
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        step, since, running = step + 1, since + 1, running + loss
        now = time.monotonic()
        elapsed, last = elapsed + now - last, now
        if since == 50:
            print(f"step {step}  loss {running / since:.4f}  {since * tokens / (now - mark):.0f} tokens/s  "
                  f"rate x{factor:.3f}  left {(budget - elapsed) / 60:.1f} min", file=sys.stderr, flush=True)
            since, running, mark = 0, 0.0, now
        if elapsed - saved_at > args.save_every * 60:
            saved_at = elapsed
            checkpoint()
            last = time.monotonic()
            elapsed += last - now  # validation is part of the budget: the run must end on time
            mark = last if since == 0 else mark + last - now
    checkpoint()


if __name__ == "__main__":
    main()
