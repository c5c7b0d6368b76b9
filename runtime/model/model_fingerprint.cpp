// SPDX-License-Identifier: Apache-2.0
#include "runtime/model/model_fingerprint.h"

#include <algorithm>
#include <cstddef>
#include <vector>

#include "runtime/base/cache_file.h"

namespace gyre {
namespace {

constexpr std::size_t kSampleBytes = 256;

}  // namespace

std::uint64_t model_fingerprint(const Gguf& gguf, std::span<const std::string> ignored) {
    std::uint64_t hash = fnv1a({});
    for (const std::vector<std::uint8_t>& head : gguf.heads())
        hash = fnv1a(std::as_bytes(std::span(head)), hash);
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
