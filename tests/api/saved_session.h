// Saved sessions in memory, and their format as docs/session-files.md has it, for tests that damage
// and forge them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <cstring>
#include <string>

#include "gyre/gyre.h"

namespace gyre::test {

// Counts calls; the one with number fail_at fails.
struct MemoryFile {
    std::string bytes;
    std::size_t at = 0;
    int calls = 0;
    int fail_at = -1;

    static int write(const void* from, size_t n, void* user) {
        auto* self = static_cast<MemoryFile*>(user);
        if (self->calls++ == self->fail_at) return 0;
        self->bytes.append(static_cast<const char*>(from), n);
        return 1;
    }
    static int read(void* to, size_t n, void* user) {
        auto* self = static_cast<MemoryFile*>(user);
        if (self->calls++ == self->fail_at || n > self->bytes.size() - self->at) return 0;
        std::memcpy(to, self->bytes.data() + self->at, n);
        self->at += n;
        return 1;
    }
};

inline gyre_status load(gyre_session* session, const std::string& bytes) {
    MemoryFile file{bytes};
    return gyre_session_load(session, MemoryFile::read, &file);
}

// Offsets in the header.
inline constexpr std::size_t kAtVersion = 8, kAtFormat = 12, kAtSlid = 24, kAtContext = 32,
                             kAtTokens = 44, kAtCells = 48, kAtLogits = 52, kAtHeaderCrc = 60,
                             kHeaderBytes = 64;

// CRC-32 of ISO 3309, bit by bit.
inline std::uint32_t crc32_of(const char* bytes, std::size_t n) {
    std::uint32_t crc = ~0u;
    for (std::size_t i = 0; i < n; ++i) {
        crc ^= static_cast<unsigned char>(bytes[i]);
        for (int bit = 0; bit < 8; ++bit)
            crc = crc >> 1 ^ ((crc & 1) != 0 ? 0xEDB88320u : 0u);
    }
    return ~crc;
}
inline std::uint32_t word_at(const std::string& bytes, std::size_t at) {
    std::uint32_t value = 0;
    std::memcpy(&value, bytes.data() + at, sizeof value);
    return value;
}
inline void set_word(std::string& bytes, std::size_t at, std::uint32_t value) {
    std::memcpy(bytes.data() + at, &value, sizeof value);
}
// With checksums that are right, whatever was changed.
inline std::string with_checksums(std::string bytes) {
    set_word(bytes, kAtHeaderCrc, crc32_of(bytes.data(), kAtHeaderCrc));
    set_word(bytes, bytes.size() - 4, crc32_of(bytes.data(), bytes.size() - 4));
    return bytes;
}

}  // namespace gyre::test
