// SPDX-License-Identifier: Apache-2.0
#include "runtime/c_api/session_file.h"

#include <zlib.h>

#include <bit>
#include <cassert>
#include <cstring>

namespace gyre::c_api {
namespace {

static_assert(std::endian::native == std::endian::little, "numbers of the file are little-endian");

constexpr char kMagic[] = "GYRESESS";
constexpr std::size_t kMagicBytes = sizeof kMagic - 1;
constexpr std::uint32_t kVersion = 1;

std::uint32_t crc_of(std::span<const std::byte> bytes, std::uint32_t before = 0) {
    const auto* data = reinterpret_cast<const Bytef*>(bytes.data());
    return static_cast<std::uint32_t>(crc32_z(before, data, bytes.size()));
}

// Numbers one after the other, in both directions.
class Fields {
  public:
    Fields(std::span<std::byte> bytes, std::size_t at) : bytes_(bytes), at_(at) {}
    template <typename T>
    void put(T value) {
        std::memcpy(bytes_.data() + at_, &value, sizeof value);
        at_ += sizeof value;
    }
    template <typename T>
    void get(T& value) {
        std::memcpy(&value, bytes_.data() + at_, sizeof value);
        at_ += sizeof value;
    }
    std::size_t at() const { return at_; }

  private:
    std::span<std::byte> bytes_;
    std::size_t at_;
};

}  // namespace

std::array<std::byte, SessionHeader::kBytes> SessionHeader::encode() const {
    std::array<std::byte, kBytes> bytes{};
    std::memcpy(bytes.data(), kMagic, kMagicBytes);
    Fields fields(bytes, kMagicBytes);
    fields.put(kVersion);
    fields.put(cache_format);
    fields.put(fingerprint);
    fields.put(slid);
    for (const std::uint32_t value : {n_ctx, n_layer, cell_bytes, n_tokens, n_cells, n_logits})
        fields.put(value);
    fields.put(std::uint32_t{0});  // reserved
    assert(fields.at() + 4 == kBytes);
    fields.put(crc_of(std::span(bytes).first(kBytes - 4)));
    return bytes;
}

Result<SessionHeader> SessionHeader::decode(std::span<const std::byte, kBytes> bytes) {
    if (std::memcmp(bytes.data(), kMagic, kMagicBytes) != 0) {
        return Status::bad_file("this is no saved session: it does not begin with GYRESESS");
    }
    std::array<std::byte, kBytes> copy;
    std::memcpy(copy.data(), bytes.data(), kBytes);
    Fields fields(copy, kMagicBytes);
    SessionHeader header;
    std::uint32_t version = 0, reserved = 0, crc = 0;
    fields.get(version);
    if (version != kVersion) {
        return Status::unsupported("the session was saved in version " + std::to_string(version) +
                                   " of the format; this library reads version " +
                                   std::to_string(kVersion));
    }
    fields.get(header.cache_format);
    fields.get(header.fingerprint);
    fields.get(header.slid);
    for (std::uint32_t* value : {&header.n_ctx, &header.n_layer, &header.cell_bytes,
                                 &header.n_tokens, &header.n_cells, &header.n_logits})
        fields.get(*value);
    fields.get(reserved);
    fields.get(crc);
    if (crc != crc_of(bytes.first(kBytes - 4))) {
        return Status::bad_file(
            "the saved session is damaged: the checksum of its header is "
            "another");
    }
    return header;
}

Status SessionWriter::write(std::span<const std::byte> bytes) {
    if (bytes.empty()) return {};
    if (!sink_(bytes)) {
        return Status::cancelled("the write callback failed after byte " +
                                 std::to_string(n_bytes_) + ": the session is not saved");
    }
    n_bytes_ += bytes.size();
    crc_ = crc_of(bytes, crc_);
    return {};
}

Status SessionWriter::finish() {
    const std::uint32_t crc = crc_;
    return write(std::as_bytes(std::span(&crc, 1)));
}

Status SessionReader::read(std::span<std::byte> bytes) {
    if (bytes.empty()) return {};
    if (!source_(bytes)) {
        return Status::bad_file(
            "the saved session ends too soon, or cannot be read: " + std::to_string(bytes.size()) +
            " bytes after byte " + std::to_string(n_bytes_));
    }
    n_bytes_ += bytes.size();
    crc_ = crc_of(bytes, crc_);
    return {};
}

Status SessionReader::finish() {
    const std::uint32_t expected = crc_;
    std::uint32_t crc = 0;
    GYRE_TRY(read(std::as_writable_bytes(std::span(&crc, 1))));
    if (crc == expected) return {};
    return Status::bad_file("the saved session is damaged: its checksum is another");
}

}  // namespace gyre::c_api
