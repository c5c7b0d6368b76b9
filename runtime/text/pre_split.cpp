// The table of pre-tokenizer splits.
// SPDX-License-Identifier: Apache-2.0
//
// Which names mean which split, and what else a name implies: llama.cpp's vocabulary loader. The
// expressions, and NFC, which GGUF has no key for: the publishers' tokenizer.json. Where the two
// differ (llama.cpp counts every letter beyond ASCII as capital and small at once, and no marks),
// a row is the publisher's.
#include "runtime/text/pre_split.h"

#include <algorithm>
#include <iterator>

namespace gyre {
namespace {

constexpr WordRules kGpt2Words = {.contractions = Contractions::kLowerCase,
                                  .spaces = SpaceRuns::kPlain};
constexpr WordRules kLlama3Words = {.contractions = Contractions::kAnyCase,
                                    .words = Words::kAfterSign,
                                    .max_digits = 3,
                                    .after_signs = "\r\n"};
constexpr WordRules kCasedWords = {.contractions = Contractions::kEndsWord,
                                   .words = Words::kCased,
                                   .max_digits = 3,
                                   .after_signs = "\r\n/"};

constexpr WordRules with_digits(WordRules rules, std::uint32_t max_digits) {
    rules.max_digits = max_digits;
    return rules;
}
constexpr WordRules with_letters(WordRules rules, CodeClass letters) {
    rules.letters = letters;
    return rules;
}
constexpr WordRules with_contractions(WordRules rules, Contractions contractions) {
    rules.contractions = contractions;
    return rules;
}
constexpr WordRules with_spaces(WordRules rules, SpaceRuns spaces) {
    rules.spaces = spaces;
    return rules;
}
constexpr WordRules with_after_signs(WordRules rules, std::string_view characters) {
    rules.after_signs = characters;
    return rules;
}

constexpr SplitPass words(WordRules rules) {
    return {.match = match_words, .words = rules};
}
constexpr SplitPass numbers(std::uint32_t max_digits) {
    return {.match = match_numbers, .max_digits = max_digits};
}
constexpr SplitPass punctuation(std::string_view characters) {
    return {.match = match_punctuation, .characters = characters};
}
constexpr SplitPass until(std::string_view characters) {
    return {.match = match_until, .characters = characters};
}
constexpr SplitPass run(bool (*is_member)(CodePoint), bool after_space = false) {
    return {.match = match_run, .is_member = is_member, .after_space = after_space};
}

bool is_between(CodePoint c, std::uint32_t first, std::uint32_t last) {
    return c.value >= first && c.value <= last;
}
bool is_han_or_kana(CodePoint c) {  // of DeepSeek 3
    return is_between(c, 0x4E00, 0x9FA5) || is_between(c, 0x3040, 0x30FF);
}
bool is_asian(CodePoint c) {  // of DeepSeek 1
    return is_between(c, 0x0800, 0x9FA5) || is_between(c, 0xAC00, 0xD7FF);
}
// DeepSeek 1 lists the letters with case one range after the other, and leaves these out.
constexpr std::uint32_t kUnlistedLetters[][2] = {
    {0x0560, 0x0588},   {0x10C7, 0x10FF},  {0x1C80, 0x1C8F},   {0x2D00, 0x2D2D},
    {0xA790, 0xA7FA},   {0xAB30, 0xAB68},  {0x10570, 0x105BC}, {0x10D50, 0x10D85},
    {0x16E40, 0x16EFF}, {0x1D400, 0x1DFFF}};
bool is_listed_letter(CodePoint c) {
    if ((c.code_class & (kUpper | kLower | kTitle)) == 0) return false;
    return std::none_of(std::begin(kUnlistedLetters), std::end(kUnlistedLetters),
                        [c](const auto& range) { return is_between(c, range[0], range[1]); });
}
bool is_listed_sign(CodePoint c) {  // of DeepSeek 1; with the ASCII letters
    return is_between(c, '!', '/') || is_between(c, ':', '~') || is_between(c, 0xFF01, 0xFF0F) ||
           is_between(c, 0xFF1A, 0xFF5E) || is_between(c, 0x2018, 0x201F) ||
           is_between(c, 0x3000, 0x3002);
}
bool is_letter(CodePoint c) {
    return (c.code_class & kLetters) != 0;
}
bool is_punctuation(CodePoint c) {
    return (c.code_class & kPuncts) != 0;
}

constexpr std::string_view kBloomEnds = "(|.,!?…。，、।۔،)";

constexpr SplitPass kGpt2[] = {words(kGpt2Words)};
constexpr SplitPass kDigitsGpt2[] = {numbers(1), words(kGpt2Words)};
constexpr SplitPass kLlama3[] = {words(kLlama3Words)};
constexpr SplitPass kJais2[] = {words(with_spaces(kLlama3Words, SpaceRuns::kPowersOfTwo))};
constexpr SplitPass kMiniCpm5[] = {numbers(3), words(kLlama3Words)};
constexpr SplitPass kQwen2[] = {words(with_digits(kLlama3Words, 1))};
constexpr SplitPass kQwen35[] = {
    words(with_letters(with_digits(kLlama3Words, 1), kLetters | kMark))};
constexpr SplitPass kSeedCoder[] = {words(with_after_signs(with_digits(kLlama3Words, 1), ""))};
constexpr SplitPass kUfakzeka[] = {
    words(with_contractions(with_digits(kLlama3Words, 1), Contractions::kNone))};
constexpr SplitPass kGpt4o[] = {words(kCasedWords)};
constexpr SplitPass kTinyAya[] = {{.match = match_thousands}, words(kCasedWords)};
constexpr SplitPass kTekken[] = {
    words(with_contractions(with_digits(kCasedWords, 1), Contractions::kNone))};
constexpr SplitPass kDeepseek3[] = {numbers(3), run(is_han_or_kana), {.match = match_sign_words}};
constexpr SplitPass kDeepseekLlm[] = {{.match = match_newline},
                                      run(is_listed_letter, true),
                                      run(is_listed_sign, true),
                                      {.match = match_last_spaces},
                                      run(is_asian),
                                      numbers(0)};
constexpr SplitPass kDeepseekCoder[] = {{.match = match_newline},
                                        run(is_letter, true),
                                        run(is_punctuation, true),
                                        run(is_asian),
                                        numbers(1)};
constexpr SplitPass kFalcon[] = {
    punctuation("$+<=>^~|`"), words(kGpt2Words), {.match = match_three_digits}};
constexpr SplitPass kBloom[] = {until(kBloomEnds)};
constexpr SplitPass kViking[] = {until(kBloomEnds), numbers(1)};

// llama.cpp takes files without tokenizer.ggml.pre, or with "default", for Falcon's kin. Here they
// are GPT-2's: files of GPT-2 and Pythia that are older than the key have no other mark, and files
// of Falcon's name "falcon".
constexpr std::string_view kGpt2Names[] = {
    "gpt-2",    "gpt2",     "",           "default",    "phi-2",          "jais",
    "jina-es",  "jina-de",  "jina-v2-es", "jina-v2-de", "modern-bert",    "exaone4",
    "trillion", "gigachat", "a.x-4.0",    "mellum",     "granite-docling"};
constexpr std::string_view kNeoxNames[] = {"olmo", "mpt"};  // GPT-NeoX's tokenizer, Pythia's
constexpr std::string_view kDigitsNames[] = {"smollm", "starcoder",  "refact", "codeshell",
                                             "exaone", "minerva-7b", "mellum2"};
constexpr std::string_view kCommandRNames[] = {"command-r"};
constexpr std::string_view kLlama3Names[] = {"llama-bpe", "llama3",    "llama-v3",
                                             "falcon3",   "falcon-h1", "pixtral",
                                             "midm-2.0",  "lfm2",      "jina-v5-nano"};
constexpr std::string_view kDbrxNames[] = {"dbrx", "smaug-bpe", "glm4", "chatglm-bpe"};
constexpr std::string_view kJais2Names[] = {"jais-2"};
constexpr std::string_view kMiniCpm5Names[] = {"minicpm5"};
constexpr std::string_view kQwen2Names[] = {"qwen2", "deepseek-r1-qwen", "megrez"};
constexpr std::string_view kQwen2LikeNames[] = {"stablelm2", "hunyuan", "solar-open",
                                                "grok-2",    "kormo",   "f2llmv2"};
constexpr std::string_view kQwen35Names[] = {"qwen35"};
constexpr std::string_view kSeedCoderNames[] = {"seed-coder"};
constexpr std::string_view kUfakzekaNames[] = {"ufakzeka"};
constexpr std::string_view kGpt4oNames[] = {"gpt-4o", "llama4", "kanana2", "talkie", "minimax-m2"};
constexpr std::string_view kTinyAyaNames[] = {"tiny_aya", "cohere2moe"};
constexpr std::string_view kTekkenNames[] = {"tekken"};
constexpr std::string_view kDeepseek3Names[] = {"deepseek-v3", "hunyuan-dense", "joyai-llm",
                                                "hy_v4"};
constexpr std::string_view kDeepseekLlmNames[] = {"deepseek-llm"};
constexpr std::string_view kDeepseekCoderNames[] = {"deepseek-coder"};
constexpr std::string_view kFalconNames[] = {"falcon"};
constexpr std::string_view kBloomNames[] = {"bloom", "poro-chat", "gpt3-finnish"};
constexpr std::string_view kVikingNames[] = {"viking"};

constexpr PreSplit kPreSplits[] = {
    {.names = kGpt2Names, .passes = kGpt2},
    {.names = kNeoxNames, .passes = kGpt2, .nfc = true},
    {.names = kDigitsNames, .passes = kDigitsGpt2},
    {.names = kCommandRNames, .passes = kDigitsGpt2, .nfc = true},
    {.names = kLlama3Names, .passes = kLlama3, .ignore_merges = true, .add_bos = true},
    {.names = kDbrxNames, .passes = kLlama3},
    {.names = kJais2Names, .passes = kJais2},
    {.names = kMiniCpm5Names, .passes = kMiniCpm5, .ignore_merges = true},
    {.names = kQwen2Names, .passes = kQwen2, .nfc = true},
    {.names = kQwen2LikeNames, .passes = kQwen2},
    {.names = kQwen35Names, .passes = kQwen35, .nfc = true},
    {.names = kSeedCoderNames, .passes = kSeedCoder},
    {.names = kUfakzekaNames, .passes = kUfakzeka},
    {.names = kGpt4oNames, .passes = kGpt4o},
    {.names = kTinyAyaNames, .passes = kTinyAya},
    {.names = kTekkenNames, .passes = kTekken, .ignore_merges = true, .add_bos = true},
    {.names = kDeepseek3Names, .passes = kDeepseek3},
    {.names = kDeepseekLlmNames, .passes = kDeepseekLlm},
    {.names = kDeepseekCoderNames, .passes = kDeepseekCoder},
    {.names = kFalconNames, .passes = kFalcon},
    {.names = kBloomNames, .passes = kBloom},
    {.names = kVikingNames, .passes = kViking},
};

}  // namespace

std::span<const PreSplit> pre_splits() {
    return kPreSplits;
}

const PreSplit* find_pre_split(std::string_view name) {
    for (const PreSplit& split : kPreSplits) {
        if (std::find(split.names.begin(), split.names.end(), name) != split.names.end()) {
            return &split;
        }
    }
    return nullptr;
}

std::string pre_split_names() {
    std::string list;
    for (const PreSplit& split : kPreSplits) {
        for (const std::string_view name : split.names) {
            if (name.empty()) continue;
            if (!list.empty()) list += ", ";
            list += name;
        }
    }
    return list;
}

}  // namespace gyre
