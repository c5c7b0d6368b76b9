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

Status file_error(const std::string& name, const char* what) {
    return Status::bad_file(name + ": " + what + ": " + std::strerror(errno));
}

std::size_t page_bytes() {
    return static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
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

Result<MappedFile> MappedFile::open_fd(int fd, std::uint64_t offset, std::uint64_t n_bytes) {
    std::string name = "the descriptor " + std::to_string(fd);
    if (offset != 0) name += " at offset " + std::to_string(offset);
    return map(fd, offset, n_bytes, std::move(name));
}

// Windows: fd is a descriptor of the C runtime (_get_osfhandle; only FILE_TYPE_DISK is regular),
// and a view begins at a multiple of the allocation granularity, which is more than a page.
Result<MappedFile> MappedFile::map(int fd, std::uint64_t offset, std::uint64_t n_bytes,
                                   std::string name) {
    GYRE_ASSIGN(const std::uint64_t file_bytes, regular_file_bytes(fd, name));
    if (file_bytes == 0) return Status::bad_file(name + ": the file is empty");
    if (offset >= file_bytes || n_bytes > file_bytes - offset) {
        return Status::invalid_argument(
            name + (n_bytes != 0 ? ", length " + std::to_string(n_bytes) : "") +
            ": reaches beyond the end of the file, which has " + std::to_string(file_bytes) +
            " bytes");
    }
    if (n_bytes == 0) n_bytes = file_bytes - offset;
    const std::size_t before = static_cast<std::size_t>(offset % page_bytes());
    if (n_bytes > SIZE_MAX - before) {
        return Status::out_of_host_memory(name + ": " + std::to_string(n_bytes) +
                                          " bytes are more than this process can address");
    }
    MappedFile file;
    const std::size_t size = before + static_cast<std::size_t>(n_bytes);
    void* mapping =
        ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd, static_cast<off_t>(offset - before));
    if (mapping == MAP_FAILED) return file_error(name, "cannot map");
    file.mapping_ = mapping;
    file.mapping_size_ = size;
    file.data_ = static_cast<const std::uint8_t*>(mapping) + before;
    file.size_ = static_cast<std::size_t>(n_bytes);
    file.name_ = std::move(name);
    return file;
}

MappedFile MappedFile::borrow(std::span<const std::uint8_t> bytes) {
    MappedFile file;
    file.data_ = bytes.data();
    file.size_ = bytes.size();
    file.name_ = "the memory of " + std::to_string(bytes.size()) + " bytes";
    return file;
}

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
    if (mapping_ != nullptr) ::munmap(mapping_, mapping_size_);
}

void MappedFile::release_pages(std::size_t offset, std::size_t size) const {
    if (mapping_ == nullptr) return;  // borrowed bytes would be lost
    auto* const first = static_cast<std::uint8_t*>(mapping_);
    const std::size_t page = page_bytes();
    const auto begin_at = static_cast<std::size_t>(data_ - first) + offset;
    const std::size_t begin = (begin_at + page - 1) / page * page;
    const std::size_t end = (begin_at + size) / page * page;
    if (begin < end && end <= mapping_size_) ::madvise(first + begin, end - begin, MADV_DONTNEED);
}

}  // namespace gyre
