# Where the library of the Java binding takes zlib and utf8proc from: static libraries, since it goes where neither is
# installed. Included before the layers that look for them.
# SPDX-License-Identifier: Apache-2.0

set(ZLIB_USE_STATIC_LIBS ON)
find_library(UTF8PROC_LIBRARY NAMES libutf8proc.a utf8proc DOC "The library utf8proc (Debian: libutf8proc-dev)")
