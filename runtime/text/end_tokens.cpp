// The list of names.
// SPDX-License-Identifier: Apache-2.0
#include "runtime/text/end_tokens.h"

#include <algorithm>
#include <iterator>

namespace gyre {
namespace {

constexpr std::string_view kEndNames[] = {
    "<|eot_id|>", "<|im_end|>", "<|end|>", "<|return|>", "<|call|>", "<|calls|>", "<|flush|>",
    "<end_of_turn>", "<|endoftext|>", "</s>", "<|eom_id|>", "<EOT>", "_<EOT>", "[EOT]", "[EOS]",
    "<|end_of_text|>", "<end_of_utterance>", "<eos>", "<turn|>", "<|tool_response>",
    "<｜end▁of▁sentence｜>", "[e~[",
    // Of completed code: padding, the name of a repository, the next file.
    "<|fim_pad|>", "<fim-pad>", "<fim_pad>", "<PAD>", "[PAD]", "<|fim_repo|>", "<|repo_name|>",
    "<fim-repo>", "<REPO>", "<reponame>", "<|file_sep|>"};

}  // namespace

bool is_end_name(std::string_view text) {
    return std::find(std::begin(kEndNames), std::end(kEndNames), text) != std::end(kEndNames);
}

}  // namespace gyre
