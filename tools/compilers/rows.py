"""One row a kernel of a GPU and a shape: what its driver says of it, and what its main loop issues.

SPDX-License-Identifier: Apache-2.0
"""

import dataclasses

from compilers import drivers, kernels, loops

ANY = "any"  # the format of kernels that know no weight format: they are compiled once for all


@dataclasses.dataclass
class Row:
    gpu: str
    format: str  # as in the kernel's name, or ANY
    kernel: str
    kind: str  # kernels.CLASSES
    role: str
    tile: str
    key: str
    event: str  # "pipeline", "died", or "known": the figures are those recorded
    why: str
    seconds: float | None
    limit: float | None  # of seconds
    subgroup: int | None
    figures: drivers.Figures
    per_weight: float | None  # issue slots per weight (and token) in the main loop
    rolled: bool = False  # loops are left inside a step that its constants do not explain: per_weight is not known
    loop: loops.Loop | None = None
    shape: str = ""  # records.Collection.shape

    @property
    def by_matrix_units(self):
        """Such kernels share out their loops in a way that nothing is counted of."""
        return kernels.COOPERATIVE in self.kernel.split()

    @property
    def identity(self):
        return self.gpu, self.shape, self.format, self.kernel

    @property
    def name(self):
        """The kernel's with its shape's: no other kernel of the GPU has it."""
        return f"{self.shape}: {self.kernel}" if self.shape else self.kernel


RECORDED = (
    "registers",
    "threads",
    "spills",
    "fills",
    "scratch",
    "instructions",
)  # of Figures, in tests/compilers/expected.json


def row_of(gpu, pipeline, recorded=None):
    """recorded: what tests/compilers/expected.json has under the pipeline's key, for an event "known"."""
    k = pipeline.kernel
    row = Row(
        gpu,
        k.format or ANY,
        k.name,
        k.kind,
        k.role,
        k.tile,
        pipeline.key,
        pipeline.event,
        pipeline.why,
        pipeline.seconds,
        pipeline.limit,
        pipeline.subgroup,
        drivers.figures_of(pipeline.stats, pipeline.subgroup),
        None,
    )
    if pipeline.event == "known" and recorded:
        row.figures = drivers.Figures(**{name: recorded.get(name) for name in RECORDED})
        row.seconds, row.subgroup, row.per_weight = (
            recorded.get(name) for name in ("seconds", "subgroup", "per_weight")
        )
        row.rolled = recorded.get("rolled", False)
    driver = drivers.driver_of(pipeline.stats)
    if driver:
        row.loop = loops.loop_of(driver.name, pipeline.assembly, k)
        row.per_weight = loops.slots_per_weight(row.loop, k)
        row.rolled = loops.is_rolled(row.loop, k)
    return row


def gather(collections, recorded=None):
    """The rows of one GPU, GPT-2's shape before others: each kernel once, products first, then attention, sampling and
    the rest.

    recorded: {key: entry of tests/compilers/expected.json}, for pipelines that were not compiled because they are known.
    """
    found = {}
    for collection in collections:
        for pipeline in collection.pipelines:
            row = row_of(collection.gpu, pipeline, (recorded or {}).get(pipeline.key))
            row.shape = collection.shape
            found.setdefault((row.shape, row.kernel, row.key), row)
    shapes = {shape: number for number, shape in enumerate(dict.fromkeys(["", *(c.shape for c in collections)]))}
    order = {kind: number for number, kind in enumerate(kernels.CLASSES)}
    return sorted(found.values(), key=lambda row: (shapes[row.shape], order[row.kind]))
