// What a compute shader says about itself: bindings, push constants, specialization, local size.
// SPDX-License-Identifier: Apache-2.0
//
// Reads SPIR-V words without a driver and trusts none of them: any input gives a result or an
// error.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "runtime/base/status.h"
#include "runtime/vk/pipeline.h"

namespace gyre::test {

enum class BindingKind { kStorage, kUniform, kTexels };

struct ReflectedBinding {
    std::uint32_t set = 0;
    std::uint32_t binding = 0;
    BindingKind kind = BindingKind::kStorage;
    bool used = false;      // a function of the shader names it
    bool writable = false;  // used and not readonly; several blocks on one binding: any of them
};

inline constexpr std::uint32_t kNoSpecId = 0xffffffffu;

struct ShaderReflection {
    std::string entry_point;
    std::vector<ReflectedBinding> bindings;            // by (set, binding), each once
    std::uint32_t push_constant_bytes = 0;             // end of the last member
    std::vector<std::uint32_t> push_constant_offsets;  // bytes, one a member, in order
    std::vector<SpecConstant> spec_constants;          // by id, each once, with the values applied
    bool conflicting_defaults = false;  // one id, two values: a declared LOCAL_SIZE = 64 beside a
                                        // local_size_x_id without size; a pipeline must set it
    std::array<std::uint32_t, 3> local_size{1, 1, 1};  // threads, after specialization
    std::array<std::uint32_t, 3> local_size_spec_id{kNoSpecId, kNoSpecId, kNoSpecId};
    std::uint64_t shared_bytes = 0;  // workgroup memory, after specialization, without padding
    std::vector<std::uint32_t> capabilities;  // numbers of SpvCapability
};

// spec: values that replace defaults. Errors: kBadFile for words that are not a SPIR-V compute
// shader; kUnsupported for resources that no kernel of ours has (images other than
// uniform texel buffers, arrays of buffers, 64-bit
// specialization constants); kInvalidArgument for a spec id that the shader does not have.
Result<ShaderReflection> reflect(std::span<const std::uint32_t> words,
                                 std::span<const SpecConstant> spec = {});

// What a kernel's row must declare of such a shader: texels count as the binding that they show.
ShaderInterface interface_in(const ShaderReflection& reflection);

}  // namespace gyre::test
