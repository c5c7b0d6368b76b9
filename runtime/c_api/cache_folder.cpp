// SPDX-License-Identifier: Apache-2.0
#include "runtime/c_api/cache_folder.h"

#include "runtime/base/platform.h"

namespace gyre::c_api {
namespace {

std::string default_folder() {
    const std::string folder = user_cache_folder();
    return folder.empty() ? std::string() : folder + "/gyre";
}

}  // namespace

std::string pipeline_cache_file(const char* cache_dir) {
    const std::string folder = cache_dir == nullptr ? default_folder() : cache_dir;
    return folder.empty() ? std::string() : folder + "/pipelines.bin";
}

}  // namespace gyre::c_api
