// SPDX-License-Identifier: Apache-2.0
//
// Names and keys of split files: llama-gguf-split, and gguf-py, which writes the same. The keys
// count parts from 0, the names from 1.
#include "runtime/model/gguf_file.h"

#include <array>
#include <cstdio>
#include <span>
#include <string_view>
#include <utility>

namespace gyre {
namespace {

constexpr const char* kCount = "split.count";
constexpr const char* kNumber = "split.no";
constexpr const char* kTensors = "split.tensors.count";
constexpr const char* kFetchAgain = "; fetch all parts of one model again";

struct Part {
    std::uint32_t number = 1;  // from 1
    std::uint32_t count = 1;   // 1: a whole file, also one that was joined again

    bool operator==(const Part&) const = default;
    std::string text() const {
        if (count == 1) return "a whole file";
        return "part " + std::to_string(number) + " of " + std::to_string(count);
    }
    std::string ending() const {
        std::array<char, 40> text{};
        std::snprintf(text.data(), text.size(), "-%05u-of-%05u.gguf", number, count);
        return text.data();
    }
};

Result<Part> read_part(const Gguf& gguf) {
    std::uint32_t count = 0;
    if (gguf.has(kCount)) {
        GYRE_ASSIGN(count, gguf.get_u32(kCount));
    }
    if (count <= 1) return Part{};
    GYRE_ASSIGN(const std::uint32_t number, gguf.get_u32(kNumber));
    if (number >= count) {
        return Status::bad_file("key '" + std::string(kNumber) + "': " + std::to_string(number) +
                                "; expected less than " + kCount + ", which is " +
                                std::to_string(count) + kFetchAgain);
    }
    return Part{number + 1, count};
}

bool is_free_to_differ(std::string_view key) {
    return key.starts_with("split.") || key == "general.alignment";
}

Result<std::vector<GgufValue>> values_of(const Gguf& gguf, std::string_view key) {
    std::vector<GgufValue> values;
    GYRE_TRY(gguf.visit(key, [&](const GgufValue& value) { values.push_back(value); }));
    return values;
}

// What a later part says a second time must be what the first one says: only that one is read.
Status check_metadata(const Gguf& first, const Gguf& part) {
    for (const std::string_view key : part.keys()) {
        if (is_free_to_differ(key)) continue;
        const std::string what = "key '" + printable(key) + "': ";
        if (!first.has(key)) {
            return Status::unsupported(what + "not in the first part, which has all keys" +
                                       kFetchAgain);
        }
        GYRE_ASSIGN(const auto expected, values_of(first, key));
        GYRE_ASSIGN(const auto found, values_of(part, key));
        if (found != expected)
            return Status::bad_file(what + "another value than in the first part" + kFetchAgain);
    }
    return {};
}

// What the first part says of the others.
struct Split {
    std::string first;        // its path
    std::string stem;         // the path without what names of parts end with
    std::uint32_t count;      // of parts
    std::uint32_t n_tensors;  // in all of them

    std::string path(std::uint32_t number) const { return stem + Part{number, count}.ending(); }
};

// part: what the file says that it is; only the first one is taken.
Result<Split> read_split(const std::string& path, const Part& part, const Gguf& gguf) {
    const std::string ending = part.ending();
    if (!path.ends_with(ending)) {
        return Status::unsupported(part.text() +
                                   " of a split file, whose other parts are found by its name, "
                                   "which does not end with " +
                                   ending + "; give every part its published name");
    }
    Split split{path, path.substr(0, path.size() - ending.size()), part.count, 0};
    if (part.number != 1) {
        return Status::unsupported(part.text() + " of a split file; open the first part, " +
                                   split.path(1));
    }
    GYRE_ASSIGN(split.n_tensors, gguf.get_u32(kTensors));
    return split;
}

Status append_part(const Split& split, std::uint32_t number, std::span<const std::uint8_t> bytes,
                   Gguf& whole) {
    const Part expected{number, split.count};
    GYRE_ASSIGN(Gguf gguf, Gguf::parse(bytes));
    GYRE_ASSIGN(const Part found, read_part(gguf));
    if (found != expected) {
        return Status::bad_file("its keys say " + found.text() + "; expected " + expected.text() +
                                ", as its name says, of " + split.first + kFetchAgain);
    }
    GYRE_ASSIGN(const std::uint32_t n_tensors, gguf.get_u32(kTensors));
    if (n_tensors != split.n_tensors) {
        return Status::bad_file(
            "key '" + std::string(kTensors) + "': " + std::to_string(n_tensors) + "; expected " +
            std::to_string(split.n_tensors) + ", as in " + split.first + kFetchAgain);
    }
    GYRE_TRY(check_metadata(whole, gguf));
    return whole.append(std::move(gguf));
}

Status add_part(const Split& split, std::uint32_t number, const GgufFile::OpenPart& open_part,
                GgufFile& whole) {
    const std::string path = split.path(number);
    Result<MappedFile> file = open_part(path);
    if (!file.ok()) {
        return {file.status().code(), file.status().message() + "; it is " +
                                          Part{number, split.count}.text() +
                                          " of a split file: all parts must lie in one folder"};
    }
    GYRE_TRY(append_part(split, number, file->bytes(), whole.gguf).with_context(path));
    whole.files.push_back(std::move(file).value());
    return {};
}

Status check_tensor_count(const Split& split, const Gguf& whole) {
    const std::size_t found = whole.tensors().size();
    if (found == split.n_tensors) return {};
    return Status::bad_file(
        "key '" + std::string(kTensors) + "': " + std::to_string(split.n_tensors) + "; the " +
        std::to_string(split.count) + " parts have " + std::to_string(found) + kFetchAgain);
}

Result<GgufFile> parse_one(MappedFile file) {
    Result<Gguf> gguf = Gguf::parse(file.bytes());
    if (!gguf.ok()) return gguf.status().with_context(file.name());
    GgufFile one{{}, std::move(gguf).value()};
    one.files.push_back(std::move(file));
    return one;
}

}  // namespace

Result<GgufFile> GgufFile::open(const std::string& path, const OpenPart& open_part) {
    GYRE_ASSIGN(MappedFile first, open_part(path));
    GYRE_ASSIGN(GgufFile file, parse_one(std::move(first)));
    const Result<Part> part = read_part(file.gguf);
    if (!part.ok()) return part.status().with_context(path);
    if (part->count == 1) return file;
    const Result<Split> split = read_split(path, part.value(), file.gguf);
    if (!split.ok()) return split.status().with_context(path);
    for (std::uint32_t number = 2; number <= part->count; ++number)
        GYRE_TRY(add_part(split.value(), number, open_part, file));
    GYRE_TRY(check_tensor_count(split.value(), file.gguf).with_context(path));
    return file;
}

Result<GgufFile> GgufFile::read(MappedFile whole) {
    GYRE_ASSIGN(GgufFile file, parse_one(std::move(whole)));
    const Result<Part> part = read_part(file.gguf);
    if (!part.ok()) return part.status().with_context(file.name());
    if (part->count == 1) return file;
    return Status::unsupported(part->text() +
                               " of a split file, whose other parts are found by a path alone; "
                               "open the first part by its path, or join the parts with "
                               "llama-gguf-split --merge")
        .with_context(file.name());
}

std::uint64_t GgufFile::n_bytes() const {
    std::uint64_t sum = 0;
    for (const MappedFile& file : files)
        sum += file.bytes().size();
    return sum;
}

}  // namespace gyre
