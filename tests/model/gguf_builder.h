// Writes GGUF files in memory, correct or broken on purpose.
// SPDX-License-Identifier: Apache-2.0
//
// Written from the format's specification and not from runtime/model, so that the two check each
// other.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

namespace gyre::testing {

using Bytes = std::vector<std::uint8_t>;

template <typename T>
void append(Bytes& bytes, T value) {
    const std::size_t at = bytes.size();
    bytes.resize(at + sizeof(T));
    std::memcpy(bytes.data() + at, &value, sizeof(T));
}

inline void append_string(Bytes& bytes, const std::string& text) {
    append<std::uint64_t>(bytes, text.size());
    bytes.insert(bytes.end(), text.begin(), text.end());
}

struct BuilderTensor {
    std::string name;
    std::vector<std::uint64_t> dims;  // GGUF order, fastest first
    std::uint32_t type = 0;           // ggml's number
    Bytes data;
    std::uint64_t n_zeros = 0;  // bytes after data, for large files that are written as holes
};

class GgufBuilder {
  public:
    // --- Metadata: a key set again is replaced in its place. ---
    template <typename T>
    GgufBuilder& scalar(const std::string& key, std::uint32_t type, T value) {
        Bytes bytes;
        append(bytes, type);
        append(bytes, value);
        return raw(key, bytes);
    }
    GgufBuilder& u32(const std::string& key, std::uint32_t value) { return scalar(key, 4, value); }
    GgufBuilder& f32(const std::string& key, float value) { return scalar(key, 6, value); }
    GgufBuilder& boolean(const std::string& key, bool value) {
        return scalar<std::uint8_t>(key, 7, value ? 1 : 0);
    }
    GgufBuilder& string(const std::string& key, const std::string& value) {
        Bytes bytes;
        append<std::uint32_t>(bytes, 8);
        append_string(bytes, value);
        return raw(key, bytes);
    }
    template <typename T>
    GgufBuilder& array(const std::string& key, std::uint32_t type, const std::vector<T>& values) {
        Bytes bytes = array_head(type, values.size());
        for (const T value : values)
            append(bytes, value);
        return raw(key, bytes);
    }
    GgufBuilder& strings(const std::string& key, const std::vector<std::string>& values) {
        Bytes bytes = array_head(8, values.size());
        for (const std::string& value : values)
            append_string(bytes, value);
        return raw(key, bytes);
    }
    // type_and_value: as in the file, after the key.
    GgufBuilder& raw(const std::string& key, const Bytes& type_and_value) {
        for (auto& [name, bytes] : pairs_) {
            if (name == key) {
                bytes = type_and_value;
                return *this;
            }
        }
        return raw_again(key, type_and_value);
    }
    // As raw, but a key may be there twice.
    GgufBuilder& raw_again(const std::string& key, const Bytes& type_and_value) {
        pairs_.emplace_back(key, type_and_value);
        return *this;
    }
    GgufBuilder& erase(const std::string& key) {
        std::erase_if(pairs_, [&](const auto& pair) { return pair.first == key; });
        return *this;
    }
    static Bytes array_head(std::uint32_t type, std::uint64_t count) {
        Bytes bytes;
        append<std::uint32_t>(bytes, 9);
        append(bytes, type);
        append(bytes, count);
        return bytes;
    }

    // --- Tensors ---
    // F32, element i of the tensor is first + i * step.
    GgufBuilder& tensor(const std::string& name, const std::vector<std::uint64_t>& dims,
                        float first = 1.0f, float step = 0.25f) {
        std::uint64_t n = 1;
        for (const std::uint64_t dim : dims)
            n *= dim;
        Bytes data;
        for (std::uint64_t i = 0; i < n; ++i)
            append(data, first + step * static_cast<float>(i));
        return tensor({name, dims, 0, data});
    }
    GgufBuilder& tensor(const BuilderTensor& added) {
        erase_tensor(added.name);
        tensors.push_back(added);
        return *this;
    }
    GgufBuilder& erase_tensor(const std::string& name) {
        std::erase_if(tensors, [&](const BuilderTensor& t) { return t.name == name; });
        return *this;
    }

    Bytes build() const {
        Bytes file = head();
        for (const BuilderTensor& t : tensors) {
            pad(file);
            file.insert(file.end(), t.data.begin(), t.data.end());
            file.resize(file.size() + static_cast<std::size_t>(t.n_zeros));
        }
        return file;  // the last tensor is not padded: its end is the file's end
    }

