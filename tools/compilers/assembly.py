"""Reads the drivers' assembly texts: what each instruction is, and where the jumps go.

Only what loops.py needs is read: whether an instruction multiplies floats, loads from memory, touches private memory or
waits, how many issue slots it takes, and between which instructions jumps go. The texts are those that the drivers give
by VK_KHR_pipeline_executable_properties.
SPDX-License-Identifier: Apache-2.0
"""

import dataclasses
import re

MULTIPLY, LOAD, STORE, PRIVATE, SHARED, WAIT, OTHER = "multiply", "load", "store", "private", "shared", "wait", "other"


@dataclasses.dataclass(frozen=True)
class Instruction:
    kind: str
    multiplies: int = 0  # products of floats of an invocation
    slots: int = 1       # in which nothing else of the subgroup is issued


@dataclasses.dataclass
class Program:
    instructions: list = dataclasses.field(default_factory=list)
    jumps: list = dataclasses.field(default_factory=list)  # (from, to): indices into instructions


def kind_of(op, patterns):
    """The first of [(kind, pattern)] whose pattern matches the beginning of an operation's name."""
    return next((kind for kind, pattern in patterns if re.match(pattern, op)), OTHER)


def by_labels(text, label, jump, read):
    """A Program of a text in which jumps name labels, and labels stand in lines of their own.

    label and jump: patterns with the label as their group; read(line): an Instruction, or None for another line.
    """
    program, places, targets = Program(), {}, []
    for line in text.split("\n"):
        if found := re.match(label, line):
            places[found[1]] = len(program.instructions)
            continue
        instruction = read(line)
        if instruction is None:
            continue
        if found := re.search(jump, line):
            targets.append((len(program.instructions), found[1]))
        program.instructions.append(instruction)
    program.jumps = [(at, places[name]) for at, name in targets if name in places]
    return program


# AMD, RADV's compiler ACO: "	v_fmac_f32_e32 v1, v2, v3    ; 5602..." under "BB4:". A dual instruction is one line that
# names two operations, issued together.
_ACO = ((MULTIPLY, r"v_(pk_)?(fma|mul|mac|mad|dot)\w*_f(32|16)|v_(fma|mad)_mix|v_(fma|mac|mad)\w*k_f32|v_wmma|v_dual"),
        (LOAD, r"(buffer|global|flat)_load|s_load|s_buffer_load|image_"), (STORE, r"(buffer|global|flat)_(store|atomic)"),
        (PRIVATE, r"scratch_"), (SHARED, r"ds_"), (WAIT, r"s_(waitcnt|wait|nop|delay|clause|sleep|barrier)"))
_ACO_PRODUCT = re.compile(r"\bv_dual_(fmac|fmaak|fmamk|mul|dot2acc)_\w*f(32|16)\b|\bv_dual_mul_dx9\w*")


def aco(text):
    def read(line):
        found = re.match(r"\s+([a-z]\w+)", line)
        if not found:
            return None
        kind = kind_of(found[1], _ACO)
        if found[1].startswith("v_dual"):
            products = len(_ACO_PRODUCT.findall(line))
            return Instruction(MULTIPLY if products else OTHER, products)
        if kind == MULTIPLY:
            return Instruction(kind, 2 if found[1].startswith("v_pk_") else 1)
        return Instruction(kind)

    return by_labels(text, r"(BB\d+):", r"\bs_c?branch\w*\s+(BB\d+)", read)


# Qualcomm, Turnip's compiler IR3: "(sy)(rpt1)mad.f32 r0.x, r1.x, (r)r2.x, r0.x", "jump #l5", "l5:". (rptN) repeats an
# instruction N times more, (nopN) waits N slots behind it.
_IR3 = ((MULTIPLY, r"(mad|mul)\.f"), (PRIVATE, r"(ldp|stp)\b"), (SHARED, r"(ldl|stl|ldlw|stlw)\b"), (WAIT, r"nop\b"),
        (LOAD, r"(isam|sam|ldib|ldg|ldc|ldgb|ldx|resbase)\b"), (STORE, r"(stib|stg|atomic|stgb)\b"))


def ir3(text):
    def read(line):
        words = line.strip()
        found = re.match(r"((?:\([^)]*\)\s*)*)([a-z][\w.]*)", words)
        if not found or words.endswith(":"):
            return None
        repeats = sum(int(n) for n in re.findall(r"\(rpt(\d+)\)", found[1]))
        waits = sum(int(n) for n in re.findall(r"\(nop(\d+)\)", found[1]))
        kind = kind_of(found[2], _IR3)
        return Instruction(kind, (1 + repeats) * (kind == MULTIPLY), 1 + repeats + waits)

    jump = r"\b(?:jump|br|bra|brao|braa|bany|ball|brac|getone|shps|shpe|predt|predf)\b.*#(l\d+)"
    return by_labels(text, r"\s*(l\d+):", jump, read)


