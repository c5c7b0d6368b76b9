"""Reads the drivers' assembly texts: what each instruction is, and where the jumps go.

Only what loops.py needs is read: how many products of floats an instruction makes, whether it loads from memory or touches
what lies there in place of registers, how many issue slots it takes, and which instructions are loops. The texts are those
that the drivers give by VK_KHR_pipeline_executable_properties.
SPDX-License-Identifier: Apache-2.0
"""

import dataclasses
import re

MULTIPLY, LOAD, PRIVATE, OTHER = "multiply", "load", "private", "other"


@dataclasses.dataclass(frozen=True)
class Instruction:
    kind: str
    multiplies: int = 0  # products of floats of an invocation
    slots: int = 1  # in which nothing else of the subgroup is issued


@dataclasses.dataclass
class Program:
    instructions: list
    loops: list  # of frozenset: indices of instructions


def between_jumps(jumps):
    """Loops of a program that has each in one piece, from its jumps (from, to); those to one place make one loop."""
    ends = {}
    for at, to in jumps:
        if to <= at:
            ends[to] = max(at, ends.get(to, at))
    return [frozenset(range(to, at + 1)) for to, at in sorted(ends.items())]


def by_labels(text, label, jump, read):
    """A Program of a text in which jumps name labels, and labels stand in lines of their own.

    label and jump: patterns with the label as their group; read(line): an Instruction, or None for another line.
    """
    instructions, places, targets = [], {}, []
    for line in text.split("\n"):
        if found := re.match(label, line):
            places[found[1]] = len(instructions)
            continue
        instruction = read(line)
        if instruction is None:
            continue
        if found := re.search(jump, line):
            targets.append((len(instructions), found[1]))
        instructions.append(instruction)
    return Program(instructions, between_jumps((at, places[name]) for at, name in targets if name in places))


