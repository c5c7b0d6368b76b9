"""One comparison: which program runs when, is its run what it should be, what does it add to the figures."""

import os
import sys

from . import output, programs
from .output import PeerError

FIRST_TOKEN = "first token, s"


def in_seconds(metric):
    """Less is better; the others are speeds."""
    return metric.endswith((", s", ", CPU ms"))


def note(text):
    print(f"compare: {text}", file=sys.stderr, flush=True)


class Gyre:
    name, mode = "gyre", None

    def __init__(self, a):
        self.a, self.environment = a, {}

    def command(self, prompt, gen, depth, repeat):
        # It always decodes and prefills something: 1 token where nothing is asked.
        return programs.gyre_command(self.a.gyre, self.a.model, max(prompt, 1), max(gen, 1), depth, repeat,
                                     self.a.gyre_device)


class Peer:
    def __init__(self, a, mode):
        self.a, self.mode, self.name, self.environment = a, mode, f"peer, {mode.name}", mode.environment

    def command(self, prompt, gen, depth, repeat, *options):
        return programs.peer_command(self.a.peer, self.a.model, prompt, gen, depth, repeat, [*self.mode.options, *options])


class Measuring:
    """Runs the programs in turns and keeps their figures."""

    def __init__(self, a, versions):
        self.a, self.versions, self.environment = a, versions, programs.base_environment(a.driver)
        self.commands, self.runs, self.devices = {}, [], {}
        self.values = {}  # {metric: {name: one value a round}}
        self.warnings = []

    def programs(self):
        a, software, device = self.a, False, self.a.peer_device
        if a.also or any(mode != "cpu" for mode in a.modes):
            software, device = programs.probe(a.peer, self.environment, device)
        modes = programs.peer_modes(a.modes, software, device)
        modes += [programs.extra_mode(i + 1, text, device) for i, text in enumerate(a.also)]
        return ([Gyre(a)] if a.gyre != "none" else []) + [Peer(a, mode) for mode in modes]

    def rounds(self, taking_part):
        """Every program once a round and measurement; each round begins with another one, so that none is always first."""
        if os.getloadavg()[0] > 0.25 * os.cpu_count():
            self._warn(f"the machine is busy (load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores): speeds are too low, "
                       "and unequally so; --cpu-time does not mind")
        work = [(f"depth {depth}", self.speed, depth) for depth in self.a.depth]
        if self.a.first_token:
            work.append(("first token", self.first_token, None))
        if self.a.cpu_time:
            work.append(("CPU time of the prompt", self.prefill_cpu_time, None))
            work += [(f"CPU time at depth {depth}", self.decode_cpu_time, depth) for depth in self.a.depth]
        for r in range(self.a.rounds):
            first = r % len(taking_part)
            for what, measure, depth in work:
                for program in taking_part[first:] + taking_part[:first]:
                    note(f"round {r + 1} of {self.a.rounds}, {what}: {program.name}")
                    measure(program, what, *([] if depth is None else [depth]))

    def speed(self, program, what, depth):
        """Tokens/s; the prompt's only at depth 0: prompt, depth and generated tokens share the context of the model."""
        a, prompt = self.a, self.a.prompt if depth == 0 else 0
        done = self._run(program, what, program.command(prompt, a.gen, depth, a.repeat))
        speeds = output.peer_results(done.out, prompt, a.gen, depth) if program.mode else output.gyre_results(done.out)
        if prompt:
            self._keep(f"prefill {prompt}", program, speeds["prefill"])
        self._keep(f"decode @ {depth}", program, speeds["decode"])

    def first_token(self, program, what):
        """Seconds from a prompt to its first token, the first in its process."""
        prompt = self.a.first_token
        if program.mode:
            done = self._run(program, what, program.command(prompt, 0, 0, 1, "--no-warmup"))
            self._keep(FIRST_TOKEN, program, output.peer_first_token(done.out, prompt))
        else:
            done = self._run(program, what, program.command(prompt, 1, 0, 1))
            self._keep(FIRST_TOKEN, program, output.gyre_first_token(done.out))

    def prefill_cpu_time(self, program, what):
        """CPU time of all cores: what two more prompts (with one token after each) add to a run."""
        a = self.a
        self._cpu_time(f"prefill {a.prompt}, CPU ms", program, what, 2 * a.prompt,
                       program.command(a.prompt, 1, 0, 1), program.command(a.prompt, 1, 0, 3))

    def decode_cpu_time(self, program, what, depth):
        """What twice as many tokens more add to a run."""
        gen = self.a.gen
        self._cpu_time(f"decode @ {depth}, CPU ms", program, what, 2 * gen,
                       program.command(0, gen, depth, 1), program.command(0, 3 * gen, depth, 1))

    def _cpu_time(self, metric, program, what, tokens, short, long):
        spent = [self._run(program, f"{what}, {name}", command).cpu_seconds
                 for name, command in (("short", short), ("long", long))]
        if spent[1] <= spent[0]:
            raise PeerError(f"{program.name}, {what}: {tokens} tokens more took no more CPU time ({spent[1]:.2f} s after "
                            f"{spent[0]:.2f} s); give more tokens with --gen and --prompt")
        self._keep(metric, program, (spent[1] - spent[0]) / tokens * 1e3)

    def _run(self, program, what, command):
        self.commands[f"{program.name}, {what}"] = programs.shown(command, program.environment)
        done = programs.checked(program.name, command, self.environment | program.environment, self.a.limit)
        if program.mode:
            self._check_peer(program, done.err)
        else:
            results = output.gyre_results(done.out)
            self.devices["gyre"], self.versions["driver"] = results["device"], results["driver"]
        if len(set(self.devices.values())) > 1:
            raise PeerError(f"gyre ran on {self.devices['gyre']}, the peer on {self.devices['peer']}; expected one device: "
                            "--gyre-device, --peer-device")
        self.runs.append({"program": program.name, "what": what, "seconds": done.seconds, "cpu_seconds": done.cpu_seconds})
        return done

    def _check_peer(self, program, log):
        if not program.mode.vulkan:
            output.check_cpu(log)
            return
        self.devices["peer"] = output.check_vulkan(log)
        self.versions["driver"] = self.versions["driver"] or output.driver_name(log)
        pieces = output.graph_pieces(log)
        if pieces and pieces > 2:
            self._warn(f"{program.name}: its graph is cut into {pieces} pieces; some operations are not on the Vulkan device")

    def _keep(self, metric, program, value):
        self.values.setdefault(metric, {}).setdefault(program.name, []).append(value)
        self.runs[-1].setdefault("figures", {})[metric] = value

    def _warn(self, text):
        if text not in self.warnings:
            self.warnings.append(text)
            note(text)
