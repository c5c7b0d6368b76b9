// Estimates on devices with smaller limits: what is cut is planned as it is cut.
// SPDX-License-Identifier: Apache-2.0
#include "runtime/engine/memory_need.h"

#include <filesystem>
#include <fstream>
#include <random>
#include <string>

#include "runtime/model/weight_formats.h"
#include "tests/engine/engine_fixture.h"
#include "tests/model/gguf_builder.h"

namespace gyre::test {
namespace {

// A published model's shapes and types, with weights of zeros that are holes of the file.
class ShapedFile {
  public:
    ShapedFile(const char* name, const char* architecture)
        : path_((std::filesystem::path(::testing::TempDir()) /
                 (std::string("gyre_") + name + "." + std::to_string(std::random_device{}())))
                    .string()),
          prefix_(std::string(architecture) + ".") {
        builder_.string("general.architecture", architecture);
    }
    ~ShapedFile() { std::filesystem::remove(path_); }
    ShapedFile(const ShapedFile&) = delete;
    ShapedFile& operator=(const ShapedFile&) = delete;

    void u32(const std::string& key, std::uint32_t value) { builder_.u32(prefix_ + key, value); }
    void f32(const std::string& key, float value) { builder_.f32(prefix_ + key, value); }
    void add(const std::string& name, WeightFormat format, std::uint64_t n_in,
             std::uint64_t n_rows) {
        const std::uint64_t bytes = row_bytes(format, n_in) * n_rows;
        n_bytes_ += bytes;
        std::vector<std::uint64_t> dims = {n_in};
        if (n_rows != 1) dims.push_back(n_rows);
        builder_.tensors.push_back(
            {name + ".weight", dims, format_info(format).ggml_type, {}, bytes});
    }

    const std::string& write() const {
        const testing::Bytes head = builder_.head();
        std::ofstream(path_, std::ios::binary)
            .write(reinterpret_cast<const char*>(head.data()),
                   static_cast<std::streamsize>(head.size()));
        std::filesystem::resize_file(path_, head.size() + builder_.data_bytes());
        return path_;
    }
    std::uint64_t n_bytes() const { return n_bytes_; }  // of all tensors

  private:
    const std::string path_;
    const std::string prefix_;
    testing::GgufBuilder builder_;
    std::uint64_t n_bytes_ = 0;
};

// SmolLM2 135M as its Q4_1 file is: the table of tokens, which the logits use too, is 31 % of it.
void fill_smollm2(ShapedFile& file) {
    constexpr std::uint32_t kEmbd = 576, kFf = 1536, kKv = 192, kLayers = 30;
    file.u32("context_length", 8192);
    file.u32("embedding_length", kEmbd);
    file.u32("feed_forward_length", kFf);
    file.u32("block_count", kLayers);
    file.u32("attention.head_count", 9);
    file.u32("attention.head_count_kv", 3);
    file.f32("attention.layer_norm_rms_epsilon", 1e-5f);
    file.add("token_embd", WeightFormat::kQ8_0, kEmbd, 49152);
    for (std::uint32_t l = 0; l < kLayers; ++l) {
        const std::string blk = "blk." + std::to_string(l) + ".";
        for (const char* norm : {"attn_norm", "ffn_norm"})
            file.add(blk + norm, WeightFormat::kF32, kEmbd, 1);
        for (const char* wide : {"attn_q", "attn_output"})
            file.add(blk + wide, WeightFormat::kQ4_1, kEmbd, kEmbd);
        for (const char* narrow : {"attn_k", "attn_v"})
            file.add(blk + narrow, WeightFormat::kQ4_1, kEmbd, kKv);
        for (const char* up : {"ffn_gate", "ffn_up"})
            file.add(blk + up, WeightFormat::kQ4_1, kEmbd, kFf);
        file.add(blk + "ffn_down", WeightFormat::kQ4_1, kFf, kEmbd);
    }
    file.add("output_norm", WeightFormat::kF32, kEmbd, 1);
}

// Gemma 3 270M as its Q4_K_M file is: the table is 74 % of it.
void fill_gemma3(ShapedFile& file) {
    constexpr std::uint32_t kEmbd = 640, kFf = 2048, kHead = 256, kQueries = 4 * kHead;
    constexpr std::uint32_t kLayers = 18;
    file.u32("context_length", 32768);
    file.u32("embedding_length", kEmbd);
    file.u32("feed_forward_length", kFf);
    file.u32("block_count", kLayers);
    file.u32("attention.head_count", 4);
    file.u32("attention.head_count_kv", 1);
    file.u32("attention.key_length", kHead);
    file.u32("attention.value_length", kHead);
    file.u32("attention.sliding_window", 512);
    file.f32("attention.layer_norm_rms_epsilon", 1e-6f);
    file.f32("rope.freq_base", 1e6f);
    file.add("token_embd", WeightFormat::kQ8_0, kEmbd, 262144);
    for (std::uint32_t l = 0; l < kLayers; ++l) {
        const std::string blk = "blk." + std::to_string(l) + ".";
        for (const char* norm : {"attn_norm", "ffn_norm", "post_attention_norm", "post_ffw_norm"})
            file.add(blk + norm, WeightFormat::kF32, kEmbd, 1);
        for (const char* norm : {"attn_q_norm", "attn_k_norm"})
            file.add(blk + norm, WeightFormat::kF32, kHead, 1);
        file.add(blk + "attn_q", WeightFormat::kQ5_0, kEmbd, kQueries);
        file.add(blk + "attn_k", WeightFormat::kQ5_0, kEmbd, kHead);
        file.add(blk + "attn_v", l % 2 == 0 ? WeightFormat::kQ8_0 : WeightFormat::kQ5_0, kEmbd,
                 kHead);
        file.add(blk + "attn_output", WeightFormat::kQ4_K, kQueries, kEmbd);
        for (const char* up : {"ffn_gate", "ffn_up"})
            file.add(blk + up, WeightFormat::kQ5_0, kEmbd, kFf);
        file.add(blk + "ffn_down", l % 2 == 0 ? WeightFormat::kQ6_K : WeightFormat::kQ4_K, kFf,
                 kEmbd);
    }
    file.add("output_norm", WeightFormat::kF32, kEmbd, 1);
}

class MemoryNeedTest : public EngineTest {
  protected:
    static Result<MemoryNeed> estimate(const std::string& name, const DeviceCapsLimit& limit,
                                       const SessionOptions& session) {
        auto file = ModelFile::open(golden_path(name));
        require(file.status());
        file.value().forget_data();
        OpenOptions options;
        options.limit = limit;
        return estimate_memory(file.value(), options, session);
    }

