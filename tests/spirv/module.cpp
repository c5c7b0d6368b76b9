// Parsing of SPIR-V and lookups in it.
// SPDX-License-Identifier: Apache-2.0
#include "tests/spirv/module.h"

#include <algorithm>
#include <string>

namespace gyre::test::spirv {

namespace {

constexpr std::uint32_t kMagic = 0x07230203u;
constexpr std::size_t kHeaderWords = 5;
constexpr std::uint32_t kMaxBound = 0x3fffffu;  // universal limit of the specification, 2.17

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
        case Op::kTypeImage:
            return {9, 1};
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

}  // namespace gyre::test::spirv
