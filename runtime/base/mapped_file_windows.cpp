// SPDX-License-Identifier: Apache-2.0
#include <io.h>
#include <windows.h>

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <utility>

#include "runtime/base/mapped_file.h"
#include "runtime/base/windows_text.h"

#if defined(_UCRT) && defined(__MINGW32__)  // whose headers lack it
extern "C" _CRTIMP _invalid_parameter_handler __cdecl _set_thread_local_invalid_parameter_handler(
    _invalid_parameter_handler handler);
#endif

namespace gyre {
namespace {

struct CloseHandles {
    using pointer = HANDLE;
    void operator()(HANDLE handle) const { ::CloseHandle(handle); }
};
using Handle = std::unique_ptr<void, CloseHandles>;

Status file_error(const std::string& name, const char* what) {
    return Status::bad_file(name + ": " + what + ": " + windows_error_text(::GetLastError()));
}

SYSTEM_INFO system_info() {
    SYSTEM_INFO info = {};
    ::GetSystemInfo(&info);
    return info;
}

// Where a view may begin; more than a page.
std::uint64_t view_granularity() {
    return system_info().dwAllocationGranularity;
}

struct View {
    void* mapping = nullptr;
    std::size_t before = 0;  // bytes of the view before the range
    std::size_t size = 0;
};

// The handle stays the caller's.
Result<View> map_handle(HANDLE file, std::uint64_t offset, std::uint64_t n_bytes,
                        std::uint64_t file_bytes, const std::string& name) {
    const std::uint64_t before = offset % view_granularity();
    const std::uint64_t begin = offset - before;
    const Handle mapping(::CreateFileMappingW(file, nullptr, PAGE_READONLY, 0, 0, nullptr));
    if (mapping == nullptr) return file_error(name, "cannot map");
    // The view keeps the file open by itself. A length of 0 goes to the end.
    const std::uint64_t length = offset + n_bytes == file_bytes ? 0 : before + n_bytes;
    void* view =
        ::MapViewOfFile(mapping.get(), FILE_MAP_READ, static_cast<DWORD>(begin >> 32),
                        static_cast<DWORD>(begin & 0xffffffffu), static_cast<SIZE_T>(length));
    if (view == nullptr) return file_error(name, "cannot map");
    return View{view, static_cast<std::size_t>(before), static_cast<std::size_t>(n_bytes)};
}

Result<std::uint64_t> regular_file_bytes(HANDLE file, const std::string& name) {
    if (::GetFileType(file) == FILE_TYPE_PIPE) {
        return Status::bad_file(name +
                                ": not a regular file, but a pipe or socket: read it into memory "
                                "and open that");
    }
    if (::GetFileType(file) != FILE_TYPE_DISK) {
        return Status::bad_file(name + ": not a regular file");
    }
    LARGE_INTEGER size = {};
    if (::GetFileSizeEx(file, &size) == 0) return file_error(name, "cannot read the size");
    return static_cast<std::uint64_t>(size.QuadPart);
}

// The universal C runtime ends the process at a number that is no descriptor, unless the program or
// the thread has a handler that returns; msvcrt.dll does not.
struct AllowInvalidDescriptors {
#if defined(_UCRT) || defined(_MSC_VER)
    static void ignore(const wchar_t*, const wchar_t*, const wchar_t*, unsigned, std::uintptr_t) {}
    _invalid_parameter_handler before = ::_set_thread_local_invalid_parameter_handler(ignore);
    ~AllowInvalidDescriptors() {
        ::_set_thread_local_invalid_parameter_handler(before);
    }
#endif
};

// INVALID_HANDLE_VALUE for a number that is no descriptor.
HANDLE handle_of(int fd) {
    constexpr std::intptr_t kNoStream = -2;  // of a program without a console
    [[maybe_unused]] const AllowInvalidDescriptors allow;
    const std::intptr_t handle = ::_get_osfhandle(fd);
    return handle == kNoStream ? INVALID_HANDLE_VALUE : reinterpret_cast<HANDLE>(handle);
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
    GYRE_ASSIGN(const std::uint64_t file_bytes, regular_file_bytes(file.get(), path));
    GYRE_ASSIGN(const std::uint64_t n_bytes,
                checked_length(path, file_bytes, 0, 0, view_granularity()));
    GYRE_ASSIGN(const View view, map_handle(file.get(), 0, n_bytes, file_bytes, path));
    return MappedFile(view.mapping, view.before, view.size, path);
}

// fd is a descriptor of the C runtime that this library links.
Result<MappedFile> MappedFile::map(int fd, std::uint64_t offset, std::uint64_t n_bytes,
                                   std::string name) {
    HANDLE file = handle_of(fd);
    if (file == INVALID_HANDLE_VALUE) return Status::invalid_argument(name + ": is not open");
    GYRE_ASSIGN(const std::uint64_t file_bytes, regular_file_bytes(file, name));
    GYRE_ASSIGN(n_bytes, checked_length(name, file_bytes, offset, n_bytes, view_granularity()));
    GYRE_ASSIGN(const View view, map_handle(file, offset, n_bytes, file_bytes, name));
    return MappedFile(view.mapping, view.before, view.size, std::move(name));
}

void MappedFile::unmap() {
    ::UnmapViewOfFile(mapping_);
}

std::size_t MappedFile::page_bytes() {
    return system_info().dwPageSize;
}

// Of pages that nobody locked this takes them out of the working set, and fails: so it is
// documented.
void MappedFile::release_range(void* begin, std::size_t size) {
    ::VirtualUnlock(begin, size);
}

}  // namespace gyre
