// gyre_set_vulkan_loader: each case in a process of its own, since Vulkan is loaded once in each.
// SPDX-License-Identifier: Apache-2.0
#include <dlfcn.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <string>

#include "tests/api/api_support.h"

namespace gyre::test {
namespace {

// Ends the child: 0 if its expectations held.
[[noreturn]] void leave() {
    std::fflush(nullptr);
    ::_exit(::testing::Test::HasFailure() ? 1 : 0);
}
#define EXPECT_HOLDS_IN_A_PROCESS(body) \
    EXPECT_EXIT((body(), leave()), ::testing::ExitedWithCode(0), "")

gyre_status list_devices() {
    gyre_device_list* list = nullptr;
    const gyre_status status = gyre_device_list_create(&list);
    EXPECT_EQ(gyre_device_list_count(list) > 0, status == GYRE_OK);
    gyre_device_list_destroy(list);
    return status;
}

void expect_in_error(const char* part) {
    EXPECT_NE(std::string(gyre_last_error()).find(part), std::string::npos)
        << part << " in: " << gyre_last_error();
}

// The system's loader, in this process and unknown to the library.
void* system_function() {
    void* library = ::dlopen("libvulkan.so.1", RTLD_NOW | RTLD_LOCAL);
    EXPECT_NE(library, nullptr);
    return ::dlsym(library, "vkGetInstanceProcAddr");
}

std::string system_path() {
    Dl_info info = {};
    EXPECT_NE(::dladdr(system_function(), &info), 0);
    return info.dli_fname;
}

std::atomic<int> n_calls{0};
gyre_void_function counted(void* instance, const char* name) {
    static const auto real = reinterpret_cast<gyre_get_instance_proc_addr>(system_function());
    ++n_calls;
    return real(instance, name);
}
gyre_void_function knows_nothing(void*, const char*) {
    return nullptr;
}

// From a golden model to its logits, by the loader that was set.
void expect_logits() {
    const Golden golden = read_golden("rove_half");
    gyre_model_options options = GYRE_MODEL_OPTIONS_INIT;
    options.cache_dir = "";
    gyre_model* opened = nullptr;
    ASSERT_GYRE_OK(gyre_model_open(golden.path.c_str(), &options, &opened));
    const ModelPtr model(opened);
    gyre_session* created = nullptr;
    ASSERT_GYRE_OK(gyre_session_create(opened, nullptr, &created));
    const SessionPtr session(created);
    ASSERT_GYRE_OK(gyre_session_feed(created, golden.tokens.data(), golden.tokens.size()));
    const float* logits = nullptr;
    std::size_t n = 0;
    ASSERT_GYRE_OK(gyre_session_logits(created, &logits, &n));
    const std::span<const float> last = std::span(golden.logits).last(n);
    EXPECT_LE(relative_error({logits, n}, last), 2e-2) << "a cache of 16 bits";
}

TEST(LoaderTest, AFunctionIsAskedForEverything) {
    EXPECT_HOLDS_IN_A_PROCESS([] {
        ASSERT_GYRE_OK(gyre_set_vulkan_loader(nullptr, counted));
        EXPECT_EQ(n_calls, 0) << "not before it is needed";
        expect_logits();
        EXPECT_GT(n_calls, 10);
    });
}

TEST(LoaderTest, APathIsLoadedAndNothingElseAfterIt) {
    EXPECT_HOLDS_IN_A_PROCESS([] {
        const std::string path = system_path();
        ASSERT_GYRE_OK(gyre_set_vulkan_loader("/nonexistent/libvulkan.so", nullptr));
        ASSERT_GYRE_OK(gyre_set_vulkan_loader(path.c_str(), nullptr)) << "the last one counts";
        expect_logits();
        EXPECT_EQ(gyre_set_vulkan_loader(path.c_str(), nullptr), GYRE_ERROR_INVALID_ARGUMENT);
        expect_in_error("Vulkan is loaded already");
        EXPECT_EQ(gyre_set_vulkan_loader(nullptr, counted), GYRE_ERROR_INVALID_ARGUMENT);
        EXPECT_EQ(list_devices(), GYRE_OK) << "what was loaded stays";
    });
}

TEST(LoaderTest, TheSystemsIsLoadedWhereNoneIsSet) {
    EXPECT_HOLDS_IN_A_PROCESS([] {
        EXPECT_EQ(list_devices(), GYRE_OK);
        EXPECT_EQ(gyre_set_vulkan_loader(nullptr, counted), GYRE_ERROR_INVALID_ARGUMENT);
    });
}

// Catches: a failure that counts as loaded, or that is tried for ever.
TEST(LoaderTest, AFailureMayBeTriedAgain) {
    EXPECT_HOLDS_IN_A_PROCESS([] {
        ASSERT_GYRE_OK(gyre_set_vulkan_loader("/nonexistent/libvulkan.so", nullptr));
        for (int i = 0; i < 2; ++i) {
            EXPECT_EQ(list_devices(), GYRE_ERROR_NO_DEVICE);
            expect_in_error("/nonexistent/libvulkan.so cannot be loaded: ");
        }
        gyre_model* model = nullptr;
        EXPECT_EQ(gyre_model_open(golden_path("text").c_str(), nullptr, &model),
                  GYRE_ERROR_NO_DEVICE);
        ASSERT_GYRE_OK(gyre_set_vulkan_loader("libm.so.6", nullptr));
        EXPECT_EQ(list_devices(), GYRE_ERROR_NO_DEVICE);
        expect_in_error("libm.so.6 has no vkGetInstanceProcAddr");
        ASSERT_GYRE_OK(gyre_set_vulkan_loader(nullptr, knows_nothing));
        EXPECT_EQ(list_devices(), GYRE_ERROR_NO_DEVICE);
        expect_in_error("Vulkan 1.0");
        ASSERT_GYRE_OK(gyre_set_vulkan_loader(nullptr, counted));
        expect_logits();
    });
}

}  // namespace
}  // namespace gyre::test
