"""The statistics of six Vulkan drivers under common names.

Every driver answers VK_KHR_pipeline_executable_properties with statistics of its own. A row of DRIVERS says by which of
them the driver is known and where each common figure is; where a name changed between releases, both are listed. What a
driver does not say stays None: it is never guessed.
SPDX-License-Identifier: Apache-2.0
"""

import dataclasses


@dataclasses.dataclass
class Figures:
    """Of one pipeline. Registers and threads are in the driver's own unit (Driver.registers_are, threads_are)."""

    registers: int | None = None
    threads: int | None = None  # that share a core's registers: more is better
    spills: int | None = None  # registers written to memory, as instructions
    fills: int | None = None  # and read back
    scratch: int | None = None  # bytes of private memory per invocation
    instructions: int | None = None  # of the whole program
    code_bytes: int | None = None
    cycles: float | None = None  # the driver's own model

    @property
    def leaves_registers(self):
        """Whether anything of an invocation lies in memory."""
        return any((self.spills, self.fills, self.scratch))


@dataclasses.dataclass(frozen=True)
class Driver:
    name: str
    known_by: tuple  # names of statistics: one of them is enough
    registers_are: str
    threads_are: str
    names: dict  # field of Figures: alternatives, each a tuple of statistics that are added
    issues: str = "instructions"  # what loops.py counts
    scratch_is_shared: bool = False  # it is told for a subgroup


def _either(*alternatives):
    return tuple(a if isinstance(a, tuple) else (a,) for a in alternatives)


DRIVERS = (
    Driver(
        "RADV",
        ("VGPRs",),
        "vector registers",
        "waves per SIMD",
        {
            "registers": _either("VGPRs"),
            "threads": _either("Subgroups per SIMD"),
            "spills": _either(("Spilled VGPRs", "Spilled SGPRs")),
            "scratch": _either("Scratch size"),
            "instructions": _either("Instructions"),
            "code_bytes": _either("Code size"),
            "cycles": _either("Inverse Throughput"),
        },
        scratch_is_shared=True,
    ),
    Driver(
        "Turnip",
        ("Half-registers used",),
        "registers of four words",
        "waves per core",
        {
            "registers": _either("Registers used"),
            "threads": _either("Max Waves Per Core"),
            "spills": _either("STP Count"),
            "fills": _either("LDP Count"),
            "instructions": _either("Instruction Count"),
        },
        issues="issue slots",
    ),
    Driver(
        "ANV",
        ("SEND Count", "SENDs"),
        "registers live at most",
        "not told",
        {
            "registers": _either("Max live registers"),
            "spills": _either("Spill Count", "Spills"),
            "fills": _either("Fill Count", "Fills"),
            "scratch": _either("Scratch Memory Size"),
            "instructions": _either("Instruction Count", "Instructions"),
            "code_bytes": _either("Code size", "Code Size"),
            "cycles": _either("Cycle Count", "Cycles"),
        },
    ),
    Driver(
        "NVK",
        ("Number of GPRs",),
        "registers",
        "warps per multiprocessor",
        {
            "registers": _either("Number of GPRs"),
            "threads": _either("Max warps/SM"),
            "spills": _either("Spills to memory"),
            "fills": _either("Fills from memory"),
            "scratch": _either("SLM size"),
            "instructions": _either("Instruction count"),
            "code_bytes": _either("Code size"),
            "cycles": _either("Static cycle count"),
        },
    ),
    # Its spills and fills are the bytes of scratch once more (26.1.6), so only those are read.
    Driver(
        "V3DV",
        ("QPU Read Stalls",),
        "not told",
        "threads per core",
        {
            "threads": _either("Thread Count"),
            "scratch": _either("Spill Size"),
            "instructions": _either("Instruction Count"),
        },
        scratch_is_shared=True,
    ),
    Driver(
        "PanVK",
        ("Load/store",),
        "registers",
        "2: all, 1: half of a core's",
        {
            "registers": _either("Registers used"),
            "threads": _either("Threads"),
            "spills": _either("Spills"),
            "fills": _either("Fills"),
            "instructions": _either("Instructions"),
            "code_bytes": _either("Code size"),
            "cycles": _either("Cycles"),
        },
    ),
)


def driver_of(stats):
    """The Driver whose statistics these are; None: nobody's that is known here."""
    return next((d for d in DRIVERS if any(name in stats for name in d.known_by)), None)


def figures_of(stats, subgroup):
    """The Figures of a pipeline whose program runs in subgroups of that size."""
    driver = driver_of(stats)
    if driver is None:
        return Figures()
    figures = Figures()
    for field, alternatives in driver.names.items():
        for names in alternatives:
            if all(name in stats for name in names):
                setattr(figures, field, sum(stats[name] for name in names))
                break
    if driver.scratch_is_shared and figures.scratch and subgroup:
        figures.scratch //= subgroup
    return figures
