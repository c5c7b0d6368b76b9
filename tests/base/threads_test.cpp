// How many threads work is done in.
// SPDX-License-Identifier: Apache-2.0
#include "runtime/base/threads.h"

#include <gtest/gtest.h>

#include <atomic>
#include <set>

#include "tests/support/platform.h"

namespace gyre {
namespace {

TEST(Threads, LimitIsThatOfTheEnvironment) {
    const unsigned cores = std::max(1u, std::thread::hardware_concurrency());
    test::set_environment("GYRE_THREADS", "3");
    EXPECT_EQ(thread_limit(), 3u);
    for (const char* no_number : {"", "0", "-2", "many"}) {
        test::set_environment("GYRE_THREADS", no_number);
        EXPECT_EQ(thread_limit(), cores) << no_number;
    }
}

// All of the work is done, and all calls have returned, whatever the number of threads.
TEST(Threads, ShareTheWork) {
    for (const char* limit : {"1", "4"}) {
        test::set_environment("GYRE_THREADS", limit);
        std::atomic<unsigned> next{0}, calls{0}, ended{0};
        std::vector<std::atomic<int>> done(100);
        in_threads(8, [&] {
            ++calls;
            for (unsigned i = 0; (i = next++) < done.size();)
                ++done[i];
            ++ended;
        });
        EXPECT_EQ(calls, limit[0] == '1' ? 1u : 4u);
        EXPECT_EQ(ended, calls);
        for (const std::atomic<int>& times : done)
            EXPECT_EQ(times, 1);
    }
    test::set_environment("GYRE_THREADS", "");
}

}  // namespace
}  // namespace gyre
