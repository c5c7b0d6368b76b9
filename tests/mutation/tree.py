"""The copy of the tree that mutants are built in.

SPDX-License-Identifier: Apache-2.0
"""

import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

# What the build and its tests read.
COPIED = (
    "CMakeLists.txt", "CMakePresets.json", "LICENSE", "cmake", "shaders", "runtime", "include", "apps", "tests", "tools",
    "models",
)  # fmt: skip


class BuildError(Exception):
    """The copy does not build; the message ends with the compiler's output."""


class Tree:
    """source/ and build/ below `folder`. A file is written only where it differs: a second run builds little."""

    def __init__(self, root: Path, folder: Path, jobs: int):
        self.root, self.source, self.build_dir, self.jobs = root, folder / "source", folder / "build", jobs

    def sync(self) -> None:
        """Copies tracked and new files that git does not ignore, and removes what is no longer there."""
        command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *COPIED]
        listed = subprocess.run(command, cwd=self.root, check=True, capture_output=True).stdout
        wanted = {name for name in listed.decode().split("\0") if name and (self.root / name).is_file()}
        for name in sorted(wanted):
            content, target = (self.root / name).read_bytes(), self.source / name
            if not target.is_file() or target.read_bytes() != content:
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)
        for path in self.source.rglob("*"):
            if path.is_file() and path.relative_to(self.source).as_posix() not in wanted:
                path.unlink()

    def configure(self) -> None:
        swiftshader = self.root / ".cache/swiftshader/vk_swiftshader_icd.json"
        self._run(
            ["cmake", "-S", self.source, "-B", self.build_dir, "-G", "Ninja", "-DGYRE_BUILD_TESTS=ON"]
            + ["-DCMAKE_BUILD_TYPE=Debug", "-DCMAKE_CXX_FLAGS_DEBUG=-O1", f"-DGYRE_SWIFTSHADER_ICD={swiftshader}"]
        )

    def build(self, targets: list[str]) -> None:
        self._run(["cmake", "--build", self.build_dir, "-j", str(self.jobs), "--target", *targets])

    @contextmanager
    def broken(self, mutant):
        """The mutant is in the copy while the context lasts."""
        path = self.source / mutant.file
        text = path.read_text(encoding="utf-8")
        path.write_text(mutant.apply(text), encoding="utf-8")
        try:
            yield
        finally:
            path.write_text(text, encoding="utf-8")

    @staticmethod
    def _run(command: list) -> None:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode != 0:
            raise BuildError(" ".join(map(str, command)) + "\n" + "\n".join(done.stdout.splitlines()[-30:]))


def progress(text: str) -> None:
    print(f"mutate: {text}", file=sys.stderr, flush=True)