def by_distance(text, jump, read, unit, delay):
    """A Program of a text in which jumps name a distance, in `unit`s an instruction, from the end of their delay slots."""
    instructions, jumps = [], []
    for line in text.split("\n"):
        instruction = read(line)
        if instruction is None:
            continue
        here = len(instructions)
        instructions.append(instruction)
        if found := re.search(jump, line):
            # What stands in the delay slots is done once more before the jump is.
            jumps.append((here + delay, max(0, here + 1 + delay + int(found[1]) // unit)))
    return Program(instructions, between_jumps(jumps))


def _instruction(op, products, load, private):
    """products: those of the instruction if it multiplies; load and private: patterns of an operation's beginning."""
    if products:
        return Instruction(MULTIPLY, products)
    return Instruction(PRIVATE if re.match(private, op) else LOAD if re.match(load, op) else OTHER)


def aco(text):
    """AMD, by RADV: "	v_fmac_f32_e32 v1, v2, v3    ; 56020503" below "BB4:". A dual instruction is one line and one issue
    with two operations; a packed one makes two products. "	(then repeated 2 times)" stands for two more of the line above."""
    product = re.compile(
        r"\bv_(pk_)?(fma|fmac|mac|mad|mul|dot\w+)(_legacy|_mix\w*|mk|ak|aak|amk|madmk|madak)?_f(32|16)"
    )
    dual = re.compile(r"\bv_dual_(fmac|fmaak|fmamk|mul|mul_dx9_zero|dot2acc)_f32")

    def read(line):
        found = re.match(r"\s+([a-z]\w+)", line)
        if not found:
            return None
        op = found[1]
        products = len(dual.findall(line)) if op.startswith("v_dual_") else int(bool(product.match(op)))
        return _instruction(
            op,
            2 * products if op.startswith("v_pk_") else products,
            r"(buffer|global|flat)_load|s_(buffer_)?load|image_|ds_read|ds_load",
            "scratch_",
        )

    text = re.sub(r"(.*\n)\s+\(then repeated (\d+) times\)\n", lambda found: found[1] * (1 + int(found[2])), text)
    return by_labels(text, r"(BB\d+):", r"\bs_c?branch\w*\s+(BB\d+)", read)


def ir3(text):
    """Qualcomm, by Turnip: "(sy)(rpt1)mad.f32 r0.x, r1.x, (r)r2.x, r0.x", "jump #l5", "l5:". (rptN) issues an instruction N
    times more, (nopN) waits N slots after it."""

    def read(line):
        found = re.match(r"((?:\([^)]*\)\s*)*)([a-z][\w.]*)", line.strip())
        if not found or line.strip().endswith(":"):
            return None
        repeats = sum(int(n) for n in re.findall(r"\(rpt(\d+)\)", found[1]))
        waits = sum(int(n) for n in re.findall(r"\(nop(\d+)\)", found[1]))
        products = (1 + repeats) * bool(re.match(r"(mad|mul)\.f", found[2]))
        plain = _instruction(found[2], products, r"(isam|sam|ldib|ldg|ldc|ldl|ldlw)\b", r"(ldp|stp)\b")
        return dataclasses.replace(plain, slots=1 + repeats + waits)

    return by_labels(text, r"\s*(l\d+):", r"^[^;]*\b(?:jump|br|bra|brao|braa|bany|ball|brac)\b.*#(l\d+)", read)


def gen(text):
    """Intel, by ANV: "mad(16)  g10<1>F  g8<8,8,1>F ...", "LABEL3:", "while(16)  JIP:  LABEL3". Products of integers have the
    same names: the type of the destination tells them apart. "sync" only waits, and the driver does not count it either.
    """

    def read(line):
        found = re.match(r"\s*(?:\([^)]*\)\s*)?([a-z]\w*)(?:\.\w+)*(?:\s[a-z]+)?\s?\(\d+\)\s*(\S*)", line)
        if not found or found[1] == "sync":
            return None
        products = found[1] in ("mad", "mul", "mac") and bool(re.search(r">(F|HF|DF)$", found[2]))
        return _instruction(found[1], int(products), "sends?c?", "-")

    return by_labels(text, r"\s*(LABEL\d+):", r"\bwhile\b.*JIP:\s*(LABEL\d+)", read)


def natural_loops(predecessors):
    """{header: numbers of the blocks of its loop}, from {block: where control comes from}; blocks are numbered in an order in
    which only loops go back."""
    found = {}
    for header, sources in predecessors.items():
        work = [source for source in sources if source >= header]
        if not work:
            continue
        body = {header}
        while work:
            block = work.pop()
            if block not in body:
                body.add(block)
                work += predecessors[block]
        found[header] = body
    return found


def nak(text):
    """NVIDIA, by NVK: blocks "block 4 L2 [3, 9] -> {", which name those that control comes from; "r5 = ffma r4 r3 r2". What
    follows a loop may stand in the middle of it."""
    instructions, predecessors, members, current = [], {}, {}, None
    for line in text.split("\n"):
        if found := re.match(r"\s*block(?:\.u)? (\d+)\s.*\[([\d, ]*)\]", line):
            current = int(found[1])
            predecessors[current] = [int(n) for n in found[2].split(",") if n.strip()]
            members[current] = []
            continue
        line = line.split("//")[0].strip()
        if current is None or not line or line.startswith("}"):
            continue
        op = next((word for word in line.split("=", 1)[-1].split() if not word.startswith(("@", "!"))), "")
        products = (2 if op.startswith("h") else 1) * bool(re.match(r"(ffma|fmul|hfma2|hmul2)\b", op))
        members[current].append(len(instructions))
        instructions.append(
            _instruction(op, products, r"(ld|ldg|ldc|lds|tex|tld|txf|suld)\b", r"ldl|stl|(ld|st)\.local")
        )
    bodies = natural_loops(predecessors).values()
    return Program(instructions, [frozenset(n for block in body for n in members[block]) for body in bodies])


def qpu(text):
    """Broadcom, by V3DV: an addition and a multiplication per line, issued together, "fadd rf1, rf2, rf3  ; fmul rf4,
    rf5, rf6  ; ldtmu.rf7"; jumps by bytes, "bu.allnap  -536, r:unif", 8 an instruction, with three delay slots."""

    def read(line):
        if not (line := line.strip()):
            return None
        return _instruction(
            "ldtmu" if "ldtmu" in line else "",
            len(re.findall(r"\bfmul\b", line)) + 2 * len(re.findall(r"\bvfmul\b", line)),
            "ldtmu",
            "-",
        )

    return by_distance(text, r"^\s*bu?\S*\s+(-?\d+)", read, 8, 3)


def valhall(text):
    """ARM Valhall, by PanVK: one "FMA.f32 r0, r1, r2, r3" per line; a product is an FMA that adds -0; jumps by instructions,
    "BRANCHZ.eq.reconverge 0x0, offset:-60"."""

    def read(line):
        found = re.match(r"\s*([A-Z][\w.]*)", line)
        if not found:
            return None
        products = (2 if ".v2f16" in found[1] else 1) * bool(re.match(r"FMA(_RSCALE)?\.(f32|v2f16)", found[1]))
        private = re.match(r"LOAD|STORE", found[1]) and "thread_local_pointer" in line
        return Instruction(PRIVATE) if private else _instruction(found[1], products, r"LD_|LOAD|TEX", "-")

    return by_distance(text, r"^\s*BRANCH\S*.*offset:(-?\d+)", read, 1, 0)


def bifrost(text):
    """ARM before Valhall: tuples of two operations that are issued together, "*FMA.f32 r1:t0, r2, r3, r1" and "+IADD.s32
    r4:t1, r5, r6", below "clause_14:"; jumps "+JUMP t1, clause_14" name a clause."""

    def read(line):
        found = re.match(r"\s*\*([A-Z][\w.]*).*\+([A-Z][\w.]*)", line)
        if not found:
            return None
        products = (2 if ".v2f16" in found[1] else 1) * bool(re.match(r"FMA(_RSCALE)?\.(f32|v2f16)", found[1]))
        # The second half loads while the first multiplies.
        kind = _instruction(found[2], 0, r"LD_|LOAD|TEX", r"(LOAD|STORE)\S*\.tl\b").kind
        return Instruction(MULTIPLY if products and kind == OTHER else kind, products)

    tuples = re.sub(r"\n\s*\+", " +", text)
    return by_labels(tuples, r"\s*(clause_\d+):", r"\+(?:BRANCH|JUMP)\S*.*\b(clause_\d+)", read)


def panvk(text):
    return bifrost(text) if re.search(r"^\s*clause_\d+:", text, re.MULTILINE) else valhall(text)


PARSERS = {"RADV": aco, "Turnip": ir3, "ANV": gen, "NVK": nak, "V3DV": qpu, "PanVK": panvk}


def parse(driver_name, text):
    """The Program of a driver's text; None: this driver's is not read."""
    parser = PARSERS.get(driver_name)
    return parser(text) if parser else None
