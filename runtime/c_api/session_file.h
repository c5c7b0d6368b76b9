// The file of a saved session: its header, and bytes that are checked on their way.
// SPDX-License-Identifier: Apache-2.0
//
// docs/session-files.md is the format.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "runtime/base/status.h"

namespace gyre::c_api {

struct SessionHeader {
    static constexpr std::size_t kBytes = 64;

    std::uint64_t fingerprint = 0;   // of the model
    std::uint64_t slid = 0;          // tokens that slides have forgotten
    std::uint32_t n_ctx = 0;         // of the session that was saved
    std::uint32_t cache_format = 0;  // CacheFormat
    std::uint32_t n_layer = 0;
    std::uint32_t cell_bytes = 0;  // of a cell in a layer
    std::uint32_t n_tokens = 0;
    std::uint32_t n_cells = 0;   // n_tokens, or one less: the last token is not computed yet
    std::uint32_t n_logits = 0;  // 0: none are saved

    std::array<std::byte, kBytes> encode() const;
    // kBadFile: no such file, or a damaged one; kUnsupported: another version.
    static Result<SessionHeader> decode(std::span<const std::byte, kBytes> bytes);
};

// What the caller's callbacks do.
using ByteSink = std::function<bool(std::span<const std::byte> bytes)>;  // false: it failed
using ByteSource = std::function<bool(std::span<std::byte> bytes)>;  // fills all; false: it failed

// Counts and sums up what goes to a sink.
class SessionWriter {
  public:
    explicit SessionWriter(ByteSink sink) : sink_(std::move(sink)) {}
    Status write(std::span<const std::byte> bytes);  // kCancelled: the sink failed
    Status finish();                                 // the checksum

  private:
    ByteSink sink_;
    std::uint64_t n_bytes_ = 0;
    std::uint32_t crc_ = 0;
};

// The same for a source.
class SessionReader {
  public:
    explicit SessionReader(ByteSource source) : source_(std::move(source)) {}
    Status read(std::span<std::byte> bytes);  // kBadFile: the source failed
    Status finish();                          // kBadFile: the checksum is another

  private:
    ByteSource source_;
    std::uint64_t n_bytes_ = 0;
    std::uint32_t crc_ = 0;
};

}  // namespace gyre::c_api
