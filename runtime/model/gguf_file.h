// A model's GGUF file, or all parts of a split one, mapped and read as one.
// SPDX-License-Identifier: Apache-2.0
//
// Publishers split what is too large for one upload into NAME-00001-of-00003.gguf and so on, each a
// GGUF file with some of the tensors; the first has all metadata. No other code knows that a file
// was split: there is one Gguf, whose tensors point into several mappings.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "runtime/base/mapped_file.h"
#include "runtime/base/status.h"
#include "runtime/model/gguf.h"

namespace gyre {

struct GgufFile {
    std::vector<MappedFile> files;  // what the tensors point into: one, or the parts in order
    Gguf gguf;

    using OpenPart = std::function<Result<MappedFile>(const std::string& path)>;

    // The file of this path; if it is the first part of a split one, the others are opened beside
    // it. Every error names the file that is wrong. open_part: MappedFile::open but in tests.
    static Result<GgufFile> open(const std::string& path,
                                 const OpenPart& open_part = &MappedFile::open);

    // A whole file, from wherever it is: nothing says where other parts would be, so that a part is
    // refused (kUnsupported).
    static Result<GgufFile> read(MappedFile file);

    const std::string& name() const { return files.front().name(); }
    std::uint64_t n_bytes() const;  // of all parts
};

}  // namespace gyre
