// A worker of a test in a process of its own: what it says, and how it ends.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace gyre::faults {

class WorkerProcess {
  public:
    explicit WorkerProcess(const std::vector<std::string>& command);
    ~WorkerProcess();  // ends it
    WorkerProcess(const WorkerProcess&) = delete;
    WorkerProcess& operator=(const WorkerProcess&) = delete;

    void say(const std::string& line) const;
    void no_more();  // to say
    // Nothing: it ended, or said nothing for so long.
    std::optional<std::string> hear(std::chrono::seconds patience);
    // "ended by signal 11", "exit status 1", or that it hangs; it is gone then.
    std::string end();
    // Nothing more to say: "" if it then ends well, else what it last said and how it ended.
    std::string finish(std::chrono::seconds patience);

  private:
    pid_t pid_ = -1;
    int to_ = -1, from_ = -1;
    std::string heard_;
    bool silent_ = false;
};

}  // namespace gyre::faults
