// SPDX-License-Identifier: Apache-2.0
#include "apps/gyre/output_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "apps/gyre/command.h"

namespace gyre::app {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void throw_error(const std::string& path, const char* what) {
    throw Failure(path + ": " + what + ": " + std::strerror(errno));
}

}  // namespace

OutputFile::OutputFile(const std::string& path) : path_(path) {
    std::error_code error;
    // Through a symbolic link: the file it names is what is replaced.
    if (fs::exists(path_, error)) path_ = fs::canonical(path_, error).string();
    if (fs::exists(path_, error) && !fs::is_regular_file(path_, error)) {
        throw Failure(path + ": cannot write: not a regular file");
    }
    const fs::path folder = fs::path(path_).parent_path();
    if (access(folder.empty() ? "." : folder.c_str(), W_OK | X_OK) != 0) {
        throw_error(path, "cannot write");
    }
}

OutputFile::~OutputFile() {
    if (fd_ >= 0) close(fd_);
    if (!temporary_.empty()) unlink(temporary_.c_str());
}

void OutputFile::open_temporary() {
    std::string name = path_ + ".XXXXXX";
    fd_ = mkostemp(name.data(), O_CLOEXEC);
    if (fd_ < 0) throw_error(path_, "cannot create");
    temporary_ = name;
    const mode_t mask = umask(0);
    umask(mask);
    if (fchmod(fd_, 0666 & ~mask) != 0) throw_error(path_, "cannot set the permissions");
}

void OutputFile::write(const void* data, std::size_t n_bytes) {
    if (fd_ < 0) open_temporary();
    const char* at = static_cast<const char*>(data);
    while (n_bytes > 0) {
        const ssize_t n = ::write(fd_, at, n_bytes);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) throw_error(path_, "cannot write");
        at += n;
        n_bytes -= static_cast<std::size_t>(n);
    }
}

void OutputFile::commit() {
    if (fd_ < 0) open_temporary();
    const int fd = fd_;
    fd_ = -1;
    if (close(fd) != 0) throw_error(path_, "cannot write");
    if (std::rename(temporary_.c_str(), path_.c_str()) != 0) throw_error(path_, "cannot rename");
    temporary_.clear();
}

}  // namespace gyre::app
