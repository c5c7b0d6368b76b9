// Every compiled shader against shaders/interface and the Vulkan minimum, without a device.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "runtime/kernels/kernel_interfaces.h"
#include "runtime/kernels/kernel_variants.h"
#include "runtime/kernels/shader_modules.h"
#include "runtime/vk/device.h"
#include "shaders/interface/bindings.h"
#include "shaders/interface/linear.h"
#include "shaders/interface/qkv.h"
#include "shaders/interface/weight_formats.h"
#include "tests/spirv/module_facts.h"
#include "tests/spirv/reflect.h"
#include "tests/spirv/shared_memory.h"

namespace gyre::test {
namespace {

// Which modules a kernel has.
struct KernelRow {
    bool has_formats;  // one module for every weight format, "name_q8_0"; otherwise one, "name"
    bool has_complex;  // and one for every format with complex weights, "name_complex_q8_0"
    std::set<std::uint32_t> fixed_constants;  // those of a module for one tile; none: no such
};

KernelRow row_of(const std::string& kernel) {
    if (kernel == "embed") return {true, false, {}};
    if (kernel == "linear") {
        return {true,
                true,
                {SPEC_LOCAL_SIZE, SPEC_LINEAR_EPILOGUE, SPEC_LINEAR_ACTIVATION, SPEC_LINEAR_SCALE,
                 SPEC_LINEAR_CAP}};
    }
    if (kernel == "qkv") {
        return {
            true,
            true,
            {SPEC_LOCAL_SIZE, SPEC_QKV_PAIRING, SPEC_QKV_ROTATE, SPEC_QKV_VALUES, SPEC_QKV_CACHE}};
    }
    return {false, false, {}};
}

struct FormatSuffix {
    std::string name;     // "q8_0"
    std::uint32_t tiles;  // of WEIGHT_FORMAT_LIST
};
std::vector<FormatSuffix> format_suffixes() {
    std::vector<FormatSuffix> suffixes = {
#define GYRE_FORMAT_SUFFIX(id, NAME, name, number, elements, bytes, low, low_at, low_run, high, \
                           high_at, high_run, map, scales, chunk, tiles)                        \
    {#NAME, tiles},
        WEIGHT_FORMAT_LIST(GYRE_FORMAT_SUFFIX)
#undef GYRE_FORMAT_SUFFIX
    };
    for (FormatSuffix& suffix : suffixes) {
        for (char& c : suffix.name) {
            if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
        }
    }
    return suffixes;
}

constexpr bool kHasCooperative = GYRE_COOPERATIVE_KERNELS != 0;
constexpr const char* kCooperativeSuffix = "_cooperative";
constexpr const char* kMeasureMatrix = "measure_matrix";

constexpr Tiling kFixedTiles[] = {kFixedDecode, kFixedPrefill};

std::string tile_suffix(const Tiling& tile) {
    return "_" + std::to_string(tile.rows) + "x" + std::to_string(tile.tokens);
}

// The kernel of every module that there should be.
std::map<std::string, const KernelInterface*> expected_modules() {
    std::map<std::string, const KernelInterface*> modules;
    for (const KernelInterface& each : kernel_interfaces()) {
        const std::string kernel = each.kernel;
        const KernelRow row = row_of(kernel);
        if (kernel == kMeasureMatrix && !kHasCooperative) continue;
        if (!row.has_formats) modules[kernel] = &each;
        if (!row.has_formats) continue;
        for (const auto& [suffix, tiles] : format_suffixes()) {
            if (row.has_complex && kHasCooperative)
                modules[kernel + "_" + suffix + kCooperativeSuffix] = &each;
            for (const std::string complex : {"_", "_complex_"}) {
                if (!row.has_complex && complex != "_") continue;
                const std::string name = kernel + complex + suffix;
                modules[name] = &each;
                if (row.fixed_constants.empty() || tiles < (complex == "_" ? 1u : 2u)) continue;
                for (const Tiling& tile : kFixedTiles)
                    modules[name + tile_suffix(tile)] = &each;
            }
        }
    }
    return modules;
}

// 0, 4, 8, ...: members are 4-byte scalars without gaps, which is also how C++ lays them out.
std::vector<std::uint32_t> word_offsets(std::size_t bytes) {
    std::vector<std::uint32_t> offsets;
    for (std::uint32_t at = 0; at < bytes; at += 4)
        offsets.push_back(at);
    return offsets;
}

TEST(ShaderTableTest, HasEveryKernelInEveryFormatAndNothingElse) {
    auto missing = expected_modules();
    for (const ShaderModuleRow& module : shader_modules()) {
        EXPECT_EQ(missing.erase(module.name), 1u)
            << module.name << ": no row of kernel_interfaces(), or twice in the table";
    }
    for (const auto& [name, kernel] : missing)
        ADD_FAILURE() << name << ": not in the table of modules";
}

// A weight format's modules for any tile are about 40 KiB of them.
TEST(ShaderTableTest, IsSmall) {
    std::size_t bytes = 0;
    for (const ShaderModuleRow& module : shader_modules())
        bytes += module.gzip.size_bytes();
    EXPECT_LT(bytes, (kHasCooperative ? 1350u : 1050u) * 1024u);
}

class ModuleTest : public testing::TestWithParam<ShaderModuleRow> {
  protected:
    const KernelInterface& kernel() const {
        static const auto modules = expected_modules();
        return *modules.at(GetParam().name);
    }
    const ShaderInterface& declared() const { return kernel().declared; }
    ModuleFacts facts() const { return module_facts(words_); }
    const Tiling* fixed_tile() const {  // nullptr: the module is for all
        const auto found =
            std::find_if(std::begin(kFixedTiles), std::end(kFixedTiles), [](const Tiling& tile) {
                return std::string(GetParam().name).ends_with(tile_suffix(tile));
            });
        return found == std::end(kFixedTiles) ? nullptr : found;
    }

