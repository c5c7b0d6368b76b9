// Who owns what, and for how long; devices, caches and the refusals of sessions.
// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <string>

#include "tests/api/api_support.h"

namespace gyre::test {
namespace {

class LifetimeTest : public ApiDeviceTest {};

TEST_F(LifetimeTest, SessionOutlivesTheModelsHandle) {
    const Golden golden = read_golden("rove_half");
    ModelPtr model = open_model(golden.path);
    ASSERT_NE(model, nullptr);
    gyre_session_options options = GYRE_SESSION_OPTIONS_INIT;
    options.kv_type = GYRE_KV_F32;
    const SessionPtr session = create_session(model.get(), options);
    model.reset();
    EXPECT_LE(relative_error(feed_logits(session.get(), golden.tokens), golden.logits), 2e-4);
}

// Catches: weights that are read after the call, from memory that is gone or at an address that a
// file never has; pages of the caller's that are given back to the system.
TEST_F(LifetimeTest, AModelOfMemoryNeedsItNoMore) {
    const struct {
        const char* name;
        std::size_t shift;  // of the address
    } rows[] = {{"rove_half", 0}, {"q4_k", 1}, {"learned", 3}};
    for (const auto& [name, shift] : rows) {
        SCOPED_TRACE(name);
        const Golden golden = read_golden(name);
        const std::string file = read_file(golden.path);
        std::string memory = std::string(shift, 'G') + file;
        const ModelPtr model = open_model_of(memory.data() + shift, file.size());
        ASSERT_NE(model, nullptr);
        EXPECT_EQ(memory.substr(shift), file);
        memory.assign(memory.size(), '\xff');
        memory.clear();
        memory.shrink_to_fit();
        const SessionPtr session = create_session(model.get());
        const SessionPtr by_path = create_session(open_model(golden.path).get());
        EXPECT_EQ(feed_logits(session.get(), golden.tokens),
                  feed_logits(by_path.get(), golden.tokens));
    }
}

TEST_F(LifetimeTest, ResetForgetsEverything) {
    const Golden golden = read_golden("rove_half");
    const ModelPtr model = open_model(golden.path);
    ASSERT_NE(model, nullptr);
    const SessionPtr session = create_session(model.get());
    const std::vector<float> first = feed_logits(session.get(), golden.tokens);
    ASSERT_GYRE_OK(gyre_session_reset(session.get()));
    EXPECT_EQ(gyre_session_position(session.get()), 0u);
    const float* logits = nullptr;
    EXPECT_EQ(gyre_session_logits(session.get(), &logits, nullptr), GYRE_ERROR_INVALID_ARGUMENT);
    std::uint32_t token = 0;
    EXPECT_EQ(gyre_session_sample(session.get(), nullptr, &token), GYRE_ERROR_INVALID_ARGUMENT);
    EXPECT_EQ(feed_logits(session.get(), golden.tokens), first) << "the same bits again";
}

TEST_F(LifetimeTest, FeedsThatAreRefusedChangeNothing) {
    const ModelPtr model = open_model(golden_path("rove_half"));
    ASSERT_NE(model, nullptr);
    const SessionPtr session = create_session(model.get());
    EXPECT_GYRE_OK(gyre_session_feed(session.get(), nullptr, 0));
    const std::uint32_t bad[] = {1, 2, 101};
    EXPECT_EQ(gyre_session_feed(session.get(), bad, 3), GYRE_ERROR_INVALID_ARGUMENT);
    EXPECT_NE(std::string(gyre_last_error()).find("101"), std::string::npos);
    const std::vector<std::uint32_t> long_text(gyre_session_n_ctx(session.get()) + 1, 5);
    EXPECT_EQ(gyre_session_feed(session.get(), long_text.data(), long_text.size()),
              GYRE_ERROR_CONTEXT_FULL);
    EXPECT_EQ(gyre_session_position(session.get()), 0u);
    EXPECT_GYRE_OK(gyre_session_feed(session.get(), long_text.data(), long_text.size() - 1));
    EXPECT_EQ(gyre_session_feed(session.get(), bad, 1), GYRE_ERROR_CONTEXT_FULL);
    EXPECT_EQ(gyre_session_position(session.get()), gyre_session_n_ctx(session.get()));
}

TEST_F(LifetimeTest, LearnedPositionsLimitTheContext) {
    const ModelPtr model = open_model(golden_path("learned"));
    ASSERT_NE(model, nullptr);
    gyre_session_options options = GYRE_SESSION_OPTIONS_INIT;
    options.n_ctx = 1u << 16;
    gyre_session* session = nullptr;
    EXPECT_EQ(gyre_session_create(model.get(), &options, &session), GYRE_ERROR_INVALID_ARGUMENT);
    EXPECT_EQ(session, nullptr);
}

TEST_F(LifetimeTest, ModelWithoutTokenizerDoesNotGenerate) {
    const ModelPtr model = open_model(golden_path("rope_half"));
    ASSERT_NE(model, nullptr);
    const SessionPtr session = create_session(model.get());
    EXPECT_EQ(gyre_session_generate(session.get(), "a", 1, nullptr, nullptr),
              GYRE_ERROR_UNSUPPORTED);
}

TEST_F(LifetimeTest, DeviceListAndSelectors) {
    gyre_device_list* created = nullptr;
    ASSERT_GYRE_OK(gyre_device_list_create(&created));
    const DeviceListPtr list(created);
    ASSERT_GE(gyre_device_list_count(list.get()), 1u);
    gyre_device_info info = GYRE_DEVICE_INFO_INIT;
    ASSERT_GYRE_OK(gyre_device_list_get(list.get(), 0, &info));
    EXPECT_STRNE(info.name, "");
    EXPECT_GT(info.memory_bytes, 0u);
    EXPECT_EQ(gyre_device_list_get(list.get(), gyre_device_list_count(list.get()), &info),
              GYRE_ERROR_INVALID_ARGUMENT);

    gyre_model_options options = GYRE_MODEL_OPTIONS_INIT;
    options.cache_dir = "";
    options.device = "no such device";
    gyre_model* model = nullptr;
    EXPECT_EQ(gyre_model_open(golden_path("none").c_str(), &options, &model), GYRE_ERROR_NO_DEVICE);
    EXPECT_NE(std::string(gyre_last_error()).find("no such device"), std::string::npos);
    options.device = "0";
    ASSERT_GYRE_OK(gyre_model_open(golden_path("none").c_str(), &options, &model));
    const ModelPtr owner(model);
    gyre_device_info opened = GYRE_DEVICE_INFO_INIT;
    ASSERT_GYRE_OK(gyre_model_get_device(model, &opened));
    EXPECT_STREQ(opened.name, info.name);
}

TEST_F(LifetimeTest, CacheFolderIsMadeAndUsed) {
    const TemporaryFolder folder;
    const std::string cache = folder.path("new/folder");
    gyre_model_options options = GYRE_MODEL_OPTIONS_INIT;
    options.cache_dir = cache.c_str();
    options.no_tuning = 1;
    for (int i = 0; i < 2; ++i) {
        gyre_model* model = nullptr;
        ASSERT_GYRE_OK(gyre_model_open(golden_path("none").c_str(), &options, &model));
        const ModelPtr owner(model);
        const SessionPtr session = create_session(model);
    }
    EXPECT_EQ(folder.names(), std::vector<std::string>{"new"});
}

TEST_F(LifetimeTest, ProgressReportsAndCancels) {
    struct Watch {
        int calls = 0;
        int stop_at = -1;
        double last = 0.0;
        static int report(const char* stage, double fraction, void* user) {
            auto* self = static_cast<Watch*>(user);
            EXPECT_STRNE(stage, "");
            EXPECT_GE(fraction, 0.0);
            EXPECT_LE(fraction, 1.0);
            self->last = fraction;
            return self->calls++ == self->stop_at ? 0 : 1;
        }
    } watch;
    gyre_model_options options = GYRE_MODEL_OPTIONS_INIT;
    options.cache_dir = "";
    options.progress = Watch::report;
    options.progress_user = &watch;
    gyre_model* model = nullptr;
    ASSERT_GYRE_OK(gyre_model_open(golden_path("real_layer").c_str(), &options, &model));
    gyre_model_destroy(model);
    EXPECT_GE(watch.calls, 2);
    EXPECT_EQ(watch.last, 1.0);
    const int all = watch.calls;
    for (int stop_at = 0; stop_at < all; stop_at += 1 + all / 5) {
        watch = {0, stop_at, 0.0};
        EXPECT_EQ(gyre_model_open(golden_path("real_layer").c_str(), &options, &model),
                  GYRE_ERROR_CANCELLED)
            << stop_at << " of " << all;
        EXPECT_EQ(model, nullptr);
    }
}

// Catches: a kernel that is compiled untold, a bar that goes back, a callback that is kept for a
// fork, a cancelled session that is handed out.
TEST_F(LifetimeTest, SessionsTellWhatTheyCompile) {
    struct Watch {
        int calls = 0;
        int stop_at = -1;
        double last = 0.0;
        static int report(const char* stage, double fraction, void* user) {
            auto* self = static_cast<Watch*>(user);
            EXPECT_STREQ(stage, "compile");
            EXPECT_GE(fraction, self->last);
            EXPECT_LE(fraction, 1.0);
            self->last = fraction;
            return self->calls++ == self->stop_at ? 0 : 1;
        }
    } watch;
    const ModelPtr model = open_model(golden_path("rove_half"));
    ASSERT_NE(model, nullptr);
    gyre_session_options options = GYRE_SESSION_OPTIONS_INIT;
    options.progress = Watch::report;
    options.progress_user = &watch;
    const SessionPtr session = create_session(model.get(), options);
    EXPECT_GE(watch.calls, 10) << "by kernel";
    EXPECT_EQ(watch.last, 1.0);
    const int all = watch.calls;
    gyre_session* fork = nullptr;
    ASSERT_GYRE_OK(gyre_session_fork(session.get(), &fork));
    gyre_session_destroy(fork);
    EXPECT_EQ(watch.calls, all);
    for (const int stop_at : {0, 2, all - 1}) {
        watch = {0, stop_at, 0.0};
        gyre_session* cancelled = nullptr;
        EXPECT_EQ(gyre_session_create(model.get(), &options, &cancelled), GYRE_ERROR_CANCELLED);
        EXPECT_EQ(cancelled, nullptr);
        EXPECT_EQ(watch.calls, stop_at + 1);
    }
    // A caller of before the callback, whose struct ends where it begins.
    options.struct_size = offsetof(gyre_session_options, progress);
    watch = {};
    EXPECT_NE(create_session(model.get(), options), nullptr);
    EXPECT_EQ(watch.calls, 0);
}

}  // namespace
}  // namespace gyre::test
