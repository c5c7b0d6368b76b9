// SPDX-License-Identifier: Apache-2.0
#include "runtime/model/gguf.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace gyre {
namespace {

static_assert(std::endian::native == std::endian::little, "GGUF values are read as they lie");

constexpr std::uint32_t kVersion = 3;
constexpr std::uint64_t kMaxKeyBytes = 65535;      // of the format's specification
constexpr std::uint64_t kMaxTensorNameBytes = 64;  // of the format's specification
constexpr std::uint32_t kMinAlignment = 8;         // bytes; the specification wants a multiple of 8
constexpr std::uint32_t kMaxAlignment = 65536;     // bytes
// The shortest entries there can be: what a count is held against before anything is allocated.
constexpr std::uint64_t kMinPairBytes = 8 + 1 + 4 + 1;  // length, key, type, value
constexpr std::uint64_t kMinTensorBytes =
    8 + 1 + 4 + 8 + 4 + 8;  // length, name, n_dims, dim, type, offset

std::string quoted(std::string_view what, std::string_view name) {
    return std::string(what) + " '" + printable(name) + "'";
}

// false if a * b does not fit.
bool multiply(std::uint64_t a, std::uint64_t b, std::uint64_t& product) {
    if (a != 0 && b > UINT64_MAX / a) return false;
    product = a * b;
    return true;
}

}  // namespace

// Reads the header front to back; every read is held against the bytes that remain.
class GgufParser {
  public:
    explicit GgufParser(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}

    Result<Gguf> parse() {
        gguf_.bytes_ = bytes_;  // until they are copied
        std::uint64_t n_tensors = 0;
        std::uint64_t n_pairs = 0;
        GYRE_TRY(parse_header(n_tensors, n_pairs));
        for (std::uint64_t i = 0; i < n_pairs; ++i)
            GYRE_TRY(parse_pair(i));
        GYRE_TRY(read_alignment());
        for (std::uint64_t i = 0; i < n_tensors; ++i)
            GYRE_TRY(parse_tensor(i));
        GYRE_TRY(place_tensors());
        gguf_.keep_head(bytes_.first(static_cast<std::size_t>(data_begin())));
        return std::move(gguf_);
    }

  private:
    std::uint64_t remaining() const { return bytes_.size() - at_; }

    template <typename T>
    bool read(T& value) {
        if (remaining() < sizeof(T)) return false;
        std::memcpy(&value, bytes_.data() + at_, sizeof(T));
        at_ += sizeof(T);
        return true;
    }

    bool read_string(std::uint64_t max_bytes, std::string_view& text) {
        std::uint64_t length = 0;
        if (!read(length) || length > remaining() || length > max_bytes) return false;
        text = {reinterpret_cast<const char*>(bytes_.data() + at_),
                static_cast<std::size_t>(length)};
        at_ += static_cast<std::size_t>(length);
        return true;
    }

    Status parse_header(std::uint64_t& n_tensors, std::uint64_t& n_pairs) {
        if (bytes_.size() < 4 || std::memcmp(bytes_.data(), "GGUF", 4) != 0) {
            return Status::bad_file("not a GGUF file: it does not begin with the bytes 'GGUF'");
        }
        at_ = 4;
        std::uint32_t version = 0;
        if (!read(version)) return Status::bad_file("the file ends inside the GGUF header");
        if (version == std::uint32_t{kVersion} << 24) {
            return Status::unsupported("big-endian GGUF file; only little-endian files are read");
        }
        if (version != kVersion) {
            return Status::unsupported("GGUF version " + std::to_string(version) +
                                       "; only version " + std::to_string(kVersion) +
                                       " is read: convert the model again");
        }
        if (!read(n_tensors) || !read(n_pairs)) {
            return Status::bad_file("the file ends inside the GGUF header");
        }
        if (n_pairs > remaining() / kMinPairBytes) {
            return Status::bad_file("metadata count " + std::to_string(n_pairs) +
                                    " cannot fit into a file of " + std::to_string(bytes_.size()) +
                                    " bytes");
        }
        if (n_tensors > remaining() / kMinTensorBytes) {
            return Status::bad_file("tensor count " + std::to_string(n_tensors) +
                                    " cannot fit into a file of " + std::to_string(bytes_.size()) +
                                    " bytes");
        }
        return {};
    }

    Status parse_pair(std::uint64_t index) {
        std::string_view key;
        if (!read_string(kMaxKeyBytes, key) || key.empty()) {
            return Status::bad_file("metadata key number " + std::to_string(index) +
                                    ": expected a name of 1 to 65535 bytes inside the file");
        }
        std::uint32_t type = 0;
        if (!read(type)) return ends_inside(key);
        Gguf::Entry entry;
        entry.type = static_cast<GgufType>(type);
        if (entry.type == GgufType::kArray) {
            GYRE_TRY(parse_array(key, entry));
        } else {
            entry.offset = at_;
            GYRE_TRY(skip_values(key, entry.type, 1));
        }
        if (!gguf_.entries_.emplace(key, entry).second) {
            return Status::bad_file(quoted("key", key) + ": given twice");
        }
        gguf_.key_order_.push_back(key);
        return {};
    }

