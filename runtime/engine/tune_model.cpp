// The tuner on a model: which products are tuned, and what Model::open does with them.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chrono>

#include "runtime/base/log.h"
#include "runtime/engine/model_plan.h"
#include "runtime/engine/product_timer.h"
#include "runtime/engine/tuner.h"
#include "runtime/model/weight_formats.h"

namespace gyre {
namespace {

// So many layers that the weights of a small model do not stay in a cache, and no more.
constexpr std::size_t kMaxMatrices = 12;

const char* role_name(ProductRole role) {
    switch (role) {
        case ProductRole::kPlain:
            return "plain";
        case ProductRole::kNormInside:
            return "norm-inside";
        case ProductRole::kNormAfter:
            return "norm-after";
        case ProductRole::kLogits:
            return "logits";
    }
    return "";
}

std::uint64_t elements(const WeightMatrix& matrix) {
    return std::uint64_t{matrix.n_rows} * matrix.n_in;
}

// Collects matrices by kind: of each the largest shape, in all layers.
class Products {
  public:
    explicit Products(const Model& model) : model_(&model) {}

    void add(const Operations& operations, bool decode) {
        for (const Operation& operation : operations) {
            if (operation.kind != OperationKind::kProduct) continue;
            for (std::size_t part = 0; part < operation.parts.size(); ++part) {
                const WeightMatrix& matrix = model_->weights().matrix(operation.matrix(part));
                add(matrix, linear_variant(operation, matrix, model_->config(), model_->tilings()),
                    decode);
            }
        }
    }

    std::vector<TunedProduct> take();

  private:
    void add(const WeightMatrix& matrix, const LinearVariant& variant, bool decode);

