// The tilings that were measured on one device, in a text file that is checked before it counts.
// SPDX-License-Identifier: Apache-2.0
//
// A file that is damaged, of another device or driver, of other shaders or of another version of
// Gyre counts as absent and is replaced; it can make products faster and change nothing else.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "runtime/base/status.h"
#include "runtime/kernels/kernel_table.h"
#include "runtime/vk/device_info.h"

namespace gyre {

// How far the measuring of one product has come.
struct TilingRecord {
    Tiling best;              // so far
    std::uint32_t tried = 0;  // candidates, by their order
    std::uint32_t of = 0;     // candidates there are
    double us = 0;            // of the best, when it was measured last: for readers of the file
    double ms_a_sum = 0;      // how long trying took per row and token of a tile, at most
    bool operator==(const TilingRecord&) const = default;
};

// By product, in words without a space: "decode/q8_0/plain/3072x768".
using TilingRecords = std::map<std::string, TilingRecord>;

// Whose records: two lines of text, device and driver, then versions. Files with another are not
// used.
std::string tiling_identity(const DeviceInfo& device);

// Beside the pipeline cache; a name of its own for every device, so that devices do not take turns
// in replacing one file.
std::string tiling_file_path(const std::string& pipeline_cache_path, const DeviceInfo& device);

std::string encode_tilings(const std::string& identity, const TilingRecords& records);
// Errors say why the file counts as absent.
Result<TilingRecords> decode_tilings(const std::string& identity, std::string_view file);

// None if there is no file or it does not count (with a log line).
TilingRecords read_tilings(const std::string& path, const std::string& identity);
Status write_tilings(const std::string& path, const std::string& identity,
                     const TilingRecords& records);

}  // namespace gyre
