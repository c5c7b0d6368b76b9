// A progress bar on stderr, drawn only when stderr is a terminal.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <string>

namespace gyre::app {

class Progress {
  public:
    Progress();
    ~Progress() { clear(); }
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;

    // fraction: 0 to 1 of this stage. Draws a few times a second at most.
    void update(const std::string& stage, double fraction);

    // Takes the bar off the screen.
    void clear();

  private:
    bool is_terminal_;
    bool visible_ = false;
    std::string stage_;
    std::chrono::steady_clock::time_point last_drawn_{};
};

}  // namespace gyre::app
