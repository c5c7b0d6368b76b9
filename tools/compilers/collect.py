#!/usr/bin/env python3
"""Runs the product on GPUs that are not there and collects what their compilers say: OUT/GPU/FORMAT.jsonl (README.md).

scripts/compilers has prepared the root, the programs and the models, and calls this. Standard library only.
"""

# SPDX-License-Identifier: Apache-2.0

import argparse
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from compilers.gpus import HERE, read_table, select  # noqa: E402
from compilers.runs import LIMITS, run_once, session  # noqa: E402

ASSEMBLY_WORDS = ("ssembly", "QPU", "SASS", "ISA")  # in what drivers call their last text

print_lock = threading.Lock()


def say(text):
    with print_lock:
        print(f"compilers: {text}", file=sys.stderr, flush=True)


class Setup:
    """Where things lie, outside the root and, as /cache, inside."""

    def __init__(self, args):
        self.cache = pathlib.Path(args.cache).resolve()
        self.out = pathlib.Path(args.out)
        self.build = args.build  # "main": the program is /cache/build/main-amd64/one_session
        self.known = read_keys(args.known)
        self.recorded = args.recorded
        self.keys = {}  # of a GPU's name: keys_recorded(), asked once

    def records(self, gpu):
        """Folder of what was compiled before with the same driver, settings and tools."""
        digest = hashlib.sha256(repr((gpu.device, gpu.environment, LIMITS[gpu.arch])).encode())
        digest.update((self.cache / f"drivers/{gpu.suite}-{gpu.arch}/version").read_bytes())
        for path in sorted([*HERE.glob("layer/*"), *HERE.glob("render_node/*")]):
            digest.update(path.read_bytes())
        return self.cache / "records" / gpu.name / digest.hexdigest()[:16]


def read_keys(path):
    return set() if path is None else set(pathlib.Path(path).read_text().split())


def keys_recorded(gpu, setup, work):
    """Keys of pipelines whose figures tests/compilers/expected.json has, of this very driver."""
    if gpu.name not in setup.keys:
        setup.keys[gpu.name] = ask_for_keys(gpu, setup, work)
    return setup.keys[gpu.name]


def ask_for_keys(gpu, setup, work):
    _, _, lines = run_once(gpu, setup.cache, session(gpu, setup.build), work, set())
    drivers = [f"{line['driver']} {line['driver_info']}" for line in lines if line["event"] == "device"]
    if not drivers:
        return set()
    done = subprocess.run([sys.executable, "-B", str(HERE / "ratchet.py"), "known", gpu.name, "--driver", drivers[0]],
                          stdout=subprocess.PIPE, text=True, check=True)
    return set(done.stdout.split())


def is_pipeline(line):
    return line["event"] in ("pipeline", "died", "known")


def reports_old_vulkan(lines):
    devices = [line for line in lines if line["event"] == "device"]
    return devices and all(tuple(map(int, line["api_version"].split(".")[:2])) < (1, 1) for line in devices)


def copy_whole(source, target):
    """A copy that nobody sees half: two formats of a GPU share files."""
    temporary = target.with_name(f"{target.name}.{threading.get_ident()}.tmp")
    shutil.copyfile(source, temporary)
    temporary.replace(target)


def keep_record(line, work, store, limit):
    """Puts one compiled pipeline and its assembly into the store."""
    line["over_limit"] = line["cpu_seconds"] > limit
    line["limit_seconds"] = limit
    for executable in line.get("executables", ()):
        for name, file in executable.pop("texts", {}).items():
            if any(word in name for word in ASSEMBLY_WORDS):
                copy_whole(work / "texts" / file, store / file)
                executable["assembly"] = file
    messages = work / "texts" / f"{line['module']}.{line['key']}.messages.txt"
    if messages.exists():
        shutil.copyfile(messages, store / messages.name)
        line["messages"] = messages.name
    temporary = store / f"{line['key']}.{threading.get_ident()}.tmp"
    temporary.write_text(json.dumps(line))
    temporary.rename(store / f"{line['key']}.json")


def place_texts(line, store, folder):
    """Copies a record's texts beside the results and says where they lie, relative to the results."""
    (folder / "texts").mkdir(parents=True, exist_ok=True)
    holders = [(executable, "assembly") for executable in line.get("executables", ())] + [(line, "messages")]
    for holder, member in holders:
        if member in holder:
            copy_whole(store / holder[member], folder / "texts" / holder[member])
            holder[member] = "texts/" + holder[member]


def complete(lines, store, folder):
    """The lines of pipelines, each with what the store knows of it, as it was when it was compiled."""
    out = []
    for line in filter(is_pipeline, lines):
        record = store / f"{line['key']}.json"
        if record.exists():
            line = {**json.loads(record.read_text()), "id": line["id"]}
            place_texts(line, store, folder)
        out.append(line)
    return out