    Status parse_array(std::string_view key, Gguf::Entry& entry) {
        std::uint32_t element_type = 0;
        if (!read(element_type) || !read(entry.count)) return ends_inside(key);
        entry.element_type = static_cast<GgufType>(element_type);
        if (entry.element_type == GgufType::kArray) {
            return Status::unsupported(quoted("key", key) + ": array of arrays; none is expected");
        }
        entry.offset = at_;
        return skip_values(key, entry.element_type, entry.count);
    }

    // Checks that count values of a type (strings, or numbers of a fixed size) lie inside the file.
    Status skip_values(std::string_view key, GgufType type, std::uint64_t count) {
        if (type == GgufType::kString) return skip_strings(key, count);
        const std::size_t size = gguf_type_size(type);
        if (size == 0) {
            return Status::bad_file(quoted("key", key) + ": unknown value type " +
                                    std::to_string(static_cast<std::uint32_t>(type)) +
                                    "; expected 0 to 12");
        }
        if (count > remaining() / size) return too_long(key, count, type);
        if (type == GgufType::kBool) {
            for (std::size_t i = 0; i < count; ++i) {
                if (bytes_[at_ + i] > 1) {
                    return Status::bad_file(quoted("key", key) + ": bool of value " +
                                            std::to_string(bytes_[at_ + i]) + "; expected 0 or 1");
                }
            }
        }
        at_ += static_cast<std::size_t>(count) * size;
        return {};
    }

    Status skip_strings(std::string_view key, std::uint64_t count) {
        if (count > remaining() / sizeof(std::uint64_t))
            return too_long(key, count, GgufType::kString);
        for (std::uint64_t i = 0; i < count; ++i) {
            std::string_view text;
            if (!read_string(UINT64_MAX, text)) {
                return Status::bad_file(quoted("key", key) + ": string number " +
                                        std::to_string(i) + " reaches beyond the end of the file");
            }
        }
        return {};
    }

    Status read_alignment() {
        if (!gguf_.has("general.alignment")) return {};
        GYRE_ASSIGN(gguf_.alignment_, gguf_.get_u32("general.alignment"));
        if (!std::has_single_bit(gguf_.alignment_) || gguf_.alignment_ < kMinAlignment ||
            gguf_.alignment_ > kMaxAlignment) {
            return Status::bad_file("key 'general.alignment': " + std::to_string(gguf_.alignment_) +
                                    "; expected a power of two, 8 to 65536");
        }
        return {};
    }

    Status parse_tensor(std::uint64_t index) {
        TensorView tensor;
        if (!read_string(kMaxTensorNameBytes, tensor.name) || tensor.name.empty()) {
            return Status::bad_file("tensor number " + std::to_string(index) +
                                    ": expected a name of 1 to 64 bytes inside the file");
        }
        const std::string what = quoted("tensor", tensor.name);
        const Status ends = Status::bad_file(what + ": the file ends inside its description");
        if (!read(tensor.n_dims)) return ends;
        if (tensor.n_dims < 1 || tensor.n_dims > 4) {
            return Status::bad_file(what + ": " + std::to_string(tensor.n_dims) +
                                    " dimensions; expected 1 to 4");
        }
        for (std::uint32_t d = 0; d < tensor.n_dims; ++d) {
            if (!read(tensor.dims[d])) return ends;
        }
        std::uint32_t type = 0;
        std::uint64_t offset = 0;
        if (!read(type) || !read(offset)) return ends;
        const WeightFormatInfo* format = find_format(type);
        if (format == nullptr) {
            return Status::unsupported(what + ": its type is " + ggml_type_name(type) +
                                       "; expected one of " + supported_format_names());
        }
        tensor.format = format->format;
        std::uint64_t size = 0;
        GYRE_TRY(tensor_size(tensor, *format, size));
        if (offset % gguf_.alignment_ != 0) {
            return Status::bad_file(what + ": offset " + std::to_string(offset) +
                                    "; expected a multiple of the alignment " +
                                    std::to_string(gguf_.alignment_));
        }
        if (!gguf_.tensor_index_.emplace(tensor.name, gguf_.tensors_.size()).second) {
            return Status::bad_file(what + ": given twice");
        }
        gguf_.tensors_.push_back(tensor);
        places_.push_back({offset, size});
        return {};
    }

