// SPDX-License-Identifier: Apache-2.0
#include "runtime/base/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace gyre {
namespace {

Status file_error(const std::string& path, const char* what) {
    return Status::bad_file(path + ": " + what + ": " + std::strerror(errno));
}

}  // namespace

Result<MappedFile> MappedFile::open(const std::string& path) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return file_error(path, "cannot open");
    struct stat info = {};
    if (::fstat(fd, &info) != 0) {
        const Status status = file_error(path, "cannot read the size");
        ::close(fd);
        return status;
    }
    if (!S_ISREG(info.st_mode)) {
        ::close(fd);
        return Status::bad_file(path + ": not a regular file");
    }
    if (info.st_size == 0) {
        ::close(fd);
        return Status::bad_file(path + ": the file is empty");
    }
    const auto size = static_cast<std::size_t>(info.st_size);
    void* data = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (data == MAP_FAILED) {
        const Status status = file_error(path, "cannot map");
        ::close(fd);
        return status;
    }
    ::close(fd);
    return MappedFile(static_cast<const std::uint8_t*>(data), size);
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
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
