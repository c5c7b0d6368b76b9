// Split files: the same model as the whole one, and every wrong part refused by its name.
// SPDX-License-Identifier: Apache-2.0
#include "runtime/model/gguf_file.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <string>

#include "runtime/model/gguf_reading.h"
#include "runtime/model/model_config.h"
#include "runtime/model/model_fingerprint.h"
#include "runtime/model/model_tensors.h"
#include "tests/model/split_model.h"

namespace gyre::testing {
namespace {

bool same_bytes(const TensorView& a, const TensorView& b) {
    return std::equal(a.bytes.begin(), a.bytes.end(), b.bytes.begin(), b.bytes.end());
}

// Files in memory, by their paths.
class Folder {
  public:
    Folder() = default;
    // The three parts of a model, "dir/m-00001-of-00003.gguf" and on.
    explicit Folder(const std::vector<GgufBuilder>& parts) {
        for (std::size_t i = 0; i < parts.size(); ++i)
            put(part_name("dir/m", i + 1, parts.size()), parts[i].build());
    }

    void put(const std::string& path, Bytes bytes) { files_[path] = std::move(bytes); }
    void erase(const std::string& path) { files_.erase(path); }
    Bytes& at(const std::string& path) { return files_.at(path); }

    Result<GgufFile> open(const std::string& path) const& {
        return GgufFile::open(path, [this](const std::string& part) -> Result<MappedFile> {
            const auto found = files_.find(part);
            if (found == files_.end())
                return Status::bad_file(part + ": cannot open: no such file");
            return MappedFile::borrow(found->second);
        });
    }

