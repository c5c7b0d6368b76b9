// gyre_model_estimate against what is then allocated, byte for byte.
// SPDX-License-Identifier: Apache-2.0
#include <string>
#include <vector>

#include "tests/api/api_support.h"
#include "tests/api/model_files.h"

namespace gyre::test {
namespace {

class EstimateTest : public ApiDeviceTest {
  protected:
    static gyre_memory_need estimate(const gyre_model* model, const gyre_session_options& options,
                                     const char* device = nullptr) {
        gyre_memory_need need = GYRE_MEMORY_NEED_INIT;
        EXPECT_GYRE_OK(gyre_model_estimate(model, device, &options, &need));
        return need;
    }

    static gyre_memory memory_of(const gyre_session* session) {
        gyre_memory memory = GYRE_MEMORY_INIT;
        EXPECT_GYRE_OK(gyre_session_get_memory(session, &memory));
        return memory;
    }

    // The file alone says what the open model's session then has.
    static void expect_exact(const gyre_model* file, const gyre_model* model,
                             const gyre_session_options& options) {
        const gyre_memory_need need = estimate(file, options);
        const SessionPtr session = create_session(model, options);
        const gyre_memory memory = memory_of(session.get());
        EXPECT_EQ(need.weights_bytes, memory.weight_bytes);
        EXPECT_EQ(need.cache_bytes, memory.cache_bytes);
        EXPECT_EQ(need.work_bytes, memory.work_bytes);
        EXPECT_EQ(need.total_bytes, need.weights_bytes + need.cache_bytes + need.work_bytes);
        EXPECT_LE(need.total_bytes, memory.device_bytes) << "what the driver was asked for";
        EXPECT_LE(memory.device_bytes, need.total_bytes + 16384) << "ranges are rounded, no more";
        EXPECT_GT(need.host_bytes, 0u);
        EXPECT_EQ(need.fits, 1u) << need.because;
        EXPECT_STREQ(need.because, "");
        // The same of the open model.
        const gyre_memory_need open = estimate(model, options);
        EXPECT_EQ(open.weights_bytes, need.weights_bytes);
        EXPECT_EQ(open.cache_bytes, need.cache_bytes);
        EXPECT_EQ(open.work_bytes, need.work_bytes);
        EXPECT_EQ(open.device_index, need.device_index);
        EXPECT_EQ(open.fits, 1u) << open.because;
    }

