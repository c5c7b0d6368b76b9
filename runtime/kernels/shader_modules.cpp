// SPDX-License-Identifier: Apache-2.0
#include "runtime/kernels/shader_modules.h"

#define ZLIB_CONST  // it reads its input
#include <zlib.h>

#include <new>

#include "runtime/kernels/packed_spirv.h"

namespace gyre {

std::vector<std::uint32_t> module_words(const ShaderModuleRow& row) {
    std::vector<std::uint8_t> packed(row.n_packed);
    z_stream stream = {};
    stream.next_in = row.gzip.data();
    stream.avail_in = static_cast<uInt>(row.gzip.size());
    stream.next_out = packed.data();
    stream.avail_out = static_cast<uInt>(packed.size());
    constexpr int kGzip = 16;  // added to the window's bits: this header, not zlib's own
    const int begin = inflateInit2(&stream, MAX_WBITS + kGzip);
    if (begin == Z_MEM_ERROR) throw std::bad_alloc();
    if (begin != Z_OK) return {};
    const int end = inflate(&stream, Z_FINISH);
    inflateEnd(&stream);
    if (end == Z_MEM_ERROR) throw std::bad_alloc();
    if (end != Z_STREAM_END || stream.avail_out != 0) return {};
    return unpack_spirv(packed, row.n_words);
}

}  // namespace gyre
