// Reflection of compiled, crafted and damaged SPIR-V.
// SPDX-License-Identifier: Apache-2.0
#include "tests/spirv/reflect.h"

#include <gtest/gtest.h>

#include "tests/vk/test_shaders.h"

namespace gyre::test {
namespace {

using Words = std::vector<std::uint32_t>;

TEST(Reflect, BindingsAndTheirAccess) {
    const auto info = reflect(kScaleAdd.words);
    ASSERT_TRUE(info.ok()) << info.status().message();
    EXPECT_EQ(info->entry_point, "main");
    ASSERT_EQ(info->bindings.size(), 4u);
    const struct {
        std::uint32_t binding;
        BindingKind kind;
        bool used, writable;
    } expected[] = {{0, BindingKind::kStorage, true, true},
                    {1, BindingKind::kStorage, true, false},
                    {3, BindingKind::kStorage, false, false},
                    {4, BindingKind::kUniform, true, false}};
    for (std::size_t i = 0; i < 4; ++i) {
        EXPECT_EQ(info->bindings[i].set, 0u);
        EXPECT_EQ(info->bindings[i].binding, expected[i].binding);
        EXPECT_EQ(info->bindings[i].kind, expected[i].kind) << i;
        EXPECT_EQ(info->bindings[i].used, expected[i].used) << i;
        EXPECT_EQ(info->bindings[i].writable, expected[i].writable) << i;
    }
}

TEST(Reflect, PushConstants) {
    const auto info = reflect(kScaleAdd.words);
    ASSERT_TRUE(info.ok());
    EXPECT_EQ(info->push_constant_bytes, sizeof(ScaleAddParams));
    EXPECT_EQ(info->push_constant_offsets, (Words{0, 4, 8}));
}

// Catches: a test shader whose dispatches would get other barriers than they need.
TEST(Reflect, TestShadersAreWhatTheyDeclare) {
    for (const ShaderCode& code : {kScaleAdd, kReduce}) {
        const auto info = reflect(code.words);
        ASSERT_TRUE(info.ok()) << code.name;
        const ShaderInterface found = interface_in(info.value());
        EXPECT_EQ(code.declared.push_bytes, found.push_bytes) << code.name;
        EXPECT_EQ(code.declared.uses, found.uses) << code.name;
        EXPECT_EQ(code.declared.writes, found.writes) << code.name;
    }
}

TEST(Reflect, SpecializationReachesLocalSizeAndSharedMemory) {
    const auto plain = reflect(kReduce.words);
    ASSERT_TRUE(plain.ok()) << plain.status().message();
    EXPECT_EQ(plain->local_size_spec_id[0], kReduceLocalSize);
    EXPECT_EQ(plain->local_size_spec_id[1], kNoSpecId);
    EXPECT_EQ(plain->shared_bytes, (64u * 2 + 3) * 4 + 2 * 16);
    EXPECT_TRUE(plain->conflicting_defaults) << "64 in the constant, 1 in local_size_x_id";

    const SpecConstant spec[] = {{kReduceLocalSize, 32}, {kReducePadding, 0}};
    const auto special = reflect(kReduce.words, spec);
    ASSERT_TRUE(special.ok());
    EXPECT_EQ(special->local_size, (std::array<std::uint32_t, 3>{32, 1, 1}));
    EXPECT_EQ(special->shared_bytes, 32u * 2 * 4 + 2 * 16);
    EXPECT_FALSE(special->conflicting_defaults);
    ASSERT_EQ(special->spec_constants.size(), 3u);
    EXPECT_EQ(special->spec_constants[0].value, 32u);
    EXPECT_EQ(special->spec_constants[2].id, kReduceNegate);
    EXPECT_EQ(special->spec_constants[2].value, 0u);
}

TEST(Reflect, AnUnknownSpecializationConstantIsRefused) {
    const SpecConstant spec[] = {{5, 1}};
    const auto info = reflect(kReduce.words, spec);
    EXPECT_EQ(info.status().code(), StatusCode::kInvalidArgument);
    EXPECT_NE(info.status().message().find("5"), std::string::npos);
}

TEST(Reflect, EveryTruncationIsAnErrorOrAResult) {
    for (const auto code : {kScaleAdd.words, kReduce.words}) {
        for (std::size_t n = 0; n < code.size(); ++n) {
            const Words cut(code.begin(), code.begin() + static_cast<std::ptrdiff_t>(n));
            const auto info = reflect(cut);  // exact allocation: a read after it is seen
            if (!info.ok()) {
                EXPECT_EQ(info.status().code(), StatusCode::kBadFile) << n;
            }
        }
    }
}

TEST(Reflect, EveryChangedWordIsAnErrorOrAResult) {
    for (const auto code : {kScaleAdd.words, kReduce.words}) {
        Words words(code.begin(), code.end());
        for (std::uint32_t& word : words) {
            const std::uint32_t original = word;
            for (const std::uint32_t value :
                 {0u, 1u, 7u, 0x10000u, 0x3fffffu, 0x7fffffffu, 0xffffffffu, original + 1,
                  original - 1, original ^ 0x10000u, original << 1}) {
                word = value;
                (void)reflect(words);
            }
            word = original;
        }
    }
}

// A module by hand: header, GLCompute entry point, LocalSize 8 2 1, then `more`.
Words module(std::initializer_list<Words> more) {
    Words words = {0x07230203, 0x00010300, 0,          64, 0, 0x0005000f,
                   5,          1,          0x6e69616d, 0,  // OpEntryPoint GLCompute %1 "main"
                   0x00060010, 1,          17,         8,  2, 1};  // OpExecutionMode %1 LocalSize
    for (const Words& part : more)
        words.insert(words.end(), part.begin(), part.end());
    return words;
}

TEST(Reflect, LiteralLocalSize) {
    const auto info = reflect(module({}));
    ASSERT_TRUE(info.ok()) << info.status().message();
    EXPECT_EQ(info->local_size, (std::array<std::uint32_t, 3>{8, 2, 1}));
    EXPECT_EQ(info->local_size_spec_id[0], kNoSpecId);
}

TEST(Reflect, CraftedModules) {
    const Words uint_type = {0x00040015, 2, 32, 0};           // %2 = OpTypeInt 32 0
    const Words self_struct = {0x0003001e, 3, 3};             // %3 = OpTypeStruct %3
    const Words self_pointer = {0x00040020, 4, 4, 3};         // %4 = OpTypePointer Workgroup %3
    const Words self_variable = {0x0004003b, 4, 5, 4};        // %5 = OpVariable %4 Workgroup
    const Words big_length = {0x0004002b, 2, 6, 0xffffffff};  // %6 = OpConstant %2 2^32-1
    const Words big_array = {0x0004001c, 7, 2, 6};            // %7 = OpTypeArray %2 %6
    const Words bigger_array = {0x0004001c, 8, 7, 6};         // %8 = OpTypeArray %7 %6
    const Words biggest_array = {0x0004001c, 3, 8, 6};        // %3 = OpTypeArray %8 %6
    const Words self_length = {0x00060034, 2, 6, 128, 6, 6};  // %6 = OpSpecConstantOp IAdd %6 %6
    const Words sampler = {0x0002001a, 3};                    // %3 = OpTypeSampler (not looked at)
    const struct {
        const char* name;
        Words words;
    } cases[] = {
        {"a struct in itself", module({uint_type, self_struct, self_pointer, self_variable})},
        {"2^96 bytes of shared memory", module({uint_type, big_length, big_array, bigger_array,
                                                biggest_array, self_pointer, self_variable})},
        {"a length that is its own sum", module({uint_type,
                                                 self_length,
                                                 big_array,
                                                 {0x0004001c, 3, 7, 6},
                                                 self_pointer,
                                                 self_variable})},
        {"a variable without a pointer", module({uint_type, {0x0004003b, 2, 5, 4}})},
        {"an id beyond the bound", module({{0x00040015, 64, 32, 0}})},
        {"an id made twice", module({uint_type, uint_type})},
        {"an instruction without length", module({{0x00000015, 2, 32, 0}})},
        {"an instruction that is too short", module({{0x00020015, 2}})},
        {"an instruction beyond the end", module({{0x00090015, 2, 32, 0}})},
        {"a decoration without its value", module({{0x00030047, 5, 33}})},
        {"shared memory of an opaque type",
         module({sampler, {0x00040020, 4, 4, 3}, self_variable})},
    };
    for (const auto& c : cases) {
        const auto info = reflect(c.words);
        EXPECT_EQ(info.status().code(), StatusCode::kBadFile) << c.name;
    }
}

// Catches: an image that is bound as a texel buffer.
TEST(Reflect, TexelBuffersAreTheOnlyImages) {
    const auto image_module = [](std::uint32_t dim, std::uint32_t sampled) {
        return module({{0x00040047, 5, 33, 6},                        // OpDecorate %5 Binding 6
                       {0x00030016, 2, 32},                           // %2 = OpTypeFloat 32
                       {0x00090019, 3, 2, dim, 0, 0, 0, sampled, 0},  // %3 = OpTypeImage
                       {0x00040020, 4, 0, 3},    // %4 = OpTypePointer UniformConstant %3
                       {0x0004003b, 4, 5, 0}});  // %5 = OpVariable %4 UniformConstant
    };
    constexpr std::uint32_t k2D = 1, kBuffer = 5, kSampled = 1, kStorage = 2;
    const auto info = reflect(image_module(kBuffer, kSampled));
    ASSERT_TRUE(info.ok()) << info.status().message();
    ASSERT_EQ(info->bindings.size(), 1u);
    EXPECT_EQ(info->bindings[0].kind, BindingKind::kTexels);
    EXPECT_EQ(info->bindings[0].binding, 6u);
    EXPECT_FALSE(info->bindings[0].writable);
    EXPECT_EQ(reflect(image_module(k2D, kSampled)).status().code(), StatusCode::kUnsupported);
    EXPECT_EQ(reflect(image_module(kBuffer, kStorage)).status().code(), StatusCode::kUnsupported);
}

TEST(Reflect, ASmallModuleCannotTakeLong) {
    // 28 structs, each with 100 members of the one before: 100^28 visits without a bound.
    Words words = module({{0x00040015, 2, 32, 0}});
    std::uint32_t id = 3;
    for (std::uint32_t previous = 2; id < 31; previous = id++) {
        words.push_back(102u << 16 | 30);
        words.push_back(id);
        words.insert(words.end(), 100, previous);
    }
    const Words tail = {0x00040020, 40, 4, id - 1, 0x0004003b, 40, 41, 4};
    words.insert(words.end(), tail.begin(), tail.end());
    EXPECT_EQ(reflect(words).status().code(), StatusCode::kBadFile);
}

TEST(Reflect, NoComputeShader) {
    Words words = module({});
    words[6] = 0;  // Vertex
    EXPECT_EQ(reflect(words).status().code(), StatusCode::kBadFile);
    words[6] = 5;
    words[9] = 0x6e69616d;  // the name has no end
    EXPECT_EQ(reflect(words).status().code(), StatusCode::kBadFile);
}

}  // namespace
}  // namespace gyre::test
