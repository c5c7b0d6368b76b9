// Where compiled pipelines are kept between runs.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace gyre::c_api {

// The file of gyre_model_options.cache_dir; empty: nothing is kept. It need not exist.
std::string pipeline_cache_file(const char* cache_dir);

}  // namespace gyre::c_api
