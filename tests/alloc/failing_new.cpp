// SPDX-License-Identifier: Apache-2.0
#include "tests/alloc/failing_new.h"

#include <dlfcn.h>
#include <execinfo.h>
#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>

namespace gyre::alloc {
namespace {

thread_local bool in_library = false;

std::atomic<bool> armed{false};
std::atomic<bool> lasting{false};
std::atomic<unsigned> nth{0};
std::atomic<unsigned> seen{0};
std::atomic<unsigned> failed{0};
std::atomic<std::int64_t> live_bytes{0};

std::array<void*, 24> calls;  // that led to the last allocation that failed
std::atomic<int> n_calls{0};
constexpr int kOwnCalls = 4;  // from strikes() to operator new

// Whether this allocation of the library must fail.
bool strikes() {
    if (!armed) return false;
    const unsigned n = ++seen;
    const unsigned from = nth;
    if (from == 0 || n < from || (n > from && !lasting)) return false;
    if (failed++ == 0) {
        const Elsewhere here;
        n_calls = backtrace(calls.data(), static_cast<int>(calls.size()));
    }
    return true;
}

// In front of every block: its size, negative if the library has it.
constexpr std::size_t kHeader = alignof(std::max_align_t);
static_assert(sizeof(std::int64_t) <= kHeader);

std::size_t header_of(std::size_t alignment) {
    return std::max(alignment, kHeader);
}

void* allocate(std::size_t size, std::size_t alignment) noexcept {
    if (in_library && strikes()) return nullptr;
    const std::size_t header = header_of(alignment);
    if (size > SIZE_MAX / 2) return nullptr;
    const std::size_t bytes = (size + header + header - 1) / header * header;
    void* block = header == kHeader ? std::malloc(bytes) : std::aligned_alloc(header, bytes);
    if (block == nullptr) return nullptr;
    auto note = static_cast<std::int64_t>(size);
    if (in_library) {
        live_bytes += note;
        note = -note - 1;
    }
    auto* user = static_cast<std::byte*>(block) + header;
    std::memcpy(user - sizeof(note), &note, sizeof(note));
    return user;
}

void release(void* user, std::size_t alignment) noexcept {
    if (user == nullptr) return;
    std::int64_t note = 0;
    std::memcpy(&note, static_cast<std::byte*>(user) - sizeof(note), sizeof(note));
    if (note < 0) live_bytes += note + 1;
    std::free(static_cast<std::byte*>(user) - header_of(alignment));
}

void* allocate_or_throw(std::size_t size, std::size_t alignment) {
    void* user = allocate(size, alignment);
    if (user == nullptr) throw std::bad_alloc();
    return user;
}

// A thread that the library starts, and that stays in it.
struct Start {
    void* (*run)(void*);
    void* argument;
};
void* run_in_library(void* start) {
    const Start copy = *static_cast<Start*>(start);
    std::free(start);
    in_library = true;
    return copy.run(copy.argument);
}

}  // namespace

Scope::Scope(bool library) : before_(in_library) {
    in_library = library;
}

Scope::~Scope() {
    in_library = before_;
}

void arm(unsigned which, bool from_there_on) {
    nth = which;
    lasting = from_there_on;
    seen = failed = 0;
    armed = true;
}

Counts disarm() {
    armed = false;
    return {seen, failed};
}

std::int64_t library_bytes() {
    return live_bytes;
}

void say_where_it_failed(char* to, std::size_t size) {
    std::size_t used = 0;
    to[0] = '\0';
    for (int i = kOwnCalls; i < n_calls && used < size; ++i) {
        const auto* address = static_cast<const char*>(calls[static_cast<std::size_t>(i)]);
        Dl_info info = {};
        if (dladdr(address, &info) == 0) continue;
        const char* name = std::strrchr(info.dli_fname, '/');
        const int n = std::snprintf(
            to + used, size - used, " %s+%#zx", name == nullptr ? info.dli_fname : name + 1,
            static_cast<std::size_t>(address - static_cast<char*>(info.dli_fbase)));
        used += static_cast<std::size_t>(std::max(n, 0));
    }
}

}  // namespace gyre::alloc

