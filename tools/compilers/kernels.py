"""What a pipeline is: a name that people read, its class, and what one iteration of its loop multiplies.

Everything follows from the module's name and its specialization constants, as runtime/kernels/kernel_table.cpp sets them.
SPDX-License-Identifier: Apache-2.0
"""

import dataclasses
import re

from compilers import interface

DECODE, PREFILL, ATTENTION, SAMPLING, OTHER = "decode product", "prefill product", "attention", "sampling", "other"
COOPERATIVE = "cooperative"  # in the names of kernels, as in those of their modules
CLASSES = (DECODE, PREFILL, ATTENTION, SAMPLING, OTHER)
PRODUCTS = (DECODE, PREFILL)


@dataclasses.dataclass(frozen=True)
class Kernel:
    name: str  # of one GPU's kernels, no other has it: distinct()
    kind: str  # CLASSES
    format: str  # of the weights, "q8_0"; "" where the module has none
    role: str  # of a product: "qkv", "residual", "activate", "logits"; else the module
    tile: str = ""  # of a product: "4x8", rows by tokens
    multiplies: int = 0  # of a product: of weights, by an invocation, in a step; 0: not counted for this kind of module
    constants: tuple = ()  # ((id, value), ...): all of them
    blocks: int = 1  # of a product: iterations of the loop inside a step that its constants ask for; 1: no loop


def split_module(module):
    """("linear", "q8_0", "complex", "8x1"): base, weight format, variant, tile of a module made for one."""
    tile = re.search(r"_(\d+x\d+)$", module)
    base = module[: tile.start()] if tile else module
    variant = ""
    if base.endswith("_" + COOPERATIVE):
        base, variant = base.removesuffix("_" + COOPERATIVE), COOPERATIVE
    format_name = next((name for name in interface.weight_formats() if base.endswith("_" + name)), "")
    base = base.removesuffix("_" + format_name) if format_name else base
    if format_name and base.endswith("_complex"):
        base, variant = base.removesuffix("_complex"), "complex"
    return base, format_name, variant, tile[1] if tile else ""


def kernel_of(module, spec):
    """The Kernel of a module with {specialization id: value}."""
    names = interface.constant_names(module)
    values = {names[number]: value for number, value in spec.items() if number in names}
    constants = tuple(sorted(spec.items()))
    base, format_name, variant, fixed = split_module(module)
    if base in ("linear", "qkv") and format_name:
        return _product(base, format_name, variant, fixed, values, constants)
    words = [base, format_name]
    kind = OTHER
    if base.startswith("attention"):
        kind = ATTENTION
        if "SPEC_ATTENTION_SPLITS" in values:
            words.append(f"splits {values['SPEC_ATTENTION_SPLITS']}")
        if "SPEC_ATTENTION_QUERIES" in values:
            words.append(f"queries {values['SPEC_ATTENTION_QUERIES']}")
    elif base.startswith("sample_"):
        kind = SAMPLING
    words += [name.rsplit("_", 1)[1].lower() for name, value in values.items() if name.endswith("_TEXELS") and value]
    return Kernel(" ".join(filter(None, words)), kind, format_name, base, constants=constants)


def _product(base, format_name, variant, fixed, values, constants):
    def value(name, otherwise=0):
        return values.get(f"SPEC_{base.upper()}_{name}", otherwise)

    if fixed:
        rows, tokens = map(int, fixed.split("x"))
    else:  # qkv counts pairs of rows
        rows = 2 * value("PAIRS", 1) if base == "qkv" else value("ROWS", 1)
        tokens = value("TOKENS", 1)
    role = base if base == "qkv" else interface.epilogues()[value("EPILOGUE")].lower()
    step = interface.weight_formats()[format_name]
    flags = [
        variant,
        "fixed" if fixed else "",
        f"{value('K_LANES', 1)} lanes" if value("K_LANES", 1) != 1 else "",
        "norm" if value("NORM_QUADS") else "",
        "staged" if value("STAGED") else "",
        "texels" if value("TEXELS") else "",
    ]
    local_size = values.get("SPEC_LOCAL_SIZE")
    if local_size not in (None, 64):
        flags.append(f"of {local_size}")
    # A complex weight is two numbers and multiplies two; a cooperative module spreads a step over loops of several lengths.
    counted = variant == "" and not fixed
    rolled = counted and value("ROLLED") and format_name in interface.block_elements()
    words = [format_name, role, f"{rows}x{tokens}", *filter(None, flags)]
    return Kernel(
        " ".join(words),
        # A GPU's decode products share a sum among lanes; prompts of some GPUs are multiplied token by token without.
        DECODE if fixed.endswith("x1") or (tokens == 1 and (value("K_LANES", 1) != 1 or value("NORM_QUADS"))) else PREFILL,
        format_name,
        role,
        f"{rows}x{tokens}",
        rows * tokens * step if counted else 0,
        constants,
        step // interface.block_elements()[format_name] if rolled else 1,
    )


def distinct(pipelines):
    """Tells pipelines of the same name apart by the constants in which they differ; those with the same key are the same."""
    by_name = {}
    for pipeline in pipelines:
        by_name.setdefault(pipeline.kernel.name, []).append(pipeline)
    for group in by_name.values():
        common = set.intersection(*(set(p.kernel.constants) for p in group))
        for p in group:
            own = " ".join(f"{number}={value}" for number, value in p.kernel.constants if (number, value) not in common)
            p.kernel = dataclasses.replace(p.kernel, name=f"{p.kernel.name} {own}".strip())
