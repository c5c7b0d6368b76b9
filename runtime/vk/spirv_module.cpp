// Parsing and evaluation of SPIR-V.
// SPDX-License-Identifier: Apache-2.0
#include "runtime/vk/spirv_module.h"

#include <algorithm>
#include <string>

namespace gyre::spirv {

namespace {

constexpr std::uint32_t kMagic = 0x07230203u;
constexpr std::size_t kHeaderWords = 5;
constexpr std::uint32_t kMaxBound = 0x3fffffu;  // universal limit of the specification, 2.17
constexpr std::uint64_t kMaxTypeBytes = std::uint64_t{1} << 40;
constexpr int kMaxDepth = 32;

// Fewest words, the first included, and the position of the result id (0: none); {0, 0}: an
// instruction that is only stepped over.
struct Shape {
    std::size_t words;
    std::size_t result;
};

Shape shape(Op op) {
    switch (op) {
        case Op::kEntryPoint:
            return {4, 0};
        case Op::kExecutionMode:
        case Op::kExecutionModeId:
            return {3, 0};
        case Op::kCapability:
            return {2, 0};
        case Op::kTypeBool:
        case Op::kTypeStruct:
            return {2, 1};
        case Op::kTypeFloat:
        case Op::kTypeRuntimeArray:
            return {3, 1};
        case Op::kTypeInt:
        case Op::kTypeVector:
        case Op::kTypeMatrix:
        case Op::kTypeArray:
        case Op::kTypePointer:
            return {4, 1};
        case Op::kConstantTrue:
        case Op::kConstantFalse:
        case Op::kConstantNull:
        case Op::kConstantComposite:
        case Op::kSpecConstantTrue:
        case Op::kSpecConstantFalse:
        case Op::kSpecConstantComposite:
            return {3, 2};
        case Op::kConstant:
        case Op::kSpecConstant:
        case Op::kSpecConstantOp:
        case Op::kVariable:
            return {4, 2};
        case Op::kDecorate:
            return {3, 0};
        case Op::kMemberDecorate:
            return {4, 0};
        case Op::kFunction:
            return {5, 2};
    }
    return {0, 0};
}

Status bad(const std::string& what) {
    return Status::bad_file("SPIR-V: " + what);
}

// Decorations of which a literal is read.
bool has_literal(Decoration kind) {
    switch (kind) {
        case Decoration::kSpecId:
        case Decoration::kArrayStride:
        case Decoration::kMatrixStride:
        case Decoration::kBuiltIn:
        case Decoration::kBinding:
        case Decoration::kDescriptorSet:
        case Decoration::kOffset:
            return true;
        case Decoration::kBlock:
        case Decoration::kBufferBlock:
        case Decoration::kNonWritable:
            return false;
    }
    return false;
}

std::optional<std::uint32_t> unary(std::uint32_t op, std::uint32_t a) {
    switch (op) {
        case 113:  // OpUConvert
        case 114:
            return a;  // OpSConvert, 32 bits at most
        case 126:
            return 0 - a;  // OpSNegate
        case 168:
            return a == 0 ? 1u : 0u;  // OpLogicalNot
        case 200:
            return ~a;  // OpNot
        default:
            return std::nullopt;
    }
}

std::optional<std::uint32_t> binary(std::uint32_t op, std::uint32_t a, std::uint32_t b) {
    const auto sa = static_cast<std::int64_t>(static_cast<std::int32_t>(a));
    const auto sb = static_cast<std::int64_t>(static_cast<std::int32_t>(b));
    const auto flag = [](bool v) { return v ? 1u : 0u; };
    if (b == 0 && (op == 134 || op == 135 || op == 137 || op == 138)) return std::nullopt;
    if (b >= 32 && op >= 194 && op <= 196) return std::nullopt;
    switch (op) {
        case 128:
            return a + b;  // OpIAdd
        case 130:
            return a - b;  // OpISub
        case 132:
            return a * b;  // OpIMul
        case 134:
            return a / b;  // OpUDiv
        case 135:
            return static_cast<std::uint32_t>(sa / sb);  // OpSDiv
        case 137:
            return a % b;  // OpUMod
        case 138:
            return static_cast<std::uint32_t>(sa % sb);  // OpSRem
        case 164:                                        // OpLogicalEqual
        case 170:
            return flag(a == b);  // OpIEqual
        case 165:                 // OpLogicalNotEqual
        case 171:
            return flag(a != b);  // OpINotEqual
        case 166:
            return flag((a | b) != 0);  // OpLogicalOr
        case 167:
            return flag(a != 0 && b != 0);  // OpLogicalAnd
        case 172:
            return flag(a > b);  // OpUGreaterThan
        case 173:
            return flag(sa > sb);  // OpSGreaterThan
        case 174:
            return flag(a >= b);  // OpUGreaterThanEqual
        case 175:
            return flag(sa >= sb);  // OpSGreaterThanEqual
        case 176:
            return flag(a < b);  // OpULessThan
        case 177:
            return flag(sa < sb);  // OpSLessThan
        case 178:
            return flag(a <= b);  // OpULessThanEqual
        case 179:
            return flag(sa <= sb);  // OpSLessThanEqual
        case 194:
            return a >> b;  // OpShiftRightLogical
        case 195:
            return static_cast<std::uint32_t>(sa >> b);  // OpShiftRightArithmetic
        case 196:
            return a << b;  // OpShiftLeftLogical
        case 197:
            return a | b;  // OpBitwiseOr
        case 198:
            return a ^ b;  // OpBitwiseXor
        case 199:
            return a & b;  // OpBitwiseAnd
        default:
            return std::nullopt;
    }
}

std::optional<std::uint64_t> bounded(std::uint64_t bytes) {
    if (bytes > kMaxTypeBytes) return std::nullopt;
    return bytes;
}

}  // namespace

Result<Module> Module::parse(std::span<const std::uint32_t> words) {
    if (words.size() < kHeaderWords) return bad("the header is cut off");
    if (words[0] != kMagic) return bad("the first word is not SPIR-V's magic number");
    const std::uint32_t bound = words[3];
    if (bound == 0 || bound > kMaxBound) return bad("the bound of ids is out of range");
    Module module;
    module.definitions_.assign(bound, 0);
    for (std::size_t at = kHeaderWords; at < words.size();) {
        const std::size_t length = words[at] >> 16;
        if (length == 0 || length > words.size() - at) {
            return bad("the instruction at word " + std::to_string(at) + " is cut off");
        }
        GYRE_TRY(module.add({static_cast<Op>(words[at] & 0xffffu), words.subspan(at, length)}));
        at += length;
    }
    if (module.first_function_ == 0) module.first_function_ = module.instructions_.size();
    return module;
}

Status Module::add(const Instruction& instruction) {
    const Shape needs = shape(instruction.op);
    if (instruction.size() < needs.words) {
        return bad("instruction " + std::to_string(static_cast<std::uint32_t>(instruction.op)) +
                   " is too short");
    }
    if (instruction.op == Op::kFunction && first_function_ == 0) {
        first_function_ = instructions_.size();
    }
    if (needs.result != 0) {
        const std::uint32_t id = instruction[needs.result];
        if (id == 0 || id >= definitions_.size()) return bad("an id is outside the bound");
        if (definitions_[id] != 0) return bad("id " + std::to_string(id) + " is made twice");
        definitions_[id] = static_cast<std::uint32_t>(instructions_.size() + 1);
    }
    const bool member = instruction.op == Op::kMemberDecorate;
    if (member || instruction.op == Op::kDecorate) {
        const std::size_t kind_at = member ? 3 : 2;
        const auto kind = static_cast<Decoration>(instruction[kind_at]);
        const bool literal = has_literal(kind);
        if (literal && instruction.size() < kind_at + 2) return bad("a decoration has no value");
        decorations_.push_back({instruction[1],
                                member ? std::optional(instruction[2]) : std::nullopt, kind,
                                literal ? instruction[kind_at + 1] : 0});
    }
    instructions_.push_back(instruction);
    return {};
}

const Instruction* Module::definition(std::uint32_t id) const {
    if (id >= definitions_.size() || definitions_[id] == 0) return nullptr;
    return &instructions_[definitions_[id] - 1];
}

std::optional<std::uint32_t> Module::decoration(std::uint32_t id, Decoration kind) const {
    for (const Decorated& each : decorations_) {
        if (each.id == id && !each.member && each.kind == kind) return each.literal;
    }
    return std::nullopt;
}

std::optional<std::uint32_t> Module::member_decoration(std::uint32_t id, std::uint32_t member,
                                                       Decoration kind) const {
    for (const Decorated& each : decorations_) {
        if (each.id == id && each.member == member && each.kind == kind) return each.literal;
    }
    return std::nullopt;
}

std::optional<std::uint32_t> Module::builtin(std::uint32_t which) const {
    for (const Decorated& each : decorations_) {
        if (!each.member && each.kind == Decoration::kBuiltIn && each.literal == which) {
            return each.id;
        }
    }
    return std::nullopt;
}

bool Module::used_in_functions(std::uint32_t id) const {
    for (std::size_t i = first_function_; i < instructions_.size(); ++i) {
        const auto operands = instructions_[i].words.subspan(1);
        if (std::find(operands.begin(), operands.end(), id) != operands.end()) return true;
    }
    return false;
}

std::optional<std::uint32_t> Module::value(std::uint32_t id,
                                           std::span<const SpecConstant> spec) const {
    Budget budget;
    return value(id, spec, budget);
}

std::optional<std::uint32_t> Module::value(std::uint32_t id, std::span<const SpecConstant> spec,
                                           Budget& budget) const {
    const Instruction* instruction = definition(id);
    if (instruction == nullptr || --budget.steps < 0) return std::nullopt;
    if (const auto spec_id = decoration(id, Decoration::kSpecId)) {
        for (const SpecConstant& constant : spec) {
            if (constant.id == *spec_id) return constant.value;
        }
    }
    switch (instruction->op) {
        case Op::kConstantTrue:
        case Op::kSpecConstantTrue:
            return 1u;
        case Op::kConstantFalse:
        case Op::kSpecConstantFalse:
        case Op::kConstantNull:
            return 0u;
        case Op::kConstant:
        case Op::kSpecConstant:
            if (instruction->size() != 4) return std::nullopt;  // 64 bits
            return (*instruction)[3];
        case Op::kSpecConstantOp:
            return operation(*instruction, spec, budget);
        default:
            return std::nullopt;
    }
}

std::optional<std::uint32_t> Module::operation(const Instruction& instruction,
                                               std::span<const SpecConstant> spec,
                                               Budget& budget) const {
    if (budget.depth >= kMaxDepth) return std::nullopt;
    ++budget.depth;
    std::optional<std::uint32_t> result;
    std::uint32_t operands[3] = {};
    const std::size_t count = instruction.size() - 4;
    bool known = count >= 1 && count <= 3;
    for (std::size_t i = 0; known && i < count; ++i) {
        const auto operand = value(instruction[4 + i], spec, budget);
        known = operand.has_value();
        operands[i] = operand.value_or(0);
    }
    const std::uint32_t op = instruction[3];
    if (known && count == 1) result = unary(op, operands[0]);
    if (known && count == 2) result = binary(op, operands[0], operands[1]);
    constexpr std::uint32_t kSelect = 169;
    if (known && count == 3 && op == kSelect) result = operands[0] != 0 ? operands[1] : operands[2];
    --budget.depth;
    return result;
}

std::optional<std::uint64_t> Module::type_bytes(std::uint32_t type, bool explicit_layout,
                                                std::span<const SpecConstant> spec) const {
    Budget budget;
    return type_bytes(type, explicit_layout, spec, budget);
}

std::optional<std::uint64_t> Module::type_bytes(std::uint32_t type, bool explicit_layout,
                                                std::span<const SpecConstant> spec,
                                                Budget& budget) const {
    const Instruction* instruction = definition(type);
    if (instruction == nullptr || --budget.steps < 0 || budget.depth >= kMaxDepth) {
        return std::nullopt;
    }
    ++budget.depth;
    std::optional<std::uint64_t> bytes;
    switch (instruction->op) {
        case Op::kTypeBool:
            bytes = 4;
            break;
        case Op::kTypeInt:
        case Op::kTypeFloat:
            bytes = bounded((*instruction)[2] / 8);
            break;
        case Op::kTypeVector:
        case Op::kTypeMatrix:
        case Op::kTypeArray:
            bytes = array_bytes(*instruction, explicit_layout, spec, budget);
            break;
        case Op::kTypeStruct:
            bytes = struct_bytes(*instruction, explicit_layout, spec, budget);
            break;
        default:
            break;
    }
    --budget.depth;
    return bytes;
}

std::optional<std::uint64_t> Module::array_bytes(const Instruction& type, bool explicit_layout,
                                                 std::span<const SpecConstant> spec,
                                                 Budget& budget) const {
    const bool array = type.op == Op::kTypeArray;
    const auto count = array ? value(type[3], spec, budget) : std::optional(type[3]);
    auto element = type_bytes(type[2], explicit_layout, spec, budget);
    if (!count || !element) return std::nullopt;
    if (explicit_layout && array) {
        if (const auto stride = decoration(type[1], Decoration::kArrayStride)) element = *stride;
    }
    if (explicit_layout && type.op == Op::kTypeMatrix) return std::nullopt;  // no kernel has one
    if (*count != 0 && *element > kMaxTypeBytes / *count) return std::nullopt;
    return *element * *count;
}

std::optional<std::uint64_t> Module::struct_bytes(const Instruction& type, bool explicit_layout,
                                                  std::span<const SpecConstant> spec,
                                                  Budget& budget) const {
    std::uint64_t end = 0;
    for (std::size_t i = 2; i < type.size(); ++i) {
        const auto bytes = type_bytes(type[i], explicit_layout, spec, budget);
        if (!bytes) return std::nullopt;
        if (!explicit_layout) {
            end += *bytes;
        } else {
            const auto offset =
                member_decoration(type[1], static_cast<std::uint32_t>(i - 2), Decoration::kOffset);
            if (!offset) return std::nullopt;
            end = std::max(end, *offset + *bytes);
        }
        if (end > kMaxTypeBytes) return std::nullopt;
    }
    return end;
}

}  // namespace gyre::spirv
