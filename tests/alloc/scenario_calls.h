// How scenarios call gyre.h.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/alloc/failing_new.h"
#include "tests/alloc/scenarios.h"

namespace gyre::alloc {

// A function of gyre.h, called inside the library.
template <typename... P, typename... A>
gyre_status call(gyre_status (*function)(P...), A... arguments) {
    const Library here;
    return function(arguments...);
}

// Returns from the act with the error, if there is one.
#define GYRE_GO(expression)                                   \
    do {                                                      \
        const gyre_status gyre_go_status = (expression);      \
        if (gyre_go_status != GYRE_OK) return gyre_go_status; \
    } while (0)

}  // namespace gyre::alloc
