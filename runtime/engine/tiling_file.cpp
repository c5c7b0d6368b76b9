// The file: two lines that identify device and version, a line for each product, and a line with
// the hash of all before.
// SPDX-License-Identifier: Apache-2.0
#include "runtime/engine/tiling_file.h"

#include <array>
#include <cstdio>
#include <sstream>

#include "runtime/base/cache_file.h"
#include "runtime/base/log.h"
#include "runtime/base/platform.h"
#include "runtime/kernels/shader_modules.h"

namespace gyre {
namespace {

constexpr std::uint64_t kMaxFileBytes = std::uint64_t{1} << 20;
constexpr const char* kFirstWords = "gyre tilings 4, ";  // 4: of this format

std::string hex(std::uint64_t value) {
    std::array<char, 17> text{};
    std::snprintf(text.data(), text.size(), "%016llx", static_cast<unsigned long long>(value));
    return text.data();
}

std::uint64_t text_hash(std::string_view text) {
    return fnv1a(std::as_bytes(std::span(text.data(), text.size())));
}

std::string shader_hash() {
    std::uint64_t hash = text_hash("");
    for (const ShaderModuleRow& row : shader_modules())
        hash = fnv1a(std::as_bytes(row.gzip), hash);
    return hex(hash);
}

std::string line(const std::string& product, const TilingRecord& record) {
    std::array<char, 256> text{};
    const Tiling& t = record.best;
    std::snprintf(text.data(), text.size(),
                  " local_size %u rows %u tokens %u k_lanes %u texels %d staged %d rolled %d "
                  "cooperative %d us "
                  "%.1f ms_a_sum %.1f tried %u of %u\n",
                  t.local_size, t.rows, t.tokens, t.k_lanes, t.texels, t.staged, t.rolled,
                  t.cooperative(), record.us, record.ms_a_sum, record.tried, record.of);
    return product + text.data();
}

bool read_record(const std::string& text, std::string& product, TilingRecord& record) {
    std::istringstream words(text);
    Tiling& t = record.best;
    std::string name;
    bool cooperative = false;
    words >> product >> name >> t.local_size >> name >> t.rows >> name >> t.tokens >> name >>
        t.k_lanes >> name >> t.texels >> name >> t.staged >> name >> t.rolled >> name >>
        cooperative >> name >> record.us >> name >> record.ms_a_sum >> name >> record.tried >>
        name >> record.of;
    if (cooperative) t.algorithm = ProductAlgorithm::kCooperative;
    return !words.fail();
}

}  // namespace

std::string tiling_identity(const DeviceInfo& device) {
    std::ostringstream text;
    text << "device " << device.name << ", vendor " << device.vendor_id << ", device "
         << device.device_id << ", driver " << device.driver_id << " version "
         << device.driver_version << ' ' << device.driver_info << "\n"
         << "gyre " << GYRE_VERSION_TEXT << ", shaders " << shader_hash() << "\n";
    return text.str();
}

std::string tiling_file_path(const std::string& pipeline_cache_path, const DeviceInfo& device) {
    const std::string who = device.name + ' ' + std::to_string(device.vendor_id) + ' ' +
                            std::to_string(device.device_id);
    const std::string name = "tilings-" + hex(text_hash(who)).substr(8) + ".txt";
    return text_of(path_of(pipeline_cache_path).parent_path() / name);
}

std::string encode_tilings(const std::string& identity, const TilingRecords& records) {
    std::string text = kFirstWords + identity;
    for (const auto& [product, record] : records)
        text += line(product, record);
    return text + "hash " + hex(text_hash(text)) + "\n";
}

Result<TilingRecords> decode_tilings(const std::string& identity, std::string_view file) {
    const std::string head = kFirstWords + identity;
    if (!file.starts_with(kFirstWords)) return Status::bad_file("it is no file of tilings");
    if (!file.starts_with(head)) return Status::bad_file("it is of another device or version");
    TilingRecords records;
    std::istringstream lines(std::string(file.substr(head.size())));
    for (std::string text; std::getline(lines, text) && !text.starts_with("hash ");) {
        std::string product;
        TilingRecord record;
        if (!read_record(text, product, record)) return Status::bad_file("it is damaged");
        records[product] = record;
    }
    if (encode_tilings(identity, records) != file) return Status::bad_file("it is damaged");
    return records;
}

TilingRecords read_tilings(const std::string& path, const std::string& identity) {
    const Result<std::vector<std::byte>> file = read_cache_file(path, kMaxFileBytes);
    if (file.ok() && file.value().empty()) return {};
    Result<TilingRecords> records =
        file.ok() ? decode_tilings(identity, {reinterpret_cast<const char*>(file.value().data()),
                                              file.value().size()})
                  : file.status();
    if (records.ok()) return std::move(records).value();
    log(LogLevel::kInfo,
        "tilings " + path + ": ignored and replaced: " + records.status().message());
    return {};
}

Status write_tilings(const std::string& path, const std::string& identity,
                     const TilingRecords& records) {
    const std::string text = encode_tilings(identity, records);
    return replace_cache_file(path, std::as_bytes(std::span(text)));
}

}  // namespace gyre
