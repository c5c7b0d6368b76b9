// What is the same on every system; the rest is in mapped_file_posix.cpp and
// mapped_file_windows.cpp. SPDX-License-Identifier: Apache-2.0
#include "runtime/base/mapped_file.h"

#include <utility>

namespace gyre {

MappedFile::MappedFile(MappedFile&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
}

}  // namespace gyre
