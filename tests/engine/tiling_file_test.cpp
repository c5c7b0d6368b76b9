// The file of tilings: any damage, and any other device, counts as absence.
// SPDX-License-Identifier: Apache-2.0
#include "runtime/engine/tiling_file.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/support/platform.h"

namespace gyre {
namespace {

DeviceInfo device() {
    DeviceInfo info;
    info.name = "llvmpipe (LLVM 15.0.6, 256 bits)";
    info.driver_info = "Mesa 22.3.6 (LLVM 15.0.6)";
    info.vendor_id = 0x10005;
    info.device_id = 3;
    info.driver_id = 13;
    info.driver_version = 1;
    return info;
}

TilingRecords records() {
    TilingRecords records;
    records["decode/q8_0/plain/3072x768"] = {
        {.local_size = 32, .rows = 16, .tokens = 1, .k_lanes = 8}, 3, 6, 412.5, 380.2};
    records["prefill/q8_0-complex/plain/2304x768"] = {
        {.local_size = 8, .rows = 8, .tokens = 8, .staged = true}, 6, 6, 6700.0, 700.0};
    records["prefill/f16/plain/768x768"] = {
        {.local_size = 128, .rows = 64, .tokens = 32, .algorithm = ProductAlgorithm::kCooperative},
        1,
        5,
        21.5,
        7.0};
    return records;
}

TEST(TilingFile, ComesBackAsItWas) {
    const std::string identity = tiling_identity(device());
    for (const TilingRecords& all : {records(), TilingRecords()}) {
        const auto decoded = decode_tilings(identity, encode_tilings(identity, all));
        ASSERT_TRUE(decoded.ok()) << decoded.status().message();
        EXPECT_EQ(decoded.value(), all);
    }
}

TEST(TilingFile, EveryTruncationAndEveryFlippedByteCountAsAbsent) {
    const std::string identity = tiling_identity(device());
    std::string file = encode_tilings(identity, records());
    for (std::size_t size = 0; size < file.size(); ++size) {
        EXPECT_FALSE(decode_tilings(identity, std::string_view(file).substr(0, size)).ok()) << size;
    }
    for (char& byte : file) {
        for (const int mask : {0x01, 0x10, 0x80, 0xff}) {
            const char before = byte;
            byte = static_cast<char>(byte ^ mask);
            EXPECT_FALSE(decode_tilings(identity, file).ok());
            byte = before;
        }
    }
    EXPECT_TRUE(decode_tilings(identity, file).ok());
    EXPECT_FALSE(decode_tilings(identity, file + "\n").ok()) << "a byte too many";
}

TEST(TilingFile, EveryOtherDeviceAndDriverCountAsAbsent) {
    const std::string file = encode_tilings(tiling_identity(device()), records());
    std::vector<DeviceInfo> others(6, device());
    others[0].name += "x";
    others[1].driver_info = "Mesa 22.3.7";
    ++others[2].vendor_id;
    ++others[3].device_id;
    ++others[4].driver_id;
    ++others[5].driver_version;
    for (const DeviceInfo& other : others) {
        const auto decoded = decode_tilings(tiling_identity(other), file);
        ASSERT_FALSE(decoded.ok());
        EXPECT_EQ(decoded.status().message(), "it is of another device or version");
    }
    // Versions of shaders and of Gyre are in the identity too.
    const std::string identity = tiling_identity(device());
    const std::size_t at = identity.find(", shaders ");
    ASSERT_NE(at, std::string::npos) << identity;
    EXPECT_NE(identity.rfind("gyre ", at), std::string::npos) << identity;
    const std::string hash = identity.substr(at + 10);
    ASSERT_EQ(hash.size(), 17u) << identity;
    EXPECT_EQ(hash.find_first_not_of("0123456789abcdef"), 16u) << identity;
    EXPECT_EQ(hash.back(), '\n');
}

TEST(TilingFile, DevicesHaveFilesOfTheirOwn) {
    DeviceInfo other = device();
    other.name = "SwiftShader Device (Subzero)";
    EXPECT_NE(tiling_file_path("/cache/pipelines.bin", device()),
              tiling_file_path("/cache/pipelines.bin", other));
    DeviceInfo newer = device();  // replaces the old driver's
    ++newer.driver_version;
    EXPECT_EQ(tiling_file_path("/cache/pipelines.bin", device()),
              tiling_file_path("/cache/pipelines.bin", newer));
    EXPECT_EQ(
        std::filesystem::path(tiling_file_path("/cache/pipelines.bin", device())).parent_path(),
        "/cache");
}

class TilingFolder : public testing::Test {
  protected:
    void SetUp() override {
        folder_ =
            std::filesystem::temp_directory_path() / ("gyre-tilings-" + test::process_id_text());
        std::filesystem::remove_all(folder_);
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }

    std::filesystem::path folder_;
    const std::string identity_ = tiling_identity(device());
};

TEST_F(TilingFolder, FilesAreWrittenReadAndReplaced) {
    const std::string path = tiling_file_path((folder_ / "sub/pipelines.bin").string(), device());
    EXPECT_TRUE(read_tilings(path, identity_).empty()) << "there is none";
    ASSERT_TRUE(write_tilings(path, identity_, {}).ok());
    ASSERT_TRUE(write_tilings(path, identity_, records()).ok());
    EXPECT_EQ(read_tilings(path, identity_), records());
    const auto files = std::filesystem::directory_iterator(folder_ / "sub");
    EXPECT_EQ(std::distance(begin(files), end(files)), 1) << "nothing temporary stays";

    DeviceInfo newer = device();
    ++newer.driver_version;
    EXPECT_TRUE(read_tilings(path, tiling_identity(newer)).empty());
    std::ofstream(path, std::ios::trunc) << "nonsense";
    EXPECT_TRUE(read_tilings(path, identity_).empty());
    ASSERT_TRUE(write_tilings(path, identity_, records()).ok());
    EXPECT_EQ(read_tilings(path, identity_), records());
}

TEST_F(TilingFolder, WhatCannotBeWrittenIsAnError) {
    std::filesystem::create_directories(folder_);
    std::ofstream(folder_ / "file") << "x";
    EXPECT_FALSE(write_tilings((folder_ / "file" / "below").string(), identity_, records()).ok());
}

}  // namespace
}  // namespace gyre
