// What lies on the device after loading, read back word by word.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <random>
#include <span>

#include "runtime/kernels/kernel_table.h"
#include "runtime/model/model_tensors.h"
#include "runtime/model/weight_formats.h"
#include "runtime/vk/transfer.h"
#include "tests/engine/engine_fixture.h"

namespace gyre::test {
namespace {

// The file, with the tensors' data.
ModelFile read_golden_file(const std::string& name) {
    auto file = ModelFile::open(golden_path(name));
    require(file.status());
    return std::move(file).value();
}

std::vector<std::uint32_t> read_back(Device& device, const BufferRange& range) {
    std::vector<std::uint32_t> words(range.size / 4);
    require(download(device, range, words.data()));
    return words;
}

// Every slice is the repacked rows of the file, slices follow one another, and turned back into the
// file's layout they are the file's bytes.
void expect_matrix(Device& device, const WeightMatrix& matrix, const TensorView& tensor,
                   const TensorView* imag = nullptr) {
    SCOPED_TRACE(std::string(tensor.name));
    const auto n_in = static_cast<std::uint32_t>(tensor.dims[0]);
    const std::uint32_t outputs = imag == nullptr ? 1 : 2;  // of a stored row
    ASSERT_EQ(matrix.format, tensor.format);
    ASSERT_EQ(matrix.n_in, n_in * outputs);
    ASSERT_EQ(matrix.n_rows, tensor.dims[1] * outputs);
    const std::uint64_t file_row = row_bytes(tensor.format, n_in);
    std::uint32_t next = 0;
    for (const WeightSlice& slice : matrix.slices) {
        ASSERT_EQ(slice.first_row, next);
        next += slice.n_rows;
        const DeviceMatrix layout{tensor.format, slice.n_rows / outputs, n_in};
        ASSERT_EQ(slice.block_rows, layout.block_rows());
        ASSERT_EQ(slice.block_vecs, layout.block_vecs());
        ASSERT_EQ(matrix.n_chunks, layout.n_chunks());
        const std::size_t n_words = layout.size_words();
        ASSERT_GE(slice.range.size, n_words * 4 * outputs);
        ASSERT_LE(slice.range.size, device.caps().max_storage_range);
        ASSERT_EQ(slice.range.offset % device.caps().storage_alignment, 0u);
        const auto words = read_back(device, slice.range);
        std::size_t at = 0;
        for (const TensorView* part : {&tensor, imag}) {
            if (part == nullptr) continue;
            const auto rows = part->bytes.subspan(slice.first_row / outputs * file_row,
                                                  slice.n_rows / outputs * file_row);
            std::vector<std::uint32_t> expected(n_words);
            repack_rows(layout, rows, 0, layout.n_rows, expected);
            const auto actual = std::span(words).subspan(at, n_words);
            EXPECT_TRUE(std::equal(actual.begin(), actual.end(), expected.begin()))
                << "slice at row " << slice.first_row;
            at += n_words;
        }
    }
    EXPECT_EQ(next, matrix.n_rows);
}

void expect_vector(std::span<const std::uint32_t> params, ParamsOffset at,
                   const TensorView* tensor) {
    ASSERT_EQ(at == NO_OFFSET, tensor == nullptr);
    if (tensor == nullptr) return;
    const std::vector<float> expected = read_floats(*tensor);
    ASSERT_EQ(at % 4, 0u);  // read four at a time
    ASSERT_LE(at + expected.size(), params.size());
    EXPECT_EQ(std::memcmp(params.data() + at, expected.data(), expected.size() * 4), 0)
        << tensor->name;
}

void expect_linear(Device& device, std::span<const std::uint32_t> params,
                   const LinearWeights& weights, const LinearTensors& tensors) {
    expect_matrix(device, weights.matrix, *tensors.weight, tensors.imag);
    expect_vector(params, weights.bias, tensors.bias);
}

void expect_norm(std::span<const std::uint32_t> params, const NormWeights& norm,
                 const NormTensors& tensors) {
    expect_vector(params, norm.weight, tensors.weight);
    expect_vector(params, norm.bias, tensors.bias);
}

void expect_weights(Device& device, const ModelConfig& config, const ModelWeights& weights,
                    const ModelTensors& tensors) {
    const auto params = read_back(device, weights.params());
    expect_matrix(device, weights.token_embd, *tensors.token_embd);
    expect_matrix(device, weights.output, *tensors.output);
    expect_norm(params, weights.output_norm, tensors.output_norm);
    ASSERT_EQ(weights.layers.size(), config.n_layer);
    for (std::uint32_t l = 0; l < config.n_layer; ++l) {
        SCOPED_TRACE("layer " + std::to_string(l));
        const LayerWeights& w = weights.layers[l];
        const LayerTensors& t = tensors.layers[l];
        expect_norm(params, w.attn_norm, t.attn_norm);
        expect_linear(device, params, w.attn_qkv, t.attn_qkv);
        for (const WeightSlice& slice : w.attn_qkv.matrix.slices) {
            EXPECT_EQ(slice.first_row % config.head_dim, 0u) << "a head is cut in two";
            EXPECT_EQ(slice.n_rows % config.head_dim, 0u);
        }
        expect_linear(device, params, w.attn_output, t.attn_output);
        expect_vector(params, w.attn_sinks, t.attn_sinks);
        expect_norm(params, w.ffn_norm, t.ffn_norm);
        expect_linear(device, params, w.ffn_up, t.ffn_up);
        expect_linear(device, params, w.ffn_down, t.ffn_down);
    }
}

class WeightsTest : public EngineTest {};

// Catches: a tensor uploaded under another's name, rows that a thread left out, staging pieces in
// the wrong order.
TEST_F(WeightsTest, GoldenModelsAreOnTheDevice) {
    DeviceCapsLimit staged;
    staged.no_unified_memory = true;
    DeviceCapsLimit sliced;
    sliced.max_storage_range = 12000;
    for (const char* name :
         {"learned", "untied", "gqa", "f16_odd", "q8_0", "mixed", "no_bias", "q4_k", "q6_k"}) {
        SCOPED_TRACE(name);
        for (const DeviceCapsLimit& limit : {DeviceCapsLimit{}, staged, sliced}) {
            const bool cut = limit.max_storage_range.has_value();
            if (cut && std::string(name) == "learned") continue;  // 64 rows of positions: 15360
            const auto model = open_golden(name, limit);
            const ModelFile file = read_golden_file(name);
            expect_weights(model->device(), model->config(), model->weights(), file.tensors);
            EXPECT_EQ(model->weights().token_embd.slices.size() > 1, cut)
                << "the limit does not do what this test needs";
        }
    }
}

// Catches: slices whose last workgroup keeps one core busy while the other one waits.
TEST_F(WeightsTest, SlicesOfFixedTilesHoldPairsOfWorkgroups) {
    DeviceCapsLimit few_texels;
    few_texels.max_texel_range = 14000;
    for (const char* name : {"f16_odd", "q8_0"}) {
        SCOPED_TRACE(name);
        const auto model = open_golden(name, few_texels);
        ASSERT_TRUE(uses_fixed_tiles(model->device().caps()));
        const std::vector<WeightSlice>& slices = model->weights().token_embd.slices;
        ASSERT_GT(slices.size(), 1u) << "the limit does not do what this test needs";
        for (const WeightSlice& slice : std::span(slices).first(slices.size() - 1)) {
            EXPECT_EQ(slice.n_rows % (2 * kFixedDecode.rows_a_workgroup()), 0u);
        }
    }
}

TEST_F(WeightsTest, PositionRowsAreOnTheDevice) {
    const auto model = open_golden("learned");
    const ModelFile file = read_golden_file("learned");
    expect_vector(read_back(model->device(), model->weights().params()), model->weights().positions,
                  file.tensors.position_embd);
}

// A file of random bytes and tensors that point into it.
class RandomFile {
  public:
    RandomFile() {
        path_ = std::filesystem::path(testing::TempDir()) /
                ("gyre_weights_test." + std::to_string(std::random_device{}()));
        std::ofstream out(path_, std::ios::binary);
        std::mt19937 random(7);
        for (std::size_t i = 0; i < kBytes / 4; ++i) {
            const auto word = static_cast<std::uint32_t>(random());
            out.write(reinterpret_cast<const char*>(&word), 4);
        }
        out.close();
        auto file = MappedFile::open(path_.string());
        require(file.status());
        file_.emplace(std::move(file).value());
    }
    ~RandomFile() { std::filesystem::remove(path_); }
    RandomFile(const RandomFile&) = delete;
    RandomFile& operator=(const RandomFile&) = delete;

