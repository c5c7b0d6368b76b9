// Files made to break a reader, by the classes of published holes; each must be refused by name.
// SPDX-License-Identifier: Apache-2.0
//
// CVE-2024-21802, CVE-2025-49847, CVE-2025-53630, CVE-2026-27940 and llama.cpp #18674, #24997 are
// of these classes.
#include <gtest/gtest.h>

#include <functional>

#include "runtime/model/gguf.h"
#include "tests/model/gguf_builder.h"

namespace gyre::testing {
namespace {

void expect_refused(const Bytes& file, const std::string& named) {
    const auto gguf = Gguf::parse(file);
    ASSERT_FALSE(gguf.ok()) << "expected an error about " << named;
    const std::string& text = gguf.status().message();
    EXPECT_NE(text.find(named), std::string::npos) << text;
    EXPECT_EQ(text.find('\n'), std::string::npos);
}

Bytes with_counts(std::uint64_t n_tensors, std::uint64_t n_pairs) {
    Bytes file = small_model().build();
    std::memcpy(file.data() + 8, &n_tensors, 8);
    std::memcpy(file.data() + 16, &n_pairs, 8);
    return file;
}

TEST(GgufAttack, CountsBeyondTheFile) {
    for (const std::uint64_t count : {std::uint64_t{1} << 20, std::uint64_t{1} << 62, UINT64_MAX}) {
        expect_refused(with_counts(1, count), "metadata count");
        expect_refused(with_counts(count, 1), "tensor count");
    }
}

TEST(GgufAttack, HugeStringLength) {
    for (const std::uint64_t length :
         {std::uint64_t{1} << 31, std::uint64_t{1} << 63, UINT64_MAX, UINT64_MAX - 7}) {
        Bytes value;
        append<std::uint32_t>(value, 8);
        append(value, length);
        expect_refused(GgufBuilder().raw("general.name", value).build(), "'general.name'");
        Bytes array = GgufBuilder::array_head(8, 2);
        append_string(array, "fine");
        append(array, length);
        expect_refused(GgufBuilder().raw("tokenizer.ggml.tokens", array).build(),
                       "'tokenizer.ggml.tokens': string number 1");
        Bytes file = small_model().build();
        std::memcpy(file.data() + 24, &length, 8);  // of the first key
        expect_refused(file, "key number 0");
    }
}

TEST(GgufAttack, HugeArrayCount) {
    // 2^62 elements of 4 bytes are 2^64, which wraps to 0.
    for (const std::uint64_t count : {std::uint64_t{1} << 40, std::uint64_t{1} << 62, UINT64_MAX}) {
        for (const std::uint32_t type : {0u, 4u, 6u, 7u, 8u, 10u}) {
            expect_refused(GgufBuilder().raw("k", GgufBuilder::array_head(type, count)).build(),
                           "'k'");
        }
    }
}

TEST(GgufAttack, ArraysOfArrays) {
    Bytes value = GgufBuilder::array_head(9, 1);
    append<std::uint32_t>(value, 4);
    append<std::uint64_t>(value, 0);
    expect_refused(GgufBuilder().raw("deep", value).build(), "'deep': array of arrays");
}

TEST(GgufAttack, UnknownValueTypes) {
    for (const std::uint32_t type : {13u, 255u, 0xffffffffu}) {
        Bytes value;
        append(value, type);
        append<std::uint64_t>(value, 0);
        expect_refused(GgufBuilder().raw("odd", value).build(), "'odd': unknown value type");
        expect_refused(GgufBuilder().raw("odd", GgufBuilder::array_head(type, 1)).build(),
                       "'odd': unknown value type");
    }
}

TEST(GgufAttack, BoolsThatAreNeither) {
    expect_refused(GgufBuilder().scalar<std::uint8_t>("flag", 7, 2).build(), "'flag'");
    expect_refused(GgufBuilder().array<std::uint8_t>("flags", 7, {1, 0, 77}).build(), "'flags'");
}

TEST(GgufAttack, AlignmentOfZeroOrNoPowerOfTwo) {
    for (const std::uint32_t alignment :
         {0u, 1u, 4u, 24u, 33u, 131072u, 0x80000000u, 0xffffffffu}) {
        expect_refused(small_model().u32("general.alignment", alignment).build(),
                       "'general.alignment'");
    }
    expect_refused(small_model().string("general.alignment", "32").build(), "'general.alignment'");
}

TEST(GgufAttack, DuplicateNames) {
    Bytes value;
    append<std::uint32_t>(value, 4);
    append<std::uint32_t>(value, 1);
    expect_refused(small_model().raw_again("gpt2.block_count", value).build(),
                   "'gpt2.block_count': given twice");
    GgufBuilder b = small_model();
    b.tensors.push_back(b.tensors.front());
    expect_refused(b.build(), "'token_embd.weight': given twice");
}

TEST(GgufAttack, EmptyAndOverlongNames) {
    expect_refused(GgufBuilder().u32("", 1).build(), "key number 0");
    expect_refused(GgufBuilder().u32(std::string(65536, 'k'), 1).build(), "key number 0");
    expect_refused(GgufBuilder().tensor("", {4}).build(), "tensor number 0");
    expect_refused(GgufBuilder().tensor(std::string(65, 't'), {4}).build(), "tensor number 0");
}

// The dimensions of tensor "t", as they lie in the file; its data is 64 bytes.
Bytes with_dims(const std::vector<std::uint64_t>& dims, std::uint32_t type = 0) {
    return GgufBuilder().tensor({"t", dims, type, Bytes(64)}).build();
}

TEST(GgufAttack, DimensionsWhoseProductWraps) {
    const std::uint64_t half = std::uint64_t{1} << 32;
    expect_refused(with_dims({half, half}), "'t': its dimensions multiply");      // 2^64 = 0
    expect_refused(with_dims({half, half + 1}), "'t': its dimensions multiply");  // wraps to 2^32
    expect_refused(with_dims({3, 0x5555555555555556ull}),
                   "'t': its dimensions multiply");  // wraps to 2
    expect_refused(with_dims({UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX}), "'t': its dim");
    expect_refused(with_dims({std::uint64_t{1} << 62}),
                   "'t': more than 2^64 bytes");                   // elements fit
    expect_refused(with_dims({std::uint64_t{1} << 61}), "'t': ");  // bytes = 2^63
    expect_refused(with_dims({17}), "'t': 68 bytes");
    EXPECT_TRUE(Gguf::parse(with_dims({16})).ok());
}

TEST(GgufAttack, DimensionsThatAreNone) {
    expect_refused(with_dims({}), "'t': 0 dimensions");
    expect_refused(with_dims({1, 1, 1, 1, 1}), "'t': 5 dimensions");
    expect_refused(with_dims({4, 0}), "'t': a dimension of 0");
    expect_refused(with_dims({16}, 8),
                   "'t': rows of 16 elements; expected a multiple of 32 for Q8_0");
    expect_refused(with_dims({128, 2}, 12),
                   "'t': rows of 128 elements; expected a multiple of 256 for Q4_K");
    expect_refused(with_dims({800}, 14),
                   "'t': rows of 800 elements; expected a multiple of 256 for Q6_K");
}

TEST(GgufAttack, TensorTypesThatAreNotRead) {
    expect_refused(with_dims({16}, 16), "'t': its type is IQ2_XXS");
    expect_refused(with_dims({16}, 4), "'t': its type is type 4");  // ggml took it back
    expect_refused(with_dims({16}, 0xffffffffu), "'t': its type is type 4294967295");
}

// A file of one tensor of 64 bytes at a given offset.
Bytes with_offset(std::uint64_t offset) {
    GgufBuilder b;
    b.tensor({"t", {16}, 0, Bytes(64)});
    Bytes file = b.build();
    // header 24, name length 8, name 1, n_dims 4, one dim 8, type 4
    std::memcpy(file.data() + 24 + 8 + 1 + 4 + 8 + 4, &offset, 8);
    return file;
}

TEST(GgufAttack, OffsetsThatOverflow) {
    EXPECT_TRUE(Gguf::parse(with_offset(0)).ok());
    expect_refused(with_offset(32), "'t': 64 bytes at offset 32");
    expect_refused(with_offset(16), "'t': offset 16; expected a multiple");
    expect_refused(with_offset(UINT64_MAX - 31), "'t': 64 bytes at offset");  // + 64 wraps to 32
    expect_refused(with_offset(std::uint64_t{1} << 63), "'t': 64 bytes at offset");
}

}  // namespace
}  // namespace gyre::testing
