// SPIR-V in the form that the table of modules keeps: half of what gzip makes of the words.
// SPDX-License-Identifier: Apache-2.0
//
// Numbers of 7 bits a byte, lowest first, the top bit set in all but a number's last byte. First
// the five words of the header, and of every instruction its opcode and its length in words. Then
// the operands of all instructions in order, each as its difference to the operand at the same
// position of the last instruction with that opcode (0 before the first): 0, -1, 1, -2, ... are
// written as 0, 1, 2, 3, ... The ids of generated code rise in steps, so most of these numbers
// repeat. shaders/pack/pack_spirv.cpp writes it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace gyre {

// The n_words of a module; empty if `packed` is not such a module.
std::vector<std::uint32_t> unpack_spirv(std::span<const std::uint8_t> packed, std::size_t n_words);

}  // namespace gyre
