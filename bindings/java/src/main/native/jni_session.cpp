// Sessions: made, fed, cut, read, saved and loaded.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "jni_functions.h"
#include "jni_options.h"

namespace gyre_jni {
namespace {

gyre_session* session_of(jlong address) {
    return from_java<gyre_session>(address);
}

jlong create(JNIEnv* env, jclass, jlong model, jobject java_options) {
    return guarded(env, [&] {
        SessionOptions options(env, java_options);
        gyre_session* session = nullptr;
        const gyre_status status =
            gyre_session_create(from_java<gyre_model>(model), options.c(), &session);
        if (options.progress().rethrow()) {
            gyre_session_destroy(session);
            return jlong{0};
        }
        check(env, status);
        return to_java(session);
    });
}

void destroy(JNIEnv*, jclass, jlong session) {
    gyre_session_destroy(session_of(session));
}

void reset(JNIEnv* env, jclass, jlong session) {
    check(env, gyre_session_reset(session_of(session)));
}

void truncate(JNIEnv* env, jclass, jlong session, jint n) {
    check(env, gyre_session_truncate(session_of(session), static_cast<std::uint32_t>(n)));
}

void shift(JNIEnv* env, jclass, jlong session, jint first, jint count) {
    check(env, gyre_session_shift(session_of(session), static_cast<std::uint32_t>(first),
                                  static_cast<std::uint32_t>(count)));
}

jlong fork(JNIEnv* env, jclass, jlong session) {
    gyre_session* copy = nullptr;
    check(env, gyre_session_fork(session_of(session), &copy));
    return to_java(copy);
}

jint position(JNIEnv*, jclass, jlong session) {
    return static_cast<jint>(gyre_session_position(session_of(session)));
}

jint context_size(JNIEnv*, jclass, jlong session) {
    return static_cast<jint>(gyre_session_n_ctx(session_of(session)));
}

void feed(JNIEnv* env, jclass, jlong session, jintArray tokens) {
    guarded(env, [&] {
        const std::vector<std::uint32_t> ids = copy_tokens(env, tokens);
        check(env, gyre_session_feed(session_of(session), ids.data(), ids.size()));
    });
}

jfloatArray logits(JNIEnv* env, jclass, jlong session) {
    const float* values = nullptr;
    std::size_t n_vocab = 0;
    if (!check(env, gyre_session_logits(session_of(session), &values, &n_vocab))) return nullptr;
    jfloatArray array = env->NewFloatArray(static_cast<jsize>(n_vocab));
    if (array != nullptr) env->SetFloatArrayRegion(array, 0, static_cast<jsize>(n_vocab), values);
    return array;
}

jintArray tokens(JNIEnv* env, jclass, jlong session) {
    return guarded(env, [&]() -> jintArray {
        std::size_t count = 0;
        if (!check(env, gyre_session_tokens(session_of(session), nullptr, 0, &count))) {
            return nullptr;
        }
        std::vector<std::uint32_t> ids(count);
        if (count != 0 &&
            !check(env, gyre_session_tokens(session_of(session), ids.data(), ids.size(), &count))) {
            return nullptr;
        }
        return new_tokens(env, ids.data(), count);
    });
}

jint set_tokens(JNIEnv* env, jclass, jlong session, jintArray tokens) {
    return guarded(env, [&] {
        const std::vector<std::uint32_t> ids = copy_tokens(env, tokens);
        std::size_t n_kept = 0;
        check(env, gyre_session_set_tokens(session_of(session), ids.data(), ids.size(), &n_kept));
        return static_cast<jint>(n_kept);
    });
}

/** A stream of Java's, and the array in which bytes travel to it or from it */
struct Stream {
    static constexpr std::size_t kPiece = 1 << 16;

    Stream(JNIEnv* env, jobject stream)
        : callback(env, stream), piece(env->NewByteArray(static_cast<jsize>(kPiece))) {}

