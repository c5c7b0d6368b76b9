// The fingerprint: the same for the same file, another for every kind of change.
// SPDX-License-Identifier: Apache-2.0
#include "runtime/model/model_fingerprint.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace gyre {
namespace {

std::vector<std::uint8_t> golden_file(const std::string& name) {
    std::ifstream file(std::string(GYRE_SOURCE_DIR) + "/tests/golden/" + name + ".gguf",
                       std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

std::uint64_t fingerprint(const std::vector<std::uint8_t>& bytes,
                          const std::vector<std::string>& ignored = {}) {
    const Result<Gguf> gguf = Gguf::parse(bytes);
    EXPECT_TRUE(gguf.ok()) << gguf.status().message();
    return model_fingerprint(gguf.value(), ignored);
}

TEST(ModelFingerprintTest, DependsOnTheBytesAlone) {
    const std::uint64_t text = fingerprint(golden_file("text"));
    EXPECT_EQ(fingerprint(golden_file("text")), text) << "wherever they lie";
    EXPECT_NE(fingerprint(golden_file("rope_half")), text);
}

TEST(ModelFingerprintTest, SeesTheBeginningTheMiddleAndTheEndOfEveryTensor) {
    auto bytes = golden_file("text");
    const std::uint64_t original = fingerprint(bytes);
    const Gguf gguf = Gguf::parse(bytes).value();
    for (const TensorView& tensor : gguf.tensors()) {
        const auto first = static_cast<std::size_t>(tensor.bytes.data() - bytes.data());
        const std::size_t last = tensor.bytes.size() - 1;
        for (const std::size_t at : {std::size_t{0}, last / 2, last}) {
            bytes[first + at] ^= 0x10;
            EXPECT_NE(fingerprint(bytes), original) << tensor.name << " byte " << at;
            bytes[first + at] ^= 0x10;
        }
    }
    EXPECT_EQ(fingerprint(bytes), original);
}

TEST(ModelFingerprintTest, SeesTheMetadata) {
    auto bytes = golden_file("text");
    const std::uint64_t original = fingerprint(bytes);
    const std::string key = "general.name";
    const auto name = std::search(bytes.begin(), bytes.end(), key.begin(), key.end());
    ASSERT_NE(name, bytes.end());
    *(name + static_cast<std::ptrdiff_t>(key.size()) + 12) ^= 1;  // type, length, and the value
    EXPECT_NE(fingerprint(bytes), original);
}

TEST(ModelFingerprintTest, SeesWhatIsIgnored) {
    const auto bytes = golden_file("text");
    EXPECT_NE(fingerprint(bytes, {"a"}), fingerprint(bytes));
    EXPECT_NE(fingerprint(bytes, {"a", "b"}), fingerprint(bytes, {"ab"}));
}

}  // namespace
}  // namespace gyre
