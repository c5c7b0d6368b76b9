// GGUF version 3 files: metadata and tensors by name, read from a span of bytes that are not
// trusted.
// SPDX-License-Identifier: Apache-2.0
//
// Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md. Little-endian only.
// A Gguf has a copy of the file's head, all that is before the tensors' data: keys, values and
// names live as long as it does. Tensor data is not copied: see TensorView::bytes. The parts of a
// split file become one Gguf (gguf_file.h). Every error is kBadFile (the file is wrong) or
// kUnsupported (well formed, but not supported) and names the key or the tensor, what was found and
// what was expected.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "runtime/base/status.h"
#include "runtime/model/weight_formats.h"

namespace gyre {

// Type of a metadata value; the numbers are the file's.
enum class GgufType : std::uint32_t {
    kUint8 = 0,
    kInt8 = 1,
    kUint16 = 2,
    kInt16 = 3,
    kUint32 = 4,
    kInt32 = 5,
    kFloat32 = 6,
    kBool = 7,
    kString = 8,
    kArray = 9,
    kUint64 = 10,
    kInt64 = 11,
    kFloat64 = 12,
};

// A tensor of the file. dims are in GGUF order: dims[0] is the fastest (a row's length), so that a
// matrix [n_out][n_in] has dims {n_in, n_out, 1, 1}.
struct TensorView {
    std::string_view name;
    WeightFormat format = WeightFormat::kF32;
    std::uint32_t n_dims = 0;                          // 1..4
    std::array<std::uint64_t, 4> dims = {1, 1, 1, 1};  // elements, each >= 1
    // The whole tensor, rows one after the other, in the bytes that were parsed; empty after
    // Gguf::forget_data().
    std::span<const std::uint8_t> bytes;

    std::uint64_t n_elements() const { return dims[0] * dims[1] * dims[2] * dims[3]; }
    std::uint64_t n_rows() const { return dims[1] * dims[2] * dims[3]; }
};

// One value of the metadata, or one element of an array: as wide as its kind has it.
using GgufValue = std::variant<std::uint64_t, std::int64_t, float, double, bool, std::string_view>;

class Gguf {
  public:
    // Checks the whole structure: every key, every type, every length, every tensor's place.
    static Result<Gguf> parse(std::span<const std::uint8_t> bytes);

    Gguf(Gguf&&) = default;
    Gguf& operator=(Gguf&&) = default;
    Gguf(const Gguf&) = delete;  // its views are into its own copy of the head
    Gguf& operator=(const Gguf&) = delete;
    ~Gguf() = default;

    // --- Metadata. Each getter checks the stored type first. ---
    bool has(std::string_view key) const;
    // All keys, in the order of the file.
    const std::vector<std::string_view>& keys() const { return key_order_; }

    // Any integer type whose value is 0 .. 2^32 - 1.
    Result<std::uint32_t> get_u32(std::string_view key) const;
    // Float32 or float64, as stored (it may be infinite or NaN: the caller checks ranges).
    Result<double> get_float(std::string_view key) const;
    Result<bool> get_bool(std::string_view key) const;
    Result<std::string_view> get_string(std::string_view key) const;
    // Number of elements of an array of any type.
    Result<std::uint64_t> get_array_size(std::string_view key) const;
    Result<std::vector<std::string_view>> get_strings(std::string_view key) const;
    // Array of float32 or float64.
    Result<std::vector<double>> get_floats(std::string_view key) const;
    // Array of any integer type whose values fit.
    Result<std::vector<std::int32_t>> get_ints(std::string_view key) const;
    Result<std::vector<bool>> get_bools(std::string_view key) const;
    // Any type: calls visit with the value, or with each element of an array, in order.
    Status visit(std::string_view key, const std::function<void(const GgufValue&)>& visit) const;
    Result<bool> is_array(std::string_view key) const;
    // For display (`gyre info`): the value as one line, arrays as "[type x count]".
    Result<std::string> describe(std::string_view key) const;

    // --- Tensors ---
    const std::vector<TensorView>& tensors() const { return tensors_; }  // in the order of the file
    const TensorView* find_tensor(std::string_view name) const;          // nullptr: not in the file

    std::uint32_t alignment() const { return alignment_; }  // bytes
    // What is before the tensors' data, of every file that was read.
    const std::vector<std::vector<std::uint8_t>>& heads() const { return heads_; }
    std::size_t head_bytes() const;

    // Adds the tensors of another file of the same model, whose metadata is not kept. kBadFile: it
    // has a tensor that is here already; what was added until then stays.
    Status append(Gguf part);

    // The bytes that were parsed are about to go: no tensor points into them any more.
    void forget_data();

  private:
    // Where a value lies; nothing is decoded before it is asked for.
    struct Entry {
        GgufType type = GgufType::kUint8;
        GgufType element_type = GgufType::kUint8;  // of an array
        std::uint64_t count = 1;                   // elements of an array
        std::size_t offset = 0;                    // of the value's (or first element's) bytes
    };

    Gguf() = default;
    Result<const Entry*> find_entry(std::string_view key, const char* expected) const;
    Result<const Entry*> find_array(std::string_view key, const char* expected) const;
    void keep_head(std::span<const std::uint8_t> head);
    friend class GgufParser;

    std::vector<std::vector<std::uint8_t>> heads_;
    std::span<const std::uint8_t> bytes_;        // of the metadata: heads_[0], wherever this moves
    std::map<std::string_view, Entry> entries_;  // a tree: no input makes it slow
    std::vector<std::string_view> key_order_;
    std::vector<TensorView> tensors_;
    std::map<std::string_view, std::size_t> tensor_index_;
    std::uint32_t alignment_ = 32;  // bytes, of the data section and of every tensor in it
};

// Bytes of one value; 0 for strings and arrays, and for numbers that are no type.
std::size_t gguf_type_size(GgufType type);
// "uint32"; "type 77" for a number that is no type.
std::string gguf_type_name(GgufType type);

// A name out of a file, made fit for one line of a message: control and non-ASCII bytes become '?',
// and it is cut at 96 characters.
std::string printable(std::string_view text);

}  // namespace gyre
