// Compiled pipelines in a file, which is checked to the last byte before a driver sees it.
// SPDX-License-Identifier: Apache-2.0
//
// A file that is damaged, cut, of another device or of another driver counts as absent and is
// replaced; a cache can make a start faster and nothing else.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace gyre {

// Whose pipelines: all fields must be equal for a file to be used.
struct PipelineCacheIdentity {
    std::uint32_t vendor_id = 0;
    std::uint32_t device_id = 0;
    std::uint32_t driver_version = 0;
    std::uint32_t driver_id = 0;
    std::array<std::uint8_t, 16> cache_uuid{};  // VkPhysicalDeviceProperties::pipelineCacheUUID
    bool operator==(const PipelineCacheIdentity&) const = default;
};

// The file's bytes: magic, format version, identity, payload size, hash of the payload, hash of the
// header; then the payload. Little-endian.
std::vector<std::byte> encode_pipeline_cache(const PipelineCacheIdentity& identity,
                                             std::span<const std::byte> payload);

// The payload inside `file`, or why the file counts as absent.
struct DecodedPipelineCache {
    std::optional<std::span<const std::byte>> payload;
    const char* problem = "";  // one phrase, when there is no payload
};
DecodedPipelineCache decode_pipeline_cache(const PipelineCacheIdentity& identity,
                                           std::span<const std::byte> file);

// Payload of the file at `path`; empty if there is none or it does not count (with a log line).
std::vector<std::byte> read_pipeline_cache(const std::string& path,
                                           const PipelineCacheIdentity& identity);

// Writes a new file beside `path` and renames it over; makes the folder. false (with a log line) if
// that fails; then the old file is as it was.
bool write_pipeline_cache(const std::string& path, const PipelineCacheIdentity& identity,
                          std::span<const std::byte> payload);

}  // namespace gyre
