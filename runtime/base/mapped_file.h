// The bytes of a file, mapped read-only, or of the caller's memory.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "runtime/base/status.h"

namespace gyre {

// While it lives, nobody may cut off or write the file.
class MappedFile {
  public:
    static Result<MappedFile> open(const std::string& path);

    // Bytes [offset, offset + n_bytes) of an open regular file; n_bytes 0: to its end. Any offset.
    // fd is not closed, its position neither used nor moved, and it may be closed afterwards.
    // Errors: kInvalidArgument (no descriptor, a range that is not in the file), kBadFile.
    static Result<MappedFile> open_fd(int fd, std::uint64_t offset, std::uint64_t n_bytes);

    // The caller's bytes as they lie, not copied: they must stay for as long as they are used.
    static MappedFile borrow(std::span<const std::uint8_t> bytes);

    MappedFile() = default;  // no bytes
    MappedFile(MappedFile&& other) noexcept;
    MappedFile& operator=(MappedFile&& other) noexcept;
    MappedFile(const MappedFile&) = delete;
    MappedFile& operator=(const MappedFile&) = delete;
    ~MappedFile();

    std::span<const std::uint8_t> bytes() const { return {data_, size_}; }

    // For messages: the path, "the descriptor 5 at offset 4096", "the memory of 1234 bytes".
    const std::string& name() const { return name_; }

    // Tells the kernel that these bytes are not needed for now, so that reading a large file once
    // does not keep it in this process's resident memory. Never touches borrowed bytes, nor bytes
    // that are not this file's.
    void release_pages(std::span<const std::uint8_t> part) const;

  private:
    // size bytes that begin `before` bytes into the mapping
    MappedFile(void* mapping, std::size_t before, std::size_t size, std::string name);

    // The length of [offset, offset + n_bytes) of a file of file_bytes, n_bytes 0 being the rest;
    // granularity: where a mapping may begin.
    static Result<std::uint64_t> checked_length(const std::string& name, std::uint64_t file_bytes,
                                                std::uint64_t offset, std::uint64_t n_bytes,
                                                std::uint64_t granularity);

    // What every system does its own way.
    static Result<MappedFile> map(int fd, std::uint64_t offset, std::uint64_t n_bytes,
                                  std::string name);
    void unmap();
    static std::size_t page_bytes();
    static void release_range(void* begin, std::size_t size);

    void* mapping_ = nullptr;  // begins at a page; null: nothing is mapped
    std::size_t mapping_size_ = 0;
    const std::uint8_t* data_ = nullptr;  // inside of the mapping, or borrowed
    std::size_t size_ = 0;                // bytes
    std::string name_;
};

}  // namespace gyre