    Callback callback;
    jbyteArray piece;
};

int write_stream(const void* bytes, std::size_t n, void* user) {
    auto& stream = *static_cast<Stream*>(user);
    JNIEnv* env = stream.callback.env();
    const auto* from = static_cast<const jbyte*>(bytes);
    while (n != 0 && !stream.callback.failed()) {
        const auto now = static_cast<jsize>(std::min(n, Stream::kPiece));
        env->SetByteArrayRegion(stream.piece, 0, now, from);
        env->CallVoidMethod(stream.callback.listener(), java().write, stream.piece, jint{0},
                            static_cast<jint>(now));
        stream.callback.keep_exception();
        from += now;
        n -= static_cast<std::size_t>(now);
    }
    return stream.callback.failed() ? 0 : 1;
}

int read_stream(void* bytes, std::size_t n, void* user) {
    auto& stream = *static_cast<Stream*>(user);
    JNIEnv* env = stream.callback.env();
    auto* to = static_cast<jbyte*>(bytes);
    while (n != 0) {
        if (stream.callback.failed()) return 0;
        const auto wanted = static_cast<jint>(std::min(n, Stream::kPiece));
        const jint got = env->CallIntMethod(stream.callback.listener(), java().read, stream.piece,
                                            jint{0}, wanted);
        // A stream that gives nothing, or says more than was asked, has ended or is broken.
        if (stream.callback.keep_exception() || got <= 0 || got > wanted) return 0;
        env->GetByteArrayRegion(stream.piece, 0, got, to);
        to += got;
        n -= static_cast<std::size_t>(got);
    }
    return 1;
}

void save(JNIEnv* env, jclass, jlong session, jobject to) {
    Stream stream(env, to);
    if (stream.piece == nullptr) return;
    const gyre_status status = gyre_session_save(session_of(session), write_stream, &stream);
    if (!stream.callback.rethrow()) check(env, status);
}

void load(JNIEnv* env, jclass, jlong session, jobject from) {
    Stream stream(env, from);
    if (stream.piece == nullptr) return;
    const gyre_status status = gyre_session_load(session_of(session), read_stream, &stream);
    if (!stream.callback.rethrow()) check(env, status);
}

void timings(JNIEnv* env, jclass, jlong session, jdoubleArray times, jlongArray counts) {
    guarded(env, [&] {
        gyre_timings t = GYRE_TIMINGS_INIT;
        if (!check(env, gyre_session_get_timings(session_of(session), &t))) return;
        const jdouble values[] = {t.prefill_seconds, t.prefill_tokens_per_second, t.decode_seconds,
                                  t.decode_tokens_per_second, t.time_to_first_token_seconds};
        env->SetDoubleArrayRegion(times, 0, 5, values);
        set_longs(env, counts,
                  {static_cast<jlong>(t.n_prefill_tokens), static_cast<jlong>(t.n_decode_tokens)});
    });
}

void memory(JNIEnv* env, jclass, jlong session, jlongArray numbers) {
    guarded(env, [&] {
        gyre_memory m = GYRE_MEMORY_INIT;
        if (!check(env, gyre_session_get_memory(session_of(session), &m))) return;
        set_longs(env, numbers,
                  {static_cast<jlong>(m.device_bytes), static_cast<jlong>(m.peak_device_bytes),
                   static_cast<jlong>(m.weight_bytes), static_cast<jlong>(m.cache_bytes)});
    });
}

void cancel(JNIEnv*, jclass, jlong session) {
    gyre_session_cancel(session_of(session));
}

}  // namespace

std::vector<JNINativeMethod> session_methods() {
    return {
        method("sessionCreate", "(JLdev/gyre/SessionOptions;)J", create),
        method("sessionDestroy", "(J)V", destroy),
        method("sessionReset", "(J)V", reset),
        method("sessionTruncate", "(JI)V", truncate),
        method("sessionShift", "(JII)V", shift),
        method("sessionFork", "(J)J", fork),
        method("sessionPosition", "(J)I", position),
        method("sessionContextSize", "(J)I", context_size),
        method("sessionFeed", "(J[I)V", feed),
        method("sessionLogits", "(J)[F", logits),
        method("sessionTokens", "(J)[I", tokens),
        method("sessionSetTokens", "(J[I)I", set_tokens),
        method("sessionSave", "(JLjava/io/OutputStream;)V", save),
        method("sessionLoad", "(JLjava/io/InputStream;)V", load),
        method("sessionTimings", "(J[D[J)V", timings),
        method("sessionMemory", "(J[J)V", memory),
        method("sessionCancel", "(J)V", cancel),
    };
}

}  // namespace gyre_jni