    const Model* model_;
    std::vector<TunedProduct> products_;
};

void Products::add(const WeightMatrix& matrix, const LinearVariant& variant, bool decode) {
    if (takes_fixed_tiles(model_->device().caps(), matrix)) return;  // there is no choice
    const ProductKind kind{matrix.format, matrix.complex, decode,
                           decode ? product_role(variant) : ProductRole::kPlain};
    auto found = std::find_if(products_.begin(), products_.end(),
                              [&](const TunedProduct& product) { return product.kind == kind; });
    if (found == products_.end()) {
        products_.push_back({kind, variant, {&matrix}, {}, elements(matrix)});
        return;
    }
    found->n_weights += elements(matrix);
    const WeightMatrix& largest = *found->matrices[0];
    if (elements(matrix) > elements(largest)) {
        found->variant = variant;
        found->matrices = {&matrix};
    } else if (decode && matrix.n_rows == largest.n_rows && matrix.n_in == largest.n_in &&
               found->matrices.size() < kMaxMatrices) {
        found->matrices.push_back(&matrix);
    }
}

std::vector<TunedProduct> Products::take() {
    const DeviceCaps& caps = model_->device().caps();
    const bool params_fit = texels_fit(caps, model_->weights().params().size);
    for (TunedProduct& product : products_) {
        const bool texels =
            params_fit &&
            std::all_of(product.matrices.begin(), product.matrices.end(),
                        [&](const WeightMatrix* matrix) { return texels_fit(caps, *matrix); });
        product.candidates = tiling_candidates(caps, product.kind,
                                               model_->tilings().default_of(product.kind), texels);
    }
    std::erase_if(products_,
                  [](const TunedProduct& product) { return product.candidates.size() < 2; });
    // Every token first, then prompts; first where most of the work is.
    std::stable_sort(products_.begin(), products_.end(),
                     [](const TunedProduct& a, const TunedProduct& b) {
                         if (a.kind.decode != b.kind.decode) return a.kind.decode;
                         return a.n_weights > b.n_weights;
                     });
    return std::move(products_);
}

// The records' choices, where the candidates are still those that were timed.
void use(std::span<const TunedProduct> products, const TilingRecords& records,
         ModelTilings& tilings) {
    for (const TunedProduct& product : products) {
        const auto found = records.find(product.name());
        if (found == records.end() || found->second.of != product.candidates.size()) continue;
        for (const Tiling& candidate : product.candidates) {
            if (found->second.best == candidate) tilings.choose(product.kind, candidate);
        }
    }
}

bool complete(std::span<const TunedProduct> products, const TilingRecords& records) {
    return std::all_of(products.begin(), products.end(), [&](const TunedProduct& product) {
        const auto found = records.find(product.name());
        return found != records.end() && found->second.of == product.candidates.size() &&
               found->second.tried == found->second.of;
    });
}

double now_ms() {
    return std::chrono::duration<double, std::milli>(
               std::chrono::steady_clock::now().time_since_epoch())
        .count();
}

void say(const DeviceInfo& device, const TuningReport& report) {
    log(LogLevel::kInfo,
        "tuning kernels for " + device.name + ": " + std::to_string(report.timed) +
            " variants timed in " + std::to_string(static_cast<int>(report.ms)) + " ms, " +
            std::to_string(report.replaced) + " better than the default, " +
            (report.left == 0 ? "all done"
                              : std::to_string(report.left) + " left to later starts"));
}

struct TilingFile {
    std::string path, identity;
};

// A start's share of the measuring. Only an end of the opening is an error.
Status measure(const Model& model, const LoadProgress& progress,
               std::span<const TunedProduct> products, const TilingFile& file,
               TilingRecords& records) {
    const double start_ms = now_ms();
    const Status kept = write_tilings(file.path, file.identity, records);
    if (!kept.ok()) {
        log(LogLevel::kInfo,
            "no kernels are tuned: the result could not be kept: " + kept.message());
        return {};
    }
    Result<ProductTimer> timer = ProductTimer::create(model, products);
    if (!timer.ok()) return {};  // no memory to spare: the defaults need less
    TuningTools tools;
    tools.now_ms = now_ms;
    tools.time = [&](const TunedProduct& product, const Tiling& tiling) -> Result<ProductTime> {
        const double done = std::min(1.0, (now_ms() - start_ms) / kTuningBudgetMs);
        if (progress && !progress("tune", done)) return Status::cancelled("load cancelled");
        return timer->time(product, tiling);
    };
    tools.forget = [&](const TunedProduct& product, const Tiling& tiling) {
        timer->forget(product, tiling);
    };
    tools.save = [&](const TilingRecords& now) {
        return write_tilings(file.path, file.identity, now);
    };
    const double spent_ms = now_ms() - start_ms;
    GYRE_ASSIGN(const TuningReport report,
                tune(products, tools, kTuningBudgetMs - spent_ms, records));
    if (tools.save(records).ok()) say(model.device().info(), report);
    return {};
}

}  // namespace

std::string TunedProduct::name() const {
    std::string name = kind.decode ? "decode/" : "prefill/";
    name += format_info(kind.format).name;
    if (kind.complex) name += "-complex";
    return name + '/' + role_name(kind.role) + '/' + std::to_string(matrices[0]->n_rows) + 'x' +
           std::to_string(matrices[0]->n_in);
}

std::vector<TunedProduct> products_to_tune(const Model& model) {
    // How a cache is stored changes no product that is timed here.
    const FusedPlan plan = FusedPlan::of(model.plan(), model.tilings(), model.weights(), {});
    Products products(model);
    products.add(plan.decode, true);
    products.add(plan.prompt, false);
    return products.take();
}

Status choose_tilings(const Model& model, const OpenOptions& options, ModelTilings& tilings) {
    if (options.tiling_candidate) {
        for (const TunedProduct& product : products_to_tune(model)) {
            const std::size_t n = *options.tiling_candidate % product.candidates.size();
            tilings.choose(product.kind, product.candidates[n]);
        }
        return {};
    }
    if (!options.tune || options.pipeline_cache_path.empty()) return {};
    const std::vector<TunedProduct> products = products_to_tune(model);
    const DeviceInfo& device = model.device().info();
    const TilingFile file{tiling_file_path(options.pipeline_cache_path, device),
                          tiling_identity(device)};
    TilingRecords records = read_tilings(file.path, file.identity);
    if (!complete(products, records)) {
        GYRE_TRY(measure(model, options.progress, products, file, records));
    }
    use(products, records, tilings);
    return {};
}

}  // namespace gyre
