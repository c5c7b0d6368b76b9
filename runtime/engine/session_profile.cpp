// Measures what each operation takes on the device: the schedule once more, with timestamps.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "runtime/engine/session.h"

namespace gyre {

Status Session::profile(std::span<const std::uint32_t> tokens, const ProfileSink& sink) {
    GYRE_TRY(check(tokens));
    Device& device = model_->device();
    if (device.caps().timestamp_period_ns == 0) {
        return Status::unsupported("profile: " + device.info().name +
                                   " has no timestamps, so nothing can be timed on it");
    }
    GYRE_ASSIGN(CommandRecorder recorder,
                CommandRecorder::create(device, {.debug_name = "profile",
                                                 .max_timestamps = schedule_->n_timestamps()}));
    const bool decode = tokens.size() == 1;
    for (std::size_t first = 0; first < tokens.size(); first += layout_.chunk) {
        const auto piece =
            tokens.subspan(first, std::min<std::size_t>(layout_.chunk, tokens.size() - first));
        const bool last = first + piece.size() == tokens.size();
        GYRE_TRY(profile_piece(recorder, piece, decode,
                               last ? LogitsOf::kLastToken : LogitsOf::kNone, sink));
    }
    return tokens.empty() ? Status() : fetch_logits();
}

Status Session::profile_piece(CommandRecorder& recorder, std::span<const std::uint32_t> tokens,
                              bool decode, LogitsOf logits, const ProfileSink& sink) {
    GYRE_TRY(check_interrupted());
    const auto n_tokens = static_cast<std::uint32_t>(tokens.size());
    GYRE_TRY(make_room(n_tokens));
    GYRE_TRY(write_step(position_, tokens));
    GYRE_TRY(recorder.begin());
    recorder.timestamp("begin");
    if (decode) {
        schedule_->record_decode(recorder);
    } else {
        schedule_->record_prefill(recorder, n_tokens, logits);
    }
    GYRE_TRY(recorder.end());
    logits_.clear();
    on_device_ = false;
    GYRE_TRY(model_->device().run(recorder));
    GYRE_ASSIGN(const std::vector<TimestampValue> times, recorder.timestamps());
    on_device_ = logits != LogitsOf::kNone;
    position_ += n_tokens;
    for (std::size_t i = 1; i < times.size(); ++i) {
        const TimestampValue& before = times[i - 1];
        sink({times[i].label.c_str(), times[i].index, times[i].dispatches - before.dispatches,
              (times[i].ns - before.ns) * 1e-9});
    }
    return {};
}

}  // namespace gyre