    bool is_cooperative() const {
        const std::string name = GetParam().name;
        return name.ends_with(kCooperativeSuffix) || name == kMeasureMatrix;
    }

    const std::vector<std::uint32_t> words_ = module_words(GetParam());
};

TEST_P(ModuleTest, PushConstantsAreTheCppStruct) {
    int n_blocks = 0;
    for (const Block& block : facts().blocks) {
        if (block.storage_class != kStorageClassPushConstant) continue;
        ++n_blocks;
        EXPECT_EQ(block.member_offsets, word_offsets(declared().push_bytes));
    }
    EXPECT_EQ(n_blocks, 1);
    EXPECT_LE(declared().push_bytes, 64u) << "what changes with the session is in SessionParams";
}

// What changes with the token, and for most kernels what changes with the session.
TEST_P(ModuleTest, UniformBlockIsStepBlockOrItsBegin) {
    static_assert(offsetof(StepState, first_position) == 0 && offsetof(StepState, n_tokens) == 4);
    static_assert(offsetof(StepBlock, session) == sizeof(StepState));
    for (const Block& block : facts().blocks) {
        if (block.storage_class != kStorageClassUniform) continue;
        EXPECT_EQ(block.binding, std::uint32_t{BINDING_STEP});
        if (block.member_offsets.size() > sizeof(StepState) / 4) {
            EXPECT_EQ(block.member_offsets, word_offsets(sizeof(StepBlock)));
        } else {
            EXPECT_EQ(block.member_offsets, word_offsets(sizeof(StepState)));
        }
    }
}

// Several blocks may look at one binding (words and quads); Vulkan counts bindings.
TEST_P(ModuleTest, BindingsAreThoseOfTheOneLayout) {
    std::uint32_t storage = 0;
    for (const Block& block : facts().blocks) {
        if (block.storage_class == kStorageClassPushConstant) continue;
        EXPECT_EQ(block.set, 0u);
        EXPECT_LT(block.binding, std::uint32_t{BINDING_COUNT});
        const bool is_uniform = block.storage_class == kStorageClassUniform;
        EXPECT_EQ(is_uniform, block.binding == BINDING_STEP) << "binding " << block.binding;
        if (is_uniform) continue;
        storage |= 1u << block.binding;
        EXPECT_TRUE(block.array_stride == 4 || block.array_stride == 16) << block.array_stride;
    }
    const auto reflection = reflect(words_);
    ASSERT_TRUE(reflection.ok()) << reflection.status().message();
    for (const ReflectedBinding& binding : reflection->bindings) {
        const bool texels = binding.binding >= kFirstTexelBinding;
        EXPECT_EQ(binding.kind == BindingKind::kTexels, texels) << "binding " << binding.binding;
        if (!texels) continue;
        // What a device cannot show as texels is loaded from the storage binding instead.
        const std::uint32_t source = kTexelSource[binding.binding - kFirstTexelBinding];
        if (fixed_tile() != nullptr && source == BINDING_WEIGHTS) continue;  // slices that fit
        EXPECT_EQ(storage >> source & 1u, 1u) << "binding " << binding.binding;
    }
    EXPECT_LT(storage, 1u << BINDING_STEP);  // the four storage buffers of the Vulkan minimum
}

// What a module for one tile leaves to the start, and what must be gone: the constants of its tile,
// arrays that registers should hold, barriers and shared memory. results[], which is stored element
// by element, has as many as the tile.
TEST_P(ModuleTest, FixesItsTile) {
    const Tiling* tile = fixed_tile();
    if (tile == nullptr) return;
    constexpr std::uint32_t kControlBarrier = 224;
    EXPECT_EQ(facts().spec_ids, row_of(kernel().kernel).fixed_constants);
    std::vector<std::uint32_t> arrays = {tile->rows * tile->tokens};
    if (kernel().kernel == std::string("qkv")) arrays.push_back(tile->rows / 2);  // out_rows[]
    EXPECT_EQ(facts().own_arrays, arrays);
    EXPECT_EQ(facts().opcodes.count(kControlBarrier), 0u);
    EXPECT_EQ(reflect(words_)->shared_bytes, 0u);
}

TEST_P(ModuleTest, FitsTheVulkanMinimum) {
    const auto reflection = reflect(words_);
    ASSERT_TRUE(reflection.ok()) << reflection.status().message();
    EXPECT_EQ(reflection->local_size_spec_id[0], std::uint32_t{SPEC_LOCAL_SIZE});
    EXPECT_LE(reflection->local_size[0], 128u);
    EXPECT_EQ(reflection->local_size[1], 1u);
    EXPECT_EQ(reflection->local_size[2], 1u);
    EXPECT_LE(reflection->shared_bytes, 16u * 1024u);
}

// No Int8, Int16, Float16, Float64, 8-bit or 16-bit storage, no subgroup operation. Texel buffers
// are no feature either: every device has them, some only small ones. Modules for matrix units need
// what DeviceFeatures::cooperative_matrix enables, those for one tile what uses_fixed_tiles asks
// for.
TEST_P(ModuleTest, NeedsNoCapabilityButShader) {
    constexpr std::uint32_t kShader = 1, kFloat16 = 9, kSampledBuffer = 46, kSubgroups = 61,
                            kBallot = 64, kVulkanMemoryModel = 5345, kCooperativeMatrix = 6022;
    std::set<std::uint32_t> expected = {kShader};
    std::set<std::string> extensions = {"SPV_KHR_storage_buffer_storage_class"};  // core since 1.3
    if (is_cooperative()) {
        expected.insert({kFloat16, kSubgroups, kVulkanMemoryModel, kCooperativeMatrix});
        extensions.insert({"SPV_KHR_cooperative_matrix", "SPV_KHR_vulkan_memory_model"});
    }
    std::set<std::uint32_t> capabilities = facts().capabilities;
    capabilities.erase(kSampledBuffer);
    if (fixed_tile() != nullptr) {
        capabilities.erase(kSubgroups);
        capabilities.erase(kBallot);
    }
    EXPECT_EQ(capabilities, expected);
    for (const std::string& extension : facts().extensions)
        EXPECT_TRUE(extensions.count(extension)) << extension;
}

// Angles come from the host's table: the precision of sin and cos is loose in Vulkan (Appendix A,
// "Precision and Operation of SPIR-V Instructions": 2^-11 absolute, inside [-pi, pi] only).
TEST_P(ModuleTest, CallsNoTrigonometry) {
    constexpr std::uint32_t kSin = 13, kAtan2 = 25;  // Sin .. Atan2 in GLSL.std.450
    for (const std::uint32_t instruction : facts().extended_instructions) {
        EXPECT_TRUE(instruction < kSin || instruction > kAtan2) << "GLSL.std.450 " << instruction;
    }
}

// Also barriers that no software driver misses.
TEST_P(ModuleTest, SharedMemoryIsReadAfterABarrier) {
    for (const std::string& race : shared_memory_races(words_))
        ADD_FAILURE() << race;
}

// Barriers come from what is declared: a missing write is a race, a missing `readonly` a barrier.
TEST_P(ModuleTest, IsWhatItsKernelDeclares) {
    const auto reflection = reflect(words_);
    ASSERT_TRUE(reflection.ok()) << reflection.status().message();
    EXPECT_EQ(reflection->entry_point, "main");
    const ShaderInterface found = interface_in(reflection.value());
    EXPECT_EQ(found.push_bytes, declared().push_bytes);
    EXPECT_EQ(found.uses, declared().uses);
    EXPECT_EQ(found.writes, declared().writes);
}

TEST_P(ModuleTest, TwoReadersSayTheSame) {
    const auto reflection = reflect(words_);
    ASSERT_TRUE(reflection.ok()) << reflection.status().message();
    EXPECT_EQ(facts().entry_points, std::vector<std::string>{"main"});
    std::map<std::uint32_t, bool> written;
    for (const Block& block : facts().blocks) {
        if (block.storage_class == kStorageClassPushConstant) continue;
        written[block.binding] |= block.writable;
    }
    std::vector<ReflectedBinding> buffers = reflection->bindings;
    std::erase_if(buffers, [](const auto& b) { return b.kind == BindingKind::kTexels; });
    ASSERT_EQ(buffers.size(), written.size());
    for (const ReflectedBinding& binding : buffers) {
        ASSERT_TRUE(written.count(binding.binding)) << binding.binding;
        EXPECT_EQ(binding.writable, written[binding.binding]) << binding.binding;
        EXPECT_EQ(binding.kind == BindingKind::kUniform, binding.binding == BINDING_STEP);
    }
}

TEST_P(ModuleTest, PassesSpirvVal) {
    const std::string path =
        std::string(GYRE_BINARY_DIR) + "/interface_test_" + GetParam().name + ".spv";
    {
        std::ofstream file(path, std::ios::binary);
        file.write(reinterpret_cast<const char*>(words_.data()),
                   static_cast<std::streamsize>(words_.size() * 4));
        ASSERT_TRUE(file.good()) << path;
    }
    const std::string command = "'" GYRE_SPIRV_VAL "' --target-env vulkan1.1 '" + path + "'";
    EXPECT_EQ(std::system(command.c_str()), 0) << command;
    std::remove(path.c_str());
}

INSTANTIATE_TEST_SUITE_P(Shaders, ModuleTest,
                         testing::ValuesIn(shader_modules().begin(), shader_modules().end()),
                         [](const auto& row) { return std::string(row.param.name); });

}  // namespace
}  // namespace gyre::test
