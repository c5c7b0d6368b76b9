// The values of chat templates, which are Python's, and what one rendering may spend on them.
// SPDX-License-Identifier: Apache-2.0
//
// Values do not change once they are made, but for namespaces: templates run in an immutable
// sandbox. A container is at most kMaxNesting deep, so that nothing that walks one, its destructor
// included, uses up the stack.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "runtime/base/status.h"
#include "runtime/text/marked_text.h"

namespace gyre::chat {

inline constexpr int kMaxNesting = 64;  // of lists and dicts in each other

// What a rendering may use. A step is a part of the template that is run, or 64 bytes that are
// looked at or made.
struct Limits {
    std::uint64_t steps = 10'000'000;
    std::size_t memory_bytes = std::size_t{64} << 20;  // that values and texts take at one time
};

class Budget {
  public:
    explicit Budget(const Limits& limits) : limits_(limits) {}
    Budget(const Budget&) = delete;
    Budget& operator=(const Budget&) = delete;

    Status spend(std::uint64_t steps);
    Status spend_bytes(std::size_t n) { return spend(1 + n / 64); }
    Status take(std::size_t bytes);
    void release(std::size_t bytes) noexcept { taken_ -= bytes; }

  private:
    Limits limits_;
    std::uint64_t spent_ = 0;
    std::size_t taken_ = 0;
};

// Memory that was taken of a budget, and is given back with the value. Values of the caller are of
// no budget.
class Charge {
  public:
    Charge() = default;
    Charge(Budget* budget, std::size_t bytes) : budget_(budget), bytes_(bytes) {}
    ~Charge() {
        if (budget_ != nullptr) budget_->release(bytes_);
    }
    Charge(Charge&& other) noexcept
        : budget_(std::exchange(other.budget_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
    Charge& operator=(Charge&&) = delete;

    Status grow(std::size_t bytes) {
        if (budget_ == nullptr) return {};
        GYRE_TRY(budget_->take(bytes));
        bytes_ += bytes;
        return {};
    }

  private:
    Budget* budget_ = nullptr;
    std::size_t bytes_ = 0;
};

// A variable that is not there. Prints as nothing, is false and empty; most else is an error, which
// says why.
struct Undefined {
    std::shared_ptr<const std::string> why;  // "'x' is undefined"; may be null
};
struct None {};

struct Text;
struct List;
struct Dict;
struct Namespace;
struct Loop;
struct Callable;

using Value = std::variant<Undefined, None, bool, std::int64_t, double, std::shared_ptr<const Text>,
                           std::shared_ptr<const List>, std::shared_ptr<const Dict>,
                           std::shared_ptr<Namespace>, std::shared_ptr<const Loop>,
                           std::shared_ptr<const Callable>>;

struct Text {
    MarkedText text;
    Charge charge;
    bool safe = false;  // the filter safe made it: what is added to it by + is escaped for HTML
};

enum class ListKind : std::uint8_t {
    kList,
    kTuple,
    kRange,  // range(): printed otherwise
    kView,   // what dict.items() and its kin give: no index
    kOnce,   // what map and its kin give: neither index nor length, and empty once it was looped
             // over
};

struct List {
    std::vector<Value> items;
    ListKind kind = ListKind::kList;
    int nesting = 1;
    Charge charge;
    mutable bool used_up = false;  // of kOnce
};

struct Dict {
    std::vector<std::pair<Value, Value>> entries;  // in the order of insertion, no key twice
    int nesting = 1;
    Charge charge;
};

// What {% set ns.name = ... %} changes.
struct Namespace {
    std::vector<std::pair<std::string, Value>> entries;
    Charge charge;
};

// The variable `loop`.
struct Loop {
    std::shared_ptr<const List> items;
    std::size_t index0 = 0;
};

template <typename T>
const T* get(const Value& value) {
    return std::get_if<T>(&value);
}
// Null if it is something else.
const MarkedText* text_of(const Value& value);
const List* list_of(const Value& value);
const Dict* dict_of(const Value& value);
inline bool is_undefined(const Value& value) {
    return get<Undefined>(value) != nullptr;
}
inline bool is_none(const Value& value) {
    return get<None>(value) != nullptr;
}

// Values of a caller, of no budget. A list or dict that is nested too deep is kInvalidArgument.
Value make_text(std::string bytes, bool marked);
Result<Value> make_list(std::vector<Value> items, ListKind kind = ListKind::kList);
Result<Value> make_dict(const std::vector<std::pair<std::string, Value>>& entries);

Value undefined(std::string why);
Status undefined_error(const Value& value);  // what an Undefined has to say where it cannot be used

// Makes a text piece by piece. Once the budget does not suffice, nothing more is added and finish()
// says so.
class TextBuilder {
  public:
    explicit TextBuilder(Budget& budget) : budget_(&budget), charge_(&budget, 0) {}

    void add(std::string_view bytes, bool marked = false);
    void add(const MarkedText& text) { add(text, 0, text.size()); }
    void add(const MarkedText& text, std::size_t begin, std::size_t end);

    const Status& status() const { return status_; }
    const MarkedText& text() const { return text_; }
    Result<Value> finish(bool safe = false);

  private:
    void charge(std::size_t bytes_before);

    Budget* budget_;
    Charge charge_;
    MarkedText text_;
    Status status_;
};

// The same for a list.
class ListBuilder {
  public:
    explicit ListBuilder(Budget& budget) : budget_(&budget), charge_(&budget, 0) {}

    void add(Value value);
    const Status& status() const { return status_; }
    Result<Value> finish(ListKind kind = ListKind::kList);

  private:
    Budget* budget_;
    Charge charge_;
    std::vector<Value> items_;
    int nesting_ = 1;
    Status status_;
};

// The same for a dict; a key that is there gets the new value, in its old place.
class DictBuilder {
  public:
    explicit DictBuilder(Budget& budget) : budget_(&budget), charge_(&budget, 0) {}

    void add(Value key, Value value);
    Result<Value> finish();

  private:
    Budget* budget_;
    Charge charge_;
    std::vector<std::pair<Value, Value>> entries_;
    int nesting_ = 1;
    Status status_;
};

Result<Value> make_text(Budget& budget, const MarkedText& text);

// Python's name of the type, for errors: "str", "NoneType".
const char* type_name(const Value& value);
bool is_true(const Value& value);

// == and <, as Python has them; values that have no order are an error.
Result<bool> equals(Budget& budget, const Value& a, const Value& b);
Result<bool> less(Budget& budget, const Value& a, const Value& b);

// The value of a key; null if it is not there.
Result<const Value*> find_key(Budget& budget, const Dict& dict, const Value& key);
const Value* find_key(const Dict& dict, std::string_view key);

// What a loop over the value goes through: items, keys, characters.
Result<std::shared_ptr<const List>> iterate(Budget& budget, const Value& value);

// str(value) and repr(value), added to out.
void add_str(const Value& value, TextBuilder& out);
void add_repr(const Value& value, TextBuilder& out);
std::string number_repr(double number);

}  // namespace gyre::chat