    static Status tensor_size(const TensorView& tensor, const WeightFormatInfo& format,
                              std::uint64_t& size) {
        const std::string what = quoted("tensor", tensor.name);
        std::uint64_t elements = 1;
        for (const std::uint64_t dim : tensor.dims) {
            if (dim == 0) return Status::bad_file(what + ": a dimension of 0; expected at least 1");
            if (!multiply(elements, dim, elements)) {
                return Status::bad_file(what +
                                        ": its dimensions multiply to more than 2^64 elements");
            }
        }
        if (tensor.dims[0] % format.block_elements != 0) {
            return Status::bad_file(what + ": rows of " + std::to_string(tensor.dims[0]) +
                                    " elements; expected a multiple of " +
                                    std::to_string(format.block_elements) + " for " + format.name);
        }
        if (!multiply(elements / format.block_elements, format.block_bytes, size)) {
            return Status::bad_file(what + ": more than 2^64 bytes");
        }
        return {};
    }

    // The data section begins at the next multiple of the alignment, or is empty at the file's end.
    std::uint64_t data_begin() const {
        const std::uint64_t mask = gguf_.alignment_ - 1;
        return std::min<std::uint64_t>((std::uint64_t{at_} + mask) & ~mask, bytes_.size());
    }

    Status place_tensors() {
        const std::uint64_t begin = data_begin();
        const std::uint64_t available = bytes_.size() - begin;
        for (std::size_t i = 0; i < places_.size(); ++i) {
            TensorView& tensor = gguf_.tensors_[i];
            const auto [offset, size] = places_[i];
            if (offset > available || size > available - offset) {
                return Status::bad_file(
                    quoted("tensor", tensor.name) + ": " + std::to_string(size) +
                    " bytes at offset " + std::to_string(offset) +
                    " reach beyond the end of the data, which has " + std::to_string(available) +
                    " bytes; the file is cut off: fetch it again");
            }
            tensor.bytes = bytes_.subspan(static_cast<std::size_t>(begin + offset),
                                          static_cast<std::size_t>(size));
        }
        return {};
    }

    static Status ends_inside(std::string_view key) {
        return Status::bad_file(quoted("key", key) + ": the file ends inside it");
    }

    static Status too_long(std::string_view key, std::uint64_t count, GgufType type) {
        return Status::bad_file(quoted("key", key) + ": " + std::to_string(count) + " x " +
                                gguf_type_name(type) + " reach beyond the end of the file");
    }

    struct Place {
        std::uint64_t offset;  // bytes, from the beginning of the data section
        std::uint64_t size;    // bytes
    };

    std::span<const std::uint8_t> bytes_;
    std::size_t at_ = 0;
    Gguf gguf_;
    std::vector<Place> places_;  // of gguf_.tensors_
};

Result<Gguf> Gguf::parse(std::span<const std::uint8_t> bytes) {
    return GgufParser(bytes).parse();
}

// Keys and names are views: they move from the bytes that were parsed to the copy.
void Gguf::keep_head(std::span<const std::uint8_t> head) {
    const std::vector<std::uint8_t>& copy = heads_.emplace_back(head.begin(), head.end());
    const auto moved = [&](std::string_view view) -> std::string_view {
        const auto at = reinterpret_cast<const std::uint8_t*>(view.data()) - head.data();
        return {reinterpret_cast<const char*>(copy.data() + at), view.size()};
    };
    std::map<std::string_view, Entry> entries;
    for (const auto& [key, entry] : entries_)
        entries.emplace_hint(entries.end(), moved(key), entry);
    std::map<std::string_view, std::size_t> tensor_index;
    for (const auto& [name, index] : tensor_index_)
        tensor_index.emplace_hint(tensor_index.end(), moved(name), index);
    entries_ = std::move(entries);
    tensor_index_ = std::move(tensor_index);
    for (std::string_view& key : key_order_)
        key = moved(key);
    for (TensorView& tensor : tensors_)
        tensor.name = moved(tensor.name);
    bytes_ = copy;
}

std::size_t Gguf::head_bytes() const {
    std::size_t sum = 0;
    for (const auto& head : heads_)
        sum += head.size();
    return sum;
}

Status Gguf::append(Gguf part) {
    for (const TensorView& tensor : part.tensors_) {
        if (!tensor_index_.emplace(tensor.name, tensors_.size()).second)
            return Status::bad_file(quoted("tensor", tensor.name) + ": another file has it too");
        tensors_.push_back(tensor);
    }
    for (auto& head : part.heads_)
        heads_.push_back(std::move(head));  // its names stay where they are
    return {};
}

void Gguf::forget_data() {
    for (TensorView& tensor : tensors_)
        tensor.bytes = {};
}

const TensorView* Gguf::find_tensor(std::string_view name) const {
    const auto found = tensor_index_.find(name);
    return found == tensor_index_.end() ? nullptr : &tensors_[found->second];
}

std::string printable(std::string_view text) {
    constexpr std::size_t kMaxCharacters = 96;
    std::string line(text.substr(0, kMaxCharacters));
    for (char& c : line) {
        if (c < 0x20 || c > 0x7e) c = '?';
    }
    if (text.size() > kMaxCharacters) line += "...";
    return line;
}

}  // namespace gyre
