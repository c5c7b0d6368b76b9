// What llama.cpp says of a model file: its logits of every position, or its tokens of texts.
// SPDX-License-Identifier: Apache-2.0
//
// tools/peer/install compiles this against the peer's libraries; tools/peer/judge and
// tests/text/compare_tokenizers.py run it. Computes on the processor alone, with an F32 cache and
// without flash attention, so that it is as near to float64 as llama.cpp can be.
//
//     llama-judge MODEL logits OUT N_CTX < lines of ids   float32 [n_tokens, n_vocab] in OUT; every
//                                                         line is a sequence of its own
//     llama-judge MODEL special|plain < strings > ids     as tests/text/tokenize_strings.cpp
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "llama.h"

namespace {

using Model = std::unique_ptr<llama_model, decltype(&llama_model_free)>;
using Context = std::unique_ptr<llama_context, decltype(&llama_free)>;

int fail(const std::string& text) {
    std::fprintf(stderr, "llama-judge: %s\n", text.c_str());
    return 1;
}

Model load(const char* path, bool vocab_only) {
    llama_model_params params = llama_model_default_params();
    params.n_gpu_layers = 0;
    params.vocab_only = vocab_only;
    params.use_extra_bufts = false;  // weights as the file has them
    return {llama_model_load_from_file(path, params), llama_model_free};
}

Context context_of(llama_model* model, std::uint32_t n_ctx, std::uint32_t n_batch) {
    llama_context_params params = llama_context_default_params();
    params.n_ctx = n_ctx;
    params.n_batch = params.n_ubatch = n_batch;
    params.n_threads = params.n_threads_batch =
        static_cast<std::int32_t>(std::max(1u, std::thread::hardware_concurrency()));
    params.flash_attn_type = LLAMA_FLASH_ATTN_TYPE_DISABLED;
    params.type_k = params.type_v = GGML_TYPE_F32;
    params.offload_kqv = params.op_offload = false;
    return {llama_init_from_model(model, params), llama_free};
}

std::vector<std::vector<llama_token>> lines_of_ids() {
    std::vector<std::vector<llama_token>> lines;
    for (std::string line; std::getline(std::cin, line);) {
        std::istringstream words(line);
        std::vector<llama_token> ids;
        for (llama_token id = 0; words >> id;)
            ids.push_back(id);
        if (!ids.empty()) lines.push_back(std::move(ids));
    }
    return lines;
}

// One batch for each line, in a context of its own: no cache of another text.
int logits(const char* path, const char* out_path, std::uint32_t n_ctx) {
    const Model model = load(path, false);
    if (!model) return fail(std::string(path) + ": llama.cpp does not load it, see above");
    const auto n_vocab =
        static_cast<std::size_t>(llama_vocab_n_tokens(llama_model_get_vocab(model.get())));
    std::ofstream out(out_path, std::ios::binary);
    for (const std::vector<llama_token>& ids : lines_of_ids()) {
        const auto n = static_cast<std::int32_t>(ids.size());
        const Context context = context_of(model.get(), n_ctx, static_cast<std::uint32_t>(n));
        if (!context) return fail("no context of " + std::to_string(n_ctx) + " positions");
        llama_batch batch = llama_batch_init(n, 0, 1);
        batch.n_tokens = n;
        for (std::int32_t i = 0; i < n; ++i) {
            batch.token[i] = ids[static_cast<std::size_t>(i)];
            batch.pos[i] = i;
            batch.n_seq_id[i] = 1;
            batch.seq_id[i][0] = 0;
            batch.logits[i] = 1;
        }
        const std::int32_t code = llama_decode(context.get(), batch);
        llama_batch_free(batch);
        if (code != 0) return fail("llama_decode returned " + std::to_string(code));
        for (std::int32_t i = 0; i < n; ++i) {
            out.write(reinterpret_cast<const char*>(llama_get_logits_ith(context.get(), i)),
                      static_cast<std::streamsize>(n_vocab * sizeof(float)));
        }
    }
    return out.flush() ? 0 : fail(std::string(out_path) + ": not written");
}

int tokens(const char* path, bool special) {
    const Model model = load(path, true);
    if (!model) return fail(std::string(path) + ": llama.cpp does not load its vocabulary");
    const llama_vocab* vocab = llama_model_get_vocab(model.get());
    for (std::uint32_t size = 0; std::cin.read(reinterpret_cast<char*>(&size), sizeof size);) {
        std::string text(size, '\0');
        if (!std::cin.read(text.data(), size)) return fail("the last string is cut off");
        std::vector<llama_token> ids(text.size() + 16);
        const std::int32_t n =
            llama_tokenize(vocab, text.data(), static_cast<std::int32_t>(text.size()), ids.data(),
                           static_cast<std::int32_t>(ids.size()), false, special);
        if (n < 0) return fail("a text has more tokens than bytes");
        const auto count = static_cast<std::uint32_t>(n);
        std::cout.write(reinterpret_cast<const char*>(&count), sizeof count);
        std::cout.write(reinterpret_cast<const char*>(ids.data()),
                        static_cast<std::streamsize>(count * sizeof(llama_token)));
    }
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    const std::string what = argc > 2 ? argv[2] : "";
    llama_log_set(
        [](ggml_log_level level, const char* text, void*) {
            if (level == GGML_LOG_LEVEL_ERROR) std::fputs(text, stderr);
        },
        nullptr);
    ggml_backend_load_all();
    if (what == "logits" && argc == 5) {
        return logits(argv[1], argv[3], static_cast<std::uint32_t>(std::stoul(argv[4])));
    }
    if ((what == "special" || what == "plain") && argc == 3) {
        return tokens(argv[1], what == "special");
    }
    return fail("usage: llama-judge MODEL logits OUT N_CTX, or MODEL special|plain");
}
