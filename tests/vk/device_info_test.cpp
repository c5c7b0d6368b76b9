// Choice of devices and lowered limits.
// SPDX-License-Identifier: Apache-2.0
#include "runtime/vk/device_info.h"

#include <gtest/gtest.h>

namespace gyre {
namespace {

DeviceInfo device(std::uint32_t index, const char* name, DeviceType type, const char* why = "") {
    DeviceInfo info;
    info.index = index;
    info.name = name;
    info.driver_name = type == DeviceType::kCpu ? "llvmpipe" : "vendor";
    info.type = type;
    info.unusable_because = why;
    return info;
}

const std::vector<DeviceInfo> kDevices = {
    device(0, "llvmpipe (LLVM 15.0.6, 256 bits)", DeviceType::kCpu),
    device(1, "Virtio Venus", DeviceType::kVirtualGpu),
    device(2, "Intel(R) UHD Graphics 620", DeviceType::kIntegratedGpu),
    device(3, "Old Radeon", DeviceType::kDiscreteGpu, "its driver has Vulkan 1.0.5"),
    device(4, "Radeon RX 6600", DeviceType::kDiscreteGpu),
};

TEST(ChooseDevice, TableOfRequests) {
    const struct {
        const char* request;
        std::uint32_t index;
    } cases[] = {
        {"", 4},       {"auto", 4},  {"AUTO", 4},  {"0", 0},    {"2", 2},      {"uhd", 2},
        {"RADEON", 4}, {"rx 66", 4}, {"venus", 1}, {"llvm", 0}, {"vendor", 4},
    };
    for (const auto& c : cases) {
        const auto choice = choose_device(kDevices, c.request);
        ASSERT_TRUE(choice.ok()) << c.request << ": " << choice.status().message();
        EXPECT_EQ(choice->index, c.index) << c.request;
        EXPECT_FALSE(choice->software_fallback) << c.request;
    }
}

TEST(ChooseDevice, PrefersRealDevicesInOrder) {
    std::vector<DeviceInfo> devices(kDevices.begin(), kDevices.begin() + 4);
    EXPECT_EQ(choose_device(devices, "auto")->index, 2u);
    devices.resize(2);
    EXPECT_EQ(choose_device(devices, "auto")->index, 1u);
    devices.resize(1);
    const auto software = choose_device(devices, "auto");
    EXPECT_EQ(software->index, 0u);
    EXPECT_TRUE(software->software_fallback);
    EXPECT_FALSE(choose_device(devices, "llvmpipe")->software_fallback) << "it was asked for";
}

TEST(ChooseDevice, ErrorsNameWhatThereIs) {
    const auto out_of_range = choose_device(kDevices, "5");
    EXPECT_EQ(out_of_range.status().code(), StatusCode::kNoDevice);
    EXPECT_NE(out_of_range.status().message().find("4: Radeon RX 6600"), std::string::npos);
    EXPECT_EQ(choose_device(kDevices, "99999999999999999999").status().code(),
              StatusCode::kNoDevice);
    const auto nobody = choose_device(kDevices, "Adreno");
    EXPECT_EQ(nobody.status().code(), StatusCode::kNoDevice);
    EXPECT_NE(nobody.status().message().find("\"Adreno\""), std::string::npos);
    for (const char* request : {"3", "old radeon"}) {
        const auto unusable = choose_device(kDevices, request);
        EXPECT_EQ(unusable.status().code(), StatusCode::kInvalidArgument) << request;
        EXPECT_NE(unusable.status().message().find("Vulkan 1.0.5"), std::string::npos) << request;
    }
    EXPECT_EQ(choose_device({}, "auto").status().code(), StatusCode::kNoDevice);
}

TEST(DeviceCapsLimit, OnlyMakesADeviceSmaller) {
    DeviceCaps caps;
    caps.max_storage_range = 1000;
    caps.max_texel_range = std::uint64_t{1} << 27;
    caps.storage_alignment = 512;
    caps.max_invocations = 64;
    caps.max_local_size[0] = 64;
    caps.max_groups[0] = 70000;
    caps.max_shared_bytes = 32768;
    caps.subgroup_arithmetic = caps.subgroup_ballot = caps.subgroup_shuffle = true;
    caps.features.cooperative_matrix = true;
    DeviceCapsLimit::specification_minimum().apply(caps);
    EXPECT_EQ(caps.max_storage_range, 1000u);
    EXPECT_EQ(caps.max_texel_range, std::uint64_t{1} << 20);
    EXPECT_EQ(caps.storage_alignment, 512u);
    EXPECT_EQ(caps.uniform_alignment, 256u);
    EXPECT_EQ(caps.max_invocations, 64u);
    EXPECT_EQ(caps.max_groups[0], 65535u);
    EXPECT_EQ(caps.max_shared_bytes, 16384u);
    EXPECT_FALSE(caps.subgroup_arithmetic || caps.subgroup_ballot || caps.subgroup_shuffle);
    EXPECT_FALSE(caps.features.cooperative_matrix);
}

// Catches: drivers that are asked although they crash, and good ones that are left out with them.
TEST(DeviceInfo, MatrixUnitsOfDriversThatCrashAreLeftAlone) {
    const struct {
        std::uint32_t vendor, driver;
        DeviceType type;
        bool trusted;
    } cases[] = {
        {0x10de, 4, DeviceType::kDiscreteGpu, true},     // NVIDIA's own
        {0x1002, 3, DeviceType::kIntegratedGpu, true},   // RADV
        {0x1002, 1, DeviceType::kDiscreteGpu, true},     // AMD's own
        {0x1002, 1, DeviceType::kIntegratedGpu, false},  // crashes when asked
        {0x1002, 2, DeviceType::kIntegratedGpu, false},  // the same
        {0x8086, 5, DeviceType::kDiscreteGpu, false},    // Intel's for Windows
        {0x8086, 6, DeviceType::kIntegratedGpu, false},  // Intel's in Mesa
        {0x10005, 13, DeviceType::kCpu, true},           // lavapipe
    };
    for (const auto& c : cases) {
        DeviceInfo info;
        info.vendor_id = c.vendor;
        info.driver_id = c.driver;
        info.type = c.type;
        EXPECT_EQ(trusts_matrix_units(info), c.trusted) << c.vendor << ", driver " << c.driver;
    }
}

TEST(DeviceInfo, ApiVersionText) {
    EXPECT_EQ(api_version_text((1u << 22) | (3u << 12) | 239u), "1.3.239");
}

}  // namespace
}  // namespace gyre
