// Mapped files: their bytes, and one line for each kind of file that cannot be mapped.
// SPDX-License-Identifier: Apache-2.0
#include "runtime/base/mapped_file.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "runtime/base/platform.h"
#include "tests/support/platform.h"

namespace gyre {
namespace {

// Latin, Greek, Chinese, and beyond the 65536 characters that one unit of UTF-16 tells apart.
const std::string kName = "gr\u00f6\u00dfe \u03bb \u6a21\u578b \U0001f9ed.gguf";

class MappedFileTest : public testing::Test {
  protected:
    void TearDown() override { std::filesystem::remove_all(folder_); }

    std::string write(const std::string& name, const std::string& bytes) {
        std::ofstream(folder_ / path_of(name), std::ios::binary) << bytes;
        return text_of(folder_ / path_of(name));
    }

    const std::filesystem::path folder_ = test::make_temporary_folder("gyre-mapped");
};

// More than a page, which no text mode and no zero byte cuts.
std::string content() {
    std::string bytes;
    for (int i = 0; i < 300000; ++i)
        bytes.push_back(static_cast<char>(i * 7 + i / 256));
    return bytes;
}

std::string bytes_of(const MappedFile& file) {
    return {file.bytes().begin(), file.bytes().end()};
}

TEST_F(MappedFileTest, HasTheBytesOfTheFileWhateverItsName) {
    for (const std::string& name : {std::string("plain.gguf"), kName}) {
        const auto file = MappedFile::open(write(name, content()));
        ASSERT_TRUE(file.ok()) << file.status().message();
        EXPECT_EQ(bytes_of(file.value()), content());
    }
}

TEST_F(MappedFileTest, ReleasedPagesAreReadAgain) {
    const auto file = MappedFile::open(write("model.gguf", content()));
    ASSERT_TRUE(file.ok()) << file.status().message();
    const std::span<const std::uint8_t> bytes = file.value().bytes();
    file.value().release_pages(bytes);
    file.value().release_pages(bytes.subspan(5000, 100000));
    file.value().release_pages(bytes.last(1));
    EXPECT_EQ(bytes_of(file.value()), content());
}

// Catches: pages of the heap, of which the system keeps nothing, thrown away in place of a file's.
TEST_F(MappedFileTest, ReleasesNoBytesThatAreNotItsOwn) {
    const auto file = MappedFile::open(write("model.gguf", content()));
    ASSERT_TRUE(file.ok()) << file.status().message();
    const std::vector<std::uint8_t> heap(std::size_t{1} << 20, 7);
    file.value().release_pages(heap);
    EXPECT_EQ(std::count(heap.begin(), heap.end(), 7), std::ptrdiff_t{1} << 20);
}

TEST_F(MappedFileTest, MovesWithItsBytes) {
    auto first = MappedFile::open(write("first", "first bytes"));
    auto second = MappedFile::open(write("second", "second"));
    ASSERT_TRUE(first.ok() && second.ok());
    MappedFile file = std::move(first).value();
    EXPECT_EQ(bytes_of(file), "first bytes");
    file = std::move(second).value();
    EXPECT_EQ(bytes_of(file), "second");
}

TEST_F(MappedFileTest, RefusesWithTheNameAndTheReason) {
    const std::string folder = text_of(folder_);
    const struct {
        std::string path, part;
    } rows[] = {
        {folder + "/" + kName, "cannot open: "},
        {folder, "not a regular file"},
        {write("empty.gguf", ""), "the file is empty"},
#ifdef _WIN32
        {"NUL", "not a regular file"},
#else
        {"/dev/null", "not a regular file"},
#endif
    };
    for (const auto& row : rows) {
        SCOPED_TRACE(row.path);
        const auto file = MappedFile::open(row.path);
        ASSERT_FALSE(file.ok());
        EXPECT_EQ(file.status().code(), StatusCode::kBadFile);
        const std::string& text = file.status().message();
        EXPECT_TRUE(text.starts_with(row.path + ": " + row.part)) << text;
        EXPECT_GT(text.size(), row.path.size() + row.part.size() + 1) << text;
        EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 0) << text;
        EXPECT_FALSE(text.ends_with('.') && row.part.ends_with(": ")) << text;
    }
}

}  // namespace
}  // namespace gyre