  private:
    std::map<std::string, Bytes> files_;
};

constexpr const char* kFirst = "dir/m-00001-of-00003.gguf";
constexpr const char* kSecond = "dir/m-00002-of-00003.gguf";
constexpr const char* kThird = "dir/m-00003-of-00003.gguf";

std::vector<GgufBuilder> three_parts() {
    const GgufBuilder whole = small_model();
    return split_model(whole, {4, 10, whole.tensors.size() - 14});
}

// Catches: data of a tensor looked for in another part, a part that is left out or read twice.
TEST(GgufFile, PartsAreTheWhole) {
    const GgufBuilder whole = small_model();
    const Bytes bytes = whole.build();
    const Gguf expected = Gguf::parse(bytes).value();
    const std::size_t n = whole.tensors.size();
    for (const std::vector<std::size_t>& sizes :
         {std::vector<std::size_t>{4, 10, n - 14}, {0, n - 1, 1}, {n, 0, 0}, {1, 0, n - 1}}) {
        const Folder folder(split_model(whole, sizes));
        Result<GgufFile> file = folder.open(kFirst);
        ASSERT_TRUE(file.ok()) << file.status().message();
        const Gguf gguf = std::move(file->gguf);  // names stay where they are
        ASSERT_EQ(gguf.tensors().size(), n);
        for (std::size_t i = 0; i < n; ++i) {
            const TensorView& tensor = gguf.tensors()[i];
            const TensorView& other = expected.tensors()[i];
            EXPECT_EQ(tensor.name, other.name);
            EXPECT_EQ(tensor.dims, other.dims);
            EXPECT_TRUE(same_bytes(tensor, other)) << tensor.name;
            EXPECT_EQ(gguf.find_tensor(other.name), &tensor);
        }
        for (const std::string_view key : expected.keys())
            EXPECT_EQ(gguf.describe(key).value(), expected.describe(key).value());
    }
}

// Catches: keys of split files refused as keys that nothing reads; sizes of one part alone.
TEST(GgufFile, ASplitModelIsReadAsAnyOther) {
    const auto parts = three_parts();
    const Folder folder(parts);
    const auto file = folder.open(kFirst);
    ASSERT_TRUE(file.ok()) << file.status().message();
    EXPECT_EQ(file->name(), "the memory of " + std::to_string(parts[0].build().size()) + " bytes");
    std::size_t n_bytes = 0;
    std::size_t head_bytes = 0;
    for (const GgufBuilder& part : parts) {
        const Bytes bytes = part.build();
        n_bytes += bytes.size();
        head_bytes += Gguf::parse(bytes)->head_bytes();
    }
    EXPECT_EQ(file->n_bytes(), n_bytes);
    EXPECT_EQ(file->gguf.head_bytes(), head_bytes);
    GgufReading reading(file->gguf);
    const auto config = read_model_config(reading);
    ASSERT_TRUE(config.ok()) << config.status().message();
    EXPECT_TRUE(find_model_tensors(reading, config.value()).ok());
}

TEST(GgufFile, EveryPartHasItsOwnAlignment) {
    auto parts = three_parts();
    parts[1].alignment = 64;
    parts[1].u32("general.alignment", 64);
    const Folder folder(parts);
    const auto file = folder.open(kFirst);
    ASSERT_TRUE(file.ok()) << file.status().message();
    const Bytes bytes = small_model().build();
    const Gguf whole = Gguf::parse(bytes).value();
    for (std::size_t i = 0; i < whole.tensors().size(); ++i)
        EXPECT_TRUE(same_bytes(file->gguf.tensors()[i], whole.tensors()[i]));
}

struct Broken {
    const char* what;
    const char* path;  // that is opened
    std::function<void(std::vector<GgufBuilder>&, Folder&)> change;
    std::vector<std::string> parts;  // of the message
};

void expect_refused(const Broken& row) {
    SCOPED_TRACE(row.what);
    auto parts = three_parts();
    Folder folder(parts);
    row.change(parts, folder);
    const auto file = folder.open(row.path);
    ASSERT_FALSE(file.ok());
    const std::string& message = file.status().message();
    for (const std::string& part : row.parts)
        EXPECT_NE(message.find(part), std::string::npos) << part << " in: " << message;
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
}

// A builder's part of the three is changed and put in its place.
auto changed(std::size_t number, std::function<void(GgufBuilder&)> change) {
    return [=](std::vector<GgufBuilder>& parts, Folder& folder) {
        change(parts[number - 1]);
        folder.put(part_name("dir/m", number, 3), parts[number - 1].build());
    };
}

TEST(GgufFile, WrongPartsAreNamed) {
    const Broken rows[] = {
        {"a missing part",
         kFirst,
         [](auto&, Folder& folder) { folder.erase(kSecond); },
         {kSecond, "no such file", "part 2 of 3", "one folder"}},
        {"a truncated part",
         kFirst,
         [](auto&, Folder& folder) { folder.at(kThird).resize(folder.at(kThird).size() - 1); },
         {kThird, "tensor 'output_norm.bias'", "cut off", "fetch it again"}},
        {"no GGUF file",
         kFirst,
         [](auto&, Folder& folder) {
             folder.put(kSecond, {'<', 'h'});
         },
         {kSecond, "not a GGUF file"}},
        {"a whole file",
         kFirst,
         [](auto&, Folder& folder) { folder.put(kSecond, small_model().build()); },
         {kSecond, "a whole file", "part 2 of 3", kFirst, "fetch all parts"}},
        {"another number",
         kFirst,
         changed(2, [](auto& b) { set_split_keys(b, 3, 3, 28); }),
         {kSecond, "say part 3 of 3", "expected part 2 of 3", "fetch all parts"}},
        {"another count",
         kFirst,
         changed(3, [](auto& b) { set_split_keys(b, 3, 4, 28); }),
         {kThird, "say part 3 of 4", "expected part 3 of 3", "fetch all parts"}},
        {"a number beyond the count",
         kFirst,
         changed(2, [](auto& b) { set_split_keys(b, 4, 3, 28); }),
         {kSecond, "'split.no': 3", "less than split.count", "fetch all parts"}},
        {"another number of tensors",
         kFirst,
         changed(2, [](auto& b) { b.u32("split.tensors.count", 30); }),
         {kSecond, "'split.tensors.count': 30", "as in dir/m-00001", "fetch all parts"}},
        {"no number of tensors",
         kFirst,
         changed(3, [](auto& b) { b.erase("split.tensors.count"); }),
         {kThird, "'split.tensors.count': missing"}},
        {"no number of tensors in the first",
         kFirst,
         changed(1, [](auto& b) { b.erase("split.tensors.count"); }),
         {kFirst, "'split.tensors.count': missing"}},
        {"a tensor too few",
         kFirst,
         changed(2, [](auto& b) { b.erase_tensor("blk.0.ffn_up.weight"); }),
         {kFirst, "'split.tensors.count': 27", "3 parts have 26", "fetch all parts"}},
        {"a tensor too many",
         kFirst,
         changed(3, [](auto& b) { b.tensor("more", {8}); }),
         {kFirst, "3 parts have 28"}},
        {"a tensor in two parts",
         kFirst,
         changed(3,
                 [](auto& b) {
                     b.tensor("token_embd.weight", {8, 5});
                 }),
         {kThird, "tensor 'token_embd.weight'", "another"}},
        {"a key that differs",
         kFirst,
         changed(2, [](auto& b) { b.string("general.name", "large"); }),
         {kSecond, "'general.name'", "another value", "fetch all parts"}},
        {"a list that differs at its end",
         kFirst,
         changed(2,
                 [](auto& b) {
                     b.strings("tokenizer.ggml.tokens", {"a", "b", "c", "e"});
                 }),
         {kSecond, "'tokenizer.ggml.tokens'"}},
        {"a key that only a later part has",
         kFirst,
         changed(3, [](auto& b) { b.f32("gpt2.logit_scale", 2.0f); }),
         {kThird, "'gpt2.logit_scale'", "not in the first part"}},
    };
    for (const Broken& row : rows)
        expect_refused(row);
}

TEST(GgufFile, OnlyTheFirstPartIsOpened) {
    const auto nothing = [](auto&, auto&) {};
    const Broken rows[] = {
        {"the second part", kSecond, nothing, {"part 2 of 3", "open the first part", kFirst}},
        {"the last part", kThird, nothing, {"part 3 of 3", kFirst}},
        {"the first part by another name",
         "dir/m.gguf",
         [](auto& parts, Folder& folder) { folder.put("dir/m.gguf", parts[0].build()); },
         {"part 1 of 3", "-00001-of-00003.gguf", "published name"}},
        {"parts that changed places",
         kFirst,
         [](auto& parts, Folder& folder) { folder.put(kFirst, parts[1].build()); },
         {"part 2 of 3", "-00002-of-00003.gguf", "published name"}},
    };
    for (const Broken& row : rows)
        expect_refused(row);
}

// What says everywhere the same may be said again.
TEST(GgufFile, MetadataMayStandInEveryPart) {
    auto parts = three_parts();
    for (std::size_t i = 1; i < parts.size(); ++i) {
        GgufBuilder again = small_model();
        again.tensors = parts[i].tensors;
        set_split_keys(again, i + 1, 3, small_model().tensors.size());
        parts[i] = again;
    }
    const Folder folder(parts);
    const auto file = folder.open(kFirst);
    EXPECT_TRUE(file.ok()) << file.status().message();
}

TEST(GgufFile, WithoutAPathAPartIsRefused) {
    const Bytes part = three_parts()[0].build();
    const auto refused = GgufFile::read(MappedFile::borrow(part));
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.status().code(), StatusCode::kUnsupported);
    for (const char* text : {"the memory of", "part 1 of 3", "open the first part by its path",
                             "llama-gguf-split --merge"}) {
        EXPECT_NE(refused.status().message().find(text), std::string::npos)
            << refused.status().message();
    }
    // Joined again, a file keeps the keys: its count is 0.
    for (const std::size_t count : {std::size_t{0}, std::size_t{1}}) {
        GgufBuilder joined = small_model();
        set_split_keys(joined, 3, count, 27);
        const Bytes bytes = joined.build();
        EXPECT_TRUE(GgufFile::read(MappedFile::borrow(bytes)).ok());
        Folder folder;
        folder.put("joined.gguf", bytes);
        EXPECT_TRUE(folder.open("joined.gguf").ok());
    }
}

// Catches: a saved session that goes on with another part's weights.
TEST(GgufFile, TheFingerprintSeesEveryPart) {
    Folder folder(three_parts());
    const auto fingerprint = [&] {
        const auto file = folder.open(kFirst);
        EXPECT_TRUE(file.ok()) << file.status().message();
        return model_fingerprint(file->gguf, {});
    };
    const std::uint64_t original = fingerprint();
    EXPECT_EQ(fingerprint(), original);
    for (const char* path : {kFirst, kSecond, kThird}) {
        folder.at(path).back() ^= 1;  // the last tensor's last byte
        EXPECT_NE(fingerprint(), original) << path;
        folder.at(path).back() ^= 1;
    }
    Bytes& second = folder.at(kSecond);
    const std::string name = "ffn_up";
    *std::search(second.begin(), second.end(), name.begin(), name.end()) ^= 1;
    EXPECT_NE(fingerprint(), original) << "a name";
}

}  // namespace
}  // namespace gyre::testing
