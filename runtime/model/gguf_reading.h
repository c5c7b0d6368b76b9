// One reading of a model file: marks what was read, and decides about what nothing has read.
// SPDX-License-Identifier: Apache-2.0
//
// A key or a tensor that nothing reads may change what the file's authors computed. So all reading
// of a file goes through an object of this class, and at the end every key and tensor has been
// read, or is known to change nothing (free_keys.cpp), or is refused by its name. The Gguf itself
// stays const and can be shared; a GgufReading belongs to one reading, in one thread.
#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/status.h"
#include "runtime/model/gguf.h"

namespace gyre {

struct ModelConfig;

// In a list of names to ignore: everything that the file has and nothing reads.
inline constexpr std::string_view kIgnoreUnread = "*";

class GgufReading {
  public:
    // ignored: names of keys and tensors (as messages write them) that the caller does without, at
    // his own risk: the file is read as if it did not have them. gguf must outlive this.
    explicit GgufReading(const Gguf& gguf, const std::vector<std::string>& ignored = {});

    // --- Metadata: as the getters of Gguf. Each get marks the key; has and keys do not. ---
    bool has(std::string_view key) const { return gguf_.has(key) && !hidden_.contains(key); }
    Result<std::uint32_t> get_u32(std::string_view key);
    Result<double> get_float(std::string_view key);
    Result<bool> get_bool(std::string_view key);
    Result<std::string_view> get_string(std::string_view key);
    Result<std::vector<std::string_view>> get_strings(std::string_view key);
    Result<std::vector<double>> get_floats(std::string_view key);
    Result<std::vector<std::int32_t>> get_ints(std::string_view key);
    Result<std::vector<bool>> get_bools(std::string_view key);
    bool is_array(std::string_view key) const;  // false: or not there

    // --- Tensors: find marks the tensor; has does not. nullptr: not in the file. ---
    bool has_tensor(std::string_view name) const {
        return gguf_.find_tensor(name) != nullptr && !hidden_.contains(name);
    }
    const TensorView* find_tensor(std::string_view name);

    // --- The judgement ---
    // All keys that begin with "tokenizer.", or all others: none may be left that is neither read
    // nor known to change nothing in this model. kUnsupported names the first one and its value.
    enum class Keys { kModel, kTokenizer };
    Status refuse_unread(Keys keys, const ModelConfig& config);
    // All tensors: each was read.
    Status refuse_unread_tensors(std::uint32_t n_layer);
    // kUnsupported with what, a sentence about the key or tensor of this name, and how to read the
    // file without it; ok if the caller ignores the name, which becomes one of the notes.
    Status refuse(std::string_view name, const std::string& what);

    // One line for each key and tensor that was ignored because the caller wants it so.
    const std::vector<std::string>& notes() const { return notes_; }
    // Names to ignore that this reading did not need.
    std::vector<std::string> unused_names() const;

  private:
    template <typename T>
    Result<T> get(std::string_view key, Result<T> (Gguf::*getter)(std::string_view) const);
    bool is_listed(std::string_view name);
    bool is_unread(std::string_view name) const;

    const Gguf& gguf_;
    struct Ignored {
        std::string name;
        bool used = false;
    };
    std::vector<Ignored> ignored_;
    bool ignores_unread_ = false;
    using Names = std::set<std::string, std::less<>>;  // of keys and tensors
    Names hidden_;                                     // what the file has and ignored_ names
    Names read_;                                       // what was asked for
    std::vector<std::string> notes_;
};

// Whether the key, which nothing has read, changes nothing in this model at the value that it has.
// expected: what would, for a message; empty if no value is known to.
bool is_free_key(const Gguf& gguf, std::string_view key, const ModelConfig& config,
                 std::string& expected);

}  // namespace gyre
