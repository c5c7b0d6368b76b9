// What a session does with its cache apart from appending: truncate, shift, slide, fork.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "runtime/engine/session.h"
#include "runtime/vk/transfer.h"

namespace gyre {
namespace {

// (cos, sin) of -count positions: the cached R_j k becomes R_(j - count) k.
std::vector<float> rotations_of(const RotarySpec& rotary, std::uint32_t count) {
    const std::uint32_t n_pairs = rotary.n_pairs();
    std::vector<float> rotations(std::size_t{4} * n_pairs);
    for (std::uint32_t p = 0; p < n_pairs; ++p) {
        const double angle = -static_cast<double>(count) * rotary.inv_freq[p];
        // xPos: the key was multiplied by exp(-log_decay t) at t, and t becomes t - count.
        const double decay = rotary.log_decay.empty() ? 1.0 : std::exp(rotary.log_decay[p] * count);
        rotations[2 * p] = static_cast<float>(decay * std::cos(angle));
        rotations[2 * p + 1] = static_cast<float>(decay * std::sin(angle));
        rotations[2 * (n_pairs + p)] = static_cast<float>(std::cos(angle));
        rotations[2 * (n_pairs + p) + 1] = static_cast<float>(std::sin(angle));
    }
    return rotations;
}

}  // namespace

bool has_position_rows(const ModelConfig& config) {
    return config.position == PositionKind::kLearned ||
           config.position == PositionKind::kSinusoidal;
}

Status Session::cannot_move(const ModelConfig& config) {
    return Status::unsupported(std::string("cached tokens of a model with ") +
                               to_string(config.position) +
                               " positions cannot be moved: start a new prompt instead");
}

Status Session::truncate(std::uint32_t n) {
    if (n > position_) {
        return Status::invalid_argument("truncate to " + std::to_string(n) + ": the session has " +
                                        std::to_string(position_) + " tokens");
    }
    if (n < position_) {
        logits_.clear();
        on_device_ = false;
    }
    position_ = n;
    return {};
}

Status Session::shift(std::uint32_t first, std::uint32_t count) {
    const ModelConfig& config = model_->config();
    const std::string range =
        "shift of " + std::to_string(count) + " positions at " + std::to_string(first);
    if (count == 0) return Status::invalid_argument(range + ": the range is empty");
    if (first > position_ || count > position_ - first) {
        return Status::invalid_argument(range + ": the session has " + std::to_string(position_) +
                                        " tokens");
    }
    if (first < config.attention.sink_tokens) {
        return Status::invalid_argument(range + ": the first " +
                                        std::to_string(config.attention.sink_tokens) +
                                        " positions are attention sinks and stay");
    }
    if (has_position_rows(config)) return cannot_move(config);

    const std::uint32_t from = first + count;
    if (from < position_) {
        GYRE_TRY(write_rotations(count));
        CommandRecorder& recorder = recorders_.parts[0];
        GYRE_TRY(recorder.begin());
        schedule_->record_shift(recorder, from, first, position_ - from);
        GYRE_TRY(recorder.end());
        GYRE_TRY(queue_.run(recorder));
    } else {
        logits_.clear();
        on_device_ = false;
    }
    position_ -= count;
    return {};
}

Status Session::write_rotations(std::uint32_t count) {
    GYRE_ASSIGN(Uploader uploader, Uploader::create(model_->device()));
    for (std::size_t r = 0; r < rotary_.size(); ++r) {
        const std::vector<float> rotations = rotations_of(rotary_[r], count);
        const std::uint64_t at = std::uint64_t{layout_.rotary[r].rotations} * 4;
        GYRE_TRY(uploader.write(buffers_.state.range(at, rotations.size() * 4),
                                std::as_bytes(std::span(rotations))));
    }
    return uploader.finish();
}

std::uint32_t Session::kept_tokens() const {
    return std::max(options_.keep_tokens, model_->config().attention.sink_tokens);
}

Status Session::make_room(std::uint32_t n_tokens) {
    assert(n_tokens <= layout_.chunk && "a slide frees a chunk");
    if (options_.when_full == WhenFull::kStop || position_ + n_tokens <= n_ctx()) return {};
    const std::uint32_t movable = position_ - std::min(position_, kept_tokens());
    const std::uint32_t needed = position_ + n_tokens - n_ctx();
    const std::uint32_t count = std::min(movable, std::max((movable + 1) / 2, needed));
    GYRE_TRY(shift(kept_tokens(), count));
    slid_ += count;
    return {};
}

Result<std::unique_ptr<Session>> Session::fork() {
    SessionOptions options = options_;
    options.n_ctx = n_ctx();
    GYRE_ASSIGN(std::unique_ptr<Session> copy, create(model_, options));
    CommandRecorder& recorder = recorders_.parts[0];
    GYRE_TRY(recorder.begin());
    copy_cells(recorder, cache_, copy->cache_, position_);
    if (on_device_) recorder.copy(buffers_.logits.range(), copy->buffers_.logits.range());
    GYRE_TRY(recorder.end());
    GYRE_TRY(queue_.run(recorder));
    copy->token_pacer_ = token_pacer_;
    copy->rates_ = rates_;
    copy->position_ = position_;
    copy->slid_ = slid_;
    copy->logits_ = logits_;
    copy->on_device_ = on_device_;
    return copy;
}

}  // namespace gyre