    static void expect_exact(const std::string& name, std::vector<std::uint32_t> contexts) {
        SCOPED_TRACE(name);
        const ModelPtr file = open_file(golden_path(name));
        const ModelPtr model = open_model(golden_path(name));
        for (const gyre_kv_type type : {GYRE_KV_F16, GYRE_KV_F32, GYRE_KV_Q8_0}) {
            for (const std::uint32_t n_ctx : contexts) {
                SCOPED_TRACE("type " + std::to_string(type) + ", n_ctx " + std::to_string(n_ctx));
                gyre_session_options options = GYRE_SESSION_OPTIONS_INIT;
                options.kv_type = type;
                options.n_ctx = n_ctx;
                expect_exact(file.get(), model.get(), options);
            }
        }
    }
};

// Tied and not, complex, with tables for keys and values apart, positions, scales, sinks.
TEST_F(EstimateTest, IsExactInEveryCache) {
    expect_exact("text", {0, 5, 63});
    expect_exact("untied", {63});
    expect_exact("crope_gqa", {31});
    expect_exact("xpos_rove", {1, 63});
    expect_exact("learned", {40});
}

// Catches: a tensor, table or buffer of some kind of model that is not counted, or counted twice.
TEST_F(EstimateTest, IsExactForEveryGoldenModel) {
    for (const std::string& name : golden_names()) {
        SCOPED_TRACE(name);
        const ModelPtr file = open_file(golden_path(name));
        const ModelPtr model = open_model(golden_path(name));
        gyre_session_options options = GYRE_SESSION_OPTIONS_INIT;
        options.n_ctx = 17;
        expect_exact(file.get(), model.get(), options);
    }
}

TEST_F(EstimateTest, ChunksAndSlidesCount) {
    const ModelPtr file = open_file(golden_path("rove_half"));
    const ModelPtr model = open_model(golden_path("rove_half"));
    gyre_session_options options = GYRE_SESSION_OPTIONS_INIT;
    options.n_ctx = 200;
    const std::uint64_t usual = estimate(file.get(), options).work_bytes;
    options.chunk = 3;
    expect_exact(file.get(), model.get(), options);
    EXPECT_LT(estimate(file.get(), options).work_bytes, usual);
    options.chunk = 0;
    options.when_full = GYRE_WHEN_FULL_SLIDE;
    expect_exact(file.get(), model.get(), options);
    // Logits of every token are told of when they are asked for.
    const SessionPtr session = create_session(model.get(), options);
    const std::uint64_t work = memory_of(session.get()).work_bytes;
    const std::vector<std::uint32_t> tokens = {1, 2, 3};
    (void)feed_logits(session.get(), tokens);
    EXPECT_GT(memory_of(session.get()).work_bytes, work);
    EXPECT_LE(memory_of(session.get()).work_bytes, work + (16u << 20));
}

// Catches: weights that are on the device already and are counted against the model once more.
TEST_F(EstimateTest, WeightsThatAreThereCountAsAvailable) {
    const ModelPtr file = open_file(golden_path("text"));
    const gyre_memory_need before = estimate(file.get(), default_options());
    const ModelPtr model = open_model(golden_path("text"));
    const gyre_memory_need after = estimate(model.get(), default_options());
    EXPECT_GE(after.available_bytes + after.weights_bytes / 2, before.available_bytes);
    EXPECT_LE(after.available_bytes, before.available_bytes + after.weights_bytes / 2);
}

// The file's data is not needed: neither read nor there.
TEST_F(EstimateTest, NeedsNothingOfTheData) {
    std::string bytes = read_file(golden_path("q8_0"));
    gyre_model_options options = GYRE_MODEL_OPTIONS_INIT;
    options.device = "none";
    gyre_model* opened = nullptr;
    ASSERT_GYRE_OK(gyre_model_open_memory(bytes.data(), bytes.size(), &options, &opened));
    const ModelPtr file(opened);
    bytes = {};
    const ModelPtr model = open_model(golden_path("q8_0"));
    expect_exact(file.get(), model.get(), default_options());
}

// Catches: an answer other than that of the session that is then asked for.
TEST_F(EstimateTest, RefusesWhatASessionRefuses) {
    const ModelPtr file = open_file(golden_path("learned"));
    const ModelPtr model = open_model(golden_path("learned"));
    gyre_memory_need need = GYRE_MEMORY_NEED_INIT;
    gyre_session* session = nullptr;
    const auto expect_same = [&](const gyre_session_options& options) {
        const gyre_status status = gyre_session_create(model.get(), &options, &session);
        EXPECT_NE(status, GYRE_OK);
        const std::string text = gyre_last_error();
        EXPECT_EQ(gyre_model_estimate(file.get(), nullptr, &options, &need), status);
        EXPECT_EQ(gyre_last_error(), text);
    };
    gyre_session_options options = GYRE_SESSION_OPTIONS_INIT;
    options.n_ctx = 1u << 16;
    expect_same(options);
    options.n_ctx = 0;
    options.when_full = GYRE_WHEN_FULL_SLIDE;
    expect_same(options);
    options.when_full = GYRE_WHEN_FULL_STOP;
    options.kv_type = static_cast<gyre_kv_type>(9);
    expect_same(options);
    EXPECT_EQ(gyre_model_estimate(file.get(), "none", nullptr, &need), GYRE_ERROR_INVALID_ARGUMENT);
    EXPECT_EQ(gyre_model_estimate(file.get(), "no such device", nullptr, &need),
              GYRE_ERROR_NO_DEVICE);
    EXPECT_EQ(need.total_bytes, 0u);
    need.struct_size = 8 + 3;
    EXPECT_EQ(gyre_model_estimate(file.get(), nullptr, nullptr, &need),
              GYRE_ERROR_INVALID_ARGUMENT);
}

// A rotary model of these sizes, with 5 tokens and a feed-forward layer of 12.
testing::GgufBuilder model_of(std::uint32_t n_layer, std::uint32_t n_embd, std::uint32_t n_head) {
    testing::GgufBuilder b = testing::small_model();
    b.u32("gpt2.block_count", n_layer).u32("gpt2.embedding_length", n_embd);
    b.u32("gpt2.attention.head_count", n_head);
    b.tensors.clear();
    const auto add = [&](const std::string& name, std::uint64_t n_in, std::uint64_t n_out) {
        b.tensors.push_back({name + ".weight", {n_in, n_out}, 0, testing::Bytes(n_in * n_out * 4)});
        b.tensors.push_back({name + ".bias", {n_out}, 0, testing::Bytes(n_out * 4)});
    };
    const auto add_norm = [&](const std::string& name) {
        for (const char* part : {".weight", ".bias"})
            b.tensors.push_back(
                {name + part, {n_embd}, 0, testing::Bytes(std::size_t{n_embd} * 4)});
    };
    b.tensor("token_embd.weight", {n_embd, 5});
    add_norm("output_norm");
    for (std::uint32_t l = 0; l < n_layer; ++l) {
        const std::string blk = "blk." + std::to_string(l) + ".";
        add_norm(blk + "attn_norm");
        add(blk + "attn_qkv", n_embd, std::uint64_t{3} * n_embd);
        add(blk + "attn_output", n_embd, n_embd);
        add_norm(blk + "ffn_norm");
        add(blk + "ffn_up", n_embd, 12);
        add(blk + "ffn_down", 12, n_embd);
    }
    return b;
}

// 1 GiB of keys in a head: more than a binding covers, or a device has. A binding's limit refuses
// the session in the same words; what memory there is, is found out by asking for it.
TEST_F(EstimateTest, ALimitOfTheDeviceDoesNotFit) {
    const TemporaryFolder folder;
    const std::string path = folder.path("wide.gguf");
    write_model(path, model_of(1, 512, 2));
    const ModelPtr file = open_file(path);
    const ModelPtr model = open_model(path);
    gyre_session_options options = GYRE_SESSION_OPTIONS_INIT;
    options.n_ctx = 1u << 20;
    options.chunk = 1;
    options.kv_type = GYRE_KV_F32;
    const gyre_memory_need need = estimate(file.get(), options);
    gyre_session* session = nullptr;
    EXPECT_EQ(gyre_session_create(model.get(), &options, &session),
              GYRE_ERROR_OUT_OF_DEVICE_MEMORY);
    if (need.total_bytes <= need.available_bytes) {
        EXPECT_STREQ(need.because, gyre_last_error());
    }
    EXPECT_EQ(need.fits, 0u);
    EXPECT_STRNE(need.because, "");
    EXPECT_EQ(need.cache_bytes, std::uint64_t{2} * 512 * 4 << 20);
    EXPECT_EQ(need.total_bytes, need.weights_bytes + need.cache_bytes + need.work_bytes);
    options.n_ctx = 100;
    expect_exact(file.get(), model.get(), options);
}

// 1024 layers of 128 MiB of cache: more memory than a device has.
TEST_F(EstimateTest, MoreThanThereIsDoesNotFit) {
    const TemporaryFolder folder;
    const std::string path = folder.path("deep.gguf");
    write_model(path, model_of(1024, 8, 4));
    const ModelPtr file = open_file(path);
    ASSERT_NE(file, nullptr);
    gyre_session_options options = GYRE_SESSION_OPTIONS_INIT;
    options.n_ctx = 1u << 20;
    const gyre_memory_need need = estimate(file.get(), options);
    EXPECT_EQ(need.cache_bytes, std::uint64_t{128} << 30);
    ASSERT_LT(need.available_bytes, need.total_bytes) << "what a device";
    EXPECT_EQ(need.fits, 0u);
    for (const std::string& part :
         {std::to_string(need.total_bytes), std::to_string(need.available_bytes),
          std::string("smaller context")}) {
        EXPECT_NE(std::string(need.because).find(part), std::string::npos) << need.because;
    }
    options.n_ctx = 8;
    EXPECT_EQ(estimate(file.get(), options).fits, 1u);
}

}  // namespace
}  // namespace gyre::test
