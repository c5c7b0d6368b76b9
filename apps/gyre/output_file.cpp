// SPDX-License-Identifier: Apache-2.0
#include "apps/gyre/output_file.h"

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "apps/gyre/command.h"
#include "apps/gyre/platform.h"

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
    if (fs::exists(path_of(path_), error)) path_ = text_of(fs::canonical(path_of(path_), error));
    if (fs::exists(path_of(path_), error) && !fs::is_regular_file(path_of(path_), error)) {
        throw Failure(path + ": cannot write: not a regular file");
    }
    const std::string folder = text_of(path_of(path_).parent_path());
    if (!may_write_in(folder.empty() ? "." : folder)) throw_error(path, "cannot write");
}

OutputFile::~OutputFile() {
    if (file_ != nullptr) std::fclose(file_);
    std::error_code error;  // nobody is left to tell
    if (!temporary_.empty()) fs::remove(path_of(temporary_), error);
}

void OutputFile::open_temporary() {
    std::string name;
    for (int i = 0; file_ == nullptr && i < 1000; ++i) {  // names that a killed program left
        name = path_ + "." + std::to_string(process_id()) + "." + std::to_string(i);
        file_ = create_file(name);
        if (file_ == nullptr && errno != EEXIST) break;
    }
    if (file_ == nullptr) throw_error(path_, "cannot create");
    temporary_ = name;
}

void OutputFile::write(const void* data, std::size_t n_bytes) {
    if (file_ == nullptr) open_temporary();
    if (std::fwrite(data, 1, n_bytes, file_) != n_bytes) throw_error(path_, "cannot write");
}

void OutputFile::commit() {
    if (file_ == nullptr) open_temporary();
    std::FILE* file = file_;
    file_ = nullptr;
    if (std::fclose(file) != 0) throw_error(path_, "cannot write");
    std::error_code error;
    fs::rename(path_of(temporary_), path_of(path_), error);
    if (error) throw Failure(path_ + ": cannot rename: " + error.message());
    temporary_.clear();
}

}  // namespace gyre::app
