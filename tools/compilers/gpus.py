"""The table of GPUs (gpus.txt): its rows, and which of them a command line asks for."""

# SPDX-License-Identifier: Apache-2.0

import pathlib
from dataclasses import dataclass

HERE = pathlib.Path(__file__).resolve().parent


@dataclass(frozen=True)
class Gpu:
    name: str  # "v3d-7.1@26.1"
    title: str
    suite: str  # the Debian suite of the driver's package
    arch: str  # amd64 or arm64
    driver: str  # libvulkan_DRIVER.so
    device: str  # "-", "msm:06060001", "shim:intel"
    environment: tuple  # ("RADV_FORCE_FAMILY=renoir",)

    @property
    def shim(self):
        """Which of Mesa's drm-shims it needs; None if none."""
        return self.device.removeprefix("shim:") if self.device.startswith("shim:") else None

    @property
    def node(self):
        """GYRE_RENDER_NODE; None where the driver is shown no node of ours."""
        return None if self.device == "-" or self.shim else self.device

    @property
    def emulated(self):
        return self.arch != "amd64"


def read_table(path=HERE / "gpus.txt"):
    rows = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        fields = [field.strip() for field in line.split("|")]
        if len(fields) != 7:
            raise ValueError(f"{path}:{number}: {len(fields)} columns, expected 7")
        rows.append(Gpu(*fields[:6], tuple(fields[6].split())))
    return rows


def select(names, rows):
    """The rows that the names mean, in the table's order. ValueError names what is not there."""
    wanted = set()
    for name in names:
        found = [row.name for row in rows if name in (row.name, row.name.partition("@")[0])]
        if not found:
            raise ValueError(f"no GPU '{name}'; there are: {' '.join(row.name for row in rows)}")
        wanted.update(found)
    return [row for row in rows if row.name in wanted]