using gyre::alloc::allocate;
using gyre::alloc::allocate_or_throw;
using gyre::alloc::release;

// Every form: an executable's replaces that of all libraries.
#define GYRE_ALIGNED std::align_val_t alignment
#define GYRE_PLAIN 0
#define GYRE_AS_ALIGNED static_cast<std::size_t>(alignment)
void* operator new(std::size_t n) {
    return allocate_or_throw(n, GYRE_PLAIN);
}
void* operator new[](std::size_t n) {
    return allocate_or_throw(n, GYRE_PLAIN);
}
void* operator new(std::size_t n, GYRE_ALIGNED) {
    return allocate_or_throw(n, GYRE_AS_ALIGNED);
}
void* operator new[](std::size_t n, GYRE_ALIGNED) {
    return allocate_or_throw(n, GYRE_AS_ALIGNED);
}
void* operator new(std::size_t n, const std::nothrow_t&) noexcept {
    return allocate(n, GYRE_PLAIN);
}
void* operator new[](std::size_t n, const std::nothrow_t&) noexcept {
    return allocate(n, GYRE_PLAIN);
}
void* operator new(std::size_t n, GYRE_ALIGNED, const std::nothrow_t&) noexcept {
    return allocate(n, GYRE_AS_ALIGNED);
}
void* operator new[](std::size_t n, GYRE_ALIGNED, const std::nothrow_t&) noexcept {
    return allocate(n, GYRE_AS_ALIGNED);
}
void operator delete(void* p) noexcept {
    release(p, GYRE_PLAIN);
}
void operator delete[](void* p) noexcept {
    release(p, GYRE_PLAIN);
}
void operator delete(void* p, std::size_t) noexcept {
    release(p, GYRE_PLAIN);
}
void operator delete[](void* p, std::size_t) noexcept {
    release(p, GYRE_PLAIN);
}
void operator delete(void* p, const std::nothrow_t&) noexcept {
    release(p, GYRE_PLAIN);
}
void operator delete[](void* p, const std::nothrow_t&) noexcept {
    release(p, GYRE_PLAIN);
}
void operator delete(void* p, GYRE_ALIGNED) noexcept {
    release(p, GYRE_AS_ALIGNED);
}
void operator delete[](void* p, GYRE_ALIGNED) noexcept {
    release(p, GYRE_AS_ALIGNED);
}
void operator delete(void* p, std::size_t, GYRE_ALIGNED) noexcept {
    release(p, GYRE_AS_ALIGNED);
}
void operator delete[](void* p, std::size_t, GYRE_ALIGNED) noexcept {
    release(p, GYRE_AS_ALIGNED);
}
void operator delete(void* p, GYRE_ALIGNED, const std::nothrow_t&) noexcept {
    release(p, GYRE_AS_ALIGNED);
}
void operator delete[](void* p, GYRE_ALIGNED, const std::nothrow_t&) noexcept {
    release(p, GYRE_AS_ALIGNED);
}

// A thread of the library is one more thing that there may be no memory for.
extern "C" __attribute__((visibility("default"))) int pthread_create(
    pthread_t* thread, const pthread_attr_t* attributes, void* (*run)(void*), void* argument) {
    using Real = int (*)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);
    static const auto real = reinterpret_cast<Real>(dlsym(RTLD_NEXT, "pthread_create"));
    if (!gyre::alloc::in_library) return real(thread, attributes, run, argument);
    if (gyre::alloc::strikes()) return EAGAIN;
    auto* start = static_cast<gyre::alloc::Start*>(std::malloc(sizeof(gyre::alloc::Start)));
    if (start == nullptr) return EAGAIN;
    *start = {run, argument};
    const int error = real(thread, attributes, gyre::alloc::run_in_library, start);
    if (error != 0) std::free(start);
    return error;
}
