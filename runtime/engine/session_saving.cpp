// Copies a session's cache from and to the device, for sessions that are saved in files.
// SPDX-License-Identifier: Apache-2.0
#include <cassert>
#include <utility>

#include "runtime/engine/session.h"

namespace gyre {

Status Session::save_cells(const CellSink& sink) const {
    GYRE_TRY(model_->device().paused_status());
    return read_cells(model_->device(), cache_, position_, sink);
}

Result<CellImage> Session::make_cell_image(std::uint32_t n_cells) const {
    assert(n_cells > 0 && n_cells <= n_ctx());
    return CellImage::create(model_->device(), cache_, n_cells);
}

Status Session::restore(Snapshot snapshot, const CellImage* cells) {
    assert(snapshot.n_cells == 0 || cells != nullptr);
    assert(snapshot.logits.empty() || snapshot.logits.size() == model_->config().n_vocab);
    GYRE_TRY(model_->device().paused_status());
    if (snapshot.n_cells > 0) GYRE_TRY(cells->put_into(model_->device(), cache_));
    position_ = snapshot.n_cells;
    slid_ = snapshot.slid;
    logits_ = std::move(snapshot.logits);
    on_device_ = false;
    return {};
}

bool Session::has_cells_of(std::uint32_t other_n_ctx) const {
    if (other_n_ctx == n_ctx()) return true;
    const auto others = model_->config().rotary_specs(options_.first_position + other_n_ctx);
    return std::equal(rotary_.begin(), rotary_.end(), others.begin(),
                      [](const RotarySpec& a, const RotarySpec& b) {
                          return a.log_decay.empty() && a.inv_freq == b.inv_freq &&
                                 a.amplitude == b.amplitude;
                      });
}

}  // namespace gyre
