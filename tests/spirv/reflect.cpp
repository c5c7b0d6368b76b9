// Reads the interface of a compute shader out of a parsed module.
// SPDX-License-Identifier: Apache-2.0
#include "tests/spirv/reflect.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "runtime/vk/device.h"
#include "tests/spirv/module.h"

namespace gyre::test {

namespace {

using spirv::Decoration;
using spirv::Instruction;
using spirv::Module;
using spirv::Op;

constexpr std::uint32_t kModelGlCompute = 5;
constexpr std::uint32_t kModeLocalSize = 17;
constexpr std::uint32_t kModeLocalSizeId = 38;
constexpr std::uint32_t kBuiltInWorkgroupSize = 25;
constexpr std::uint32_t kClassUniformConstant = 0;
constexpr std::uint32_t kClassUniform = 2;
constexpr std::uint32_t kClassWorkgroup = 4;
constexpr std::uint32_t kClassPushConstant = 9;
constexpr std::uint32_t kClassStorageBuffer = 12;

Status bad(const std::string& what) {
    return Status::bad_file("SPIR-V: " + what);
}

// A literal string: bytes of words, lowest first, up to the first zero byte.
Result<std::string> literal_string(std::span<const std::uint32_t> words) {
    std::string text;
    for (const std::uint32_t word : words) {
        for (int byte = 0; byte < 4; ++byte) {
            const char c = static_cast<char>(word >> (8 * byte) & 0xffu);
            if (c == '\0') return text;
            text.push_back(c);
        }
    }
    return bad("a string has no end");
}

class Reflector {
  public:
    Reflector(const Module& module, std::span<const SpecConstant> spec)
        : module_(module), spec_(spec) {}

    Result<ShaderReflection> run() {
        GYRE_TRY(entry_point());
        GYRE_TRY(spec_constants());
        GYRE_TRY(local_size());
        for (const Instruction& instruction : module_.instructions()) {
            if (instruction.op == Op::kCapability) out_.capabilities.push_back(instruction[1]);
            if (instruction.op == Op::kVariable) GYRE_TRY(variable(instruction));
        }
        std::sort(out_.bindings.begin(), out_.bindings.end(),
                  [](const ReflectedBinding& a, const ReflectedBinding& b) {
                      return std::pair(a.set, a.binding) < std::pair(b.set, b.binding);
                  });
        return std::move(out_);
    }

  private:
    Status entry_point() {
        for (const Instruction& instruction : module_.instructions()) {
            if (instruction.op != Op::kEntryPoint || instruction[1] != kModelGlCompute) continue;
            if (entry_id_ != 0) return Status::unsupported("SPIR-V: more than one compute shader");
            entry_id_ = instruction[2];
            GYRE_ASSIGN(out_.entry_point, literal_string(instruction.words.subspan(3)));
        }
        return entry_id_ != 0 ? Status() : bad("there is no compute shader in it");
    }

    Status spec_constants() {
        for (const Instruction& instruction : module_.instructions()) {
            const bool constant = instruction.op == Op::kSpecConstant ||
                                  instruction.op == Op::kSpecConstantTrue ||
                                  instruction.op == Op::kSpecConstantFalse;
            if (!constant) continue;
            const auto id = module_.decoration(instruction[2], Decoration::kSpecId);
            if (!id) continue;
            const auto value = module_.value(instruction[2], spec_);
            if (!value) {
                return Status::unsupported("SPIR-V: specialization constant " +
                                           std::to_string(*id) + " has more than 32 bits");
            }
            add_spec_constant({*id, *value});
        }
        std::sort(out_.spec_constants.begin(), out_.spec_constants.end(),
                  [](const SpecConstant& a, const SpecConstant& b) { return a.id < b.id; });
        for (const SpecConstant& given : spec_) {
            const bool known = std::any_of(
                out_.spec_constants.begin(), out_.spec_constants.end(),
                [&given](const SpecConstant& constant) { return constant.id == given.id; });
            if (!known) {
                return Status::invalid_argument("the shader has no specialization constant " +
                                                std::to_string(given.id));
            }
        }
        return {};
    }

