// The process's operator new, which fails where a test wants it to in the library's own code.
// SPDX-License-Identifier: Apache-2.0
//
// Only allocations of threads that are inside the library count: a test says so around each call of
// gyre.h, and says the opposite in callbacks and around each call of a driver, whose own
// allocations are none of the library's. A thread that the library starts is inside it.
#pragma once

#include <cstddef>
#include <cstdint>

namespace gyre::alloc {

// Where this thread is while the object lives.
class Scope {
  public:
    explicit Scope(bool in_library);
    ~Scope();
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

  private:
    bool before_;
};
struct Library : Scope {
    Library() : Scope(true) {}
};
struct Elsewhere : Scope {
    Elsewhere() : Scope(false) {}
};

// The nth allocation from here on fails, and with lasting all after it. 0: none, but all are
// counted.
void arm(unsigned nth, bool lasting);
struct Counts {
    unsigned seen = 0;    // allocations since arm()
    unsigned failed = 0;  // of them
};
Counts disarm();

// That the library has allocated and not freed.
std::int64_t library_bytes();

// The calls that led to the first allocation that failed, as " module+offset ...", innermost first:
// for addr2line. Takes no memory: also for signal handlers.
void say_where_it_failed(char* to, std::size_t size);

}  // namespace gyre::alloc
