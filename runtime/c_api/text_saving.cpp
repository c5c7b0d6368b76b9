// A session's text into a file and back: what a file must have in common with the session, and that
// nothing changes before all of it is read and right.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "runtime/base/host_size.h"
#include "runtime/c_api/text_session.h"

namespace gyre::c_api {
namespace {

constexpr std::size_t kPieceBytes = std::size_t{1} << 20;  // that are read at once

const char* name_of(std::uint32_t format) {
    switch (static_cast<CacheFormat>(format)) {
        case CacheFormat::kF32:
            return "F32";
        case CacheFormat::kF16:
            return "F16";
        case CacheFormat::kQ8_0:
            return "Q8_0";
    }
    return "unknown";
}

// Of a file whose checksum is right: a mistake of who wrote it.
Status check_counts(const SessionHeader& header, std::uint32_t n_vocab) {
    const bool right = header.n_ctx > 0 && header.n_tokens <= header.n_ctx &&
                       header.n_cells <= header.n_tokens && header.n_tokens - header.n_cells <= 1 &&
                       (header.n_logits == 0 || (header.n_logits == n_vocab && header.n_cells > 0));
    if (right) return {};
    return Status::bad_file(
        "the saved session is inconsistent: " + std::to_string(header.n_tokens) + " tokens, " +
        std::to_string(header.n_cells) + " cells, " + std::to_string(header.n_logits) +
        " logits, n_ctx " + std::to_string(header.n_ctx));
}

template <typename T>
Status read_all(SessionReader& reader, std::vector<T>& values, std::size_t n) {
    values.resize(n);
    return reader.read(std::as_writable_bytes(std::span(values)));
}

Status read_cells(SessionReader& reader, CellImage& image) {
    const auto next = [&] {
        return host_size(std::min<std::uint64_t>(kPieceBytes, image.missing()));
    };
    for (std::vector<std::byte> piece(next()); !piece.empty(); piece.resize(next())) {
        GYRE_TRY(reader.read(piece));
        image.append(piece);
    }
    return {};
}

}  // namespace

SessionHeader TextSession::header() const {
    SessionHeader header;
    header.fingerprint = model_->engine->fingerprint();
    header.slid = slid_;
    header.n_ctx = n_ctx();
    header.cache_format = static_cast<std::uint32_t>(engine_->cache_shape().format);
    header.n_layer = model_->card.config.n_layer;
    header.cell_bytes = static_cast<std::uint32_t>(cell_bytes(engine_->cache_shape()));
    header.n_tokens = position();
    header.n_cells = engine_->position();
    return header;
}

Status TextSession::save(const ByteSink& sink) {
    GYRE_TRY(engine_->model().device().paused_status());
    GYRE_TRY(engine_->fetch_logits());
    SessionHeader header = this->header();
    header.n_logits = static_cast<std::uint32_t>(engine_->logits().size());
    SessionWriter writer(sink);
    GYRE_TRY(writer.write(header.encode()));
    GYRE_TRY(writer.write(std::as_bytes(std::span(tokens_))));
    GYRE_TRY(
        engine_->save_cells([&](std::span<const std::byte> bytes) { return writer.write(bytes); }));
    GYRE_TRY(writer.write(std::as_bytes(engine_->logits())));
    return writer.finish();
}

// Whether this session may go on from there.
Status TextSession::check_header(const SessionHeader& saved) const {
    const SessionHeader own = header();
    if (saved.fingerprint != own.fingerprint) {
        return Status::unsupported(
            "the session was saved with another model, or with other ignored keys");
    }
    if (saved.cache_format != own.cache_format) {
        return Status::unsupported(std::string("the session was saved with a cache of ") +
                                   name_of(saved.cache_format) + ", this one has " +
                                   name_of(own.cache_format) +
                                   ": create it with the same kv_type (--kv)");
    }
    GYRE_TRY(check_counts(saved, n_vocab()));
    if (saved.n_layer != own.n_layer || saved.cell_bytes != own.cell_bytes) {
        return Status::unsupported("the session was saved with another layout of the cache");
    }
    if (!engine_->has_cells_of(saved.n_ctx)) {
        return Status::unsupported("the session was saved with n_ctx " +
                                   std::to_string(saved.n_ctx) + ", this one has " +
                                   std::to_string(own.n_ctx) +
                                   ", and this model's positions depend on it: create it with the "
                                   "same n_ctx (--ctx)");
    }
    if (saved.n_tokens <= n_ctx()) return {};
    return Status::context_full("the saved session has " + std::to_string(saved.n_tokens) +
                                " tokens, this one has room for " + std::to_string(n_ctx()) +
                                ": use a larger context (--ctx)");
}

Status TextSession::load(const ByteSource& source) {
    GYRE_TRY(engine_->model().device().paused_status());
    SessionReader reader(source);
    std::array<std::byte, SessionHeader::kBytes> head;
    GYRE_TRY(reader.read(head));
    GYRE_ASSIGN(const SessionHeader saved, SessionHeader::decode(head));
    GYRE_TRY(check_header(saved));

    std::vector<std::uint32_t> tokens;
    tokens.reserve(n_ctx());
    GYRE_TRY(read_all(reader, tokens, saved.n_tokens));
    std::optional<CellImage> cells;
    if (saved.n_cells > 0) {
        GYRE_ASSIGN(cells, engine_->make_cell_image(saved.n_cells));
        GYRE_TRY(read_cells(reader, *cells));
    }
    Session::Snapshot snapshot{saved.n_cells, saved.slid};
    GYRE_TRY(read_all(reader, snapshot.logits, saved.n_logits));
    GYRE_TRY(reader.finish());
    for (const std::uint32_t token : tokens) {
        if (token < n_vocab()) continue;
        return Status::bad_file("the saved session is inconsistent: token " +
                                std::to_string(token) + " of a vocabulary of " +
                                std::to_string(n_vocab()));
    }

    GYRE_TRY(engine_->restore(std::move(snapshot), cells ? &*cells : nullptr));
    tokens_ = std::move(tokens);
    slid_ = saved.slid;
    interrupted_.reset();
    return {};
}

}  // namespace gyre::c_api
