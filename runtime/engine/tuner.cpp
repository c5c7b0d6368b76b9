// SPDX-License-Identifier: Apache-2.0
#include "runtime/engine/tuner.h"

#include <algorithm>
#include <cmath>

namespace gyre {
namespace {

bool ends_tuning(const Status& status) {
    return status.code() == StatusCode::kCancelled || status.code() == StatusCode::kDeviceLost;
}

// On a software driver the processor's time says nothing of how well the cores share the work, and
// a quicker dispatch may cost more of it: one of them has to be better, the other not worse.
bool is_better(const ProductTime& a, const ProductTime& b) {
    if (a.us < kTuningMargin * b.us && a.cpu_us <= b.cpu_us) return true;
    return a.cpu_us < kTuningMargin * b.cpu_us && a.us < b.us / kTuningMargin;
}

std::uint32_t sums(const Tiling& tiling) {
    return tiling.rows * tiling.tokens;
}

// One call of tune().
class Tuning {
  public:
    Tuning(const TuningTools& tools, double budget_ms, TilingRecords& records)
        : tools_(&tools), budget_ms_(budget_ms), records_(&records), start_ms_(tools.now_ms()) {}

    // false: the time is up, or nothing can be saved.
    Result<bool> tune(const TunedProduct& product);

    std::uint32_t timed() const { return timed_; }
    double spent_ms() const { return tools_->now_ms() - start_ms_; }

  private:
    // Judged by the slowest so far: most of it is compilation, whose time grows with the tile, and
    // somewhat faster for the largest.
    bool fits(const Tiling& tiling) const {
        const double more = sums(tiling) > most_sums_ ? 1.25 : 1.0;
        return spent_ms() + more * ms_a_sum_ * sums(tiling) <= budget_ms_;
    }
    Result<ProductTime> time(const TunedProduct& product, const Tiling& tiling,
                             TilingRecord& record);
    Result<bool> wins(const TunedProduct& product, const Result<ProductTime>& candidate,
                      const Tiling& leader, const ProductTime& leading);

    const TuningTools* tools_;
    double budget_ms_;
    TilingRecords* records_;
    double start_ms_;
    double ms_a_sum_ = 0;  // 0: nothing is known
    std::uint32_t most_sums_ = 0;
    std::uint32_t timed_ = 0;
};

Result<ProductTime> Tuning::time(const TunedProduct& product, const Tiling& tiling,
                                 TilingRecord& record) {
    const double before = tools_->now_ms();
    Result<ProductTime> timed = tools_->time(product, tiling);
    const double ms_a_sum = (tools_->now_ms() - before) / sums(tiling);
    // Rounded as in the file: a later start knows no more than this.
    record.ms_a_sum = std::max(record.ms_a_sum, std::round(ms_a_sum * 10) / 10);
    ms_a_sum_ = std::max(ms_a_sum_, record.ms_a_sum);
    most_sums_ = std::max(most_sums_, sums(tiling));
    ++timed_;
    return timed;
}

Result<bool> Tuning::wins(const TunedProduct& product, const Result<ProductTime>& candidate,
                          const Tiling& leader, const ProductTime& leading) {
    if (!candidate.ok() || !is_better(candidate.value(), leading)) return false;
    const Result<ProductTime> again = tools_->time(product, leader);  // compiled already
    if (!again.ok()) return ends_tuning(again.status()) ? Result<bool>(again.status()) : false;
    return is_better(candidate.value(), again.value());
}

Result<bool> Tuning::tune(const TunedProduct& product) {
    const std::vector<Tiling>& candidates = product.candidates;
    TilingRecord& record = (*records_)[product.name()];
    const auto best = std::find(candidates.begin(), candidates.end(), record.best);
    const bool goes_on = record.of == candidates.size() && best != candidates.end();
    if (!goes_on) record = {candidates[0], 0, static_cast<std::uint32_t>(candidates.size()), 0};
    if (record.tried == record.of) return true;

    // The best so far once more: times of another start would not compare.
    Tiling leader = goes_on ? *best : candidates[0];
    const bool alone = timed_ == 0 && record.tried > 0;  // all of a start for this product
    if (timed_ > 0 && !fits(leader)) return false;
    record.tried = std::max(record.tried, 1u);
    if (!tools_->save(*records_).ok()) return false;
    Result<ProductTime> leading = time(product, leader, record);
    if (!leading.ok() && ends_tuning(leading.status())) return leading.status();
    if (!leading.ok()) {  // nothing to compare with
        record.tried = record.of;
        return true;
    }
    record.us = leading.value().us;
    const std::uint32_t n_before = timed_;
    while (record.tried < record.of) {
        const Tiling& candidate = candidates[record.tried];
        const bool fits_now = fits(candidate);
        if (!fits_now && !(alone && timed_ == n_before)) return false;
        ++record.tried;
        if (!fits_now) continue;  // nor into the next start
        if (!tools_->save(*records_).ok()) return false;
        const Result<ProductTime> timed = time(product, candidate, record);
        if (!timed.ok() && ends_tuning(timed.status())) return timed.status();
        GYRE_ASSIGN(const bool won, wins(product, timed, leader, leading.value()));
        tools_->forget(product, won ? leader : candidate);
        if (!won) continue;
        leader = record.best = candidate;
        leading = timed;
        record.us = timed.value().us;
    }
    return true;
}

}  // namespace

Result<TuningReport> tune(std::span<const TunedProduct> products, const TuningTools& tools,
                          double budget_ms, TilingRecords& records) {
    Tuning tuning(tools, budget_ms, records);
    for (const TunedProduct& product : products) {
        GYRE_ASSIGN(const bool goes_on, tuning.tune(product));
        if (!goes_on) break;
    }
    TuningReport report;
    report.timed = tuning.timed();
    report.ms = tuning.spent_ms();
    for (const TunedProduct& product : products) {
        const auto found = records.find(product.name());
        if (found == records.end()) {
            report.left += static_cast<std::uint32_t>(product.candidates.size());
            continue;
        }
        report.left += found->second.of - found->second.tried;
        if (found->second.best != product.candidates[0]) ++report.replaced;
    }
    return report;
}

}  // namespace gyre
