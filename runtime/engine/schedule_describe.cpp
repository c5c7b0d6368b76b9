// Describes the schedule's steps instead of recording them.
// SPDX-License-Identifier: Apache-2.0
#include "runtime/engine/schedule.h"
#include "runtime/engine/token_traffic.h"
#include "runtime/model/weight_formats.h"

namespace gyre {
namespace {

class DispatchCount final : public Dispatcher {
  public:
    using Dispatcher::dispatch;
    void dispatch(const Pipeline& /*pipeline*/, const DescriptorSet& /*set*/, const void* /*push*/,
                  std::uint32_t /*push_bytes*/, Groups /*groups*/,
                  std::span<const Access> /*accesses*/) override {
        ++n;
    }

    std::uint32_t n = 0;
};

}  // namespace

void Schedule::describe(std::uint32_t n_tokens,
                        const std::function<void(const StepDescription&)>& sink) const {
    DispatchCount count;
    const auto tell = [&](const Rows& rows, const Steps& steps) {
        for (const Step& step : steps) {
            count.n = 0;
            record(rows, step);
            StepDescription description = describe(rows, step);
            description.dispatches = count.n;
            sink(description);
        }
    };
    if (n_tokens == 1) return tell({count, true, 1, 0, 0}, decode_);
    tell({count, false, n_tokens, 0, 0}, prompt_);
    tell({count, true, 1, n_tokens - 1, 0}, last_logits_);
}

StepDescription Schedule::describe(const Rows& rows, const Step& step) const {
    const Operation& operation = step.operation;
    StepDescription description;
    description.operation = operation.name;
    if (operation.norm_place == NormPlace::kInside) description.operation.insert(0, "norm_");
    if (operation.norm_place == NormPlace::kAfter) description.operation += "_norm";
    description.layer = operation.layer;
    description.in = to_string(operation.in);
    description.out = to_string(operation.out);
    if (operation.norm_place == NormPlace::kAfter) description.out += ", normed";
    if (operation.then == Then::kStore) {
        description.out += cache_has_scales(cache_->shape().format) ? ", kv" : ", cache";
    }
    description.kernel =
        (step.parts.empty() ? step.kernel : step.parts[0].kernel).pipeline->name().c_str();
    for (const Part& part : step.parts) {
        const std::string format = format_info(part.matrix->format).name;
        if (description.weight_types.find(format) == std::string::npos) {
            description.weight_types += (description.weight_types.empty() ? "" : ", ") + format;
        }
        description.n_rows += part.matrix->n_rows;
        description.n_in = part.matrix->n_in;
        description.bytes += bytes_of(*part.matrix);
    }
    if (operation.kind == OperationKind::kEmbed) {  // a row of each token
        description.bytes = description.bytes / description.n_rows * rows.n;
    } else if (operation.kind == OperationKind::kAttend) {
        const CacheShape& cache = cache_->shape();
        description.bytes =
            attention_bytes(model_->config(), operation.layer, cache, cache.n_ctx - 1);
    }
    return description;
}

}  // namespace gyre
