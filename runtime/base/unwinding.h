// What has to happen although an exception may be on its way: the library itself throws nothing,
// but every allocation may.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <utility>

namespace gyre {

// Calls a function, which must not throw, at the end of a scope, however that ends.
template <typename Function>
class OnExit {
  public:
    explicit OnExit(Function function) : function_(std::move(function)) {}
    ~OnExit() {
        if (armed_) function_();
    }
    OnExit(const OnExit&) = delete;
    OnExit& operator=(const OnExit&) = delete;

    void dismiss() { armed_ = false; }

  private:
    Function function_;
    bool armed_ = true;
};

// For what may be left undone where there is no memory for it: files of caches, lines of the log,
// and the words of an error that nobody reads.
template <typename Function>
void best_effort(Function&& function) noexcept {
    try {
        std::forward<Function>(function)();
    } catch (...) {  // NOLINT(bugprone-empty-catch): so it is meant
    }
}

}  // namespace gyre
