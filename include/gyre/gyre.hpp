// gyre.hpp: the C API of gyre.h for C++17 and newer, header only: objects that release themselves,
// errors as exceptions, callbacks as lambdas, text as a range.
// SPDX-License-Identifier: Apache-2.0
//
//     gyre::model model("model.gguf");
//     gyre::session session(model);
//     for (const std::string& piece : session.write("Once upon a time"))
//         std::cout << piece << std::flush;
//
// Rules that hold for all of it:
// - What fails throws gyre::error, with the status and the library's text. Destructors do not
// throw.
// - An exception of a callback ends the call, and comes out of it; the session stays usable.
// - What the comment of a function does not say, gyre.h says of the C function of that name.
// - Objects can be moved and not copied. get() gives the C handle, for what has no member here.
#ifndef GYRE_GYRE_HPP
#define GYRE_GYRE_HPP

#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "gyre/gyre.h"

namespace gyre {

// ---- Errors and views -----------------------------------------------------------------------

class error : public std::runtime_error {
  public:
    error(gyre_status status, const std::string& text)
        : std::runtime_error(text), status_(status) {}
    gyre_status status() const noexcept { return status_; }

  private:
    gyre_status status_;
};

// Throws what went wrong in this thread's last call; GYRE_OK does nothing.
inline void check(gyre_status status) {
    if (status != GYRE_OK) throw error(status, gyre_last_error());
}

// Elements that somebody else owns: std::span for C++17. Made of a vector, an array, a std::span,
// or a pointer and a count.
template <typename T>
class view {
  public:
    constexpr view() noexcept = default;
    constexpr view(const T* data, std::size_t size) noexcept : data_(data), size_(size) {}
    template <typename Range, typename = std::enable_if_t<std::is_convertible_v<
                                  decltype(std::declval<const Range&>().data()), const T*>>>
    constexpr view(const Range& range) noexcept : data_(range.data()), size_(range.size()) {}
    view(std::initializer_list<T> list) noexcept : view(list.begin(), list.size()) {}

    constexpr const T* data() const noexcept { return data_; }
    constexpr std::size_t size() const noexcept { return size_; }
    constexpr bool empty() const noexcept { return size_ == 0; }
    constexpr const T* begin() const noexcept { return data_; }
    constexpr const T* end() const noexcept { return data_ + size_; }
    constexpr const T& operator[](std::size_t i) const { return data_[i]; }

  private:
    const T* data_ = nullptr;
    std::size_t size_ = 0;
};

using token = std::uint32_t;
using tokens = view<token>;

namespace detail {

// Keeps a callback's exception while C code is between it and the caller.
class guard {
  public:
    // What body returns, or otherwise after an exception.
    template <typename Result, typename Body>
    Result run(Result otherwise, Body&& body) noexcept {
        try {
            return std::forward<Body>(body)();
        } catch (...) {
            thrown_ = std::current_exception();
            return otherwise;
        }
    }
    void check(gyre_status status) {
        if (thrown_) std::rethrow_exception(std::exchange(thrown_, nullptr));
        gyre::check(status);
    }

  private:
    std::exception_ptr thrown_;
};

// The two calls of a C function that fills an array: how many, and then which.
template <typename Container, typename Fill>
Container filled(Fill&& fill) {
    std::size_t n = 0;
    check(fill(nullptr, std::size_t{0}, &n));
    Container result(n, typename Container::value_type{});
    if (n > 0) check(fill(result.data(), n, &n));
    return result;
}

using progress_function = std::function<bool(const char* stage, double fraction)>;

struct progress_call {
    const progress_function& function;
    guard caught;
    static int call(const char* stage, double fraction, void* user) noexcept {
        auto* self = static_cast<progress_call*>(user);
        return self->caught.run(0, [&] { return self->function(stage, fraction) ? 1 : 0; });
    }
};

}  // namespace detail

// ---- Devices --------------------------------------------------------------------------------

struct device {
    std::string name, driver_name, driver_info;
    std::string unusable_because;  // "": the device can be used
    gyre_device_type type = GYRE_DEVICE_OTHER;
    bool is_software = false, unified_memory = false;
    std::uint32_t index = 0;  // what model_options::device may name
    std::uint32_t api_version = 0, subgroup_size = 0;
    std::uint64_t memory_bytes = 0;

