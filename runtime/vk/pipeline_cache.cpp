// The file's format.
// SPDX-License-Identifier: Apache-2.0
#include "runtime/vk/pipeline_cache.h"

#include <cstring>

#include "runtime/base/cache_file.h"
#include "runtime/base/log.h"

namespace gyre {

namespace {

constexpr char kMagic[8] = {'G', 'Y', 'R', 'E', 'P', 'C', '\r', '\n'};  // text mode would break it
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kHeaderBytes = 8 + 4 + 4 * 4 + 16 + 8 + 8 + 8;
constexpr std::uint64_t kMaxFileBytes = std::uint64_t{1} << 28;

class Writer {
  public:
    explicit Writer(std::vector<std::byte>& out) : out_(out) {}
    void bytes(const void* data, std::size_t size) {
        const auto* first = static_cast<const std::byte*>(data);
        out_.insert(out_.end(), first, first + size);
    }
    void number(std::uint64_t value, std::size_t size) {
        for (std::size_t i = 0; i < size; ++i) {
            out_.push_back(static_cast<std::byte>(value >> (8 * i) & 0xffu));
        }
    }

  private:
    std::vector<std::byte>& out_;
};

std::uint64_t number_at(std::span<const std::byte> bytes, std::size_t offset, std::size_t size) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < size; ++i) {
        value |= static_cast<std::uint64_t>(bytes[offset + i]) << (8 * i);
    }
    return value;
}

PipelineCacheIdentity identity_at(std::span<const std::byte> file, std::size_t offset) {
    PipelineCacheIdentity identity;
    identity.vendor_id = static_cast<std::uint32_t>(number_at(file, offset, 4));
    identity.device_id = static_cast<std::uint32_t>(number_at(file, offset + 4, 4));
    identity.driver_version = static_cast<std::uint32_t>(number_at(file, offset + 8, 4));
    identity.driver_id = static_cast<std::uint32_t>(number_at(file, offset + 12, 4));
    std::memcpy(identity.cache_uuid.data(), file.data() + offset + 16, identity.cache_uuid.size());
    return identity;
}

void warn(const std::string& path, const std::string& problem) {
    log(LogLevel::kWarning, "pipeline cache " + path + ": " + problem);
}

}  // namespace

std::vector<std::byte> encode_pipeline_cache(const PipelineCacheIdentity& identity,
                                             std::span<const std::byte> payload) {
    std::vector<std::byte> out;
    out.reserve(kHeaderBytes + payload.size());
    Writer writer(out);
    writer.bytes(kMagic, sizeof(kMagic));
    writer.number(kVersion, 4);
    writer.number(identity.vendor_id, 4);
    writer.number(identity.device_id, 4);
    writer.number(identity.driver_version, 4);
    writer.number(identity.driver_id, 4);
    writer.bytes(identity.cache_uuid.data(), identity.cache_uuid.size());
    writer.number(payload.size(), 8);
    writer.number(fnv1a(payload), 8);
    writer.number(fnv1a(out), 8);
    writer.bytes(payload.data(), payload.size());
    return out;
}

DecodedPipelineCache decode_pipeline_cache(const PipelineCacheIdentity& identity,
                                           std::span<const std::byte> file) {
    if (file.size() < kHeaderBytes) return {std::nullopt, "it is cut off"};
    if (std::memcmp(file.data(), kMagic, sizeof(kMagic)) != 0) {
        return {std::nullopt, "it is not a pipeline cache of Gyre"};
    }
    if (number_at(file, 8, 4) != kVersion) return {std::nullopt, "it is of another version"};
    if (number_at(file, kHeaderBytes - 8, 8) != fnv1a(file.first(kHeaderBytes - 8))) {
        return {std::nullopt, "its header is damaged"};
    }
    if (identity_at(file, 12) != identity) {
        return {std::nullopt, "it is of another device or driver"};
    }
    const std::span<const std::byte> payload = file.subspan(kHeaderBytes);
    if (number_at(file, kHeaderBytes - 24, 8) != payload.size()) {
        return {std::nullopt, "its size is wrong"};
    }
    if (number_at(file, kHeaderBytes - 16, 8) != fnv1a(payload)) {
        return {std::nullopt, "its content is damaged"};
    }
    return {payload, ""};
}

std::vector<std::byte> read_pipeline_cache(const std::string& path,
                                           const PipelineCacheIdentity& identity) {
    const Result<std::vector<std::byte>> file = read_cache_file(path, kMaxFileBytes);
    if (!file.ok()) {
        warn(path, "ignored and replaced: " + file.status().message());
        return {};
    }
    if (file.value().empty()) return {};
    const DecodedPipelineCache decoded = decode_pipeline_cache(identity, file.value());
    if (!decoded.payload) {
        warn(path, std::string("ignored and replaced: ") + decoded.problem);
        return {};
    }
    return {decoded.payload->begin(), decoded.payload->end()};
}

bool write_pipeline_cache(const std::string& path, const PipelineCacheIdentity& identity,
                          std::span<const std::byte> payload) {
    const Status written = replace_cache_file(path, encode_pipeline_cache(identity, payload));
    if (!written.ok()) warn(path, "not saved: " + written.message());
    return written.ok();
}

}  // namespace gyre
