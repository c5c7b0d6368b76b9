// SPDX-License-Identifier: Apache-2.0
#include "runtime/engine/session.h"

#include <algorithm>
#include <cstring>

#include "runtime/model/rotary_table.h"
#include "runtime/vk/transfer.h"

namespace gyre {
namespace {

constexpr std::uint32_t kDefaultChunk = 128;  // tokens
constexpr std::uint64_t kAllLogitsBytes = std::uint64_t{16}
                                          << 20;  // of every token's logits at once

// xPos multiplies keys by up to exp(n_ctx / 2 * 1.25 / 512): what the cache's format can hold.
Status check_decay(const RotarySpec& rotary, CacheFormat cache, std::uint32_t n_ctx) {
    if (rotary.log_decay.empty()) return {};
    const std::uint32_t limit = cache == CacheFormat::kF32 ? 65536 : 4096;
    if (n_ctx <= limit) return {};
    return Status::invalid_argument("n_ctx " + std::to_string(n_ctx) +
                                    ": xPos's decay fits a cache of " +
                                    (cache == CacheFormat::kF32 ? "f32" : "f16 or q8_0") +
                                    " up to " + std::to_string(limit) + " positions");
}

// Positions that the model can tell apart: a table's rows, or what the file was made for.
Status check_positions(const ModelConfig& config, std::uint32_t first_position,
                       std::uint32_t n_ctx) {
    if (has_position_rows(config)) {
        const std::string rows =
            "this model has " + std::to_string(config.n_ctx) + " rows of absolute positions";
        if (n_ctx > config.n_ctx) {
            return Status::invalid_argument("n_ctx " + std::to_string(n_ctx) + ": " + rows);
        }
        if (first_position != 0) {
            return Status::invalid_argument("first_position " + std::to_string(first_position) +
                                            ": " + rows + ", which begin at 0");
        }
    }
    constexpr std::uint32_t kMaxContext = 1u << 20;
    if (n_ctx > kMaxContext) {
        return Status::invalid_argument("n_ctx " + std::to_string(n_ctx) + ": at most " +
                                        std::to_string(kMaxContext));
    }
    return {};
}

// A slide must free something, and what it moves must be movable.
Status check_sliding(const ModelConfig& config, const SessionOptions& options,
                     std::uint32_t n_ctx) {
    if (options.when_full != WhenFull::kSlide) return {};
    if (has_position_rows(config)) return Session::cannot_move(config);
    const std::uint32_t kept = std::max(options.keep_tokens, config.attention.sink_tokens);
    if (kept > n_ctx / 2) {
        return Status::invalid_argument("keep_tokens " + std::to_string(kept) +
                                        ": at most half of n_ctx " + std::to_string(n_ctx));
    }
    return {};
}

}  // namespace

Result<std::unique_ptr<Session>> Session::create(std::shared_ptr<const Model> model,
                                                 const SessionOptions& options) {
    const ModelConfig& config = model->config();
    const std::uint32_t n_ctx = options.n_ctx == 0 ? config.n_ctx : options.n_ctx;
    GYRE_TRY(check_positions(config, options.first_position, n_ctx));
    GYRE_TRY(check_sliding(config, options, n_ctx));
    // Half the context is free after a slide.
    const std::uint32_t room = options.when_full == WhenFull::kSlide ? (n_ctx + 3) / 4 : n_ctx;
    // Tokens are workgroups of a grid's second dimension.
    const std::uint32_t chunk = std::min({options.chunk == 0 ? kDefaultChunk : options.chunk, room,
                                          model->device().caps().max_groups[1]});
    Device& device = model->device();
    // Frequencies that depend on the length are those of the last position, frozen here.
    const std::uint64_t end = std::uint64_t{options.first_position} + n_ctx;
    const RotarySpec rotary =
        config.rotary_spec(static_cast<std::uint32_t>(std::min<std::uint64_t>(end, 0xffffffffu)));
    GYRE_TRY(check_decay(rotary, options.cache, n_ctx));
    const ActivationLayout layout =
        ActivationLayout::of(config, rotary, options.cache, chunk, n_ctx);
    if (layout.words * 4 > device.caps().max_storage_range) {
        return Status::out_of_device_memory(
            "activations and rotary tables need " + std::to_string(layout.words * 4) +
            " bytes, this device binds at most " + std::to_string(device.caps().max_storage_range) +
            ": use a smaller context or chunk");
    }
    GYRE_ASSIGN(KvCache cache,
                KvCache::create(device, config, CacheShape::of(config, options.cache, n_ctx)));
    GYRE_ASSIGN(Buffers buffers, make_buffers(device, config, layout));
    GYRE_ASSIGN(CommandRecorder decode, CommandRecorder::create(device, {.debug_name = "decode"}));
    GYRE_ASSIGN(CommandRecorder prefill,
                CommandRecorder::create(device, {.debug_name = "prefill"}));
    std::unique_ptr<Session> session(new Session(std::move(model), rotary, layout, std::move(cache),
                                                 std::move(buffers), std::move(decode),
                                                 std::move(prefill), options));
    GYRE_TRY(session->fill_state());
    GYRE_TRY(session->build_schedule());
    return session;
}

Result<Session::Buffers> Session::make_buffers(Device& device, const ModelConfig& config,
                                               const ActivationLayout& layout) {
    GYRE_ASSIGN(Buffer state, Buffer::create(device, layout.words * 4, Memory::kDevice, "state"));
    GYRE_ASSIGN(Buffer tokens,
                Buffer::create(device, std::uint64_t{layout.chunk} * 4, Memory::kShared, "tokens"));
    GYRE_ASSIGN(Buffer step, Buffer::create(device, sizeof(StepState), Memory::kShared, "step"));
    GYRE_ASSIGN(Buffer logits, Buffer::create(device, std::uint64_t{config.n_vocab} * 4,
                                              Memory::kReadback, "logits"));
    return Buffers{std::move(state), std::move(tokens), std::move(step), std::move(logits), {}};
}

// Zeros everywhere (row padding is read and never written), then the tables.
Status Session::fill_state() {
    Device& device = model_->device();
    GYRE_TRY(prefill_.begin());
    prefill_.fill(buffers_.state.range(), 0);
    GYRE_TRY(prefill_.end());
    GYRE_TRY(device.run(prefill_));

    GYRE_ASSIGN(Uploader uploader, Uploader::create(device));
    const auto upload = [&](std::uint32_t word, std::span<const float> values) {
        return uploader.write(buffers_.state.range(std::uint64_t{word} * 4, values.size_bytes()),
                              std::as_bytes(values));
    };
    std::vector<float> values;
    const auto upload_table = [&](RotaryTable which, std::uint32_t word) {
        values.resize(rotary_table_floats(rotary_, n_ctx()));
        fill_rotary_table(rotary_, which, options_.first_position, n_ctx(), decay_origin(), values);
        return upload(word, values);
    };
    if (rotary_.turns()) {
        GYRE_TRY(upload_table(RotaryTable::kQueries, layout_.query_table));
        if (layout_.key_table != layout_.query_table) {
            GYRE_TRY(upload_table(RotaryTable::kKeys, layout_.key_table));
        }
        if (layout_.value_table != layout_.query_table) {
            GYRE_TRY(upload_table(RotaryTable::kValues, layout_.value_table));
        }
    }
    if (rotary_.temperature.active()) {
        values.resize(n_ctx());
        for (std::uint32_t p = 0; p < n_ctx(); ++p) {
            values[p] =
                static_cast<float>(rotary_.temperature.factor(options_.first_position + p + 1));
        }
        GYRE_TRY(upload(layout_.scales, values));
    }
    return uploader.finish();
}

Status Session::build_schedule() {
    const ScheduleBuffers bound{buffers_.state.range(), buffers_.tokens.range(),
                                buffers_.step.range(), buffers_.logits.range(),
                                buffers_.all_logits ? buffers_.all_logits->range() : BufferRange{}};
    GYRE_ASSIGN(schedule_, Schedule::create(*model_, cache_, rotary_, layout_, bound));
    GYRE_TRY(decode_.begin());
    schedule_->record_decode(decode_);
    decode_.host_read_barrier();
    return decode_.end();
}

Status Session::check(std::span<const std::uint32_t> tokens) const {
    for (const std::uint32_t token : tokens) {
        if (token >= model_->config().n_vocab) {
            return Status::invalid_argument("token " + std::to_string(token) +
                                            ": the vocabulary has " +
                                            std::to_string(model_->config().n_vocab) + " tokens");
        }
    }
    if (options_.when_full == WhenFull::kStop && tokens.size() > n_ctx() - position_) {
        return Status::context_full(std::to_string(tokens.size()) + " tokens do not fit: " +
                                    std::to_string(position_) + " of " + std::to_string(n_ctx()) +
                                    " positions are taken; use a larger context (--ctx)");
    }
    return {};
}

Status Session::check_cancelled() {
    if (cancelled_.exchange(false, std::memory_order_relaxed))
        return Status::cancelled("cancelled");
    return {};
}

void Session::write_step(std::span<const std::uint32_t> tokens) {
    const StepState step{position_, static_cast<std::uint32_t>(tokens.size()), 0, 0};
    std::memcpy(buffers_.step.mapped(), &step, sizeof(step));
    buffers_.step.flush(0, sizeof(step));
    std::memcpy(buffers_.tokens.mapped(), tokens.data(), tokens.size_bytes());
    buffers_.tokens.flush(0, tokens.size_bytes());
}

// Submits and waits, and counts what that was.
Status Session::run(CommandRecorder& recorder) {
    GYRE_TRY(model_->device().run(recorder));
    counters_.add_commands(recorder);
    counters_.add_submit();
    return {};
}

Status Session::run_chunk(std::span<const std::uint32_t> tokens, LogitsOf logits) {
    GYRE_TRY(check_cancelled());
    GYRE_TRY(make_room(static_cast<std::uint32_t>(tokens.size())));
    write_step(tokens);
    GYRE_TRY(prefill_.begin());
    schedule_->record_prefill(prefill_, static_cast<std::uint32_t>(tokens.size()), logits);
    prefill_.host_read_barrier();
    GYRE_TRY(prefill_.end());
    GYRE_TRY(run(prefill_));
    position_ += static_cast<std::uint32_t>(tokens.size());
    return {};
}

Status Session::feed(std::span<const std::uint32_t> tokens) {
    GYRE_TRY(check(tokens));
    for (std::size_t first = 0; first < tokens.size(); first += layout_.chunk) {
        const auto part =
            tokens.subspan(first, std::min<std::size_t>(layout_.chunk, tokens.size() - first));
        const bool last = first + part.size() == tokens.size();
        GYRE_TRY(run_chunk(part, last ? LogitsOf::kLastToken : LogitsOf::kNone));
    }
    return tokens.empty() ? Status() : read_logits();
}

Status Session::feed(std::span<const std::uint32_t> tokens, const LogitsSink& sink) {
    GYRE_TRY(check(tokens));
    GYRE_TRY(ensure_all_logits());
    const std::uint32_t n_vocab = model_->config().n_vocab;
    const std::size_t rows = std::min<std::size_t>(
        layout_.chunk, buffers_.all_logits->size() / (std::uint64_t{n_vocab} * 4));
    for (std::size_t first = 0; first < tokens.size(); first += rows) {
        const auto part = tokens.subspan(first, std::min(rows, tokens.size() - first));
        GYRE_TRY(run_chunk(part, LogitsOf::kEveryToken));
        const std::uint64_t bytes = std::uint64_t{n_vocab} * 4 * part.size();
        buffers_.all_logits->invalidate(0, bytes);
        const auto* values = static_cast<const float*>(buffers_.all_logits->mapped());
        const float* last = values + (part.size() - 1) * n_vocab;
        logits_.assign(last, last + n_vocab);
        GYRE_TRY(sink(static_cast<std::uint32_t>(first), static_cast<std::uint32_t>(part.size()),
                      values));
    }
    return {};
}

Status Session::decode(std::uint32_t token) {
    GYRE_TRY(check({&token, 1}));
    GYRE_TRY(check_cancelled());
    GYRE_TRY(make_room(1));
    write_step({&token, 1});
    GYRE_TRY(run(decode_));
    ++position_;
    return read_logits();
}

// Logits of every token are asked for rarely, so their buffer is made on first use.
Status Session::ensure_all_logits() {
    if (buffers_.all_logits) return {};
    const std::uint64_t row = std::uint64_t{model_->config().n_vocab} * 4;
    const std::uint64_t most = std::min(kAllLogitsBytes, model_->device().caps().max_storage_range);
    const std::uint64_t rows = std::clamp<std::uint64_t>(most / row, 1, layout_.chunk);
    GYRE_ASSIGN(buffers_.all_logits,
                Buffer::create(model_->device(), rows * row, Memory::kReadback, "all logits"));
    const Status status = build_schedule();
    if (!status.ok()) buffers_.all_logits.reset();  // the schedule of before has no kernel for it
    return status;
}

Status Session::read_logits() {
    const std::uint32_t n_vocab = model_->config().n_vocab;
    buffers_.logits.invalidate(0, std::uint64_t{n_vocab} * 4);
    const auto* values = static_cast<const float*>(buffers_.logits.mapped());
    logits_.assign(values, values + n_vocab);
    return {};
}

void Session::reset() {
    position_ = 0;
    slid_ = 0;
    counters_ = {};
    logits_.clear();
}

}  // namespace gyre
