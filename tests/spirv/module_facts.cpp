// One pass over the instructions, then the blocks.
// SPDX-License-Identifier: Apache-2.0
#include "tests/spirv/module_facts.h"

#include <cstring>

namespace gyre::test {
namespace {

using Words = std::span<const std::uint32_t>;

enum Op : std::uint32_t {
    kOpExtension = 10,
    kOpExtInst = 12,
    kOpEntryPoint = 15,
    kOpCapability = 17,
    kOpTypeArray = 28,
    kOpTypeRuntimeArray = 29,
    kOpTypeStruct = 30,
    kOpTypePointer = 32,
    kOpConstant = 43,
    kOpVariable = 59,
    kOpDecorate = 71,
    kOpMemberDecorate = 72,
};

enum Decoration : std::uint32_t {
    kSpecId = 1,
    kArrayStride = 6,
    kNonWritable = 24,
    kBinding = 33,
    kDescriptorSet = 34,
    kOffset = 35,
};

std::string text_at(Words words, std::size_t at) {
    std::string text;
    for (; at < words.size(); ++at) {
        for (unsigned shift = 0; shift < 32; shift += 8) {
            const char c = static_cast<char>((words[at] >> shift) & 0xffu);
            if (c == '\0') return text;
            text.push_back(c);
        }
    }
    return text;
}

// What a first pass over the instructions collects, by result id.
struct Ids {
    std::map<std::uint32_t, std::vector<std::uint32_t>> structs;  // member types
    std::map<std::uint32_t, std::uint32_t> pointees;
    std::map<std::uint32_t, std::uint32_t> constants;      // the first word of each
    std::map<std::uint32_t, std::uint32_t> array_lengths;  // the ids of constants
    std::set<std::uint32_t> runtime_arrays;
    std::map<std::uint32_t, std::uint32_t> array_strides;
    std::map<std::uint32_t, std::uint32_t> sets, bindings;
    std::set<std::uint32_t> read_only_variables;
    std::map<std::uint32_t, std::set<std::uint32_t>> read_only_members;
    std::map<std::uint32_t, std::map<std::uint32_t, std::uint32_t>> member_offsets;
    struct Variable {
        std::uint32_t id, pointer_type, storage_class;
    };
    std::vector<Variable> variables;
};

void collect_decoration(Words operands, Ids& ids) {
    const std::uint32_t target = operands[0], kind = operands[1];
    if (kind == kArrayStride) ids.array_strides[target] = operands[2];
    if (kind == kDescriptorSet) ids.sets[target] = operands[2];
    if (kind == kBinding) ids.bindings[target] = operands[2];
    if (kind == kNonWritable) ids.read_only_variables.insert(target);
}

void collect(std::uint32_t opcode, Words operands, ModuleFacts& module, Ids& ids) {
    module.opcodes.insert(opcode);
    if (opcode == kOpCapability) module.capabilities.insert(operands[0]);
    if (opcode == kOpExtension) module.extensions.insert(text_at(operands, 0));
    if (opcode == kOpExtInst) module.extended_instructions.insert(operands[3]);
    if (opcode == kOpEntryPoint) module.entry_points.push_back(text_at(operands, 2));
    if (opcode == kOpTypeStruct)
        ids.structs[operands[0]].assign(operands.begin() + 1, operands.end());
    if (opcode == kOpTypePointer) ids.pointees[operands[0]] = operands[2];
    if (opcode == kOpConstant) ids.constants[operands[1]] = operands[2];
    if (opcode == kOpTypeArray) ids.array_lengths[operands[0]] = operands[2];
    if (opcode == kOpTypeRuntimeArray) ids.runtime_arrays.insert(operands[0]);
    if (opcode == kOpVariable) ids.variables.push_back({operands[1], operands[0], operands[2]});
    if (opcode == kOpDecorate) collect_decoration(operands, ids);
    if (opcode == kOpDecorate && operands[1] == kSpecId) module.spec_ids.insert(operands[2]);
    if (opcode == kOpMemberDecorate && operands[2] == kOffset) {
        ids.member_offsets[operands[0]][operands[1]] = operands[3];
    }
    if (opcode == kOpMemberDecorate && operands[2] == kNonWritable) {
        ids.read_only_members[operands[0]].insert(operands[1]);
    }
}

// Structs inside a struct ("uniform Block { Params pc; }", Params with a CacheLayout) are laid
// flat.
void append_offsets(std::uint32_t type, std::uint32_t start, const Ids& ids,
                    std::vector<std::uint32_t>& offsets) {
    for (const auto& [member, offset] : ids.member_offsets.at(type)) {
        const std::uint32_t member_type = ids.structs.at(type)[member];
        if (ids.structs.count(member_type)) {
            append_offsets(member_type, start + offset, ids, offsets);
        } else {
            offsets.push_back(start + offset);
        }
    }
}

Block describe(const Ids::Variable& variable, const Ids& ids) {
    Block block;
    block.storage_class = variable.storage_class;
    if (ids.sets.count(variable.id)) block.set = ids.sets.at(variable.id);
    if (ids.bindings.count(variable.id)) block.binding = ids.bindings.at(variable.id);
    std::uint32_t type = ids.pointees.at(variable.pointer_type);
    const std::size_t n_members = ids.structs.at(type).size();
    const bool all_members_read_only =
        ids.read_only_members.count(type) && ids.read_only_members.at(type).size() == n_members;
    block.writable = variable.storage_class == kStorageClassStorageBuffer &&
                     !ids.read_only_variables.count(variable.id) && !all_members_read_only;
    const std::uint32_t last = ids.structs.at(type).back();
    if (ids.runtime_arrays.count(last)) block.array_stride = ids.array_strides.at(last);
    append_offsets(type, 0, ids, block.member_offsets);
    return block;
}

}  // namespace

ModuleFacts module_facts(Words words) {
    ModuleFacts module;
    Ids ids;
    for (std::size_t at = 5; at < words.size();) {  // the header is five words
        const std::uint32_t length = words[at] >> 16, opcode = words[at] & 0xffffu;
        if (length == 0 || at + length > words.size()) break;
        collect(opcode, words.subspan(at + 1, length - 1), module, ids);
        at += length;
    }
    for (const Ids::Variable& variable : ids.variables) {
        const bool is_block = variable.storage_class == kStorageClassUniform ||
                              variable.storage_class == kStorageClassPushConstant ||
                              variable.storage_class == kStorageClassStorageBuffer;
        if (is_block) module.blocks.push_back(describe(variable, ids));
        const bool is_own = variable.storage_class == kStorageClassPrivate ||
                            variable.storage_class == kStorageClassFunction;
        const auto array = ids.array_lengths.find(ids.pointees.at(variable.pointer_type));
        if (!is_own || array == ids.array_lengths.end()) continue;
        const auto length = ids.constants.find(array->second);
        module.own_arrays.push_back(length == ids.constants.end() ? 0 : length->second);
    }
    return module;
}

}  // namespace gyre::test