def collect(gpu, name, model, setup):
    """Writes OUT/GPU/NAME.jsonl and returns one line that sums it up."""
    started = time.time()
    folder = setup.out / gpu.name
    folder.mkdir(parents=True, exist_ok=True)
    store = setup.records(gpu)
    store.mkdir(parents=True, exist_ok=True)
    work = setup.cache / "work" / f"{os.getpid()}-{gpu.name}-{name}"
    known = setup.known | {path.stem for path in store.glob("*.json")}
    if setup.recorded:
        known |= keys_recorded(gpu, setup, work)
    program = session(gpu, setup.build, model)
    code, said, lines = run_once(gpu, setup.cache, program, work, known)
    devices = [line for line in lines if line["event"] == "device"]
    if not any(map(is_pipeline, lines)) and reports_old_vulkan(lines):
        _, _, lines = run_once(gpu, setup.cache, program, work, known, {"GYRE_LAYER_API_VERSION": "1.1"})
    for line in lines:
        if line["event"] in ("pipeline", "died"):
            keep_record(line, work, store, LIMITS[gpu.arch][0])
    pipelines = complete(lines, store, folder)
    n_died = sum(line["event"] == "died" for line in pipelines)
    n_failed = sum(line.get("result", 0) != 0 for line in pipelines)
    message = said if code != 0 else ""
    if n_died:
        message = f"the driver's compiler hangs or crashes on {n_died} pipelines"
    end = {"event": "end", "opened": code == 0 and n_died == 0, "exit": code, "message": message,
           "pipelines": len(pipelines), "died": n_died, "failed": n_failed,
           "compiled": sum(line["event"] in ("pipeline", "died") for line in lines),
           "seconds": round(time.time() - started, 1)}
    result = folder / f"{name}.jsonl"
    glslang = setup.cache / "build" / f"{setup.build}-{gpu.arch}" / "glslang"
    for line in devices:
        line["emulated"] = gpu.emulated
        line["glslang"] = glslang.read_text().strip()
    result.write_text("".join(json.dumps(line) + "\n" for line in [*devices[:1], *pipelines, end]))
    shutil.rmtree(work, ignore_errors=True)
    if not devices:
        raise ValueError(f"there is no device: {message}")
    opened = "opened" if end["opened"] else f"NOT opened: {message}"
    return f"{gpu.name} {name}: {len(pipelines)} pipelines, {end['compiled']} compiled now, {opened} ({end['seconds']} s)"


class Queue:
    """Hands out pairs of GPU and model, where it can of a GPU that nobody works on: what two formats of one GPU share
    is then compiled once."""

    def __init__(self, tasks):
        self.tasks = tasks
        self.busy = []
        self.lock = threading.Lock()

    def take(self):
        with self.lock:
            if not self.tasks:
                return None
            free = [task for task in self.tasks if task[0].name not in self.busy]
            task = (free or self.tasks)[0]
            self.tasks.remove(task)
            self.busy.append(task[0].name)
            return task

    def done(self, task):
        with self.lock:
            self.busy.remove(task[0].name)


def forget_dead_runs(folder):
    """Removes what runs that were killed have left: their process is named in the folder's name."""
    for path in folder.glob("*-*-*"):
        if not pathlib.Path("/proc", path.name.partition("-")[0]).exists():
            shutil.rmtree(path, ignore_errors=True)


def work_through(queue, setup, problems):
    while (task := queue.take()) is not None:
        try:
            say(collect(*task, setup))
        except (OSError, ValueError, KeyError, subprocess.SubprocessError) as error:
            problems.append(f"{task[0].name} {task[1]}: {error}")
            say(problems[-1])
        queue.done(task)


def parse():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("gpus", nargs="*", metavar="GPU")
    p.add_argument("--cache", required=True, help="the cache folder, absolute")
    p.add_argument("--out", required=True, help="folder of the results")
    p.add_argument("--build", default="main", help="which build of the product")
    p.add_argument("--model", action="append", default=[], metavar="NAME=PATH", help="a model, as the root sees it")
    p.add_argument("--known", metavar="FILE", help="keys of pipelines that need not be compiled, one a line")
    p.add_argument("--recorded", action="store_true",
                   help="do not compile what tests/compilers/expected.json has the figures of")
    p.add_argument("--fresh", action="store_true", help="compile what was compiled before too")
    p.add_argument("--jobs", type=int, default=2, help="GPUs at a time")
    p.add_argument("--needs", action="store_true", help="only print what the GPUs need: a line NAME SUITE ARCH DEVICE")
    return p.parse_args()


def main():
    args = parse()
    try:
        gpus = select(args.gpus, read_table())
    except ValueError as error:
        sys.exit(f"compilers: {error}")
    if args.needs:
        for gpu in gpus:
            print(gpu.name, gpu.suite, gpu.arch, gpu.device)
        return
    models = [item.partition("=")[::2] for item in args.model]
    # The slowest first, so that none of them is left over at the end.
    gpus.sort(key=lambda gpu: not gpu.emulated)
    queue = Queue([(gpu, name, path) for gpu in gpus for name, path in models])
    setup, problems = Setup(args), []
    forget_dead_runs(setup.cache / "work")
    for gpu in gpus if args.fresh else ():
        shutil.rmtree(setup.records(gpu), ignore_errors=True)
    workers = [threading.Thread(target=work_through, args=(queue, setup, problems)) for _ in range(args.jobs)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if problems:
        sys.exit(1)


if __name__ == "__main__":
    main()
