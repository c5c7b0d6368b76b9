// gyre.h as a C++11 program sees it.
// SPDX-License-Identifier: Apache-2.0
#include "c_compile.c"
