// What callers get wrong: every mistake is a status with a text, and none is a crash.
// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <thread>

#include "tests/api/api_support.h"

namespace gyre::test {
namespace {

TEST(ApiMisuse, DestroyAcceptsNull) {
    gyre_device_list_destroy(nullptr);
    gyre_model_destroy(nullptr);
    gyre_session_destroy(nullptr);
    gyre_session_cancel(nullptr);
    EXPECT_EQ(gyre_device_list_count(nullptr), 0u);
    EXPECT_EQ(gyre_session_position(nullptr), 0u);
    EXPECT_EQ(gyre_session_n_ctx(nullptr), 0u);
}

// Each call with one thing that must not be NULL, and the text that names it.
TEST(ApiMisuse, NullIsRefusedByName) {
    const ModelPtr model = open_file(golden_path("text"));
    gyre_model_info info = GYRE_MODEL_INFO_INIT;
    gyre_device_info device = GYRE_DEVICE_INFO_INIT;
    gyre_session* session = nullptr;
    gyre_timings timings = GYRE_TIMINGS_INIT;
    const float* logits = nullptr;
    uint32_t token = 0;
    size_t n = 0;
    const auto expect = [](gyre_status status, const char* name) {
        EXPECT_EQ(status, GYRE_ERROR_INVALID_ARGUMENT) << name;
        EXPECT_EQ(std::string(gyre_last_error()), std::string(name) + " is NULL");
    };
    expect(gyre_device_list_create(nullptr), "out_list");
    expect(gyre_device_list_get(nullptr, 0, &device), "list");
    expect(gyre_model_open(nullptr, nullptr, nullptr), "out_model");
    gyre_model* opened = model.get();
    expect(gyre_model_open(nullptr, nullptr, &opened), "path");
    EXPECT_EQ(opened, nullptr);
    expect(gyre_model_open_fd(0, 0, 0, nullptr, nullptr), "out_model");
    expect(gyre_model_open_memory("GGUF", 4, nullptr, nullptr), "out_model");
    opened = model.get();
    expect(gyre_model_open_memory(nullptr, 4, nullptr, &opened), "data");
    EXPECT_EQ(opened, nullptr);
    expect(gyre_model_get_info(nullptr, &info), "model");
    expect(gyre_model_get_info(model.get(), nullptr), "info");
    expect(gyre_model_get_device(nullptr, &device), "model");
    expect(gyre_model_tokenize(nullptr, "a", 1, 0, nullptr, 0, &n), "model");
    expect(gyre_model_tokenize(model.get(), nullptr, 1, 0, nullptr, 0, &n), "text");
    expect(gyre_model_tokenize(model.get(), "a", 1, 0, nullptr, 1, &n), "tokens");
    expect(gyre_model_tokenize(model.get(), "a", 1, 0, nullptr, 0, nullptr), "n_tokens");
    expect(gyre_model_detokenize(nullptr, &token, 1, nullptr, 0, &n), "model");
    expect(gyre_model_detokenize(model.get(), nullptr, 1, nullptr, 0, &n), "tokens");
    expect(gyre_model_detokenize(model.get(), &token, 1, nullptr, 1, &n), "bytes");
    expect(gyre_model_detokenize(model.get(), &token, 1, nullptr, 0, nullptr), "n_bytes");
    gyre_token_info token_info = GYRE_TOKEN_INFO_INIT;
    expect(gyre_model_get_token(nullptr, 0, &token_info), "model");
    expect(gyre_model_get_token(model.get(), 0, nullptr), "info");
    expect(gyre_model_metadata(nullptr, "general.name", nullptr, 0, &n), "model");
    expect(gyre_model_metadata(model.get(), nullptr, nullptr, 0, &n), "key");
    expect(gyre_model_metadata(model.get(), "general.name", nullptr, 0, nullptr), "n_bytes");
    expect(gyre_model_metadata(model.get(), "general.name", nullptr, 1, &n), "text");
    expect(gyre_session_create(model.get(), nullptr, nullptr), "out_session");
    expect(gyre_session_create(nullptr, nullptr, &session), "model");
    expect(gyre_session_reset(nullptr), "session");
    expect(gyre_session_truncate(nullptr, 0), "session");
    expect(gyre_session_shift(nullptr, 0, 1), "session");
    expect(gyre_session_fork(nullptr, &session), "session");
    expect(gyre_session_feed(nullptr, &token, 1), "session");
    expect(gyre_session_feed_logits(nullptr, &token, 1, nullptr, nullptr), "session");
    expect(gyre_session_logits(nullptr, &logits, &n), "session");
    expect(gyre_session_sample(nullptr, nullptr, &token), "session");
    expect(gyre_session_generate(nullptr, "a", 1, nullptr, nullptr), "session");
    expect(gyre_session_tokens(nullptr, nullptr, 0, &n), "session");
    expect(gyre_session_set_tokens(nullptr, &token, 1, nullptr), "session");
    expect(gyre_session_save(nullptr, nullptr, nullptr), "session");
    expect(gyre_session_load(nullptr, nullptr, nullptr), "session");
    const float two[] = {1.0f, 2.0f};
    expect(gyre_sample(nullptr, 2, nullptr, 0, 0, nullptr, &token), "logits");
    expect(gyre_sample(two, 2, nullptr, 1, 0, nullptr, &token), "history");
    expect(gyre_sample(two, 2, nullptr, 0, 0, nullptr, nullptr), "token");
    expect(gyre_session_get_timings(nullptr, &timings), "session");
    gyre_counters counters = GYRE_COUNTERS_INIT;
    gyre_memory memory = GYRE_MEMORY_INIT;
    gyre_traffic traffic = GYRE_TRAFFIC_INIT;
    gyre_device_rates rates = GYRE_DEVICE_RATES_INIT;
    expect(gyre_session_get_counters(nullptr, &counters), "session");
    expect(gyre_session_get_memory(nullptr, &memory), "session");
    expect(gyre_session_get_traffic(nullptr, 0, &traffic), "session");
    expect(gyre_session_profile(nullptr, &token, 1, nullptr, nullptr), "session");
    expect(gyre_session_get_plan(nullptr, 1, nullptr, nullptr), "session");
    gyre_memory_need need = GYRE_MEMORY_NEED_INIT;
    expect(gyre_model_estimate(nullptr, nullptr, nullptr, &need), "model");
    expect(gyre_model_estimate(model.get(), nullptr, nullptr, nullptr), "need");
    expect(gyre_model_measure_device(nullptr, &rates), "model");
    expect(gyre_model_pause(nullptr), "model");
    expect(gyre_model_resume(nullptr), "model");
    expect(gyre_model_measure_device(model.get(), nullptr), "rates");
}

TEST(ApiMisuse, StructWithoutItsInitIsRefused) {
    const ModelPtr model = open_file(golden_path("text"));
    gyre_model_info info = {};
    for (const size_t size : {size_t{0}, size_t{4}, size_t{13}, size_t{1} << 20}) {
        info.struct_size = size;
        EXPECT_EQ(gyre_model_get_info(model.get(), &info), GYRE_ERROR_INVALID_ARGUMENT) << size;
        EXPECT_NE(std::string(gyre_last_error()).find("struct_size"), std::string::npos);
        EXPECT_EQ(info.n_vocab, 0u);
    }
    gyre_model_options options = {};
    gyre_model* opened = nullptr;
    EXPECT_EQ(gyre_model_open(golden_path("text").c_str(), &options, &opened),
              GYRE_ERROR_INVALID_ARGUMENT);
    EXPECT_EQ(opened, nullptr);
}

TEST(ApiMisuse, OlderShorterStructIsFilledAsFarAsItGoes) {
    const ModelPtr model = open_file(golden_path("text"));
    gyre_model_info info = GYRE_MODEL_INFO_INIT;
    info.struct_size = offsetof(gyre_model_info, n_vocab);
    info.n_vocab = 12345;
    ASSERT_GYRE_OK(gyre_model_get_info(model.get(), &info));
    EXPECT_STREQ(info.architecture, "gpt2");
    EXPECT_EQ(info.n_vocab, 12345u) << "beyond the caller's struct";
    EXPECT_EQ(info.struct_size, offsetof(gyre_model_info, n_vocab));
}

TEST(ApiMisuse, OlderShorterOptionsLeaveTheDefaults) {
    struct Old {  // gyre_model_options with device as its last field
        size_t struct_size;
        const char* device;
    } old = {sizeof old, "none"};
    gyre_model* model = nullptr;
    ASSERT_GYRE_OK(gyre_model_open(golden_path("text").c_str(),
                                   reinterpret_cast<const gyre_model_options*>(&old), &model));
    gyre_model_destroy(model);
}

TEST(ApiMisuse, NewerLongerStructs) {
    struct New {
        gyre_model_options options;
        void* unknown;
    } longer = {GYRE_MODEL_OPTIONS_INIT, nullptr};
    longer.options.struct_size = sizeof longer;
    longer.options.device = "none";
    gyre_model* opened = nullptr;
    ASSERT_GYRE_OK(gyre_model_open(golden_path("text").c_str(), &longer.options, &opened));
    const ModelPtr model(opened);
    longer.unknown = &longer;
    EXPECT_EQ(gyre_model_open(golden_path("text").c_str(), &longer.options, &opened),
              GYRE_ERROR_INVALID_ARGUMENT);

    struct NewInfo {
        gyre_model_info info;
        uint64_t unknown;
    } info = {GYRE_MODEL_INFO_INIT, 7};
    info.info.struct_size = sizeof info;
    ASSERT_GYRE_OK(gyre_model_get_info(model.get(), &info.info));
    EXPECT_EQ(info.info.n_vocab, 301u);
    EXPECT_EQ(info.unknown, 0u) << "what the library does not know is zero";
}

TEST(ApiMisuse, BuffersThatAreTooSmall) {
    const ModelPtr model = open_file(golden_path("text"));
    const std::string text = "Hello, world";
    size_t n = 0;
    ASSERT_GYRE_OK(gyre_model_tokenize(model.get(), text.data(), text.size(), 0, nullptr, 0, &n));
    ASSERT_GT(n, 1u);
    std::vector<uint32_t> tokens(n, 77);
    size_t need = 0;
    EXPECT_EQ(
        gyre_model_tokenize(model.get(), text.data(), text.size(), 0, tokens.data(), n - 1, &need),
        GYRE_ERROR_INVALID_ARGUMENT);
    EXPECT_EQ(need, n);
    EXPECT_EQ(tokens, std::vector<uint32_t>(n, 77)) << "nothing is written";
    ASSERT_GYRE_OK(
        gyre_model_tokenize(model.get(), text.data(), text.size(), 0, tokens.data(), n, &need));
    std::string bytes(text.size(), '\0');
    EXPECT_EQ(gyre_model_detokenize(model.get(), tokens.data(), n, bytes.data(), 1, &need),
              GYRE_ERROR_INVALID_ARGUMENT);
    ASSERT_GYRE_OK(
        gyre_model_detokenize(model.get(), tokens.data(), n, bytes.data(), bytes.size(), &need));
    EXPECT_EQ(bytes, text);
    EXPECT_EQ(need, text.size());
}

TEST(ApiMisuse, TokenOutsideOfTheVocabulary) {
    const ModelPtr model = open_file(golden_path("text"));
    const uint32_t token = 301;
    size_t n = 0;
    EXPECT_EQ(gyre_model_detokenize(model.get(), &token, 1, nullptr, 0, &n),
              GYRE_ERROR_INVALID_ARGUMENT);
    EXPECT_NE(std::string(gyre_last_error()).find("301"), std::string::npos) << gyre_last_error();
}

TEST(ApiMisuse, ModelWithoutTokenizer) {
    const ModelPtr model = open_file(golden_path("rope_half"));
    gyre_model_info info = GYRE_MODEL_INFO_INIT;
    ASSERT_GYRE_OK(gyre_model_get_info(model.get(), &info));
    EXPECT_EQ(info.has_tokenizer, 0u);
    EXPECT_EQ(info.eos_token, GYRE_TOKEN_NONE);
    size_t n = 0;
    EXPECT_EQ(gyre_model_tokenize(model.get(), "a", 1, 0, nullptr, 0, &n), GYRE_ERROR_UNSUPPORTED);
}

TEST(ApiMisuse, ModelWithoutDeviceHasNoSession) {
    const ModelPtr model = open_file(golden_path("text"));
    gyre_session* session = nullptr;
    EXPECT_EQ(gyre_session_create(model.get(), nullptr, &session), GYRE_ERROR_NO_DEVICE);
    EXPECT_EQ(session, nullptr);
    gyre_device_info device = GYRE_DEVICE_INFO_INIT;
    EXPECT_EQ(gyre_model_get_device(model.get(), &device), GYRE_ERROR_NO_DEVICE);
    gyre_device_rates rates = GYRE_DEVICE_RATES_INIT;
    EXPECT_EQ(gyre_model_measure_device(model.get(), &rates), GYRE_ERROR_NO_DEVICE);
}

TEST(ApiMisuse, OneLoaderOfVulkanIsGiven) {
    const gyre_get_instance_proc_addr function = [](void*, const char*) -> gyre_void_function {
        return nullptr;
    };
    for (const auto status : {gyre_set_vulkan_loader(nullptr, nullptr),
                              gyre_set_vulkan_loader("libvulkan.so.1", function)}) {
        EXPECT_EQ(status, GYRE_ERROR_INVALID_ARGUMENT);
        EXPECT_STREQ(gyre_last_error(),
                     "give either path or get_instance_proc_addr, and NULL for the other");
    }
    EXPECT_EQ(gyre_set_vulkan_loader("", nullptr), GYRE_ERROR_INVALID_ARGUMENT);
    EXPECT_STREQ(gyre_last_error(), "path is empty");
}

TEST(ApiMisuse, SessionOptionsOutOfRange) {
    const ModelPtr model = open_file(golden_path("text"));
    gyre_session_options options = GYRE_SESSION_OPTIONS_INIT;
    gyre_session* session = nullptr;
    options.kv_type = static_cast<gyre_kv_type>(99);
    EXPECT_EQ(gyre_session_create(model.get(), &options, &session), GYRE_ERROR_INVALID_ARGUMENT);
    options.kv_type = GYRE_KV_F16;
    options.when_full = static_cast<gyre_when_full>(2);
    EXPECT_EQ(gyre_session_create(model.get(), &options, &session), GYRE_ERROR_INVALID_ARGUMENT);
    EXPECT_NE(std::string(gyre_last_error()).find("when_full is 2"), std::string::npos);
    options.when_full = GYRE_WHEN_FULL_STOP;
    options.submit_ms = 10001;
    EXPECT_EQ(gyre_session_create(model.get(), &options, &session), GYRE_ERROR_INVALID_ARGUMENT);
    EXPECT_NE(std::string(gyre_last_error()).find("submit_ms is 10001"), std::string::npos);
}

TEST(ApiMisuse, SampleRefusesWhatNoModelGives) {
    const float inf = std::numeric_limits<float>::infinity();
    gyre_sampling_options options = GYRE_SAMPLING_OPTIONS_INIT;
    options.repeat_penalty = 1.5f;
    uint32_t token = 7;
    const auto expect = [&](std::vector<float> logits, std::vector<uint32_t> history,
                            const char* text) {
        EXPECT_EQ(gyre_sample(logits.data(), logits.size(), history.data(), history.size(), 0,
                              &options, &token),
                  GYRE_ERROR_INVALID_ARGUMENT);
        EXPECT_NE(std::string(gyre_last_error()).find(text), std::string::npos)
            << gyre_last_error();
        EXPECT_EQ(token, 7u);
    };
    expect({1.0f, std::nanf("")}, {}, "logits[1] is NaN");
    expect({inf, 1.0f}, {}, "logits[0] is infinity");
    expect({-inf, -inf}, {}, "every token is excluded");
    expect({1.0f, 2.0f}, {0, 2}, "token 2 of the history");
    float one = 1.0f;
    EXPECT_EQ(gyre_sample(&one, 0, nullptr, 0, 0, &options, &token), GYRE_ERROR_INVALID_ARGUMENT);
    options.allow = [](uint32_t*, size_t, void*) { return 0; };
    EXPECT_EQ(gyre_sample(&one, 1, nullptr, 0, 0, &options, &token), GYRE_ERROR_CANCELLED);
    options.allow = nullptr;
    options.temperature = -1.0f;
    expect({1.0f}, {}, "temperature");
    EXPECT_EQ(token, 7u);
    ASSERT_GYRE_OK(gyre_sample(&one, 1, nullptr, 0, 0, nullptr, &token));
    EXPECT_EQ(token, 0u);
}

TEST(ApiStatus, LastErrorIsTheThreadsOwn) {
    EXPECT_EQ(gyre_session_reset(nullptr), GYRE_ERROR_INVALID_ARGUMENT);
    const std::string here = gyre_last_error();
    std::string before = "unset";
    std::thread other([&before] {
        before = gyre_last_error();
        EXPECT_EQ(gyre_device_list_create(nullptr), GYRE_ERROR_INVALID_ARGUMENT);
    });
    other.join();
    EXPECT_EQ(before, "");
    EXPECT_EQ(here, "session is NULL");
    EXPECT_EQ(here, gyre_last_error()) << "another thread's error is not ours";
}

TEST(ApiStatus, EveryStatusHasItsName) {
    for (int i = GYRE_OK; i <= GYRE_ERROR_PAUSED; ++i) {
        EXPECT_STRNE(gyre_status_string(static_cast<gyre_status>(i)), "unknown status") << i;
    }
    EXPECT_STREQ(gyre_status_string(static_cast<gyre_status>(99)), "unknown status");
}

TEST(ApiStatus, LongErrorsAreCutAndOneLine) {
    const std::string path(3000, 'x');
    gyre_model* model = nullptr;
    EXPECT_EQ(gyre_model_open((path + "\n").c_str(), nullptr, &model), GYRE_ERROR_BAD_FILE);
    EXPECT_EQ(std::strlen(gyre_last_error()), 1023u);
    EXPECT_EQ(gyre_model_open("two\nlines", nullptr, &model), GYRE_ERROR_BAD_FILE);
    EXPECT_EQ(std::string(gyre_last_error()).find('\n'), std::string::npos);
}

TEST(ApiModelFile, ProgressCanCancel) {
    gyre_model_options options = GYRE_MODEL_OPTIONS_INIT;
    options.device = "none";
    options.progress = [](const char*, double, void*) { return 0; };
    gyre_model* model = nullptr;
    EXPECT_EQ(gyre_model_open(golden_path("text").c_str(), &options, &model), GYRE_ERROR_CANCELLED);
    EXPECT_EQ(model, nullptr);
}

TEST(ApiModelFile, SpecialTokensOnlyWhenAskedFor) {
    const ModelPtr model = open_file(golden_path("text"));
    const std::string text = "a<|endoftext|>";
    uint32_t tokens[32] = {};
    size_t n = 0;
    ASSERT_GYRE_OK(gyre_model_tokenize(model.get(), text.data(), text.size(), 1, tokens, 32, &n));
    ASSERT_EQ(n, 2u);
    EXPECT_EQ(tokens[1], 300u);
    ASSERT_GYRE_OK(gyre_model_tokenize(model.get(), text.data(), text.size(), 0, tokens, 32, &n));
    EXPECT_GT(n, 2u);
}

TEST(ApiModelFile, EveryGoldenModelIsDescribed) {
    for (const std::string& name : golden_names()) {
        const ModelPtr model = open_file(golden_path(name));
        ASSERT_NE(model, nullptr) << name;
        gyre_model_info info = GYRE_MODEL_INFO_INIT;
        ASSERT_GYRE_OK(gyre_model_get_info(model.get(), &info)) << name;
        EXPECT_EQ(info.name, name);
        EXPECT_EQ(std::string(info.rotary_text).find('\n'), std::string::npos);
        const std::string text = info.rotary_text;
        EXPECT_EQ(text.find("complex projections") != std::string::npos,
                  name.find("crope") != std::string::npos)
            << text;
        EXPECT_EQ(text.find("6 of 7 layers: base 100, no scaling") != std::string::npos,
                  name == "gemma3")
            << text;
        const bool rotary = name.starts_with("ro");
        if (rotary) {
            EXPECT_STREQ(info.position, "rotary") << name;
            EXPECT_NE(text.find(" radians per position"), std::string::npos) << text;
            EXPECT_EQ(std::string(info.rotary_text).starts_with("RoVE"),
                      name.find("rove") != std::string::npos)
                << name;
        }
    }
}

}  // namespace
}  // namespace gyre::test
