// Values of constants and sizes of types in a SPIR-V module.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "tests/spirv/module.h"

namespace gyre::test::spirv {

namespace {

constexpr std::uint64_t kMaxTypeBytes = std::uint64_t{1} << 40;
constexpr int kMaxDepth = 32;

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

}  // namespace gyre::test::spirv
