// SPDX-License-Identifier: Apache-2.0
#include "runtime/base/threads.h"

#include <cstdlib>

namespace gyre {

unsigned thread_limit() {
    if (const char* wanted = std::getenv("GYRE_THREADS")) {
        const long n = std::strtol(wanted, nullptr, 10);
        if (n >= 1) return static_cast<unsigned>(std::min(n, 1024L));
    }
    return std::max(1u, std::thread::hardware_concurrency());
}

}  // namespace gyre
