// Models: opened from a path, a descriptor or memory; described, tokenized with, paused.
// SPDX-License-Identifier: Apache-2.0
#include "jni_functions.h"
#include "jni_options.h"

namespace gyre_jni {
namespace {

gyre_model* model_of(jlong address) {
    return from_java<gyre_model>(address);
}

/** Opens with the options of Java; open is given them and the place for the handle */
template <typename Open>
jlong open_model(JNIEnv* env, jobject java_options, Open open) {
    return guarded(env, [&] {
        ModelOptions options(env, java_options);
        gyre_model* model = nullptr;
        const gyre_status status = open(options.c(), &model);
        if (options.progress().rethrow()) {
            gyre_model_destroy(model);
            return jlong{0};
        }
        check(env, status);
        return to_java(model);
    });
}

jlong open_path(JNIEnv* env, jclass, jbyteArray path, jobject options) {
    return open_model(env, options, [&](const gyre_model_options* o, gyre_model** out) {
        return gyre_model_open(copy_bytes(env, path).c_str(), o, out);
    });
}

jlong open_descriptor(JNIEnv* env, jclass, jint descriptor, jlong offset, jlong length,
                      jobject options) {
    return open_model(env, options, [&](const gyre_model_options* o, gyre_model** out) {
        return gyre_model_open_fd(descriptor, static_cast<std::uint64_t>(offset),
                                  static_cast<std::uint64_t>(length), o, out);
    });
}

jlong open_memory(JNIEnv* env, jclass, jobject direct, jlong length, jobject options) {
    const void* data = env->GetDirectBufferAddress(direct);
    return open_model(env, options, [&](const gyre_model_options* o, gyre_model** out) {
        return gyre_model_open_memory(data, static_cast<std::size_t>(length), o, out);
    });
}

void destroy(JNIEnv*, jclass, jlong model) {
    gyre_model_destroy(model_of(model));
}

void get_info(JNIEnv* env, jclass, jlong model, jobjectArray texts, jlongArray numbers) {
    guarded(env, [&] {
        gyre_model_info info = GYRE_MODEL_INFO_INIT;
        if (!check(env, gyre_model_get_info(model_of(model), &info))) return;
        if (!set_texts(env, texts,
                       {info.architecture, info.name, info.position, info.rotary_text,
                        info.rotary_json, info.weight_types, info.ignored})) {
            return;
        }
        set_longs(env, numbers,
                  {static_cast<jlong>(info.n_parameters), static_cast<jlong>(info.file_bytes),
                   static_cast<jlong>(info.device_bytes), info.n_vocab, info.n_ctx, info.n_embd,
                   info.n_layer, info.n_head, info.n_head_kv, info.head_dim, info.n_ff,
                   info.bos_token, info.eos_token, info.has_tokenizer, info.software_fallback});
    });
}

void get_device(JNIEnv* env, jclass, jlong model, jobjectArray texts, jlongArray numbers) {
    guarded(env, [&] {
        gyre_device_info info = GYRE_DEVICE_INFO_INIT;
        if (check(env, gyre_model_get_device(model_of(model), &info))) {
            set_device(env, info, texts, numbers);
        }
    });
}

jintArray tokenize(JNIEnv* env, jclass, jlong model, jbyteArray text, jboolean parse_special) {
    return guarded(env, [&]() -> jintArray {
        const std::string bytes = copy_bytes(env, text);
        std::vector<std::uint32_t> tokens(bytes.size() + 1);  // enough for nearly all texts
        std::size_t n_tokens = 0;
        const auto ask = [&] {
            return gyre_model_tokenize(model_of(model), bytes.data(), bytes.size(), parse_special,
                                       tokens.data(), tokens.size(), &n_tokens);
        };
        gyre_status status = ask();
        if (n_tokens > tokens.size()) {
            tokens.resize(n_tokens);
            status = ask();
        }
        if (!check(env, status)) return nullptr;
        return new_tokens(env, tokens.data(), n_tokens);
    });
}

/** Asks how many bytes there are, then for the bytes; ask is given room and the place for n */
template <typename Ask>
jbyteArray ask_twice(JNIEnv* env, Ask ask) {
    std::size_t n_bytes = 0;
    if (!check(env, ask(nullptr, 0, &n_bytes))) return nullptr;
    std::string bytes(n_bytes, '\0');
    if (n_bytes != 0 && !check(env, ask(bytes.data(), bytes.size(), &n_bytes))) return nullptr;
    return new_bytes(env, bytes.data(), n_bytes);
}

jbyteArray detokenize(JNIEnv* env, jclass, jlong model, jintArray tokens) {
    return guarded(env, [&] {
        const std::vector<std::uint32_t> ids = copy_tokens(env, tokens);
        return ask_twice(env, [&](char* bytes, std::size_t capacity, std::size_t* n_bytes) {
            return gyre_model_detokenize(model_of(model), ids.data(), ids.size(), bytes, capacity,
                                         n_bytes);
        });
    });
}

jbyteArray get_token(JNIEnv* env, jclass, jlong model, jint token, jintArray numbers) {
    gyre_token_info info = GYRE_TOKEN_INFO_INIT;
    if (!check(env,
               gyre_model_get_token(model_of(model), static_cast<std::uint32_t>(token), &info))) {
        return nullptr;
    }
    const jint values[] = {static_cast<jint>(info.kind), static_cast<jint>(info.ends_text)};
    env->SetIntArrayRegion(numbers, 0, 2, values);
    return new_bytes(env, info.bytes, info.n_bytes);
}

jobjectArray metadata_keys(JNIEnv* env, jclass, jlong model) {
    return guarded(env, [&]() -> jobjectArray {
        std::vector<const char*> keys;
        for (std::size_t i = 0; i < gyre_model_metadata_count(model_of(model)); ++i) {
            keys.push_back(gyre_model_metadata_key(model_of(model), i));
        }
        jobjectArray arrays =
            env->NewObjectArray(static_cast<jsize>(keys.size()), java().byte_array, nullptr);
        return arrays != nullptr && set_texts(env, arrays, keys) ? arrays : nullptr;
    });
}

bool has_key(const gyre_model* model, const std::string& key) {
    for (std::size_t i = 0; i < gyre_model_metadata_count(model); ++i) {
        if (key == gyre_model_metadata_key(model, i)) return true;
    }
    return false;
}

jbyteArray metadata(JNIEnv* env, jclass, jlong model, jbyteArray key) {
    return guarded(env, [&]() -> jbyteArray {
        const std::string name = copy_bytes(env, key);
        if (!has_key(model_of(model), name)) return nullptr;
        return ask_twice(env, [&](char* text, std::size_t capacity, std::size_t* n_bytes) {
            return gyre_model_metadata(model_of(model), name.c_str(), text, capacity, n_bytes);
        });
    });
}

jbyteArray estimate(JNIEnv* env, jclass, jlong model, jbyteArray device, jobject java_options,
                    jlongArray numbers) {
    return guarded(env, [&]() -> jbyteArray {
        const SessionOptions options(env, java_options);
        const std::string selector = device == nullptr ? std::string() : copy_bytes(env, device);
        gyre_memory_need need = GYRE_MEMORY_NEED_INIT;
        if (!check(env, gyre_model_estimate(model_of(model),
                                            device == nullptr ? nullptr : selector.c_str(),
                                            options.c(), &need))) {
            return nullptr;
        }
        set_longs(env, numbers,
                  {static_cast<jlong>(need.weights_bytes), static_cast<jlong>(need.cache_bytes),
                   static_cast<jlong>(need.work_bytes), static_cast<jlong>(need.total_bytes),
                   static_cast<jlong>(need.host_bytes), static_cast<jlong>(need.available_bytes),
                   need.device_index, need.fits});
        return new_bytes(env, need.because, std::char_traits<char>::length(need.because));
    });
}

void pause(JNIEnv* env, jclass, jlong model) {
    check(env, gyre_model_pause(model_of(model)));
}

void resume(JNIEnv* env, jclass, jlong model) {
    check(env, gyre_model_resume(model_of(model)));
}

}  // namespace

std::vector<JNINativeMethod> model_methods() {
    return {
        method("modelOpenPath", "([BLdev/gyre/ModelOptions;)J", open_path),
        method("modelOpenDescriptor", "(IJJLdev/gyre/ModelOptions;)J", open_descriptor),
        method("modelOpenMemory", "(Ljava/nio/ByteBuffer;JLdev/gyre/ModelOptions;)J", open_memory),
        method("modelDestroy", "(J)V", destroy),
        method("modelInfo", "(J[[B[J)V", get_info),
        method("modelDevice", "(J[[B[J)V", get_device),
        method("modelTokenize", "(J[BZ)[I", tokenize),
        method("modelDetokenize", "(J[I)[B", detokenize),
        method("modelToken", "(JI[I)[B", get_token),
        method("modelMetadataKeys", "(J)[[B", metadata_keys),
        method("modelMetadata", "(J[B)[B", metadata),
        method("modelEstimate", "(J[BLdev/gyre/SessionOptions;[J)[B", estimate),
        method("modelPause", "(J)V", pause),
        method("modelResume", "(J)V", resume),
    };
}

}  // namespace gyre_jni
