// SPDX-License-Identifier: Apache-2.0
#include "runtime/c_api/cache_folder.h"

#include <cstdlib>

namespace gyre::c_api {
namespace {

// XDG Base Directory Specification 0.8: a relative path in XDG_CACHE_HOME counts as not set.
std::string default_folder() {
    const char* xdg = std::getenv("XDG_CACHE_HOME");
    if (xdg != nullptr && *xdg == '/') return std::string(xdg) + "/gyre";
    const char* home = std::getenv("HOME");
    if (home != nullptr && *home == '/') return std::string(home) + "/.cache/gyre";
    return {};
}

}  // namespace

std::string pipeline_cache_file(const char* cache_dir) {
    const std::string folder = cache_dir == nullptr ? default_folder() : cache_dir;
    return folder.empty() ? std::string() : folder + "/pipelines.bin";
}

}  // namespace gyre::c_api
