// Which keys each kind of tokenizer has a use for.
// SPDX-License-Identifier: Apache-2.0
#include "runtime/c_api/tokenizer_keys.h"

#include <string>

namespace gyre::c_api {
namespace {

std::string key_of(std::string_view name) {
    return "tokenizer.ggml." + std::string(name);
}

Status read_id(GgufReading& file, std::string_view name, std::optional<std::uint32_t>& id) {
    if (!file.has(key_of(name))) return {};
    GYRE_ASSIGN(id, file.get_u32(key_of(name)));
    return {};
}

Status read_switch(GgufReading& file, std::string_view name, std::optional<bool>& value) {
    if (!file.has(key_of(name))) return {};
    GYRE_ASSIGN(value, file.get_bool(key_of(name)));
    return {};
}

Status read_strings(GgufReading& file, std::string_view name, std::vector<std::string>& list) {
    GYRE_ASSIGN(const auto views, file.get_strings(key_of(name)));
    list.assign(views.begin(), views.end());
    return {};
}

Status read_end_ids(GgufReading& file, TokenizerData& data) {
    for (const char* name : {"eot_token_id", "eom_token_id", "fim_pad_token_id", "fim_rep_token_id",
                             "fim_sep_token_id"}) {
        std::optional<std::uint32_t> id;
        GYRE_TRY(read_id(file, name, id));
        if (id) data.end_ids.push_back(*id);
    }
    if (file.has(key_of("eos_token_ids"))) {  // Ollama's
        GYRE_ASSIGN(const auto ids, file.get_ints(key_of("eos_token_ids")));
        data.end_ids.insert(data.end_ids.end(), ids.begin(), ids.end());
    }
    return {};
}

Status read_byte_bpe(GgufReading& file, TokenizerData& data) {
    data.model = TokenizerModel::kGpt2;
    GYRE_TRY(read_strings(file, "merges", data.merges));
    if (file.has(key_of("pre"))) {
        GYRE_ASSIGN(data.pre, file.get_string(key_of("pre")));
    }
    return read_switch(file, "ignore_merges", data.ignore_merges);
}

Status read_sentencepiece(GgufReading& file, TokenizerData& data) {
    data.model = TokenizerModel::kLlama;
    GYRE_ASSIGN(const auto scores, file.get_floats(key_of("scores")));
    data.scores.assign(scores.begin(), scores.end());
    GYRE_TRY(read_id(file, "unknown_token_id", data.unknown_id));
    // Phi-3's SentencePiece models, which no key tells from others. Phi-4's are byte-level BPE.
    GYRE_ASSIGN(const std::string_view architecture, file.get_string("general.architecture"));
    data.strip_after_control = architecture == "phi3";
    return read_switch(file, "add_space_prefix", data.add_space_prefix);
}

}  // namespace

Result<TokenizerData> read_tokenizer_data(GgufReading& file) {
    if (!file.has(key_of("model"))) {
        return Status::unsupported("the file has no tokenizer (key tokenizer.ggml.model)");
    }
    GYRE_ASSIGN(const std::string_view model, file.get_string(key_of("model")));
    TokenizerData data;
    if (model == "gpt2") {
        GYRE_TRY(read_byte_bpe(file, data));
    } else if (model == "llama") {
        GYRE_TRY(read_sentencepiece(file, data));
    } else {
        return Status::unsupported("tokenizer.ggml.model is '" + printable(model) +
                                   "', but only 'gpt2' and 'llama' are supported: use token ids");
    }
    GYRE_TRY(read_strings(file, "tokens", data.tokens));
    if (file.has(key_of("token_type"))) {
        GYRE_ASSIGN(data.token_types, file.get_ints(key_of("token_type")));
    }
    GYRE_TRY(read_id(file, "bos_token_id", data.bos_id));
    GYRE_TRY(read_id(file, "eos_token_id", data.eos_id));
    GYRE_TRY(read_end_ids(file, data));
    GYRE_TRY(read_switch(file, "add_bos_token", data.add_bos));
    return data;
}

}  // namespace gyre::c_api
