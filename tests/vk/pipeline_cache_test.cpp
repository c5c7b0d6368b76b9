// The pipeline cache file: any damage counts as absence.
// SPDX-License-Identifier: Apache-2.0
#include "runtime/vk/pipeline_cache.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "tests/support/platform.h"

namespace gyre {
namespace {

PipelineCacheIdentity identity() {
    PipelineCacheIdentity id;
    id.vendor_id = 0x10005;
    id.device_id = 7;
    id.driver_version = 99;
    id.driver_id = 13;
    for (std::size_t i = 0; i < id.cache_uuid.size(); ++i) {
        id.cache_uuid[i] = static_cast<std::uint8_t>(i * 17);
    }
    return id;
}

std::vector<std::byte> payload(std::size_t size) {
    std::vector<std::byte> bytes(size);
    for (std::size_t i = 0; i < size; ++i)
        bytes[i] = static_cast<std::byte>(i * 31 + 5);
    return bytes;
}

// A folder for one test, removed with it.
class PipelineCacheFile : public testing::Test {
  protected:
    void SetUp() override {
        folder_ = std::filesystem::temp_directory_path() /
                  ("gyre-cache-" + test::process_id_text() + "-" +
                   testing::UnitTest::GetInstance()->current_test_info()->name());
        std::filesystem::remove_all(folder_);
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }

    std::string path() const { return (folder_ / "sub" / "pipelines.bin").string(); }
    std::size_t files() const {
        const auto entries = std::filesystem::directory_iterator(folder_ / "sub");
        return static_cast<std::size_t>(std::distance(begin(entries), end(entries)));
    }

    std::filesystem::path folder_;
};

TEST(PipelineCache, ComesBackAsItWas) {
    for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{1000}}) {
        const auto file = encode_pipeline_cache(identity(), payload(size));
        const auto decoded = decode_pipeline_cache(identity(), file);
        ASSERT_TRUE(decoded.payload) << decoded.problem;
        EXPECT_EQ(std::vector<std::byte>(decoded.payload->begin(), decoded.payload->end()),
                  payload(size));
    }
}

TEST(PipelineCache, EveryTruncationCountsAsAbsent) {
    const auto file = encode_pipeline_cache(identity(), payload(100));
    for (std::size_t size = 0; size < file.size(); ++size) {
        const auto decoded = decode_pipeline_cache(identity(), std::span(file).first(size));
        EXPECT_FALSE(decoded.payload) << size;
        EXPECT_STRNE(decoded.problem, "") << size;
    }
}

TEST(PipelineCache, EveryFlippedByteCountsAsAbsent) {
    auto file = encode_pipeline_cache(identity(), payload(100));
    for (std::size_t i = 0; i < file.size(); ++i) {
        for (const unsigned mask : {0xffu, 0x01u, 0x80u}) {
            file[i] ^= static_cast<std::byte>(mask);
            EXPECT_FALSE(decode_pipeline_cache(identity(), file).payload) << i;
            file[i] ^= static_cast<std::byte>(mask);
        }
    }
    file.push_back(std::byte{0});
    EXPECT_FALSE(decode_pipeline_cache(identity(), file).payload) << "a byte too many";
}

TEST(PipelineCache, EveryOtherIdentityCountsAsAbsent) {
    const auto file = encode_pipeline_cache(identity(), payload(100));
    std::vector<PipelineCacheIdentity> others(5, identity());
    ++others[0].vendor_id;
    ++others[1].device_id;
    ++others[2].driver_version;
    ++others[3].driver_id;
    ++others[4].cache_uuid[15];
    for (const auto& other : others) {
        EXPECT_STREQ(decode_pipeline_cache(other, file).problem,
                     "it is of another device or driver");
    }
}

TEST_F(PipelineCacheFile, IsWrittenReadAndReplaced) {
    EXPECT_TRUE(read_pipeline_cache(path(), identity()).empty()) << "there is none";
    ASSERT_TRUE(write_pipeline_cache(path(), identity(), payload(10)));
    EXPECT_EQ(read_pipeline_cache(path(), identity()), payload(10));
    ASSERT_TRUE(write_pipeline_cache(path(), identity(), payload(20)));
    EXPECT_EQ(read_pipeline_cache(path(), identity()), payload(20));
    EXPECT_EQ(files(), 1u) << "nothing temporary stays";
}

TEST_F(PipelineCacheFile, DamageIsIgnored) {
    ASSERT_TRUE(write_pipeline_cache(path(), identity(), payload(10)));
    std::ofstream(path(), std::ios::trunc) << "nonsense";
    EXPECT_TRUE(read_pipeline_cache(path(), identity()).empty());
    ASSERT_TRUE(write_pipeline_cache(path(), identity(), payload(10)));
    EXPECT_EQ(read_pipeline_cache(path(), identity()), payload(10));
}

TEST_F(PipelineCacheFile, AFailedWriteLeavesWhatWasThere) {
    std::filesystem::create_directories(path());  // a folder of that name: rename must fail
    std::ofstream(std::filesystem::path(path()) / "keep") << "x";
    EXPECT_FALSE(write_pipeline_cache(path(), identity(), payload(10)));
    EXPECT_EQ(files(), 1u) << "nothing temporary stays";
    EXPECT_TRUE(read_pipeline_cache(path(), identity()).empty());
    std::ofstream(folder_ / "file") << "x";
    EXPECT_FALSE(
        write_pipeline_cache((folder_ / "file" / "below").string(), identity(), payload(1)));
}

TEST_F(PipelineCacheFile, WritersInSeveralThreadsLeaveOneWholeFile) {
    std::vector<std::thread> threads;
    for (std::size_t t = 0; t < 4; ++t) {
        threads.emplace_back([this, t] {
            for (std::size_t i = 0; i < 20; ++i) {
                EXPECT_TRUE(write_pipeline_cache(path(), identity(), payload(1000 + t)));
                EXPECT_GE(read_pipeline_cache(path(), identity()).size(), 1000u);
            }
        });
    }
    for (std::thread& thread : threads)
        thread.join();
    EXPECT_EQ(files(), 1u);
}

}  // namespace
}  // namespace gyre