# Intel, ANV's compilers: "mad(16)  g10<1>F  g8<8,8,1>F ...", "LABEL3:", "while(16)  JIP:  LABEL3". Products of integers
# have the same names: the type of the destination tells.
_GEN = ((WAIT, r"(sync|nop|wait)\b"), (LOAD, r"sends?c?\b"))


def gen(text):
    def read(line):
        found = re.match(r"\s*(?:\([^)]*\)\s*)?([a-z]\w*)((?:\.\w+)*)\s?\((\d+)\)\s*(\S*)", line)
        if not found:
            return None
        if found[1] in ("mad", "mul", "mac", "dp4a", "dpas"):
            is_float = re.search(r"(>|:)(F|HF|DF|f|hf|df)\b", found[4])
            return Instruction(MULTIPLY, 1) if is_float else Instruction(OTHER)
        if found[1].startswith("send") and re.search(r"scratch|spill|fill", line):
            return Instruction(PRIVATE)
        return Instruction(kind_of(found[1], _GEN))

    return by_labels(text, r"\s*(LABEL\d+):", r"\bwhile\b.*JIP:\s*(LABEL\d+)", read)


# NVIDIA, NVK's compiler NAK: blocks "block 4 L2 [3, 9] {", which name those they may come from.
_NAK = ((MULTIPLY, r"(ffma|fmul|hfma2|hmul2)\b"), (PRIVATE, r"(ldl|stl)\b|(ld|st)\.local"),
        (SHARED, r"(lds|sts)\b|(ld|st)\.shared"), (LOAD, r"(ld|ldg|ldc|ldcu|tex|tld|txf|suld)\b"),
        (STORE, r"(st|stg|atom|red|sust)\b"), (WAIT, r"nop\b"))


def nak(text):
    program, places, ends, jumps, current = Program(), {}, {}, [], None
    for line in text.split("\n"):
        if found := re.match(r"\s*block(?:\.u)? (\d+)\s.*\[([\d, ]*)\]", line):
            current = int(found[1])
            places[current] = len(program.instructions)
            jumps += [(int(n), current) for n in found[2].split(",") if n.strip()]
            continue
        line = line.split("//")[0].strip()
        if current is None or not line or line.startswith("}"):
            continue
        words = line.split("=", 1)[-1].split()
        op = next((word for word in words if not word.startswith(("@", "!"))), "")
        kind = kind_of(op, _NAK)
        program.instructions.append(Instruction(kind, (2 if "hfma2" in op else 1) * (kind == MULTIPLY)))
        ends[current] = len(program.instructions) - 1
    program.jumps = [(ends[start], places[to]) for start, to in jumps if start in ends and start >= to]
    return program


# ARM, PanVK: Valhall one instruction a line, "FMA.f32 r0, r1, r2, r3", jumps by a distance in instructions.
_MALI = ((MULTIPLY, r"(FMA|FMUL|FMA_RSCALE)\.(f32|v2f16)"), (PRIVATE, r"(LOAD|STORE)\S*\.tl\b"), (SHARED, r"(LOAD|STORE)\S*\.wls\b"),
         (LOAD, r"LD_|LOAD|TEX|LEA_TEX"), (STORE, r"ST_|STORE|ATOM|ATEST"), (WAIT, r"NOP|BARRIER"))


def valhall(text):
    program = Program()
    for line in text.split("\n"):
        found = re.match(r"\s*([A-Z][\w.]*)", line)
        if not found:
            continue
        kind = kind_of(found[1], _MALI)
        products = (2 if "v2f16" in found[1] else 1) * (kind == MULTIPLY)
        here = len(program.instructions)
        if jump := re.search(r"BRANCH\S*.*offset:(-?\d+)", line):
            program.jumps.append((here, max(0, here + 1 + int(jump[1]))))
        program.instructions.append(Instruction(kind, products))
    return program


PARSERS = {"RADV": aco, "Turnip": ir3, "ANV": gen, "NVK": nak, "PanVK": valhall}


def parse(driver_name, text):
    """The Program of a driver's text; None: this driver's is not read."""
    parser = PARSERS.get(driver_name)
    return parser(text) if parser else None
