"""Runs a program inside the root on a GPU that is not there, under the layer."""

# SPDX-License-Identifier: Apache-2.0

import json
import os
import pathlib
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from compilers.gpus import HERE  # noqa: E402

# Seconds of processor time that compiling one pipeline may take, natively and under emulation; at the second number
# it is ended.
LIMITS = {"amd64": (10, 20), "arm64": (60, 120)}
RUN_SECONDS = 3600  # for one run, whatever happens


def command_line(gpu, cache, program, work, more):
    """One run of a program on a GPU, inside the root; work is a folder under the cache."""
    inside = "/cache/" + str(work.relative_to(cache))
    hard = LIMITS[gpu.arch][1]
    variables = {
        "VK_DRIVER_FILES": f"/cache/drivers/{gpu.suite}-{gpu.arch}/{gpu.driver}.json",
        "VK_LAYER_PATH": f"/cache/tools/{gpu.arch}",
        "VK_INSTANCE_LAYERS": "VK_LAYER_GYRE_compilers",
        "NODEVICE_SELECT": "1",
        "MESA_SHADER_CACHE_DISABLE": "true",
        "XDG_CACHE_HOME": inside + "/cache",
        "GYRE_LAYER_OUT": inside + "/lines.jsonl",
        "GYRE_THREADS": "1",  # the layer forks, and numbers what it sees
        "GYRE_LAYER_TEXTS": inside + "/texts",
        "GYRE_LAYER_KNOWN": inside + "/known.txt",
        "GYRE_LAYER_DRY": "1",
        "GYRE_LAYER_CPU_SECONDS": str(hard),
        **dict(item.split("=", 1) for item in gpu.environment),
        **more,
    }
    preload = None
    if gpu.node:
        variables["GYRE_RENDER_NODE"] = gpu.node
        preload = f"/cache/tools/{gpu.arch}/render_node.so"
    elif gpu.shim:
        preload = f"/cache/shims/lib{gpu.shim}_noop_drm_shim.so"
    if gpu.emulated:
        # A processor without pointer authentication, whose emulation takes a tenth of the time and more.
        start = ["/usr/bin/qemu-aarch64", "-cpu", "cortex-a76", *(["-E", f"LD_PRELOAD={preload}"] if preload else [])]
    else:
        start = ["env", f"LD_PRELOAD={preload}"] if preload else []
    return [str(HERE / "in_root"), *(f"{name}={value}" for name, value in variables.items()), "timeout", "-s", "KILL",
            str(RUN_SECONDS), *start, *program]


def session(gpu, build, model=None):
    """The program that opens a session of a model; without one it only asks for the devices."""
    return [f"/cache/build/{build}-{gpu.arch}/one_session", *([model] if model else [])]


def read_lines(path):
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text().splitlines()]


def in_root_environment(cache):
    return {**os.environ, "GYRE_COMPILERS_CACHE": str(cache), "GYRE_COMPILERS_USER": f"{os.getuid()}:{os.getgid()}"}


def run_once(gpu, cache, program, work, known, more=None):
    """(exit code, the last thing it said, the layer's lines)."""
    shutil.rmtree(work, ignore_errors=True)
    (work / "texts").mkdir(parents=True)
    (work / "known.txt").write_text("".join(key + "\n" for key in sorted(known)))
    with open(work / "said.txt", "w") as said:
        done = subprocess.run(command_line(gpu, cache, program, work, more or {}), stdout=said, stderr=said,
                              stdin=subprocess.DEVNULL, check=False, env=in_root_environment(cache))
    words = [line for line in (work / "said.txt").read_text(errors="replace").splitlines() if line.strip()]
    return done.returncode, words[-1] if words else "", read_lines(work / "lines.jsonl")
