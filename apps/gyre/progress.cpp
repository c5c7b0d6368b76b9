// SPDX-License-Identifier: Apache-2.0
#include "apps/gyre/progress.h"

#include <algorithm>
#include <cstdio>

#include "apps/gyre/platform.h"

namespace gyre::app {

Progress::Progress() : is_terminal_(is_terminal(stderr)) {}

void Progress::update(const std::string& stage, double fraction) {
    if (!is_terminal_) return;
    const auto now = std::chrono::steady_clock::now();
    if (visible_ && stage == stage_ && now - last_drawn_ < std::chrono::milliseconds(100)) return;
    constexpr std::size_t kWidth = 30;  // characters of the bar
    const double part = std::clamp(fraction, 0.0, 1.0);
    const auto filled = static_cast<std::size_t>(part * kWidth);
    const std::string bar = std::string(filled, '#') + std::string(kWidth - filled, '.');
    std::fprintf(stderr, "\r\033[K[%s] %3.0f%% %s", bar.c_str(), part * 100.0, stage.c_str());
    std::fflush(stderr);
    stage_ = stage;
    last_drawn_ = now;
    visible_ = true;
}

void Progress::clear() {
    if (!visible_) return;
    std::fputs("\r\033[K", stderr);
    std::fflush(stderr);
    visible_ = false;
}

}  // namespace gyre::app