    void add_spec_constant(const SpecConstant& constant) {
        for (const SpecConstant& other : out_.spec_constants) {
            if (other.id != constant.id) continue;
            out_.conflicting_defaults |= other.value != constant.value;
            return;
        }
        out_.spec_constants.push_back(constant);
    }

    Status set_local_size(std::size_t dimension, std::uint32_t id) {
        const auto value = module_.value(id, spec_);
        if (!value) return bad("the local size is no constant");
        out_.local_size[dimension] = *value;
        const Instruction* definition = module_.definition(id);
        if (definition->op == Op::kSpecConstant) {
            out_.local_size_spec_id[dimension] =
                module_.decoration(id, Decoration::kSpecId).value_or(kNoSpecId);
        }
        return {};
    }

    // gl_WorkGroupSize wins over the execution modes (SPIR-V, BuiltIn WorkgroupSize).
    Status local_size() {
        if (const auto id = module_.builtin(kBuiltInWorkgroupSize)) {
            const Instruction* composite = module_.definition(*id);
            const bool constant = composite != nullptr && composite->size() == 6 &&
                                  (composite->op == Op::kConstantComposite ||
                                   composite->op == Op::kSpecConstantComposite);
            if (!constant) return bad("gl_WorkGroupSize is no constant of three numbers");
            for (std::size_t i = 0; i < 3; ++i)
                GYRE_TRY(set_local_size(i, (*composite)[3 + i]));
            return {};
        }
        for (const Instruction& instruction : module_.instructions()) {
            const bool literal = instruction.op == Op::kExecutionMode;
            if (!literal && instruction.op != Op::kExecutionModeId) continue;
            if (instruction[1] != entry_id_) continue;
            if (instruction[2] != (literal ? kModeLocalSize : kModeLocalSizeId)) continue;
            if (instruction.size() < 6) return bad("the local size is cut off");
            for (std::size_t i = 0; i < 3; ++i) {
                if (literal)
                    out_.local_size[i] = instruction[3 + i];
                else
                    GYRE_TRY(set_local_size(i, instruction[3 + i]));
            }
            return {};
        }
        return bad("there is no local size");
    }

    Status variable(const Instruction& instruction) {
        const std::uint32_t id = instruction[2];
        const std::uint32_t storage_class = instruction[3];
        const Instruction* pointer = module_.definition(instruction[1]);
        if (pointer == nullptr || pointer->op != Op::kTypePointer) {
            return bad("variable " + std::to_string(id) + " is no pointer");
        }
        const std::uint32_t type = (*pointer)[3];
        switch (storage_class) {
            case kClassWorkgroup: {
                const auto bytes = module_.type_bytes(type, false, spec_);
                if (!bytes) return bad("shared memory without a size");
                out_.shared_bytes += *bytes;
                return {};
            }
            case kClassPushConstant:
                return push_constants(type);
            case kClassUniform:
            case kClassStorageBuffer:
                return buffer(id, type, storage_class);
            case kClassUniformConstant:
                return texels(id, type);
            default:
                return {};
        }
    }

    Status push_constants(std::uint32_t type) {
        const Instruction* block = module_.definition(type);
        if (block == nullptr || block->op != Op::kTypeStruct)
            return bad("push constants are no block");
        const auto bytes = module_.type_bytes(type, true, spec_);
        if (!bytes || *bytes > 65536) return bad("push constants without a size");
        if (!out_.push_constant_offsets.empty()) return bad("two blocks of push constants");
        out_.push_constant_bytes = static_cast<std::uint32_t>(*bytes);
        for (std::uint32_t member = 0; member + 2 < block->size(); ++member) {
            // type_bytes found an offset for every member
            out_.push_constant_offsets.push_back(
                *module_.member_decoration(type, member, Decoration::kOffset));
        }
        return {};
    }

