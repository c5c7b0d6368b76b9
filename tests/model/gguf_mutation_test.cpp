// Thousands of damaged files through the whole loader: an error or a consistent model, never a
// crash.
// SPDX-License-Identifier: Apache-2.0
//
// The sanitizer build makes this the test that it is; a plain build sees crashes and hangs alone.
#include <gtest/gtest.h>

#include <chrono>
#include <random>

#include "runtime/base/host_size.h"
#include "runtime/model/gguf_file.h"
#include "runtime/model/model_config.h"
#include "runtime/model/model_tensors.h"
#include "runtime/model/rotary_table.h"
#include "tests/model/split_model.h"

namespace gyre::testing {
namespace {

void read_every_key(const Gguf& gguf) {
    for (const std::string_view key : gguf.keys()) {
        EXPECT_TRUE(gguf.describe(key).ok());
        (void)gguf.get_u32(key);
        (void)gguf.get_float(key);
        (void)gguf.get_bool(key);
        (void)gguf.get_string(key);
        (void)gguf.get_strings(key);
        (void)gguf.get_floats(key);
        (void)gguf.get_ints(key);
    }
}

// How far a file came: 0 refused by the reader, 1 by the config, 2 by the tensors, 3 a model.
int load(const Bytes& file) {
    const auto gguf = Gguf::parse(file);
    if (!gguf.ok()) return gguf.status().message().empty() ? -1 : 0;
    read_every_key(gguf.value());
    for (const TensorView& tensor : gguf->tensors()) {
        EXPECT_GE(tensor.bytes.data(), file.data());
        EXPECT_LE(tensor.bytes.data() + tensor.bytes.size(), file.data() + file.size());
        EXPECT_EQ(read_floats(tensor).size(), tensor.n_elements());
    }
    GgufReading reading(gguf.value());
    const auto config = read_model_config(reading);
    if (!config.ok()) return config.status().message().empty() ? -1 : 1;
    (void)check_supported(config.value());
    const RotarySpec spec = config->rotary_spec(config->n_ctx);
    std::vector<float> table(std::size_t{4} * spec.n_pairs());
    fill_rotary_rows(spec, spec.amplitude, config->n_ctx - 1, 2, table);
    for (const float value : table)
        EXPECT_TRUE(std::isfinite(value));
    const auto tensors = find_model_tensors(reading, config.value());
    if (!tensors.ok()) return tensors.status().message().empty() ? -1 : 2;
    EXPECT_EQ(tensors->layers.size(), config->n_layer);
    return 3;
}

// Replaces 1 to 4 bytes, by a random value or by one that is often a limit.
Bytes mutate(const Bytes& whole, std::mt19937& random) {
    Bytes file = whole;
    // Three of four hit the header, where the structure is; the data are only numbers.
    const std::size_t header = file.size() * 2 / 5;
    const std::uint32_t n = 1 + random() % 4;
    for (std::uint32_t i = 0; i < n; ++i) {
        const std::size_t at = random() % (random() % 4 == 0 ? file.size() : header);
        constexpr std::uint8_t kLimits[] = {0x00, 0x01, 0x7f, 0x80, 0xff};
        file[at] = random() % 2 == 0 ? kLimits[random() % 5] : static_cast<std::uint8_t>(random());
    }
    return file;
}

TEST(GgufMutation, TwoThousandDamagedFilesAreRefusedOrConsistent) {
    const auto begin = std::chrono::steady_clock::now();
    const Bytes files[] = {small_model().build(), rich_model().build()};
    std::mt19937 random(20240607);
    int stages[4] = {0, 0, 0, 0};
    for (int i = 0; i < 2000; ++i) {
        const int stage = load(mutate(files[i % 2], random));
        ASSERT_GE(stage, 0) << "an error without a message, file " << i;
        ++stages[stage];
    }
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
    EXPECT_LT(seconds.count(), 60.0);
    // Otherwise the mutations do not reach the code that they are to try.
    for (int stage = 0; stage < 4; ++stage)
        EXPECT_GE(stages[stage], 20) << "stage " << stage;
}

// How far the parts of a split file came: 0 refused as a part, 1 read as one file.
int load_parts(const std::vector<Bytes>& parts) {
    std::size_t next = 0;
    const auto file = GgufFile::open(part_name("m", 1, parts.size()), [&](const std::string& path) {
        EXPECT_EQ(path, part_name("m", next + 1, parts.size()));
        return Result<MappedFile>(MappedFile::borrow(parts[next++]));
    });
    if (!file.ok()) return file.status().message().empty() ? -1 : 0;
    read_every_key(file->gguf);
    for (const TensorView& tensor : file->gguf.tensors()) {
        EXPECT_EQ(file->gguf.find_tensor(tensor.name), &tensor);
        EXPECT_EQ(read_floats(tensor).size(), tensor.n_elements());
    }
    return 1;
}

TEST(GgufMutation, ADamagedPartIsRefusedOrConsistent) {
    const GgufBuilder model = rich_model();
    std::vector<Bytes> parts;
    for (const GgufBuilder& part : split_model(model, {3, 12, model.tensors.size() - 15}))
        parts.push_back(part.build());
    EXPECT_EQ(load_parts(parts), 1);
    std::mt19937 random(20261127);
    int stages[2] = {0, 0};
    for (std::size_t i = 0; i < 2000; ++i) {
        std::vector<Bytes> damaged = parts;
        damaged[i % 3] = mutate(parts[i % 3], random);
        if (i % 7 == 0) damaged[i % 3].resize(random() % parts[i % 3].size());
        const int stage = load_parts(damaged);
        ASSERT_GE(stage, 0) << "an error without a message, set " << i;
        ++stages[stage];
    }
    for (int stage = 0; stage < 2; ++stage)
        EXPECT_GE(stages[stage], 100) << "stage " << stage;
}

TEST(GgufMutation, TheUndamagedFilesAreModels) {
    EXPECT_EQ(load(small_model().build()), 3);
    EXPECT_EQ(load(rich_model().build()), 3);
}

}  // namespace
}  // namespace gyre::testing
