// gyre_session_save and gyre_session_load.
// SPDX-License-Identifier: Apache-2.0
#include "runtime/c_api/boundary.h"
#include "runtime/c_api/session_handle.h"

using gyre::Status;
using gyre::c_api::null_argument;
using gyre::c_api::TextSession;

gyre_status gyre_session_save(gyre_session* session, gyre_write_callback write, void* user) {
    return gyre::c_api::with_session(session, [&](TextSession& text) -> Status {
        if (write == nullptr) return null_argument("write");
        return text.save([&](std::span<const std::byte> bytes) {
            return write(bytes.data(), bytes.size(), user) != 0;
        });
    });
}

gyre_status gyre_session_load(gyre_session* session, gyre_read_callback read, void* user) {
    return gyre::c_api::with_session(session, [&](TextSession& text) -> Status {
        if (read == nullptr) return null_argument("read");
        return text.load([&](std::span<std::byte> bytes) {
            return read(bytes.data(), bytes.size(), user) != 0;
        });
    });
}
