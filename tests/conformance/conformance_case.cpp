// Reads cases, draws their inputs and has the model layer read their keys.
// SPDX-License-Identifier: Apache-2.0
#include "tests/conformance/conformance_case.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "runtime/model/gguf.h"
#include "tests/model/gguf_builder.h"
#include "tests/reference/generator.h"

namespace gyre::test {
namespace {

using Json = nlohmann::json;

const std::filesystem::path kFolder = std::string(GYRE_SOURCE_DIR) + "/tests/conformance/cases";

std::string read_file(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

// A number with a point is a float32 of the model file, one without is a uint32.
void add_key(testing::GgufBuilder& file, const std::string& key, const Json& value) {
    if (value.is_string()) {
        file.string(key, value.get<std::string>());
    } else if (value.is_boolean()) {
        file.boolean(key, value.get<bool>());
    } else if (value.is_array()) {
        file.array(key, 6, value.get<std::vector<float>>());
    } else if (value.is_number_float()) {
        file.f32(key, value.get<float>());
    } else {
        file.u32(key, value.get<std::uint32_t>());
    }
}

void add_tensor(testing::GgufBuilder& file, const std::string& name,
                const std::vector<float>& values) {
    testing::Bytes data(values.size() * sizeof(float));
    std::memcpy(data.data(), values.data(), data.size());
    file.tensor({name, {values.size()}, 0, data});
}

// What the case says of its model, and what every model file must have beside it.
testing::Bytes model_file(const Json& json, const ConformanceCase& conformance_case) {
    testing::GgufBuilder file;
    const Json& metadata = json.at("metadata");
    for (const auto& [key, value] : metadata.items())
        add_key(file, key, value);
    const std::string arch = metadata.at("general.architecture").get<std::string>();
    const auto n_embd = metadata.at(arch + ".embedding_length").get<std::uint64_t>();
    file.u32(arch + ".block_count", 1).u32(arch + ".feed_forward_length", 1);
    file.f32(arch + ".attention.layer_norm_epsilon", 1e-5f);
    file.f32(arch + ".attention.layer_norm_rms_epsilon", 1e-5f);
    file.tensor("token_embd.weight", {n_embd, 1});
    file.tensor("output.weight", {n_embd, 1});  // GPT-NeoX never ties it to token_embd
    if (metadata.value("gyre.position", "") == "learned") {
        file.tensor("position_embd.weight", {n_embd, 1});
    }
    for (const auto& [name, values] : json.at("tensors").items())
        add_tensor(file, name, values.get<std::vector<float>>());
    if (const auto& sinks = conformance_case.array("blk.0.attn_sinks.weight"); !sinks.empty())
        add_tensor(file, "blk.0.attn_sinks.weight", sinks);
    return file.build();
}

Result<ModelConfig> read_config(const testing::Bytes& bytes) {
    GYRE_ASSIGN(const Gguf gguf, Gguf::parse(bytes));
    return read_model_config(gguf);
}

// Arrays in the order of the list, all from one generator: a multiple of 2^-20 times a power of
// two.
void draw_arrays(const Json& json, ConformanceCase& conformance_case) {
    reference::Generator generator(json.at("seed").get<std::uint64_t>());
    for (const Json& item : json.at("generated")) {
        std::size_t count = 1;
        for (const Json& n : item.at("shape"))
            count *= n.get<std::size_t>();
        const auto scale = item.at("scale").get<float>();
        std::vector<float>& values = conformance_case.arrays[item.at("name").get<std::string>()];
        values.resize(count);
        for (float& value : values)
            value = generator.uniform() * scale;
    }
}

CacheFormat cache_format(const std::string& name) {
    if (name == "f32") return CacheFormat::kF32;
    return name == "f16" ? CacheFormat::kF16 : CacheFormat::kQ8_0;
}

Result<ConformanceCase> read_case(const Json& json, const std::string& expected) {
    ConformanceCase result;
    result.name = json.at("name").get<std::string>();
    result.n_tokens = json.at("n_tokens").get<std::uint32_t>();
    result.first_position = json.at("first_position").get<std::uint32_t>();
    result.n_ctx = json.at("n_ctx").get<std::uint32_t>();
    result.cache = cache_format(json.at("cache").get<std::string>());
    result.tolerance = json.at("tolerance").get<double>();
    draw_arrays(json, result);
    auto config = read_config(model_file(json, result));
    if (!config.ok()) return config.status().with_context(result.name);
    result.config = std::move(config).value();

    result.expected.resize(std::size_t{result.n_tokens} * result.config.n_embd);
    const auto offset = json.at("offset").get<std::size_t>();
    const std::size_t n_bytes = result.expected.size() * sizeof(float);
    if (offset + n_bytes > expected.size()) {
        return Status::bad_file(result.name + ": results end beyond the file");
    }
    std::memcpy(result.expected.data(), expected.data() + offset, n_bytes);
    return result;
}

}  // namespace

const std::vector<float>& ConformanceCase::array(const std::string& array_name) const {
    static const std::vector<float> kNone;
    const auto found = arrays.find(array_name);
    return found == arrays.end() ? kNone : found->second;
}

std::vector<std::string> conformance_systems() {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(kFolder)) {
        if (entry.path().extension() == ".json") names.push_back(entry.path().stem().string());
    }
    std::sort(names.begin(), names.end());
    return names;
}

Result<ConformanceSystem> load_conformance_system(const std::string& name) {
    const Json file = Json::parse(read_file(kFolder / (name + ".json")), nullptr, false);
    if (file.is_discarded() || file.value("format", 0) != 1) {
        return Status::bad_file(name + ".json: not a file of conformance cases, format 1");
    }
    ConformanceSystem system{name, file.at("about").get<std::string>(), {}};
    const std::string expected = read_file(kFolder / file.at("expected").get<std::string>());
    for (const Json& json : file.at("cases")) {
        GYRE_ASSIGN(ConformanceCase conformance_case, read_case(json, expected));
        system.cases.push_back(std::move(conformance_case));
    }
    return system;
}

}  // namespace gyre::test