    explicit device(const gyre_device_info& info)
        : name(info.name),
          driver_name(info.driver_name),
          driver_info(info.driver_info),
          unusable_because(info.unusable_because),
          type(info.type),
          is_software(info.is_software != 0),
          unified_memory(info.unified_memory != 0),
          index(info.index),
          api_version(info.api_version),
          subgroup_size(info.subgroup_size),
          memory_bytes(info.memory_bytes) {}
};

inline std::vector<device> devices() {
    gyre_device_list* list = nullptr;
    check(gyre_device_list_create(&list));
    const std::unique_ptr<gyre_device_list, void (*)(gyre_device_list*)> owner(
        list, gyre_device_list_destroy);
    std::vector<device> result;
    for (std::size_t i = 0; i < gyre_device_list_count(list); ++i) {
        gyre_device_info info = GYRE_DEVICE_INFO_INIT;
        check(gyre_device_list_get(list, i, &info));
        result.emplace_back(info);
    }
    return result;
}

// ---- Model ----------------------------------------------------------------------------------

struct model_options {
    std::string device = "auto";           // "none": information and tokenizer only
    std::optional<std::string> cache_dir;  // nullopt: the user's cache folder; "": none
    bool tuning = true;
    gyre_matrix_units matrix_units = GYRE_MATRIX_UNITS_AUTO;
    std::vector<std::string> ignore_keys;
    detail::progress_function progress;  // false cancels
};

// One message of a conversation: "system", "user", "assistant" or what else the template knows.
struct chat_message {
    std::string role;
    std::string content;  // any text: no special token is made of it
};

struct chat_options {
    std::optional<std::string> template_text;  // nullopt: the file's
    bool generation_prompt = true;             // with the end that asks for an answer

    // Valid as long as this is.
    gyre_chat_options as_c() const {
        gyre_chat_options c = GYRE_CHAT_OPTIONS_INIT;
        if (template_text) {
            c.template_text = template_text->data();
            c.n_template = template_text->size();
        }
        c.no_generation_prompt = generation_prompt ? 0 : 1;
        return c;
    }
};

namespace detail {
inline std::vector<gyre_chat_message> chat_messages(const std::vector<chat_message>& messages) {
    std::vector<gyre_chat_message> c;
    c.reserve(messages.size());
    for (const chat_message& message : messages)
        c.push_back({message.role.c_str(), message.content.data(), message.content.size()});
    return c;
}
}  // namespace detail

class model {
  public:
    explicit model(const std::string& path, const model_options& options = {}) {
        open(options, [&](const gyre_model_options* c, gyre_model** out) {
            return gyre_model_open(path.c_str(), c, out);
        });
    }
    // From a descriptor, which stays open and may be closed afterwards; n_bytes 0: to its end.
    static model from_fd(int fd, std::uint64_t offset, std::uint64_t n_bytes,
                         const model_options& options = {}) {
        model result;
        result.open(options, [&](const gyre_model_options* c, gyre_model** out) {
            return gyre_model_open_fd(fd, offset, n_bytes, c, out);
        });
        return result;
    }
    // From memory, which may be freed afterwards.
    static model from_memory(const void* data, std::size_t n_bytes,
                             const model_options& options = {}) {
        model result;
        result.open(options, [&](const gyre_model_options* c, gyre_model** out) {
            return gyre_model_open_memory(data, n_bytes, c, out);
        });
        return result;
    }

    gyre_model* get() const noexcept { return handle_.get(); }

    // Its strings live as long as the model.
    gyre_model_info info() const {
        gyre_model_info info = GYRE_MODEL_INFO_INIT;
        check(gyre_model_get_info(get(), &info));
        return info;
    }
    gyre::device device() const {
        gyre_device_info info = GYRE_DEVICE_INFO_INIT;
        check(gyre_model_get_device(get(), &info));
        return gyre::device(info);
    }
    std::vector<std::string> metadata_keys() const {
        std::vector<std::string> keys;
        for (std::size_t i = 0; i < gyre_model_metadata_count(get()); ++i) {
            keys.emplace_back(gyre_model_metadata_key(get(), i));
        }
        return keys;
    }
    std::string metadata(const std::string& key) const {
        return detail::filled<std::string>([&](char* to, std::size_t capacity, std::size_t* n) {
            return gyre_model_metadata(get(), key.c_str(), to, capacity, n);
        });
    }

