// SPDX-License-Identifier: Apache-2.0
#include "runtime/base/cache_file.h"

#include <atomic>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <system_error>

#include "runtime/base/platform.h"

namespace gyre {
namespace {

struct CloseFile {
    void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, CloseFile>;

}  // namespace

std::uint64_t fnv1a(std::span<const std::byte> bytes, std::uint64_t hash) {
    for (const std::byte byte : bytes) {
        hash = (hash ^ static_cast<std::uint64_t>(byte)) * 0x100000001b3u;
    }
    return hash;
}

Result<std::vector<std::byte>> read_cache_file(const std::string& path, std::uint64_t max_bytes) {
    const File file(open_to_read(path));
    if (file == nullptr) return std::vector<std::byte>();
    std::vector<std::byte> bytes;
    while (true) {
        constexpr std::size_t kStep = 65536;
        const std::size_t n_before = bytes.size();
        bytes.resize(n_before + kStep);
        bytes.resize(n_before + std::fread(bytes.data() + n_before, 1, kStep, file.get()));
        if (bytes.size() > max_bytes) return Status::bad_file("it is larger than any of its kind");
        if (bytes.size() < n_before + kStep) break;
    }
    if (std::ferror(file.get()) != 0) return Status::bad_file("it cannot be read");
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
    const std::string problem = replace_file(temporary, path);
    if (!problem.empty()) {
        std::filesystem::remove(path_of(temporary), error);
        return Status::bad_file(problem);
    }
    return {};
}

}  // namespace gyre