    Status buffer(std::uint32_t id, std::uint32_t type, std::uint32_t storage_class) {
        const Instruction* block = module_.definition(type);
        if (block == nullptr || block->op != Op::kTypeStruct) {
            return Status::unsupported(
                "SPIR-V: a binding that is not one buffer (an array of them?)");
        }
        GYRE_ASSIGN(ReflectedBinding found, place(id, "a buffer has no binding"));
        // Before SPIR-V 1.3 storage buffers were Uniform with BufferBlock.
        const bool storage = storage_class == kClassStorageBuffer ||
                             module_.decoration(type, Decoration::kBufferBlock).has_value();
        found.kind = storage ? BindingKind::kStorage : BindingKind::kUniform;
        found.writable = storage && found.used && !read_only(id, *block);
        return merge(found);
    }

    // textureBuffer in GLSL: OpTypeImage of Dim Buffer, Sampled 1.
    Status texels(std::uint32_t id, std::uint32_t type) {
        constexpr std::uint32_t kDimBuffer = 5;
        const Instruction* image = module_.definition(type);
        if (image == nullptr || image->op != Op::kTypeImage || (*image)[3] != kDimBuffer ||
            (*image)[7] != 1) {
            return Status::unsupported(
                "SPIR-V: images and samplers are not for compute kernels here");
        }
        GYRE_ASSIGN(ReflectedBinding found, place(id, "a texel buffer has no binding"));
        found.kind = BindingKind::kTexels;
        return merge(found);
    }

    // Where a variable is bound and whether it is used; `missing` is what is said if it is nowhere.
    Result<ReflectedBinding> place(std::uint32_t id, const char* missing) const {
        const auto binding = module_.decoration(id, Decoration::kBinding);
        if (!binding) return bad(missing);
        ReflectedBinding found;
        found.set = module_.decoration(id, Decoration::kDescriptorSet).value_or(0);
        found.binding = *binding;
        found.used = module_.used_in_functions(id);
        return found;
    }

    // glslang decorates the variable or each of its members.
    bool read_only(std::uint32_t id, const Instruction& block) const {
        if (module_.decoration(id, Decoration::kNonWritable)) return true;
        for (std::uint32_t member = 0; member + 2 < block.size(); ++member) {
            if (!module_.member_decoration(block[1], member, Decoration::kNonWritable))
                return false;
        }
        return true;
    }

    Status merge(const ReflectedBinding& found) {
        for (ReflectedBinding& other : out_.bindings) {
            if (other.set != found.set || other.binding != found.binding) continue;
            if (other.kind != found.kind) return bad("one binding is of two kinds");
            other.writable = other.writable || found.writable;
            other.used = other.used || found.used;
            return {};
        }
        out_.bindings.push_back(found);
        return {};
    }

    const Module& module_;
    std::span<const SpecConstant> spec_;
    ShaderReflection out_;
    std::uint32_t entry_id_ = 0;
};

}  // namespace

Result<ShaderReflection> reflect(std::span<const std::uint32_t> words,
                                 std::span<const SpecConstant> spec) {
    GYRE_ASSIGN(const Module module, Module::parse(words));
    return Reflector(module, spec).run();
}

ShaderInterface interface_in(const ShaderReflection& reflection) {
    ShaderInterface found;
    found.push_bytes = reflection.push_constant_bytes;
    for (const ReflectedBinding& binding : reflection.bindings) {
        const bool texels = binding.kind == BindingKind::kTexels;
        const std::uint32_t range =
            texels ? kTexelSource[binding.binding - kFirstTexelBinding] : binding.binding;
        if (binding.used) found.uses |= 1u << range;
        if (binding.writable) found.writes |= 1u << range;
    }
    return found;
}

}  // namespace gyre::test
