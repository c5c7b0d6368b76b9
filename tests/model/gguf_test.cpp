// Reading well-formed files: every value type, tensors, and what a getter says of a wrong type.
// SPDX-License-Identifier: Apache-2.0
#include "runtime/model/gguf.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/model/gguf_builder.h"

namespace gyre::testing {
namespace {

bool mentions(const Status& status, const std::string& text) {
    return status.message().find(text) != std::string::npos;
}

TEST(Gguf, ReadsEveryScalarType) {
    GgufBuilder b;
    b.scalar<std::uint8_t>("u8", 0, 200).scalar<std::int8_t>("i8", 1, -100);
    b.scalar<std::uint16_t>("u16", 2, 60000).scalar<std::int16_t>("i16", 3, 12345);
    b.scalar<std::uint32_t>("u32", 4, 4294967295u).scalar<std::int32_t>("i32", 5, 7);
    b.f32("f32", 0.5f).boolean("yes", true).boolean("no", false).string("text", "gyre");
    b.scalar<std::uint64_t>("u64", 10, 4294967295u).scalar<std::int64_t>("i64", 11, 9);
    b.scalar<double>("f64", 12, 1e300);
    const Bytes file = b.build();
    const auto gguf = Gguf::parse(file);
    ASSERT_TRUE(gguf.ok()) << gguf.status().message();
    EXPECT_EQ(gguf->get_u32("u8").value(), 200u);
    EXPECT_EQ(gguf->get_u32("u16").value(), 60000u);
    EXPECT_EQ(gguf->get_u32("i16").value(), 12345u);
    EXPECT_EQ(gguf->get_u32("u32").value(), 4294967295u);
    EXPECT_EQ(gguf->get_u32("i32").value(), 7u);
    EXPECT_EQ(gguf->get_u32("u64").value(), 4294967295u);
    EXPECT_EQ(gguf->get_u32("i64").value(), 9u);
    EXPECT_EQ(gguf->get_float("f32").value(), 0.5);
    EXPECT_EQ(gguf->get_float("f64").value(), 1e300);
    EXPECT_TRUE(gguf->get_bool("yes").value());
    EXPECT_FALSE(gguf->get_bool("no").value());
    EXPECT_EQ(gguf->get_string("text").value(), "gyre");
    EXPECT_EQ(gguf->describe("i8").value(), "-100");
    EXPECT_EQ(gguf->keys().front(), "u8");
    EXPECT_EQ(gguf->keys().size(), 13u);
}

TEST(Gguf, ReadsArrays) {
    GgufBuilder b;
    b.strings("words", {"", "a", "longer word"});
    b.array<float>("floats", 6, {1.5f, -2.0f}).array<double>("doubles", 12, {0.1});
    b.array<std::int32_t>("ints", 5, {-1, 2}).array<std::uint8_t>("bytes", 0, {255});
    b.array<float>("empty", 6, {});
    b.u32("after", 5);  // an array of a wrong length would move it
    const Bytes file = b.build();
    const auto gguf = Gguf::parse(file);
    ASSERT_TRUE(gguf.ok()) << gguf.status().message();
    EXPECT_EQ(gguf->get_strings("words").value(),
              (std::vector<std::string_view>{"", "a", "longer word"}));
    EXPECT_EQ(gguf->get_floats("floats").value(), (std::vector<double>{1.5, -2.0}));
    EXPECT_EQ(gguf->get_floats("doubles").value(), (std::vector<double>{0.1}));
    EXPECT_EQ(gguf->get_ints("ints").value(), (std::vector<std::int32_t>{-1, 2}));
    EXPECT_EQ(gguf->get_ints("bytes").value(), (std::vector<std::int32_t>{255}));
    EXPECT_TRUE(gguf->get_floats("empty").value().empty());
    EXPECT_EQ(gguf->get_array_size("words").value(), 3u);
    EXPECT_EQ(gguf->get_u32("after").value(), 5u);
    EXPECT_EQ(gguf->describe("words").value(), "[string x 3]");
}

TEST(Gguf, GettersNameKeyAndBothTypes) {
    GgufBuilder b;
    b.string("text", "x").u32("number", 1).array<float>("floats", 6, {1.0f});
    b.scalar<std::int32_t>("negative", 5, -3).scalar<std::uint64_t>("huge", 10, UINT64_MAX);
    b.array<std::uint32_t>("wide", 4, {1, 4000000000u});
    b.array<std::uint64_t>("wider", 10, {UINT64_MAX});  // -1, if its sign bit were believed
    const Bytes file = b.build();
    const auto gguf = Gguf::parse(file);
    ASSERT_TRUE(gguf.ok());
    const auto expect = [](const Status& status, const char* key, const char* found,
                           const char* expected) {
        EXPECT_FALSE(status.ok());
        EXPECT_TRUE(mentions(status, "'" + std::string(key) + "'")) << status.message();
        EXPECT_TRUE(mentions(status, found) && mentions(status, expected)) << status.message();
    };
    expect(gguf->get_u32("text").status(), "text", "string", "an integer");
    expect(gguf->get_float("number").status(), "number", "uint32", "a float");
    expect(gguf->get_bool("number").status(), "number", "uint32", "a bool");
    expect(gguf->get_string("number").status(), "number", "uint32", "a string");
    expect(gguf->get_strings("text").status(), "text", "string", "an array of strings");
    expect(gguf->get_strings("floats").status(), "floats", "array of float32",
           "an array of strings");
    expect(gguf->get_floats("number").status(), "number", "uint32", "an array of floats");
    expect(gguf->get_ints("floats").status(), "floats", "array of float32", "an array of integers");
    expect(gguf->get_ints("wide").status(), "wide", "4000000000", "2147483647");
    expect(gguf->get_ints("wider").status(), "wider", "out of range", "2147483647");
    expect(gguf->get_u32("negative").status(), "negative", "-3", "4294967295");
    expect(gguf->get_u32("huge").status(), "huge", "out of range", "4294967295");
    expect(gguf->get_u32("absent").status(), "absent", "missing", "an integer");
}

TEST(Gguf, PlacesTensorsAtTheAlignmentOfTheFile) {
    for (const std::uint32_t alignment : {8u, 32u, 256u}) {
        GgufBuilder b;
        b.alignment = alignment;
        b.u32("general.alignment", alignment);
        b.tensor("first", {3}, 1.0f)
            .tensor("second", {2, 3}, 100.0f)
            .tensor("third", {2, 1, 2, 2}, 7.0f);
        const Bytes file = b.build();
        const auto gguf = Gguf::parse(file);
        ASSERT_TRUE(gguf.ok()) << gguf.status().message();
        const TensorView* second = gguf->find_tensor("second");
        ASSERT_NE(second, nullptr);
        EXPECT_EQ(second->n_dims, 2u);
        EXPECT_EQ(second->dims, (std::array<std::uint64_t, 4>{2, 3, 1, 1}));
        EXPECT_EQ(second->n_rows(), 3u);
        ASSERT_EQ(second->bytes.size(), 24u);
        float value = 0.0f;
        std::memcpy(&value, second->bytes.data(), sizeof(value));
        EXPECT_EQ(value, 100.0f);
        EXPECT_EQ((second->bytes.data() - file.data()) % alignment, 0);
        EXPECT_EQ(gguf->find_tensor("third")->n_elements(), 8u);
        EXPECT_EQ(gguf->find_tensor("absent"), nullptr);
    }
}

TEST(Gguf, RefusesOtherVersionsAndByteOrders) {
    GgufBuilder b = small_model();
    for (const std::uint32_t version : {0u, 1u, 2u, 4u}) {
        b.version = version;
        const auto gguf = Gguf::parse(b.build());
        EXPECT_EQ(gguf.status().code(), StatusCode::kUnsupported);
        EXPECT_TRUE(mentions(gguf.status(), "version " + std::to_string(version)));
    }
    b.version = 0x03000000;
    EXPECT_TRUE(mentions(Gguf::parse(b.build()).status(), "big-endian"));
    Bytes file = small_model().build();
    file[0] = 'g';
    EXPECT_TRUE(mentions(Gguf::parse(file).status(), "not a GGUF file"));
    EXPECT_FALSE(Gguf::parse({}).ok());
}

TEST(Gguf, EveryTruncatedFileIsRefused) {
    for (const Bytes& whole : {small_model().build(), rich_model().build()}) {
        ASSERT_TRUE(Gguf::parse(whole).ok());
        for (std::size_t size = 0; size < whole.size(); ++size) {
            // A buffer of its own, so that a sanitizer sees a read beyond it.
            const Bytes prefix(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
            const auto gguf = Gguf::parse(prefix);
            ASSERT_FALSE(gguf.ok()) << "the first " << size << " bytes";
            ASSERT_FALSE(gguf.status().message().empty());
        }
    }
}

TEST(Gguf, FiftyThousandTokensAreReadAtOnce) {
    std::vector<std::string> tokens;
    for (int i = 0; i < 50257; ++i)
        tokens.push_back("token " + std::to_string(i));
    GgufBuilder b;
    b.strings("tokenizer.ggml.tokens", tokens);
    const Bytes file = b.build();
    const auto gguf = Gguf::parse(file);
    ASSERT_TRUE(gguf.ok());
    const auto texts = gguf->get_strings("tokenizer.ggml.tokens");
    ASSERT_EQ(texts.value().size(), tokens.size());
    EXPECT_EQ(texts.value()[50256], "token 50256");
}

TEST(Gguf, NamesInMessagesAreOnePrintableLine) {
    EXPECT_EQ(printable("a\nb\x01\xff"), "a?b??");
    EXPECT_EQ(printable(std::string(200, 'x')).size(), 99u);
}

}  // namespace
}  // namespace gyre::testing
