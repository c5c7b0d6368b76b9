// SPDX-License-Identifier: Apache-2.0
#include "runtime/model/model_fingerprint.h"

#include <algorithm>
#include <cstddef>

#include "runtime/base/cache_file.h"

namespace gyre {
namespace {

constexpr std::size_t kSampleBytes = 256;

// What stands before the first tensor's data.
std::span<const std::uint8_t> head_of(std::span<const std::uint8_t> file, const Gguf& gguf) {
    std::size_t end = file.size();
    for (const TensorView& tensor : gguf.tensors())
        end = std::min(end, static_cast<std::size_t>(tensor.bytes.data() - file.data()));
    return file.first(end);
}

}  // namespace

std::uint64_t model_fingerprint(std::span<const std::uint8_t> file, const Gguf& gguf,
                                std::span<const std::string> ignored) {
    std::uint64_t hash = fnv1a(std::as_bytes(head_of(file, gguf)));
    for (const std::string& note : ignored) {
        hash = fnv1a(std::as_bytes(std::span(note)), hash);
        hash = fnv1a(std::as_bytes(std::span("\n", 1)), hash);
    }
    for (const TensorView& tensor : gguf.tensors()) {
        const std::size_t n = std::min(tensor.bytes.size(), kSampleBytes);
        const std::size_t rest = tensor.bytes.size() - n;
        for (const std::size_t at : {std::size_t{0}, rest / 2, rest})
            hash = fnv1a(std::as_bytes(tensor.bytes.subspan(at, n)), hash);
    }
    return hash;
}

}  // namespace gyre
