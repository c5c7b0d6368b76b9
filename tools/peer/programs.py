"""How the two programs are started: commands, environment, time limit."""

import os
import pathlib
import resource
import shlex
import signal
import subprocess
import time

from . import output

NOWHERE = "/nonexistent"  # a Vulkan driver file that is not there: the loader then finds no device
# Without it, the peer waits for the last fifth of each token's work in a loop that takes a core: a software driver has none
# to spare. With it, it waits asleep. The second variable says after how many tokens it prints the times it took.
_SLEEP = {"GGML_VK_PERF_LOGGER": "1", "GGML_VK_PERF_LOGGER_FREQUENCY": "1000000"}


class Mode:
    """One way to run the peer: what it is called, variables, options, and whether it should be on the Vulkan device."""

    def __init__(self, name, environment, options, vulkan=True):
        self.name, self.environment, self.options, self.vulkan = name, environment, options, vulkan


def peer_modes(names, software, device):
    """The modes asked for. `software`: the driver is a CPU's; `device`: index among the Vulkan devices, or None."""
    chosen = {} if device is None else {"GGML_VK_VISIBLE_DEVICES": str(device)}
    known = {
        "best": Mode("best", chosen | (_SLEEP if software else {}), ["--poll", "0"]),
        "user": Mode("user", chosen, []),
        "cpu": Mode("cpu", {"VK_DRIVER_FILES": NOWHERE, "VK_ICD_FILENAMES": NOWHERE}, [], vulkan=False),
    }
    for name in names:
        if name not in known:
            raise output.PeerError(f"--modes: {name!r} is none of {', '.join(known)}")
    return [known[name] for name in names]


def extra_mode(number, text, device):
    """A mode from `--also "NAME=VALUE ... --option ..."`, the way a shell would write it."""
    chosen = {} if device is None else {"GGML_VK_VISIBLE_DEVICES": str(device)}
    words = shlex.split(text)
    split = next((i for i, word in enumerate(words) if word.startswith("-") or "=" not in word), len(words))
    return Mode(f"also {number}", chosen | dict(word.split("=", 1) for word in words[:split]), words[split:])


class Run:
    """What one process gave: stdout, stderr, seconds on the clock and of all cores."""

    def __init__(self, code, out, err, seconds, cpu_seconds):
        self.code, self.out, self.err, self.seconds, self.cpu_seconds = code, out, err, seconds, cpu_seconds


def base_environment(driver):
    """Ours without what would change either program behind the user's back; `driver` for both names of the loader."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("GGML_", "LLAMA_", "GYRE_"))}
    return kept | ({"VK_DRIVER_FILES": str(driver), "VK_ICD_FILENAMES": str(driver)} if driver else {})


def _cpu_seconds():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def run(command, environment, limit):
    """Runs it in a process group of its own, and ends the whole group when `limit` seconds have passed."""
    started, cpu = time.monotonic(), _cpu_seconds()
    try:
        process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True, errors="replace", start_new_session=True)
    except OSError as e:
        raise output.PeerError(f"{command[0]} does not start: {e.strerror}") from None
    try:
        out, err = process.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        raise output.PeerError(f"{pathlib.Path(command[0]).name} was ended after {limit:g} s (--limit): "
                               f"{shlex.join(command)}") from None
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
    return Run(process.returncode, out, err, time.monotonic() - started, _cpu_seconds() - cpu)


def checked(name, command, environment, limit):
    done = run(command, environment, limit)
    if done.code != 0:
        how = f"signal {-done.code}" if done.code < 0 else f"exit code {done.code}"
        raise output.PeerError(f"{name} failed ({how}): {output.trouble(done.err or done.out)}")
    return done


def shown(command, changed):
    """The command as one would type it, with the variables that were set for it."""
    return " ".join([f"{k}={shlex.quote(v)}" for k, v in changed.items()] + [shlex.join(command)])


def gyre_command(gyre, model, prompt, gen, depth, repeat, device):
    chosen = ["--device", device] if device else []
    return [str(gyre), "bench", "-m", str(model), *chosen, "--prompt", str(prompt), "--gen", str(gen), "--depth", str(depth),
            "--repeat", str(repeat), "--json"]


def peer_command(program, model, prompt, gen, depth, repeat, options):
    # -v for the log, without which nobody knows where the layers are; it prints nothing while a token is computed.
    return [str(program), "-m", str(model), "-p", str(prompt), "-n", str(gen), "-d", str(depth), "-r", str(repeat),
            "-o", "json", "-v", *options]


def probe(program, environment, device, limit=60):
    """(software, device) of the driver as the peer sees it. It passes over CPU-type devices unless their index is named, and
    so would run on the CPU: the first device is named when it takes none by itself."""
    tried = [device] if device is not None else [None, 0]
    for index in tried:
        changed = {} if index is None else {"GGML_VK_VISIBLE_DEVICES": str(index)}
        done = checked("the peer", [str(program), "--list-devices"], environment | changed, limit)
        if output.vulkan_devices(done.err + done.out):
            return output.is_software(done.err + done.out), index
    raise output.PeerError("the peer sees no Vulkan device with this driver; name one with --driver, or use --modes cpu")
