// SPDX-License-Identifier: Apache-2.0
#include "runtime/c_api/model_card.h"

#include <algorithm>
#include <map>
#include <span>
#include <utility>
#include <vector>

#include "runtime/base/log.h"
#include "runtime/c_api/rotary_description.h"
#include "runtime/c_api/tokenizer_keys.h"

namespace gyre::c_api {
namespace {

Status read_tokenizer(GgufReading& file, ModelCard& card) {
    Result<TokenizerData> data = read_tokenizer_data(file);
    Result<Tokenizer> tokenizer =
        data.ok() ? Tokenizer::create(data.value()) : Result<Tokenizer>(data.status());
    if (!tokenizer.ok() && tokenizer.status().code() == StatusCode::kUnsupported) {
        card.no_tokenizer = tokenizer.status().message();
        return {};
    }
    GYRE_TRY(tokenizer.status());
    card.tokenizer = std::move(tokenizer).value();
    card.begins_with_bos = card.tokenizer->adds_bos();
    return file.refuse_unread(GgufReading::Keys::kTokenizer, card.config);
}

std::string list_weight_types(const Gguf& gguf) {
    std::map<WeightFormat, std::uint64_t> bytes;
    for (const TensorView& tensor : gguf.tensors())
        bytes[tensor.format] += tensor.bytes.size();
    std::vector<std::pair<std::uint64_t, WeightFormat>> order;
    order.reserve(bytes.size());
    for (const auto& [format, n] : bytes)
        order.emplace_back(n, format);
    std::sort(order.rbegin(), order.rend());
    std::string list;
    for (const auto& [n, format] : order) {
        if (!list.empty()) list += ", ";
        list += format_info(format).name;
    }
    return list;
}

}  // namespace

Result<ModelCard> ModelCard::read(const ModelFile& file, const std::vector<std::string>& ignored) {
    const Gguf& gguf = file.gguf;
    const ModelConfig& config = file.config;
    ModelCard card;
    card.keys.assign(gguf.keys().begin(), gguf.keys().end());
    card.config = config;
    card.architecture = config.architecture;
    card.position = to_string(config.position);
    card.rotary_text = c_api::rotary_text(config);
    card.rotary_json = c_api::rotary_json(config);
    card.weight_types = list_weight_types(gguf);
    for (const TensorView& tensor : gguf.tensors())
        card.n_parameters += tensor.n_elements();
    // The file's own reading has noted all that was ignored by name; the tokenizer's adds the rest.
    GgufReading reading(gguf, ignored);
    const std::size_t n_named = reading.notes().size();
    GYRE_TRY(read_tokenizer(reading, card));
    for (const std::string& note : file.notes)
        card.ignored += note + "\n";
    for (const std::string& note : std::span(reading.notes()).subspan(n_named)) {
        log(LogLevel::kWarning, file.source + ": " + note + "; the tokens may be wrong");
        card.ignored += note + "\n";
    }
    if (!card.tokenizer) log(LogLevel::kInfo, card.no_tokenizer);
    return card;
}

Result<const Tokenizer*> ModelCard::need_tokenizer() const {
    if (!tokenizer) return Status::unsupported(no_tokenizer);
    return &*tokenizer;
}

}  // namespace gyre::c_api
