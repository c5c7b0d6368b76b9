// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <limits>

#include "runtime/base/mapped_file.h"

namespace gyre {
namespace {

Status file_error(const std::string& path, const char* what) {
    return Status::bad_file(path + ": " + what + ": " + std::strerror(errno));
}

// The descriptor stays the caller's.
Result<std::span<const std::uint8_t>> map_descriptor(int fd, const std::string& path) {
    struct stat info = {};
    if (::fstat(fd, &info) != 0) return file_error(path, "cannot read the size");
    if (!S_ISREG(info.st_mode)) return Status::bad_file(path + ": not a regular file");
    if (info.st_size == 0) return Status::bad_file(path + ": the file is empty");
    const auto n_bytes = static_cast<std::uint64_t>(info.st_size);
    if (n_bytes > std::numeric_limits<std::size_t>::max()) {
        return Status::bad_file(path + ": " + std::to_string(n_bytes) +
                                " bytes are more than this processor addresses");
    }
    const auto size = static_cast<std::size_t>(n_bytes);
    void* data = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (data == MAP_FAILED) return file_error(path, "cannot map");
    return std::span(static_cast<const std::uint8_t*>(data), size);
}

}  // namespace

Result<MappedFile> MappedFile::open(const std::string& path) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return file_error(path, "cannot open");
    const auto bytes = map_descriptor(fd, path);
    ::close(fd);
    if (!bytes.ok()) return bytes.status();
    return MappedFile(bytes.value().data(), bytes.value().size());
}

MappedFile::~MappedFile() {
    if (data_ != nullptr) ::munmap(const_cast<std::uint8_t*>(data_), size_);
}

void MappedFile::release_pages(std::size_t offset, std::size_t size) const {
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    const std::size_t begin = (offset + page - 1) / page * page;
    const std::size_t end = (offset + size) / page * page;
    if (begin < end && end <= size_) {
        ::madvise(const_cast<std::uint8_t*>(data_) + begin, end - begin, MADV_DONTNEED);
    }
}

}  // namespace gyre