    // All that is before the first tensor's data.
    Bytes head() const {
        Bytes file = {'G', 'G', 'U', 'F'};
        append(file, version);
        append<std::uint64_t>(file, tensors.size());
        append<std::uint64_t>(file, pairs_.size());
        for (const auto& [key, bytes] : pairs_) {
            append_string(file, key);
            file.insert(file.end(), bytes.begin(), bytes.end());
        }
        std::uint64_t offset = 0;
        for (const BuilderTensor& t : tensors) {
            append_string(file, t.name);
            append(file, static_cast<std::uint32_t>(t.dims.size()));
            for (const std::uint64_t dim : t.dims)
                append(file, dim);
            append(file, t.type);
            append(file, offset);
            offset += padded(t);
        }
        if (!tensors.empty()) pad(file);
        return file;
    }
    // Of the tensors' data, each padded.
    std::uint64_t data_bytes() const {
        std::uint64_t sum = 0;
        for (const BuilderTensor& t : tensors)
            sum += padded(t);
        return sum;
    }

    std::uint32_t version = 3;
    std::uint32_t alignment = 32;  // bytes; what general.alignment says is set separately
    std::vector<BuilderTensor> tensors;

  private:
    std::uint64_t padded(const BuilderTensor& t) const {
        return (t.data.size() + t.n_zeros + alignment - 1) / alignment * alignment;
    }
    void pad(Bytes& file) const {
        while (file.size() % alignment != 0)
            file.push_back(0);
    }

    std::vector<std::pair<std::string, Bytes>> pairs_;
};

// A small GPT-2: 2 heads of 4, 2 layers, 5 tokens; rotary without any gyre.rotary key.
inline GgufBuilder small_model() {
    GgufBuilder b;
    b.string("general.architecture", "gpt2").string("general.name", "small");
    b.u32("gpt2.context_length", 8).u32("gpt2.embedding_length", 8).u32("gpt2.block_count", 2);
    b.u32("gpt2.feed_forward_length", 12).u32("gpt2.attention.head_count", 2);
    b.f32("gpt2.attention.layer_norm_epsilon", 1e-5f).string("gyre.position", "rotary");
    b.strings("tokenizer.ggml.tokens", {"a", "b", "c", "d"});
    b.tensor("token_embd.weight", {8, 5});
    for (const std::string blk : {"blk.0.", "blk.1."}) {
        b.tensor(blk + "attn_norm.weight", {8}).tensor(blk + "attn_norm.bias", {8});
        b.tensor(blk + "attn_qkv.weight", {8, 24}).tensor(blk + "attn_qkv.bias", {24});
        b.tensor(blk + "attn_output.weight", {8, 8}).tensor(blk + "attn_output.bias", {8});
        b.tensor(blk + "ffn_norm.weight", {8}).tensor(blk + "ffn_norm.bias", {8});
        b.tensor(blk + "ffn_up.weight", {8, 12}).tensor(blk + "ffn_up.bias", {12});
        b.tensor(blk + "ffn_down.weight", {12, 8}).tensor(blk + "ffn_down.bias", {8});
    }
    b.tensor("output_norm.weight", {8}).tensor("output_norm.bias", {8});
    return b;
}

// The same with most of what a file can ask for: every kind of value is read on the way.
inline GgufBuilder rich_model() {
    GgufBuilder b = small_model();
    b.u32("general.alignment", 32).u32("gpt2.attention.head_count_kv", 1);
    b.u32("gpt2.rope.dimension_count", 4).f32("gpt2.rope.freq_base", 5000.0f);
    b.string("gyre.rotary.scaling.type", "longrope").f32("gyre.rotary.scaling.factor", 4.0f);
    b.u32("gyre.rotary.scaling.original_context_length", 4);
    b.string("gyre.rotary.pairing", "half").string("gyre.rotary.values", "rove");
    b.boolean("gyre.rotary.keys", true).string("gyre.activation", "relu2");
    b.array<float>("gyre.rotary.inv_freq", 6, {1.0f, 0.0f});
    b.f32("gyre.attention.temperature.coefficient", 0.1f)
        .f32("gyre.attention.temperature.power", 2.0f);
    b.u32("gyre.attention.temperature.train_length", 8).u32("gpt2.attention.sliding_window", 6);
    b.u32("gyre.attention.sink_tokens", 2);
    b.array<std::int32_t>("tokenizer.ggml.token_type", 5, {1, 1, 1, 3});
    b.tensor("rope_factors_short.weight", {2}).tensor("rope_factors_long.weight", {2});
    b.tensor("rope_freqs.weight", {2});
    for (const std::string blk : {"blk.0.", "blk.1."}) {
        b.tensor(blk + "attn_qkv.weight", {8, 16}).tensor(blk + "attn_qkv.bias", {16});
        b.tensor(blk + "attn_sinks.weight", {2});
    }
    return b;
}

}  // namespace gyre::testing
