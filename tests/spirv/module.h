// SPIR-V words as instructions, with lookups by id. Every access is checked.
// SPDX-License-Identifier: Apache-2.0
//
// Numbers are those of the SPIR-V specification, version 1.6, section 3.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "runtime/base/status.h"
#include "tests/spirv/reflect.h"

namespace gyre::test::spirv {

enum class Op : std::uint32_t {
    kEntryPoint = 15,
    kExecutionMode = 16,
    kCapability = 17,
    kTypeBool = 20,
    kTypeInt = 21,
    kTypeFloat = 22,
    kTypeVector = 23,
    kTypeMatrix = 24,
    kTypeImage = 25,
    kTypeArray = 28,
    kTypeRuntimeArray = 29,
    kTypeStruct = 30,
    kTypePointer = 32,
    kConstantTrue = 41,
    kConstantFalse = 42,
    kConstant = 43,
    kConstantComposite = 44,
    kConstantNull = 46,
    kSpecConstantTrue = 48,
    kSpecConstantFalse = 49,
    kSpecConstant = 50,
    kSpecConstantComposite = 51,
    kSpecConstantOp = 52,
    kFunction = 54,
    kVariable = 59,
    kDecorate = 71,
    kMemberDecorate = 72,
    kExecutionModeId = 331,
};

enum class Decoration : std::uint32_t {
    kSpecId = 1,
    kBlock = 2,
    kBufferBlock = 3,
    kArrayStride = 6,
    kMatrixStride = 7,
    kBuiltIn = 11,
    kNonWritable = 24,
    kBinding = 33,
    kDescriptorSet = 34,
    kOffset = 35,
};

struct Instruction {
    Op op;
    std::span<const std::uint32_t> words;  // words[0] is opcode and length
    std::uint32_t operator[](std::size_t i) const { return words[i]; }
    std::size_t size() const { return words.size(); }
};

class Module {
  public:
    // kBadFile unless the words are a sequence of whole instructions with ids inside the bound and
    // all operands that this class reads.
    static Result<Module> parse(std::span<const std::uint32_t> words);

    const std::vector<Instruction>& instructions() const { return instructions_; }

    // The instruction that makes the id; nullptr if none of those in Op does.
    const Instruction* definition(std::uint32_t id) const;

    // The literal of a decoration (0 for one without), if the id or the member has it.
    std::optional<std::uint32_t> decoration(std::uint32_t id, Decoration kind) const;
    std::optional<std::uint32_t> member_decoration(std::uint32_t id, std::uint32_t member,
                                                   Decoration kind) const;

    // The id that is decorated with this BuiltIn, if any.
    std::optional<std::uint32_t> builtin(std::uint32_t which) const;

    // The bits of a 32-bit (or smaller) constant under these specialization values; nothing for
    // what is no such constant.
    std::optional<std::uint32_t> value(std::uint32_t id, std::span<const SpecConstant> spec) const;

    // Bytes of a type: as laid out by Offset and strides when explicit_layout, else packed as in
    // workgroup memory. Nothing for types without a size.
    std::optional<std::uint64_t> type_bytes(std::uint32_t type, bool explicit_layout,
                                            std::span<const SpecConstant> spec) const;

    // Whether a function of the module names the id.
    bool used_in_functions(std::uint32_t id) const;

  private:
    struct Decorated {
        std::uint32_t id;
        std::optional<std::uint32_t> member;
        Decoration kind;
        std::uint32_t literal;
    };
    // A module can be small and name itself over and over: the work of one question is bounded.
    struct Budget {
        int steps = 20000;
        int depth = 0;
    };

    Status add(const Instruction& instruction);
    std::optional<std::uint32_t> value(std::uint32_t id, std::span<const SpecConstant> spec,
                                       Budget& budget) const;
    std::optional<std::uint32_t> operation(const Instruction& instruction,
                                           std::span<const SpecConstant> spec,
                                           Budget& budget) const;
    std::optional<std::uint64_t> type_bytes(std::uint32_t type, bool explicit_layout,
                                            std::span<const SpecConstant> spec,
                                            Budget& budget) const;
    std::optional<std::uint64_t> array_bytes(const Instruction& type, bool explicit_layout,
                                             std::span<const SpecConstant> spec,
                                             Budget& budget) const;
    std::optional<std::uint64_t> struct_bytes(const Instruction& type, bool explicit_layout,
                                              std::span<const SpecConstant> spec,
                                              Budget& budget) const;

    std::vector<Instruction> instructions_;
    std::vector<std::uint32_t> definitions_;  // by id: index into instructions_ plus 1, 0 for none
    std::vector<Decorated> decorations_;
    std::size_t first_function_ = 0;  // index into instructions_
};

}  // namespace gyre::test::spirv
