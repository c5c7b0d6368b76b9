// Chooses tilings by measurement, a little at every start until all candidates have been timed.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "runtime/base/status.h"
#include "runtime/engine/tiling_file.h"
#include "runtime/engine/tilings.h"
#include "runtime/kernels/kernels.h"

namespace gyre {

class Model;
struct OpenOptions;

// A kind of product, and the model's largest of it, on which its candidates are timed.
struct TunedProduct {
    ProductKind kind;
    LinearVariant variant;                      // without its tiling
    std::vector<const WeightMatrix*> matrices;  // of that shape, layer by layer
    std::vector<Tiling> candidates;             // the default first
    std::uint64_t n_weights = 0;                // of all products of the kind

    std::string name() const;  // its key in TilingRecords
};

// Those of a model that have a choice, the ones that matter most first.
std::vector<TunedProduct> products_to_tune(const Model& model);

// Of one dispatch.
struct ProductTime {
    double us = 0;
    double cpu_us = 0;  // of all cores, where the device is the processor, otherwise 0
};

// What the tuner needs from outside; tests give their own.
struct TuningTools {
    std::function<double()> now_ms;
    // Compiles and times. kCancelled and kDeviceLost end the tuning, other errors the candidate.
    std::function<Result<ProductTime>(const TunedProduct&, const Tiling&)> time;
    // Releases what was made for a candidate, which will not be used.
    std::function<void(const TunedProduct&, const Tiling&)> forget;
    // Before every candidate, which counts as tried already: one that brings down the process is
    // not tried again. An error ends the tuning: what cannot be kept would be measured every time.
    std::function<Status(const TilingRecords&)> save;
};

struct TuningReport {
    std::uint32_t timed = 0;     // candidates, in this call
    std::uint32_t left = 0;      // for the next start
    std::uint32_t replaced = 0;  // products whose tiling is not the default, in all
    double ms = 0;
};

// Continues where the records stop. Starts no candidate that would end after the budget, judging by
// the slowest one so far; a candidate that fits into no start is passed over. A candidate replaces
// the best so far if it is more than 3 % faster and takes no more processor time, or takes 3 % less
// processor time and is as fast, compared with two timings of the best: so other work on the
// machine cannot make it win.
inline constexpr double kTuningBudgetMs = 1000;
inline constexpr double kTuningMargin = 0.97;
Result<TuningReport> tune(std::span<const TunedProduct> products, const TuningTools& tools,
                          double budget_ms, TilingRecords& records);

// What Model::open does: the file's tilings into `tilings`, after measuring what is missing there.
// Defaults without OpenOptions::tune or without a folder that can be written.
Status choose_tilings(const Model& model, const OpenOptions& options, ModelTilings& tilings);

}  // namespace gyre
