// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "runtime/base/mapped_file.h"

namespace gyre {
namespace {

Status file_error(const std::string& name, const char* what) {
    return Status::bad_file(name + ": " + what + ": " + std::strerror(errno));
}

Result<std::uint64_t> regular_file_bytes(int fd, const std::string& name) {
    struct stat info = {};
    if (::fstat(fd, &info) != 0) {
        if (errno == EBADF) return Status::invalid_argument(name + ": is not open");
        return file_error(name, "cannot read the size");
    }
    if (S_ISFIFO(info.st_mode) || S_ISSOCK(info.st_mode)) {
        return Status::bad_file(name +
                                ": not a regular file, but a pipe or socket: read it into memory "
                                "and open that");
    }
    if (!S_ISREG(info.st_mode)) return Status::bad_file(name + ": not a regular file");
    return static_cast<std::uint64_t>(info.st_size);
}

}  // namespace

Result<MappedFile> MappedFile::open(const std::string& path) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return file_error(path, "cannot open");
    auto file = map(fd, 0, 0, path);
    ::close(fd);
    return file;
}

Result<MappedFile> MappedFile::map(int fd, std::uint64_t offset, std::uint64_t n_bytes,
                                   std::string name) {
    GYRE_ASSIGN(const std::uint64_t file_bytes, regular_file_bytes(fd, name));
    const std::uint64_t before = offset % page_bytes();
    GYRE_ASSIGN(n_bytes, checked_length(name, file_bytes, offset, n_bytes, page_bytes()));
    const auto size = static_cast<std::size_t>(n_bytes);
    void* mapping = ::mmap(nullptr, static_cast<std::size_t>(before) + size, PROT_READ, MAP_PRIVATE,
                           fd, static_cast<off_t>(offset - before));
    if (mapping == MAP_FAILED) return file_error(name, "cannot map");
    return MappedFile(mapping, static_cast<std::size_t>(before), size, std::move(name));
}

void MappedFile::unmap() {
    ::munmap(mapping_, mapping_size_);
}

std::size_t MappedFile::page_bytes() {
    return static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

void MappedFile::release_range(void* begin, std::size_t size) {
    ::madvise(begin, size, MADV_DONTNEED);
}

}  // namespace gyre
