// Makes a session: buffers as planned, tables, recordings, and a warm-up.
// SPDX-License-Identifier: Apache-2.0
#include "runtime/engine/session.h"

#include <algorithm>
#include <cstring>

#include "runtime/base/host_size.h"
#include "runtime/base/unwinding.h"
#include "runtime/engine/session_plan.h"
#include "runtime/engine/warm_up.h"
#include "runtime/model/rotary_table.h"
#include "runtime/vk/transfer.h"

namespace gyre {
namespace {

constexpr std::uint64_t kAllLogitsBytes = std::uint64_t{16}
                                          << 20;  // of every token's logits at once

}  // namespace

Result<std::unique_ptr<Session>> Session::create(std::shared_ptr<const Model> model,
                                                 const SessionOptions& options) {
    Device& device = model->device();
    const ModelConfig& config = model->config();
    GYRE_ASSIGN(SessionPlan plan, SessionPlan::of(config, model->weights().token_embd.format,
                                                  device.info(), device.caps(), options));
    GYRE_TRY(plan.exceeded);
    GYRE_ASSIGN(KvCache cache, KvCache::create(device, config, plan.cache));
    GYRE_ASSIGN(Buffers buffers, make_buffers(device, plan));
    GYRE_ASSIGN(TokenLoop loop,
                TokenLoop::create(device, model->kernels(), buffers.logits.range(),
                                  buffers.batch.range(), plan.n_choices, plan.cache.n_ctx));
    GYRE_ASSIGN(Recorders recorders, make_recorders(device));
    std::unique_ptr<Session> session(new Session(std::move(model), std::move(plan.rotary),
                                                 plan.layout, std::move(cache), std::move(buffers),
                                                 std::move(loop), std::move(recorders), options));
    GYRE_TRY(session->fill_state());
    GYRE_TRY(session->record_read_logits());
    GYRE_TRY(session->compile());
    session->queue_.reset_counters();
    return session;
}

Session::Session(std::shared_ptr<const Model> model, std::vector<RotarySpec> rotary,
                 ActivationLayout layout, KvCache cache, Buffers buffers, TokenLoop loop,
                 Recorders recorders, const SessionOptions& options)
    : model_(std::move(model)),
      options_(options),
      rotary_(std::move(rotary)),
      layout_(std::move(layout)),
      cache_(std::move(cache)),
      buffers_(std::move(buffers)),
      loop_(std::move(loop)),
      recorders_(std::move(recorders)),
      queue_(model_->device()),
      token_pacer_(options.submit_budget_ms / 1000.0, TokenLoop::kMaxTokensASubmit) {}

Result<Session::Buffers> Session::make_buffers(Device& device, const SessionPlan& plan) {
    GYRE_ASSIGN(Buffer state, Buffer::create(device, plan.state, Memory::kDevice, "state"));
    GYRE_ASSIGN(Buffer batch, Buffer::create(device, plan.batch, Memory::kShared, "batch"));
    GYRE_ASSIGN(Buffer logits, Buffer::create(device, plan.logits, Memory::kDevice, "logits"));
    GYRE_ASSIGN(Buffer readback,
                Buffer::create(device, plan.readback, Memory::kReadback, "logits for the host"));
    return Buffers{std::move(state), std::move(batch), std::move(logits), std::move(readback), {}};
}

std::uint64_t Session::work_bytes() const {
    const std::uint64_t all = buffers_.all_logits ? buffers_.all_logits->size() : 0;
    return buffers_.state.size() + buffers_.batch.size() + buffers_.logits.size() +
           buffers_.readback.size() + loop_.bytes() + all;
}

Result<Session::Recorders> Session::make_recorders(Device& device) {
    GYRE_ASSIGN(CommandRecorder decode, CommandRecorder::create(device, {.debug_name = "decode"}));
    GYRE_ASSIGN(CommandRecorder part, CommandRecorder::create(device, {.debug_name = "part"}));
    GYRE_ASSIGN(CommandRecorder next, CommandRecorder::create(device, {.debug_name = "next part"}));
    GYRE_ASSIGN(CommandRecorder read,
                CommandRecorder::create(device, {.debug_name = "read logits"}));
    return Recorders{std::move(decode), {std::move(part), std::move(next)}, std::move(read)};
}

// Zeros everywhere (row padding is read and never written), then the tables.
Status Session::fill_state() {
    Device& device = model_->device();
    CommandRecorder& recorder = recorders_.parts[0];
    GYRE_TRY(recorder.begin());
    recorder.fill(buffers_.state.range(), 0);
    GYRE_TRY(recorder.end());
    GYRE_TRY(queue_.run(recorder));

    GYRE_ASSIGN(Uploader uploader, Uploader::create(device));
    const auto upload = [&](std::uint32_t word, std::span<const float> values) {
        return uploader.write(buffers_.state.range(std::uint64_t{word} * 4, values.size_bytes()),
                              std::as_bytes(values));
    };
    std::vector<float> values;
    const auto upload_table = [&](const RotarySpec& rotary, RotaryTable which, std::uint32_t word) {
        values.resize(host_size(rotary_table_floats(rotary, n_ctx())));
        fill_rotary_table(rotary, which, options_.first_position, n_ctx(), decay_origin(), values);
        return upload(word, values);
    };
    for (std::size_t r = 0; r < rotary_.size() && any_rotates(rotary_); ++r) {
        const RotaryTables& tables = layout_.rotary[r];
        GYRE_TRY(upload_table(rotary_[r], RotaryTable::kQueries, tables.query));
        if (tables.key != tables.query) {
            GYRE_TRY(upload_table(rotary_[r], RotaryTable::kKeys, tables.key));
        }
        if (tables.value != tables.query) {
            GYRE_TRY(upload_table(rotary_[r], RotaryTable::kValues, tables.value));
        }
    }
    if (rotary_[0].temperature.active()) {
        values.resize(n_ctx());
        for (std::uint32_t p = 0; p < n_ctx(); ++p) {
            values[p] =
                static_cast<float>(rotary_[0].temperature.factor(options_.first_position + p + 1));
        }
        GYRE_TRY(upload(layout_.scales, values));
    }
    return uploader.finish();
}

// Drivers compile a kernel when it is made, or when it first runs: half of the progress for each.
Status Session::compile() {
    const auto tell = [this](double fraction) -> Status {
        if (!options_.progress || options_.progress("compile", fraction)) return {};
        return Status::cancelled("the progress callback cancelled");
    };
    GYRE_TRY(tell(0.0));
    GYRE_TRY(build_schedule([&](double fraction) { return tell(fraction / 2); }));
    GYRE_TRY(warm_up([&](double fraction) { return tell((1 + fraction) / 2); }));
    options_.progress = {};  // the caller's, for this call alone: a fork must not tell it
    return {};
}

Status Session::build_schedule(const Schedule::Progress& progress) {
    const std::uint64_t token_bytes = std::uint64_t{layout_.chunk} * 4;
    const ScheduleBuffers bound{buffers_.state.range(),
                                buffers_.batch.range(SAMPLE_TOKENS_OFFSET, token_bytes),
                                buffers_.batch.range(0, sizeof(StepBlock)), buffers_.logits.range(),
                                buffers_.all_logits ? buffers_.all_logits->range() : BufferRange{}};
    GYRE_ASSIGN(Schedule schedule,
                Schedule::create(*model_, cache_, rotary_, layout_, bound, progress));
    GYRE_ASSIGN(CommandRecorder decode,
                CommandRecorder::create(model_->device(), {.debug_name = "decode"}));
    GYRE_TRY(decode.begin());
    schedule.record_decode(decode);
    GYRE_TRY(decode.end());
    schedule_ = std::move(schedule);
    recorders_.decode = std::move(decode);
    return {};
}

Status Session::record_read_logits() {
    CommandRecorder& recorder = recorders_.read_logits;
    GYRE_TRY(recorder.begin());
    recorder.copy(buffers_.logits.range(0, buffers_.readback.size()), buffers_.readback.range());
    recorder.host_read_barrier();
    return recorder.end();
}

// What this leaves in cell 0, the activations and the logits is overwritten before it is read; the
// session's parameters stay.
Status Session::warm_up(const Schedule::Progress& progress) {
    GYRE_ASSIGN(
        CommandRecorder recorder,
        CommandRecorder::create(model_->device(), {.debug_name = "warm up", .warm_up = true}));
    StepBlock block;
    block.step = {0, 1, SAMPLE_STOP_COUNT, 0};  // the sampler returns at once
    block.session = session_params(*model_, cache_.shape(), rotary_, layout_);
    static_assert(sizeof(block) <= SAMPLE_TOKENS_OFFSET);
    auto* bytes = static_cast<std::byte*>(buffers_.batch.mapped());
    std::memset(bytes, 0, host_size(buffers_.batch.size()));  // token 0
    std::memcpy(bytes, &block, sizeof(block));
    GYRE_TRY(buffers_.batch.flush(0, buffers_.batch.size()));
    const auto dispatch_all = [&](Dispatcher& to) {
        schedule_->record_decode(to);
        loop_.record(to);
        schedule_->record_prefill(to, 1, LogitsOf::kLastToken);
        if (when_full() == WhenFull::kSlide && n_ctx() > 1) schedule_->record_shift(to, 1, 0, 1);
    };
    KernelList all;
    dispatch_all(all);
    WarmUp run(queue_, recorder, [&](std::size_t n) {
        return progress(static_cast<double>(n) / static_cast<double>(all.size()));
    });
    dispatch_all(run);
    return run.status();
}

// Logits of every token are asked for rarely, so their buffer is made on first use.
Status Session::ensure_all_logits() {
    if (buffers_.all_logits) return {};
    const std::uint64_t row = std::uint64_t{model_->config().n_vocab} * 4;
    const std::uint64_t most = std::min(kAllLogitsBytes, model_->device().caps().max_storage_range);
    const std::uint64_t rows = std::clamp<std::uint64_t>(most / row, 1, layout_.chunk);
    GYRE_ASSIGN(buffers_.all_logits,
                Buffer::create(model_->device(), rows * row, Memory::kReadback, "all logits"));
    // The schedule of before has no kernel for it.
    OnExit undo([this] { buffers_.all_logits.reset(); });
    GYRE_TRY(build_schedule());
    undo.dismiss();
    return {};
}

}  // namespace gyre
