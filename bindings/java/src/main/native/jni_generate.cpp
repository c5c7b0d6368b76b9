// Text that is written on, and single choices of a token: what calls back into Java per token.
// SPDX-License-Identifier: Apache-2.0
#include "jni_functions.h"
#include "jni_options.h"

namespace gyre_jni {
namespace {

/** A TokenSink of Java's, and the mask array that its filter reads and writes */
struct Sink {
    Sink(JNIEnv* env, jobject sink) : callback(env, sink) {}

    Callback callback;
    jintArray mask = nullptr;
};

/** The most likely tokens of an event as two Java arrays; nullptr where there are none */
struct Top {
    Top(JNIEnv* env, const gyre_token_event& event) {
        if (event.n_top == 0) return;
        std::vector<std::uint32_t> tokens;
        std::vector<jfloat> values;
        for (std::size_t i = 0; i < event.n_top; ++i) {
            tokens.push_back(event.top[i].token);
            values.push_back(event.top[i].logprob);
        }
        ids = new_tokens(env, tokens.data(), tokens.size());
        if (ids == nullptr) return;
        const auto count = static_cast<jsize>(values.size());
        logprobs = env->NewFloatArray(count);
        if (logprobs != nullptr) env->SetFloatArrayRegion(logprobs, 0, count, values.data());
    }

    jintArray ids = nullptr;
    jfloatArray logprobs = nullptr;
};

/** Calls TokenSink.onToken; what goes wrong is left pending */
int deliver(JNIEnv* env, jobject sink, const gyre_token_event& event) {
    jbyteArray bytes = new_bytes(env, event.bytes, event.n_bytes);
    if (bytes == nullptr) return 0;
    jbyteArray text = new_bytes(env, event.text, event.n_text);
    if (text == nullptr) return 0;
    const Top top(env, event);
    if (env->ExceptionCheck() == JNI_TRUE) return 0;
    const jboolean go_on = env->CallBooleanMethod(
        sink, java().on_token, bytes, text, static_cast<jint>(event.token),
        static_cast<jint>(event.index), static_cast<jfloat>(event.logprob), top.ids, top.logprobs);
    if (env->ExceptionCheck() == JNI_TRUE) return 0;
    // A text has thousands of tokens, and Java frees local references only at the end.
    for (jobject object : {static_cast<jobject>(bytes), static_cast<jobject>(text),
                           static_cast<jobject>(top.ids), static_cast<jobject>(top.logprobs)}) {
        env->DeleteLocalRef(object);
    }
    return go_on == JNI_TRUE ? 1 : 0;
}

int tell_token(const gyre_token_event* event, void* user) {
    Callback& callback = static_cast<Sink*>(user)->callback;
    if (callback.failed()) return 0;
    const int go_on = guarded(callback.env(),
                              [&] { return deliver(callback.env(), callback.listener(), *event); });
    return callback.keep_exception() ? 0 : go_on;
}

int ask_filter(std::uint32_t* mask, std::size_t n_tokens, void* user) {
    auto& sink = *static_cast<Sink*>(user);
    if (sink.callback.failed()) return 0;
    JNIEnv* env = sink.callback.env();
    const auto n_words = static_cast<jsize>((n_tokens + 31) / 32);
    if (sink.mask == nullptr) sink.mask = env->NewIntArray(n_words);
    jboolean go_on = JNI_FALSE;
    if (sink.mask != nullptr) {
        env->SetIntArrayRegion(sink.mask, 0, n_words, reinterpret_cast<const jint*>(mask));
        go_on = env->CallBooleanMethod(sink.callback.listener(), java().allow, sink.mask,
                                       static_cast<jint>(n_tokens));
    }
    if (sink.callback.keep_exception()) return 0;
    env->GetIntArrayRegion(sink.mask, 0, n_words, reinterpret_cast<jint*>(mask));
    return go_on == JNI_TRUE ? 1 : 0;
}

void set_filter(gyre_sampling_options* options, Sink* sink) {
    options->allow = ask_filter;
    options->allow_user = sink;
}

/** An end that the caller asked for: Java returns it, C has a status for it */
bool is_end(gyre_status status) {
    return status == GYRE_OK || status == GYRE_ERROR_CANCELLED || status == GYRE_ERROR_PAUSED;
}

void generate(JNIEnv* env, jclass, jlong session, jbyteArray prompt, jobject java_options,
              jobject java_sink, jboolean listens, jboolean filters, jintArray java_result) {
    guarded(env, [&] {
        const std::string text = copy_bytes(env, prompt);
        GenerateOptions options(env, java_options);
        Sink sink(env, java_sink);
        if (listens == JNI_TRUE) {
            options.c()->on_token = tell_token;
            options.c()->user = &sink;
        }
        if (filters == JNI_TRUE) set_filter(options.sampling(), &sink);
        gyre_generate_result result = GYRE_GENERATE_RESULT_INIT;
        const gyre_status status = gyre_session_generate(
            from_java<gyre_session>(session), text.data(), text.size(), options.c(), &result);
        if (sink.callback.rethrow()) return;
        if (!is_end(status)) {
            throw_status(env, status);
            return;
        }
        const jint values[] = {
            static_cast<jint>(result.stop_reason), static_cast<jint>(result.n_prompt_tokens),
            static_cast<jint>(result.n_tokens), static_cast<jint>(result.stop_index)};
        env->SetIntArrayRegion(java_result, 0, 4, values);
    });
}

/** Reads the options, and gives them to choose with the place for the token */
template <typename Choose>
jint choose_token(JNIEnv* env, jobject java_options, jobject java_sink, jboolean filters,
                  Choose choose) {
    return guarded(env, [&] {
        SamplingOptions options(env, java_options);
        Sink sink(env, java_sink);
        if (filters == JNI_TRUE) set_filter(options.c(), &sink);
        std::uint32_t token = GYRE_TOKEN_NONE;
        const gyre_status status = choose(options.c(), &token);
        if (!sink.callback.rethrow()) check(env, status);
        return static_cast<jint>(token);
    });
}

jint session_sample(JNIEnv* env, jclass, jlong session, jobject java_options, jobject java_sink,
                    jboolean filters) {
    return choose_token(env, java_options, java_sink, filters,
                        [&](const gyre_sampling_options* options, std::uint32_t* token) {
                            return gyre_session_sample(from_java<gyre_session>(session), options,
                                                       token);
                        });
}

jint sample(JNIEnv* env, jclass, jfloatArray logits, jintArray history, jlong step,
            jobject java_options, jobject java_sink, jboolean filters) {
    return choose_token(
        env, java_options, java_sink, filters,
        [&](const gyre_sampling_options* options, std::uint32_t* token) {
            std::vector<jfloat> values(static_cast<std::size_t>(env->GetArrayLength(logits)));
            env->GetFloatArrayRegion(logits, 0, static_cast<jsize>(values.size()), values.data());
            const std::vector<std::uint32_t> tokens = copy_tokens(env, history);
            return gyre_sample(values.data(), values.size(), tokens.data(), tokens.size(),
                               static_cast<std::uint64_t>(step), options, token);
        });
}

}  // namespace

std::vector<JNINativeMethod> generate_methods() {
    return {
        method("sessionSample", "(JLdev/gyre/SamplingOptions;Ldev/gyre/TokenSink;Z)I",
               session_sample),
        method("sample", "([F[IJLdev/gyre/SamplingOptions;Ldev/gyre/TokenSink;Z)I", sample),
        method("sessionGenerate", "(J[BLdev/gyre/GenerateOptions;Ldev/gyre/TokenSink;ZZ[I)V",
               generate),
    };
}

}  // namespace gyre_jni
