// SPDX-License-Identifier: Apache-2.0
#include "runtime/model/model_weights.h"

#include <algorithm>
#include <atomic>
#include <cassert>
#include <span>
#include <vector>

#include "runtime/base/host_size.h"
#include "runtime/base/threads.h"
#include "runtime/model/weight_formats.h"
#include "runtime/vk/device.h"
#include "runtime/vk/transfer.h"

namespace gyre {

// Carries a plan out: gives every slice its memory and writes it.
class WeightUpload {
  public:
    WeightUpload(bool flushes_halves, const WeightsPlan& plan, std::span<const MappedFile> files,
                 const UploadProgress& progress, Uploader uploader, ModelWeights& weights)
        : flushes_halves_(flushes_halves),
          plan_(plan),
          files_(files),
          progress_(progress),
          uploader_(std::move(uploader)),
          weights_(weights) {}

    Status add_matrix(const MatrixSource& source, WeightMatrix& matrix) {
        for (const TensorView* part : {source.real, source.imag}) {
            if (part != nullptr && flushes_halves_)
                matrix.integer_halves |= has_subnormal_scales(part->format, part->bytes);
        }
        for (WeightSlice& slice : matrix.slices)
            GYRE_TRY(add_slice(source, slice));
        return {};
    }

    Status add_params() {
        const std::uint64_t bytes = plan_.params_bytes();
        GYRE_ASSIGN(weights_.params_,
                    weights_.arena_.allocate(std::max(bytes, WeightsPlan::kMinParamsBytes)));
        std::vector<float> params(host_size(plan_.params_words));
        for (const VectorSource& vector : plan_.vectors) {
            const std::vector<float> values = vector.values();
            std::copy(values.begin(), values.end(), params.begin() + vector.at);
        }
        if (params.empty()) return {};
        return uploader_.write({weights_.params_.buffer, weights_.params_.offset, bytes},
                               std::as_bytes(std::span(params)));
    }

    Status finish() {
        assert(weights_.device_bytes() == plan_.device_bytes && "the plan was carried out");
        return uploader_.finish();
    }

  private:
    Status add_slice(const MatrixSource& source, WeightSlice& slice) {
        const std::uint32_t outputs = source.imag == nullptr ? 1 : 2;  // of a stored row
        const std::uint32_t first_row = slice.first_row / outputs;
        const DeviceMatrix layout{source.real->format, slice.n_rows / outputs,
                                  static_cast<std::uint32_t>(source.real->dims[0])};
        const std::size_t words = host_size(layout.size_words());
        GYRE_ASSIGN(slice.range, weights_.arena_.allocate(slice.range.size));
        GYRE_ASSIGN(std::byte * bytes, uploader_.stage(slice.range));
        const std::span target(reinterpret_cast<std::uint32_t*>(bytes), words * outputs);
        repack(layout, *source.real, first_row, target.first(words));
        if (source.imag != nullptr) repack(layout, *source.imag, first_row, target.last(words));
        GYRE_TRY(uploader_.commit());
        weights_.matrix_bytes_ += std::uint64_t{words} * 4 * outputs;
        if (progress_ && !progress_(done_, plan_.file_bytes)) {
            return Status::cancelled("load cancelled");
        }
        return {};
    }

    void repack(const DeviceMatrix& layout, const TensorView& tensor, std::uint32_t first_row,
                std::span<std::uint32_t> target) {
        const std::size_t file_row = host_size(row_bytes(tensor.format, layout.n_in));
        const auto source = tensor.bytes.subspan(first_row * file_row, layout.n_rows * file_row);
        repack_in_threads(layout, source, target);
        for (const MappedFile& file : files_)
            file.release_pages(source);
        done_ += source.size();
    }

    // In as many threads as there are cores; ranges begin at blocks of rows.
    static void repack_in_threads(const DeviceMatrix& layout, std::span<const std::uint8_t> source,
                                  std::span<std::uint32_t> target) {
        constexpr std::uint32_t kThreads = 16;
        const std::uint32_t blocks = layout.rows_padded() / layout.block_rows();
        const std::uint32_t share = (blocks + kThreads - 1) / kThreads * layout.block_rows();
        std::atomic<std::uint32_t> next{0};  // share
        in_threads(kThreads, [&] {
            for (std::uint32_t first = 0; (first = next++ * share) < layout.n_rows;)
                repack_rows(layout, source, first, std::min(share, layout.n_rows - first), target);
        });
    }

    const bool flushes_halves_;
    const WeightsPlan& plan_;
    const std::span<const MappedFile> files_;
    const UploadProgress& progress_;
    Uploader uploader_;
    ModelWeights& weights_;
    std::uint64_t done_ = 0;  // bytes of the file's matrices
};

Result<ModelWeights> ModelWeights::create(Device& device, const ModelSpec& spec,
                                          const ModelTensors& tensors,
                                          std::span<const MatrixId> order,
                                          std::span<const MappedFile> files,
                                          const UploadProgress& progress) {
    GYRE_ASSIGN(const WeightsPlan plan,
                WeightsPlan::of(device.info(), device.caps(), spec, tensors, order));
    GYRE_ASSIGN(Uploader uploader, Uploader::create(device));
    ModelWeights weights(plan.layout,
                         Arena::create(device, Memory::kDevice, "weights", plan.expected_bytes));
    WeightUpload upload(device.caps().flushes_halves, plan, files, progress, std::move(uploader),
                        weights);
    for (const MatrixSource& source : plan.matrices)
        GYRE_TRY(upload.add_matrix(source, weights.matrix(source.id)));
    if (spec.tied) weights.output = weights.token_embd;
    GYRE_TRY(upload.add_params());
    GYRE_TRY(upload.finish());
    return weights;
}

}  // namespace gyre
