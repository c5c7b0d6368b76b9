// SPDX-License-Identifier: Apache-2.0
#include "apps/gyre/session_file.h"

#include <cstdio>
#include <filesystem>
#include <fstream>

#include "apps/gyre/command.h"
#include "apps/gyre/platform.h"

namespace gyre::app {
namespace {

int read_bytes(void* bytes, size_t n, void* user) {
    auto* file = static_cast<std::ifstream*>(user);
    file->read(static_cast<char*>(bytes), static_cast<std::streamsize>(n));
    return file->gcount() == static_cast<std::streamsize>(n) ? 1 : 0;
}

// An exception must not pass through the library: its text waits here.
struct Writer {
    OutputFile& file;
    std::string error;

    static int write(const void* bytes, size_t n, void* user) {
        auto* self = static_cast<Writer*>(user);
        try {
            self->file.write(bytes, n);
            return 1;
        } catch (const std::exception& error) {
            self->error = error.what();
            return 0;
        }
    }
};

}  // namespace

SessionFile::SessionFile(const std::string& path) : path_(path) {
    if (!path.empty()) output_.emplace(path);
}

void SessionFile::load(gyre_session* session) const {
    std::error_code error;
    if (path_.empty() || !std::filesystem::exists(path_of(path_), error)) return;
    std::ifstream file(path_of(path_), std::ios::binary);
    if (!file) throw Failure(path_ + ": cannot read");
    if (gyre_session_load(session, read_bytes, &file) != GYRE_OK) {
        throw Failure(path_ + ": " + gyre_last_error());
    }
    std::fprintf(stderr, "gyre: %s: going on after %u tokens\n", path_.c_str(),
                 gyre_session_position(session));
}

void SessionFile::save(gyre_session* session) {
    if (path_.empty()) return;
    Writer writer{*output_, {}};
    const gyre_status status = gyre_session_save(session, Writer::write, &writer);
    if (!writer.error.empty()) throw Failure(writer.error);
    check(status);
    output_->commit();
    std::fprintf(stderr, "gyre: %s: saved %u tokens\n", path_.c_str(),
                 gyre_session_position(session));
}

}  // namespace gyre::app
