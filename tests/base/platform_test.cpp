// Names of files as UTF-8, the environment, where caches go, and cache files under any name.
// SPDX-License-Identifier: Apache-2.0
#include "runtime/base/platform.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

#include "runtime/base/cache_file.h"
#include "tests/support/platform.h"

namespace gyre {
namespace {

const std::string kName = "gr\u00f6\u00dfe \u03bb \u6a21\u578b \U0001f9ed";

TEST(Paths, ComeBackAsTheyWere) {
    for (const std::string& name : {std::string(), std::string("a b"), kName, "x" + kName + "y"})
        EXPECT_EQ(text_of(path_of(name)), name);
}

TEST(Environment, IsUtf8) {
    test::set_environment("GYRE_TEST_VARIABLE", "plain words");
    EXPECT_EQ(environment_variable("GYRE_TEST_VARIABLE"), "plain words");
    const std::string long_value(5000, 'x');
    test::set_environment("GYRE_TEST_VARIABLE", long_value.c_str());
    EXPECT_EQ(environment_variable("GYRE_TEST_VARIABLE"), long_value);
    test::unset_environment("GYRE_TEST_VARIABLE");
    EXPECT_EQ(environment_variable("GYRE_TEST_VARIABLE"), std::nullopt);
}

#ifdef _WIN32
TEST(UserCacheFolder, IsTheLocalApplicationData) {
    test::set_environment("LOCALAPPDATA", "C:\\users\\someone\\AppData\\Local");
    test::set_environment("XDG_CACHE_HOME", "/elsewhere");
    EXPECT_EQ(user_cache_folder(), "C:\\users\\someone\\AppData\\Local");
    test::unset_environment("LOCALAPPDATA");
    EXPECT_EQ(user_cache_folder(), "");
}
#else
TEST(UserCacheFolder, IsTheOneOfXdgOrAFolderAtHome) {
    test::set_environment("XDG_CACHE_HOME", "/caches");
    test::set_environment("HOME", "/home/someone");
    EXPECT_EQ(user_cache_folder(), "/caches");
    test::set_environment("XDG_CACHE_HOME", "relative");
#ifdef __APPLE__
    const std::string at_home = "/home/someone/Library/Caches";
#else
    const std::string at_home = "/home/someone/.cache";
#endif
    EXPECT_EQ(user_cache_folder(), at_home);
    test::unset_environment("XDG_CACHE_HOME");
    EXPECT_EQ(user_cache_folder(), at_home);
    test::set_environment("HOME", "");
    EXPECT_EQ(user_cache_folder(), "");
}
#endif

std::vector<std::byte> bytes(const std::string& text) {
    const auto all = std::as_bytes(std::span(text));
    return {all.begin(), all.end()};
}

// Twice: the second replaces a file that is there.
TEST(CacheFile, IsReplacedWholeUnderAnyName) {
    const std::filesystem::path folder = test::make_temporary_folder("gyre-cache-file");
    const std::string path = text_of(folder) + "/" + kName + "/" + kName + ".bin";
    const auto none = read_cache_file(path, 100);
    ASSERT_TRUE(none.ok());
    EXPECT_TRUE(none.value().empty());
    for (const std::string content : {"first\r\n\x1a content", "then another\n"}) {
        const Status written = replace_cache_file(path, bytes(content));
        ASSERT_TRUE(written.ok()) << written.message();
        const auto read = read_cache_file(path, 100);
        ASSERT_TRUE(read.ok()) << read.status().message();
        EXPECT_EQ(read.value(), bytes(content));
    }
    EXPECT_FALSE(read_cache_file(path, 5).ok());
    const auto files = std::filesystem::directory_iterator(folder / path_of(kName));
    EXPECT_EQ(std::distance(begin(files), end(files)), 1) << "nothing temporary stays";
    std::filesystem::remove_all(folder);
}

// A folder under the name of the file: the rename fails.
TEST(CacheFile, LeavesNothingAfterAnError) {
    const std::filesystem::path folder = test::make_temporary_folder("gyre-cache-file");
    std::filesystem::create_directories(folder / "taken.bin" / "inside");
    EXPECT_FALSE(replace_cache_file(text_of(folder / "taken.bin"), bytes("x")).ok());
    const auto files = std::filesystem::directory_iterator(folder);
    EXPECT_EQ(std::distance(begin(files), end(files)), 1);
    std::filesystem::remove_all(folder);
}

TEST(Libraries, ThatAreNotThereSayWhy) {
    std::string error;
    EXPECT_EQ(open_library("no/such/folder/library", error), nullptr);
    EXPECT_FALSE(error.empty());
    EXPECT_EQ(error.find('\n'), std::string::npos) << error;
}

#if defined(_WIN32) || defined(__GLIBC__)
TEST(Libraries, HaveFunctions) {
#ifdef _WIN32
    const char* const name = "kernel32.dll";
    const char* const function = "GetTickCount";
#else
    const char* const name = "libm.so.6";
    const char* const function = "cos";
#endif
    std::string error;
    void* library = open_library(name, error);
    ASSERT_NE(library, nullptr) << error;
    EXPECT_EQ(error, "");
    EXPECT_NE(find_function(library, function), nullptr);
    EXPECT_EQ(find_function(library, "vkGetInstanceProcAddr"), nullptr);
    close_library(library);
}
#endif

}  // namespace
}  // namespace gyre
