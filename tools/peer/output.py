"""Reads what the two programs print, and refuses a run that was not what it was meant to be.

The peer falls back to the CPU without a word when it likes no Vulkan device, and its results still say "Vulkan": only its
log tells where the layers are. So a Vulkan run counts when the log names the device, every layer and every layer's cache
are on it; a CPU run when none is.
"""

import json
import re
import statistics

_DEVICE = re.compile(r"^ggml_vulkan: \d+ = (.*) \(([^()]*)\) \| uma", re.M)
_OFFLOADED = re.compile(r"offloaded (\d+)/(\d+) layers to GPU")
_ASSIGNED = re.compile(r"^load_tensors: layer +\d+ assigned to device (\w+)", re.M)
_CACHE = re.compile(r"^llama_kv_cache: layer +\d+: dev = (\w+)", re.M)
_SPLITS = re.compile(r"^sched_reserve: .*\bsplits = (\d+)", re.M)
_TROUBLE = re.compile(r"error|fail|unsupported|not support|what\(\)|invalid", re.I)


class PeerError(Exception):
    """One line for the user."""


def trouble(log, lines=4):
    """The lines of a program's output that say what went wrong; its last lines if none looks like it."""
    kept = [line.strip() for line in log.splitlines() if line.strip()]
    said = [line for line in kept if _TROUBLE.search(line)] or kept[-lines:]
    return " | ".join(list(dict.fromkeys(said))[-lines:]) or "it printed nothing"


def _json(text, program):
    try:
        return json.loads(text)
    except ValueError as e:
        raise PeerError(f"{program}: its output is not JSON ({e}): {text.strip()[:120]!r}") from None


def _number(results, path):
    """results["a"]["b"] for "a.b", a number above 0."""
    value = results
    for key in path.split("."):
        if not isinstance(value, dict) or key not in value:
            raise PeerError(f"gyre bench --json has no key {path}; this tool needs it")
        value = value[key]
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not value > 0:
        raise PeerError(f"gyre bench --json: {path} is {value!r}, expected a number above 0")
    return float(value)


def gyre_results(text):
    """{"prefill", "decode", "device", "driver"} of one `gyre bench --json`; speeds in tokens/s, its own medians."""
    results = _json(text, "gyre bench")
    device = results.get("device") if isinstance(results, dict) else None
    if isinstance(device, dict):
        device = device.get("name")
    if not isinstance(device, str) or not device:
        raise PeerError("gyre bench --json has no key device; this tool needs it")
    driver = results.get("driver")
    speeds = {key: _number(results, f"{key}.tokens_per_second.median") for key in ("prefill", "decode")}
    return {"device": device, "driver": str(driver) if driver else None, **speeds}


def gyre_first_token(text):
    """Seconds from the prompt to its first token, the first in the process."""
    return _number(_json(text, "gyre bench"), "time_to_first_token.cold_seconds")


def peer_first_token(text, prompt):
    """The same of a llama-bench run without warm-up: of its samples the first."""
    for test in _json(text, "llama-bench"):
        if (test.get("n_prompt"), test.get("n_gen"), test.get("n_depth")) == (prompt, 0, 0) and test.get("samples_ns"):
            return test["samples_ns"][0] * 1e-9
    raise PeerError(f"llama-bench printed no result for a prompt of {prompt} tokens")


def peer_results(text, prompt, gen, depth):
    """{"prefill", "decode"} of one llama-bench run; the median of its samples, in tokens/s; None for what did not run."""
    tests = _json(text, "llama-bench")
    found = {"prefill": None, "decode": None}
    for test in tests if isinstance(tests, list) else []:
        shape = test.get("n_prompt"), test.get("n_gen"), test.get("n_depth")
        for key, wanted in (("prefill", (prompt, 0, depth)), ("decode", (0, gen, depth))):
            if shape == wanted and test.get("samples_ts"):
                found[key] = statistics.median(test["samples_ts"])
    for key, wanted in (("prefill", prompt), ("decode", gen)):
        if wanted and found[key] is None:
            raise PeerError(f"llama-bench printed no {key} result for {wanted} tokens at depth {depth}")
    return found


def vulkan_devices(log):
    """Names of the devices that the peer's Vulkan backend took."""
    return [name for name, _ in _DEVICE.findall(log)]


def driver_name(log):
    return next((driver for _, driver in _DEVICE.findall(log)), None)


def is_software(log):
    return "Device type is CPU" in log


def check_vulkan(log):
    """The device's name; an error when one layer of the model is elsewhere."""
    devices = vulkan_devices(log)
    if not devices:
        raise PeerError("the peer found no Vulkan device and ran on the CPU without a word; not a Vulkan figure")
    if len(devices) > 1:
        raise PeerError(f"the peer took {len(devices)} Vulkan devices ({', '.join(devices)}), expected one: --peer-device")
    offloaded = _OFFLOADED.search(log)
    if not offloaded:
        raise PeerError("the peer's log does not say that layers are on the Vulkan device; not a Vulkan figure")
    if offloaded[1] != offloaded[2]:
        raise PeerError(f"the peer has {offloaded[1]} of {offloaded[2]} layers on the Vulkan device, expected all")
    for what, places in (("layers", _ASSIGNED.findall(log)), ("caches of layers", _CACHE.findall(log))):
        elsewhere = [place for place in places if not place.startswith("Vulkan")]
        if elsewhere or not places:
            raise PeerError(f"the peer's log puts {what} on {', '.join(sorted(set(elsewhere))) or 'no device'}, "
                            "expected Vulkan for all of them")
    return devices[0]


def check_cpu(log):
    """An error when the CPU run had a Vulkan device: it would have computed the prompt there."""
    devices = vulkan_devices(log)
    places = _ASSIGNED.findall(log) + _CACHE.findall(log)
    if devices or _OFFLOADED.search(log) or any(place != "CPU" for place in places):
        raise PeerError(f"the peer's CPU run used {', '.join(devices) or 'another device'}, expected the CPU alone")
    if not places:
        raise PeerError("the peer's log does not say where the layers are; not a CPU figure")


def graph_pieces(log):
    """Into how many pieces the peer cut its graph: 2 is all on the device but the look-up of token rows."""
    pieces = [int(n) for n in _SPLITS.findall(log)]
    return max(pieces) if pieces else None
