// Uploads through mapped memory or a staging ring; downloads.
// SPDX-License-Identifier: Apache-2.0
#include "runtime/vk/transfer.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <utility>

#include "runtime/base/host_size.h"
#include "runtime/vk/device_state.h"

namespace gyre {

namespace {
constexpr std::size_t kSlots = 2;  // one is filled while the other is copied
}

Result<Uploader> Uploader::create(Device& device, std::uint64_t staging_bytes) {
    assert(staging_bytes > 0 && staging_bytes % 4 == 0);
    return Uploader(device.state(), staging_bytes);
}

// Made at the first use: unified memory never needs them.
Status Uploader::ensure_slots() {
    while (slots_.size() < kSlots) {
        GYRE_ASSIGN(Buffer staging,
                    Buffer::create(*device_, staging_bytes_, Memory::kUpload, "staging"));
        RecorderOptions options;
        options.debug_name = "upload";
        options.simultaneous_use = false;
        GYRE_ASSIGN(CommandRecorder recorder, CommandRecorder::create(*device_, options));
        slots_.push_back({std::move(staging), std::move(recorder), std::nullopt});
    }
    return {};
}

Status Uploader::copy_piece(const BufferRange& to, const std::byte* bytes) {
    Slot& slot = slots_[next_slot_];
    next_slot_ = (next_slot_ + 1) % kSlots;
    if (slot.submission) {
        Submission last = std::move(*slot.submission);
        slot.submission.reset();
        GYRE_TRY(last.wait());
    }
    std::memcpy(slot.staging.mapped(), bytes, host_size(to.size));
    GYRE_TRY(slot.staging.flush(0, to.size));
    GYRE_TRY(slot.recorder.begin());
    slot.recorder.copy(slot.staging.range(0, to.size), to);
    GYRE_TRY(slot.recorder.end());
    CommandRecorder* const one = &slot.recorder;
    GYRE_ASSIGN(Submission submission, device_->submit({&one, 1}));
    slot.submission.emplace(std::move(submission));
    return {};
}

Status Uploader::write(const BufferRange& to, std::span<const std::byte> bytes) {
    assert(bytes.size() <= to.size && bytes.size() % 4 == 0 && to.offset % 4 == 0);
    if (to.buffer->mapped() != nullptr) {
        std::memcpy(static_cast<std::byte*>(to.buffer->mapped()) + to.offset, bytes.data(),
                    bytes.size());
        GYRE_TRY(to.buffer->flush(to.offset, bytes.size()));
        return device_->lost_status();
    }
    GYRE_TRY(ensure_slots());
    for (std::uint64_t done = 0; done < bytes.size(); done += staging_bytes_) {
        const std::uint64_t piece = std::min<std::uint64_t>(staging_bytes_, bytes.size() - done);
        GYRE_TRY(copy_piece(to.buffer->range(to.offset + done, piece), bytes.data() + done));
    }
    return {};
}

Result<std::byte*> Uploader::stage(const BufferRange& to) {
    assert(staged_.buffer == nullptr && "commit() comes between two stage()");
    assert(to.size % 4 == 0);
    staged_ = to;
    if (to.buffer->mapped() != nullptr) {
        return static_cast<std::byte*>(to.buffer->mapped()) + to.offset;
    }
    if (scratch_.size() < to.size) scratch_.resize(host_size(to.size));
    return scratch_.data();
}

Status Uploader::commit() {
    assert(staged_.buffer != nullptr);
    const BufferRange to = std::exchange(staged_, {});
    if (to.buffer->mapped() != nullptr) {
        GYRE_TRY(to.buffer->flush(to.offset, to.size));
        return device_->lost_status();
    }
    return write(to, std::span(scratch_.data(), host_size(to.size)));
}

Status Uploader::finish() {
    Status first;
    for (Slot& slot : slots_) {
        if (!slot.submission) continue;
        const Status status = slot.submission->wait();
        slot.submission.reset();
        if (first.ok()) first = status;
    }
    return first;
}

Status download(Device& device, const BufferRange& from, void* to) {
    assert(from.size % 4 == 0 && from.offset % 4 == 0);
    const std::uint64_t piece_bytes = std::min(from.size, Uploader::kStagingBytes);
    GYRE_ASSIGN(const Buffer staging,
                Buffer::create(device, piece_bytes, Memory::kReadback, "download"));
    RecorderOptions options;
    options.debug_name = "download";
    GYRE_ASSIGN(CommandRecorder recorder, CommandRecorder::create(device, options));
    for (std::uint64_t done = 0; done < from.size; done += piece_bytes) {
        const std::uint64_t piece = std::min(piece_bytes, from.size - done);
        GYRE_TRY(recorder.begin());
        recorder.copy(from.buffer->range(from.offset + done, piece), staging.range(0, piece));
        recorder.host_read_barrier();
        GYRE_TRY(recorder.end());
        GYRE_TRY(device.run(recorder));
        GYRE_TRY(staging.invalidate(0, piece));
        std::memcpy(static_cast<std::byte*>(to) + done, staging.mapped(), host_size(piece));
    }
    return {};
}

}  // namespace gyre
