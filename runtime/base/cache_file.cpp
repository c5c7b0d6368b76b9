// SPDX-License-Identifier: Apache-2.0
#include "runtime/base/cache_file.h"

#include <atomic>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "runtime/base/platform.h"

namespace gyre {

std::uint64_t fnv1a(std::span<const std::byte> bytes, std::uint64_t hash) {
    for (const std::byte byte : bytes) {
        hash = (hash ^ static_cast<std::uint64_t>(byte)) * 0x100000001b3u;
    }
    return hash;
}

Result<std::vector<std::byte>> read_cache_file(const std::string& path, std::uint64_t max_bytes) {
    std::ifstream file(path_of(path), std::ios::binary | std::ios::ate);
    if (!file) return std::vector<std::byte>();
    const std::streamoff size = file.tellg();
    if (size < 0 || static_cast<std::uint64_t>(size) > max_bytes) {
        return Status::bad_file("it is larger than any of its kind");
    }
    std::vector<std::byte> bytes(static_cast<std::size_t>(size));
    file.seekg(0);
    file.read(reinterpret_cast<char*>(bytes.data()), size);
    if (!file) return Status::bad_file("it cannot be read");
    return bytes;
}

Status replace_cache_file(const std::string& path, std::span<const std::byte> bytes) {
    static std::atomic<unsigned> counter{0};
    std::error_code error;
    const std::filesystem::path folder = path_of(path).parent_path();
    if (!folder.empty()) std::filesystem::create_directories(folder, error);  // fails: open says so
    // In the same folder, because a rename is atomic only inside one file system.
    const std::string temporary =
        path + ".tmp." + std::to_string(process_id()) + "." + std::to_string(counter++);
    {
        std::ofstream file(path_of(temporary), std::ios::binary | std::ios::trunc);
        file.write(reinterpret_cast<const char*>(bytes.data()),
                   static_cast<std::streamsize>(bytes.size()));
        file.close();
        if (!file) {
            std::filesystem::remove(path_of(temporary), error);
            return Status::bad_file(temporary + " cannot be written");
        }
    }
    std::filesystem::rename(path_of(temporary), path_of(path), error);
    if (error) {
        const std::string problem = error.message();
        std::filesystem::remove(path_of(temporary), error);
        return Status::bad_file(problem);
    }
    return {};
}

}  // namespace gyre
