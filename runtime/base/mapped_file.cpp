// What is the same on every system; the rest is in mapped_file_posix.cpp and
// mapped_file_windows.cpp.
// SPDX-License-Identifier: Apache-2.0
#include "runtime/base/mapped_file.h"

#include <limits>
#include <utility>

namespace gyre {

Result<std::uint64_t> MappedFile::checked_length(const std::string& name, std::uint64_t file_bytes,
                                                 std::uint64_t offset, std::uint64_t n_bytes,
                                                 std::uint64_t granularity) {
    if (file_bytes == 0) return Status::bad_file(name + ": the file is empty");
    if (offset >= file_bytes || n_bytes > file_bytes - offset) {
        return Status::invalid_argument(
            name + (n_bytes != 0 ? ", length " + std::to_string(n_bytes) : "") +
            ": reaches beyond the end of the file, which has " + std::to_string(file_bytes) +
            " bytes");
    }
    if (n_bytes == 0) n_bytes = file_bytes - offset;
    if (n_bytes > std::numeric_limits<std::size_t>::max() - offset % granularity) {
        return Status::out_of_host_memory(name + ": " + std::to_string(n_bytes) +
                                          " bytes are more than this process can address");
    }
    return n_bytes;
}

Result<MappedFile> MappedFile::open_fd(int fd, std::uint64_t offset, std::uint64_t n_bytes) {
    std::string name = "the descriptor " + std::to_string(fd);
    if (offset != 0) name += " at offset " + std::to_string(offset);
    return map(fd, offset, n_bytes, std::move(name));
}

MappedFile MappedFile::borrow(std::span<const std::uint8_t> bytes) {
    MappedFile file;
    file.data_ = bytes.data();
    file.size_ = bytes.size();
    file.name_ = "the memory of " + std::to_string(bytes.size()) + " bytes";
    return file;
}

MappedFile::MappedFile(void* mapping, std::size_t before, std::size_t size, std::string name)
    : mapping_(mapping),
      mapping_size_(before + size),
      data_(static_cast<const std::uint8_t*>(mapping) + before),
      size_(size),
      name_(std::move(name)) {}

MappedFile::MappedFile(MappedFile&& other) noexcept {
    *this = std::move(other);
}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
    std::swap(mapping_, other.mapping_);
    std::swap(mapping_size_, other.mapping_size_);
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(name_, other.name_);
    return *this;
}

MappedFile::~MappedFile() {
    if (mapping_ != nullptr) unmap();
}

void MappedFile::release_pages(std::span<const std::uint8_t> part) const {
    if (mapping_ == nullptr) return;  // borrowed bytes would be lost
    const auto address = [](const void* at) { return reinterpret_cast<std::uintptr_t>(at); };
    const std::uintptr_t file = address(data_);
    const std::uintptr_t from = address(part.data());
    if (from < file || from > file + size_ || part.size() > file + size_ - from) return;
    const std::size_t page = page_bytes();
    const std::uintptr_t begin = (from + page - 1) / page * page;
    const std::uintptr_t end = (from + part.size()) / page * page;
    if (begin < end) {
        const std::size_t first = begin - address(mapping_);
        release_range(static_cast<std::uint8_t*>(mapping_) + first, end - begin);
    }
}

}  // namespace gyre