    const MappedFile& file() const { return *file_; }

    const TensorView* tensor(const char* name, WeightFormat format, std::uint64_t n_in,
                             std::uint64_t n_rows = 1) {
        TensorView view;
        view.name = name;
        view.format = format;
        view.n_dims = n_rows == 1 ? 1 : 2;
        view.dims = {n_in, n_rows, 1, 1};
        const std::uint64_t bytes = row_bytes(format, n_in) * n_rows;
        if (used_ + bytes > kBytes) throw std::runtime_error("the random file is too small");
        view.bytes = file_->bytes().subspan(used_, bytes);
        used_ = (used_ + bytes + 31) / 32 * 32;
        views_.push_back(std::make_unique<TensorView>(view));
        return views_.back().get();
    }

  private:
    static constexpr std::size_t kBytes = std::size_t{1} << 20;
    std::filesystem::path path_;
    std::optional<MappedFile> file_;
    std::size_t used_ = 0;
    std::vector<std::unique_ptr<TensorView>> views_;
};

struct ShapeCase {
    WeightFormat format;
    bool complex;
    std::uint32_t n_vocab, n_embd, n_head, n_ff;
};

// One layer of random bits.
ModelTensors random_tensors(RandomFile& file, const ShapeCase& c) {
    const auto linear = [&](const char* name, std::uint32_t n_rows, std::uint32_t n_in,
                            bool complex) {
        const std::uint32_t parts = complex ? 2 : 1;
        LinearTensors t;
        t.weight = file.tensor(name, c.format, n_in / parts, n_rows / parts);
        if (complex) t.imag = file.tensor("imag", c.format, n_in / parts, n_rows / parts);
        t.bias = file.tensor("bias", WeightFormat::kF32, n_rows);
        return t;
    };
    const auto norm = [&] {
        return NormTensors{file.tensor("norm", WeightFormat::kF32, c.n_embd), nullptr};
    };
    ModelTensors tensors;
    tensors.token_embd = file.tensor("token_embd.weight", c.format, c.n_embd, c.n_vocab);
    LayerTensors layer;
    layer.attn_norm = norm();
    layer.attn_qkv = linear("attn_qkv", 3 * c.n_embd, c.n_embd, c.complex);
    layer.attn_output = linear("attn_output", c.n_embd, c.n_embd, c.complex);
    layer.attn_sinks = file.tensor("attn_sinks", WeightFormat::kF32, c.n_head);
    layer.ffn_norm = norm();
    layer.ffn_up = linear("ffn_up", c.n_ff, c.n_embd, false);
    layer.ffn_down = linear("ffn_down", c.n_embd, c.n_ff, false);
    tensors.layers.push_back(layer);
    tensors.output_norm = norm();
    tensors.output = file.tensor("output.weight", c.format, c.n_embd, c.n_vocab);
    return tensors;
}

// Catches: padding rows and columns of every format, at sizes that nothing divides.
TEST_F(WeightsTest, OddShapesOfEveryFormat) {
    const ShapeCase cases[] = {
        {WeightFormat::kF32, false, 101, 21, 3, 37},  {WeightFormat::kF32, true, 7, 20, 2, 5},
        {WeightFormat::kF16, false, 33, 27, 3, 29},   {WeightFormat::kF16, true, 5, 36, 3, 3},
        {WeightFormat::kBf16, false, 66, 15, 1, 31},  {WeightFormat::kQ8_0, false, 35, 96, 3, 160},
        {WeightFormat::kQ8_0, true, 3, 128, 4, 32},   {WeightFormat::kQ4_0, false, 99, 32, 1, 96},
        {WeightFormat::kQ4_0, true, 129, 192, 3, 64}, {WeightFormat::kQ4_K, false, 7, 256, 8, 256},
        {WeightFormat::kQ6_K, false, 7, 256, 8, 512},
    };
    for (const std::uint64_t range : {std::uint64_t{1} << 20, std::uint64_t{16384}}) {
        DeviceCapsLimit limit;
        limit.max_storage_range = range;
        const auto model = open_golden("gqa", limit);  // for its device
        const std::uint64_t before = model->device().counters().allocations;
        for (const ShapeCase& c : cases) {
            SCOPED_TRACE(format_info(c.format).name + std::string(c.complex ? " complex" : "") +
                         ", binding " + std::to_string(range));
            RandomFile file;
            const ModelTensors tensors = random_tensors(file, c);
            ModelConfig config;
            config.n_vocab = c.n_vocab;
            config.n_ctx = 8;
            config.n_embd = c.n_embd;
            config.n_layer = 1;
            config.n_head = config.n_head_kv = c.n_head;
            config.head_dim = c.n_embd / c.n_head;
            config.n_ff = c.n_ff;
            std::uint64_t done = 0;
            std::uint64_t total = 0;
            const auto weights = ModelWeights::create(model->device(), config, tensors,
                                                      matrices_of(config, plan(config)),
                                                      {&file.file(), 1}, [&](auto now, auto all) {
                                                          EXPECT_GE(now, done);
                                                          done = now;
                                                          total = all;
                                                          return true;
                                                      });
            ASSERT_OK(weights);
            expect_weights(model->device(), config, weights.value(), tensors);
            EXPECT_EQ(done, total);
        }
        EXPECT_EQ(model->device().counters().allocations, before);
    }
}

// Catches: a cancelled load that goes on, or that keeps its memory.
TEST_F(WeightsTest, LoadingCanBeCancelled) {
    const auto model = open_golden("gqa");
    const ModelFile file = read_golden_file("gqa");
    const std::uint64_t before = model->device().counters().allocations;
    int calls = 0;
    const auto cancelled = ModelWeights::create(
        model->device(), model->config(), file.tensors, matrices_of(model->config(), model->plan()),
        file.files, [&](std::uint64_t done, std::uint64_t total) {
            EXPECT_GT(done, 0u);
            EXPECT_LT(done, total);
            return ++calls < 3;
        });
    ASSERT_FALSE(cancelled.ok());
    EXPECT_EQ(cancelled.status().code(), StatusCode::kCancelled);
    EXPECT_EQ(calls, 3);
    EXPECT_EQ(model->device().counters().allocations, before);
}

}  // namespace
}  // namespace gyre::test
