// SPDX-License-Identifier: Apache-2.0
#include <windows.h>

#include <limits>
#include <memory>

#include "runtime/base/mapped_file.h"
#include "runtime/base/windows_text.h"

namespace gyre {
namespace {

struct CloseHandles {
    using pointer = HANDLE;
    void operator()(HANDLE handle) const { ::CloseHandle(handle); }
};
using Handle = std::unique_ptr<void, CloseHandles>;

Status file_error(const std::string& path, const char* what) {
    return Status::bad_file(path + ": " + what + ": " + windows_error_text(::GetLastError()));
}

// The handle stays the caller's.
Result<std::span<const std::uint8_t>> map_handle(HANDLE file, const std::string& path) {
    LARGE_INTEGER size_read = {};
    if (::GetFileType(file) != FILE_TYPE_DISK) {
        return Status::bad_file(path + ": not a regular file");
    }
    if (::GetFileSizeEx(file, &size_read) == 0) return file_error(path, "cannot read the size");
    if (size_read.QuadPart == 0) return Status::bad_file(path + ": the file is empty");
    const auto n_bytes = static_cast<std::uint64_t>(size_read.QuadPart);
    if (n_bytes > std::numeric_limits<std::size_t>::max()) {
        return Status::bad_file(path + ": " + std::to_string(n_bytes) +
                                " bytes are more than this processor addresses");
    }
    const Handle mapping(::CreateFileMappingW(file, nullptr, PAGE_READONLY, 0, 0, nullptr));
    if (mapping == nullptr) return file_error(path, "cannot map");
    // The view keeps the file open by itself.
    const void* data = ::MapViewOfFile(mapping.get(), FILE_MAP_READ, 0, 0, 0);
    if (data == nullptr) return file_error(path, "cannot map");
    return std::span(static_cast<const std::uint8_t*>(data), static_cast<std::size_t>(n_bytes));
}

}  // namespace

Result<MappedFile> MappedFile::open(const std::string& path) {
    const std::wstring name = wide_of(path);
    const DWORD attributes = ::GetFileAttributesW(name.c_str());
    if (attributes == INVALID_FILE_ATTRIBUTES) return file_error(path, "cannot open");
    if ((attributes & FILE_ATTRIBUTE_DIRECTORY) != 0) {
        return Status::bad_file(path + ": not a regular file");
    }
    HANDLE opened = ::CreateFileW(name.c_str(), GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_DELETE,
                                  nullptr, OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, nullptr);
    if (opened == INVALID_HANDLE_VALUE) return file_error(path, "cannot open");
    const Handle file(opened);
    const auto bytes = map_handle(file.get(), path);
    if (!bytes.ok()) return bytes.status();
    return MappedFile(bytes.value().data(), bytes.value().size());
}

MappedFile::~MappedFile() {
    if (data_ != nullptr) ::UnmapViewOfFile(data_);
}

void MappedFile::release_pages(std::size_t offset, std::size_t size) const {
    SYSTEM_INFO info = {};
    ::GetSystemInfo(&info);
    const std::size_t page = info.dwPageSize;
    const std::size_t begin = (offset + page - 1) / page * page;
    const std::size_t end = (offset + size) / page * page;
    if (begin < end && end <= size_) {
        // Of pages that nobody locked it takes them out of the working set, and fails: so it is
        // documented.
        ::VirtualUnlock(const_cast<std::uint8_t*>(data_) + begin, end - begin);
    }
}

}  // namespace gyre
