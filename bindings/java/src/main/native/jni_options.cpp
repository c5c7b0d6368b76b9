// SPDX-License-Identifier: Apache-2.0
#include "jni_options.h"

namespace gyre_jni {
namespace {

/** The fields of dev.gyre.ModelOptions and the like, by the names that Java gives them */
struct Fields {
    jfieldID model_device, model_cache_dir, model_ignore_keys, model_progress, model_no_tuning,
        model_matrix_units;
    jfieldID session_context_size, session_chunk, session_kv_type, session_when_full,
        session_keep_tokens, session_submit_millis, session_progress;
    jfieldID seed, temperature, top_p, min_p, repeat_penalty, top_k, repeat_window, bias_tokens,
        bias_values;
    jfieldID sampling, max_tokens, parse_special, ignore_eos, stop, logprobs, top;
};

Fields fields{};

struct Row {
    jfieldID* id;
    const char* name;
    const char* signature;
};

bool load_rows(JNIEnv* env, const char* class_name, const std::vector<Row>& rows) {
    jclass type = env->FindClass(class_name);
    if (type == nullptr) return false;
    for (const Row& row : rows) {
        *row.id = env->GetFieldID(type, row.name, row.signature);
        if (*row.id == nullptr) return false;
    }
    env->DeleteLocalRef(type);
    return true;
}

std::uint32_t get_count(JNIEnv* env, jobject object, jfieldID field) {
    return static_cast<std::uint32_t>(env->GetIntField(object, field));
}

std::uint32_t get_flag(JNIEnv* env, jobject object, jfieldID field) {
    return env->GetBooleanField(object, field) == JNI_TRUE ? 1 : 0;
}

/** The bytes of a byte[] field in text; NULL where the field is null */
const char* get_text(JNIEnv* env, jobject object, jfieldID field, std::string& text) {
    auto array = static_cast<jbyteArray>(env->GetObjectField(object, field));
    if (array == nullptr) return nullptr;
    text = copy_bytes(env, array);
    env->DeleteLocalRef(array);
    return text.c_str();
}

/** The texts of a byte[][] field, and pointers to them for C */
void get_texts(JNIEnv* env, jobject object, jfieldID field, std::vector<std::string>& texts,
               std::vector<const char*>& pointers) {
    auto arrays = static_cast<jobjectArray>(env->GetObjectField(object, field));
    const jsize count = env->GetArrayLength(arrays);
    for (jsize i = 0; i < count; ++i) {
        auto array = static_cast<jbyteArray>(env->GetObjectArrayElement(arrays, i));
        texts.push_back(copy_bytes(env, array));
        env->DeleteLocalRef(array);
    }
    env->DeleteLocalRef(arrays);
    for (const std::string& text : texts)
        pointers.push_back(text.c_str());
}

}  // namespace

bool load_fields(JNIEnv* env) {
    Fields& f = fields;
    const char* const progress = "Ldev/gyre/ProgressListener;";
    return load_rows(env, "dev/gyre/ModelOptions",
                     {{&f.model_device, "device", "[B"},
                      {&f.model_cache_dir, "cacheDir", "[B"},
                      {&f.model_ignore_keys, "ignoreKeys", "[[B"},
                      {&f.model_progress, "progress", progress},
                      {&f.model_no_tuning, "noTuning", "Z"},
                      {&f.model_matrix_units, "matrixUnits", "I"}}) &&
           load_rows(env, "dev/gyre/SessionOptions",
                     {{&f.session_context_size, "contextSize", "I"},
                      {&f.session_chunk, "chunk", "I"},
                      {&f.session_kv_type, "kvType", "I"},
                      {&f.session_when_full, "whenFull", "I"},
                      {&f.session_keep_tokens, "keepTokens", "I"},
                      {&f.session_submit_millis, "submitMillis", "I"},
                      {&f.session_progress, "progress", progress}}) &&
           load_rows(env, "dev/gyre/SamplingOptions",
                     {{&f.seed, "seed", "J"},
                      {&f.temperature, "temperature", "F"},
                      {&f.top_p, "topP", "F"},
                      {&f.min_p, "minP", "F"},
                      {&f.repeat_penalty, "repeatPenalty", "F"},
                      {&f.top_k, "topK", "I"},
                      {&f.repeat_window, "repeatWindow", "I"},
                      {&f.bias_tokens, "biasTokens", "[I"},
                      {&f.bias_values, "biasValues", "[F"}}) &&
           load_rows(env, "dev/gyre/GenerateOptions",
                     {{&f.sampling, "sampling", "Ldev/gyre/SamplingOptions;"},
                      {&f.max_tokens, "maxTokens", "I"},
                      {&f.parse_special, "parseSpecial", "Z"},
                      {&f.ignore_eos, "ignoreEos", "Z"},
                      {&f.stop, "stop", "[[B"},
                      {&f.logprobs, "logprobs", "Z"},
                      {&f.top, "top", "I"}});
}

ModelOptions::ModelOptions(JNIEnv* env, jobject options)
    : progress_(env, env->GetObjectField(options, fields.model_progress)) {
    options_.device = get_text(env, options, fields.model_device, device_);
    options_.cache_dir = get_text(env, options, fields.model_cache_dir, cache_dir_);
    get_texts(env, options, fields.model_ignore_keys, ignore_keys_, ignore_pointers_);
    options_.ignore_keys = ignore_pointers_.data();
    options_.n_ignore_keys = ignore_pointers_.size();
    options_.no_tuning = get_flag(env, options, fields.model_no_tuning);
    options_.matrix_units =
        static_cast<gyre_matrix_units>(env->GetIntField(options, fields.model_matrix_units));
    if (progress_.listener() != nullptr) {
        options_.progress = tell_progress;
        options_.progress_user = &progress_;
    }
}

SessionOptions::SessionOptions(JNIEnv* env, jobject options)
    : progress_(env, env->GetObjectField(options, fields.session_progress)) {
    options_.n_ctx = get_count(env, options, fields.session_context_size);
    options_.chunk = get_count(env, options, fields.session_chunk);
    options_.kv_type = static_cast<gyre_kv_type>(env->GetIntField(options, fields.session_kv_type));
    options_.when_full =
        static_cast<gyre_when_full>(env->GetIntField(options, fields.session_when_full));
    options_.keep_tokens = get_count(env, options, fields.session_keep_tokens);
    options_.submit_ms = get_count(env, options, fields.session_submit_millis);
    if (progress_.listener() != nullptr) {
        options_.progress = tell_progress;
        options_.progress_user = &progress_;
    }
}

SamplingOptions::SamplingOptions(JNIEnv* env, jobject options) {
    options_.seed = static_cast<std::uint64_t>(env->GetLongField(options, fields.seed));
    options_.temperature = env->GetFloatField(options, fields.temperature);
    options_.top_p = env->GetFloatField(options, fields.top_p);
    options_.min_p = env->GetFloatField(options, fields.min_p);
    options_.repeat_penalty = env->GetFloatField(options, fields.repeat_penalty);
    options_.top_k = get_count(env, options, fields.top_k);
    options_.repeat_window = get_count(env, options, fields.repeat_window);
    auto ids = static_cast<jintArray>(env->GetObjectField(options, fields.bias_tokens));
    auto values = static_cast<jfloatArray>(env->GetObjectField(options, fields.bias_values));
    const std::vector<std::uint32_t> tokens = copy_tokens(env, ids);
    std::vector<jfloat> floats(tokens.size());
    env->GetFloatArrayRegion(values, 0, static_cast<jsize>(floats.size()), floats.data());
    for (std::size_t i = 0; i < tokens.size(); ++i)
        bias_.push_back({tokens[i], floats[i]});
    options_.bias = bias_.data();
    options_.n_bias = bias_.size();
    env->DeleteLocalRef(ids);
    env->DeleteLocalRef(values);
}

GenerateOptions::GenerateOptions(JNIEnv* env, jobject options) {
    jobject sampling = env->GetObjectField(options, fields.sampling);
    sampling_.emplace(env, sampling);
    env->DeleteLocalRef(sampling);
    get_texts(env, options, fields.stop, stop_, stop_pointers_);
    options_.sampling = sampling_->c();
    options_.max_tokens = get_count(env, options, fields.max_tokens);
    options_.parse_special = get_flag(env, options, fields.parse_special);
    options_.ignore_eos = get_flag(env, options, fields.ignore_eos);
    options_.stop = stop_pointers_.data();
    options_.n_stop = stop_pointers_.size();
    options_.logprobs = get_flag(env, options, fields.logprobs);
    options_.n_top = get_count(env, options, fields.top);
}

}  // namespace gyre_jni
