// Work that several threads do together.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <exception>
#include <thread>
#include <vector>

namespace gyre {

// GYRE_THREADS of the environment, where that is a number of at least 1; else the cores.
unsigned thread_limit();

// Calls work() in this thread and, at the same time, in others: in `most` threads altogether, 16 at
// most, and in no more than thread_limit(). Returns when all calls have returned. work must not
// throw, and must take what is still to be done from a counter: how many threads call it is left
// open, since the system may have no more of them.
template <typename Work>
void in_threads(unsigned most, const Work& work) {
    struct Joined {
        std::vector<std::thread> list;
        ~Joined() {
            for (std::thread& thread : list)
                thread.join();
        }
    } threads;
    const unsigned n = std::min({most, thread_limit(), 16u});
    try {
        while (threads.list.size() + 1 < n)
            threads.list.emplace_back([&work] { work(); });
    } catch (const std::exception&) {  // NOLINT(bugprone-empty-catch): those that there are do it
    }
    work();
}

}  // namespace gyre