    static void expect_exact(const std::string& name, const DeviceCapsLimit& limit,
                             const SessionOptions& options) {
        SCOPED_TRACE(name);
        const auto need = estimate(name, limit, options);
        ASSERT_OK(need);
        const auto model = open_golden(name, limit);
        const auto session = EngineTest::session(model, options);
        EXPECT_EQ(need->weights, model->weights().device_bytes());
        EXPECT_EQ(need->cache, session->cache_bytes());
        EXPECT_EQ(need->work, session->work_bytes());
        EXPECT_OK(need->unfit);
    }
};

// Catches: padding, slices, blocks or alignments that the plan does not have.
TEST_F(MemoryNeedTest, IsExactUnderEveryLimit) {
    DeviceCapsLimit sliced;
    sliced.max_storage_range = 12000;
    DeviceCapsLimit few_texels;
    few_texels.max_texel_range = 14000;
    DeviceCapsLimit coarse = sliced;
    coarse.storage_alignment = 256;
    DeviceCapsLimit small_blocks;
    small_blocks.max_allocation = 100'000;
    DeviceCapsLimit narrow;
    narrow.max_groups_x = 16;
    DeviceCapsLimit staged;
    staged.no_unified_memory = true;
    SessionOptions options;
    options.n_ctx = 23;
    options.chunk = 1;
    for (const char* name : {"untied", "f16_odd", "crope"}) {
        for (const DeviceCapsLimit& limit : {sliced, few_texels, coarse, small_blocks, narrow,
                                             staged, DeviceCapsLimit::specification_minimum()}) {
            expect_exact(name, limit, options);
        }
    }
}

// Not as a software driver: workgroups that share a query have partial sums of their own.
TEST_F(MemoryNeedTest, IsExactAsAGpu) {
    DeviceCapsLimit gpu;
    gpu.not_software = true;
    SessionOptions options;
    options.n_ctx = 600;
    expect_exact("rove_half", gpu, options);
}

// Catches: a table of tokens that is kept twice where the logits are tied to it, weights widened on
// the device, activations or logits for a whole context.
TEST_F(MemoryNeedTest, PublishedShapesTakeLittleMoreThanTheirFile) {
    const struct {
        const char* name;
        const char* architecture;
        void (*fill)(ShapedFile&);
    } shapes[] = {{"smollm2", "llama", fill_smollm2}, {"gemma3", "gemma3", fill_gemma3}};
    for (const auto& shape : shapes) {
        SCOPED_TRACE(shape.name);
        ShapedFile file(shape.name, shape.architecture);
        shape.fill(file);
        auto model = ModelFile::open(file.write());
        ASSERT_OK(model);
        for (const bool as_a_gpu : {false, true}) {
            SCOPED_TRACE(as_a_gpu);
            OpenOptions options;
            options.limit.not_software = as_a_gpu;
            const auto need = estimate_memory(model.value(), options, {});
            ASSERT_OK(need);
            // Padding and descriptions of blocks, and what a session needs beside its cache.
            EXPECT_LE(static_cast<double>(need->weights + need->work),
                      1.05 * static_cast<double>(file.n_bytes()) + 16e6);
            EXPECT_GE(need->weights, file.n_bytes() - file.n_bytes() / 100) << "or not all of them";
        }
    }
}

TEST_F(MemoryNeedTest, WhatCannotBeCutDoesNotFit) {
    DeviceCapsLimit limit;
    limit.max_storage_range = 512;  // not four rows of 60 floats
    const auto need = estimate("rope_half", limit, {});
    ASSERT_OK(need);
    EXPECT_EQ(need->unfit.code(), StatusCode::kOutOfDeviceMemory);
    EXPECT_NE(need->unfit.message().find("token_embd.weight"), std::string::npos)
        << need->unfit.message();
    const auto whole = estimate("rope_half", {}, {});
    ASSERT_OK(whole);
    EXPECT_GE(need->weights, whole->weights - (1u << 20)) << "but for the vectors";
    // What rotates and stores is an operation of its own where the cache is cut: rows of 3 heads of
    // 20 queries, keys and values, padded, for a chunk of the whole context.
    EXPECT_EQ(need->work, whole->work + 64 * 256 * 4);

    DeviceCapsLimit few;
    few.max_allocations = 8;  // the device's own, weights, cache, six of the session
    const auto many = estimate("rope_half", few, {});
    ASSERT_OK(many);
    EXPECT_NE(many->unfit.message().find("9 allocations"), std::string::npos)
        << many->unfit.message();
    few.max_allocations = 9;
    EXPECT_OK(estimate("rope_half", few, {})->unfit);
    const auto session = Session::create(open_golden("rope_half", few), {});
    EXPECT_OK(session);
}

}  // namespace
}  // namespace gyre::test