    std::vector<token> tokenize(std::string_view text, bool parse_special = false) const {
        return detail::filled<std::vector<token>>(
            [&](token* to, std::size_t capacity, std::size_t* n) {
                return gyre_model_tokenize(get(), text.data(), text.size(), parse_special ? 1 : 0,
                                           to, capacity, n);
            });
    }
    std::string detokenize(tokens ids) const {
        return detail::filled<std::string>([&](char* to, std::size_t capacity, std::size_t* n) {
            return gyre_model_detokenize(get(), ids.data(), ids.size(), to, capacity, n);
        });
    }

    bool has_chat_template() const noexcept { return gyre_model_has_chat_template(get()) != 0; }
    std::string chat_text(const std::vector<chat_message>& messages,
                          const chat_options& options = {}) const {
        const auto c = detail::chat_messages(messages);
        const gyre_chat_options chosen = options.as_c();
        return detail::filled<std::string>([&](char* to, std::size_t capacity, std::size_t* n) {
            return gyre_chat_text(get(), c.data(), c.size(), &chosen, to, capacity, n);
        });
    }
    std::vector<token> chat_tokens(const std::vector<chat_message>& messages,
                                   const chat_options& options = {}) const {
        const auto c = detail::chat_messages(messages);
        const gyre_chat_options chosen = options.as_c();
        return detail::filled<std::vector<token>>(
            [&](token* to, std::size_t capacity, std::size_t* n) {
                return gyre_chat_tokens(get(), c.data(), c.size(), &chosen, to, capacity, n);
            });
    }
    // Erases from messages the oldest turns, as many as there is no room for.
    std::vector<token> chat_fit(std::vector<chat_message>& messages, std::uint32_t n_ctx,
                                std::uint32_t max_tokens = 0,
                                const chat_options& options = {}) const {
        const auto c = detail::chat_messages(messages);
        const gyre_chat_options chosen = options.as_c();
        std::vector<token> result(n_ctx);
        std::size_t n = 0, n_forgotten = 0;
        check(gyre_chat_fit(get(), c.data(), c.size(), &chosen, n_ctx, max_tokens, result.data(),
                            result.size(), &n, &n_forgotten));
        result.resize(n);
        const bool has_system = !messages.empty() && messages.front().role == "system";
        const auto first = messages.begin() + (has_system ? 1 : 0);
        messages.erase(first, first + static_cast<std::ptrdiff_t>(n_forgotten));
        return result;
    }

    void pause() { check(gyre_model_pause(get())); }
    void resume() { check(gyre_model_resume(get())); }

  private:
    model() = default;

    template <typename Open>
    void open(const model_options& options, Open&& call) {
        std::vector<const char*> ignored;
        for (const std::string& key : options.ignore_keys)
            ignored.push_back(key.c_str());
        detail::progress_call progress{options.progress, {}};
        gyre_model_options c = GYRE_MODEL_OPTIONS_INIT;
        c.device = options.device.c_str();
        c.cache_dir = options.cache_dir ? options.cache_dir->c_str() : nullptr;
        c.no_tuning = options.tuning ? 0 : 1;
        c.matrix_units = options.matrix_units;
        c.ignore_keys = ignored.data();
        c.n_ignore_keys = ignored.size();
        if (options.progress) {
            c.progress = &detail::progress_call::call;
            c.progress_user = &progress;
        }
        gyre_model* handle = nullptr;
        progress.caught.check(std::forward<Open>(call)(&c, &handle));
        handle_.reset(handle);
    }

    struct destroy {
        void operator()(gyre_model* handle) const noexcept { gyre_model_destroy(handle); }
    };
    std::unique_ptr<gyre_model, destroy> handle_;
};

}  // namespace gyre

#include "gyre/gyre_session.hpp"

#endif  // GYRE_GYRE_HPP
