// A file that appears whole or not at all.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdio>
#include <string>

namespace gyre::app {

// Writes beside the file and renames at the end. Whatever ends it before that leaves an older file
// of the same name as it was, and leaves nothing else.
class OutputFile {
  public:
    // Checks that path can be written; creates nothing. Throws Failure.
    explicit OutputFile(const std::string& path);
    ~OutputFile();
    OutputFile(const OutputFile&) = delete;
    OutputFile& operator=(const OutputFile&) = delete;

    // Both throw Failure.
    void write(const void* data, std::size_t n_bytes);
    void commit();

  private:
    void open_temporary();

    std::string path_;
    std::string temporary_;  // empty: not there
    std::FILE* file_ = nullptr;
};

}  // namespace gyre::app
