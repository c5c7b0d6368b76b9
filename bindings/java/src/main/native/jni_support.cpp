// SPDX-License-Identifier: Apache-2.0
#include "jni_support.h"

#include <cstring>

namespace gyre_jni {
namespace {

Java java_ids{};

jclass find_class(JNIEnv* env, const char* name) {
    jclass local = env->FindClass(name);
    if (local == nullptr) return nullptr;
    auto global = static_cast<jclass>(env->NewGlobalRef(local));
    env->DeleteLocalRef(local);
    return global;
}

/** An instance method of a class that stays loaded because ours refer to it */
jmethodID find_method(JNIEnv* env, const char* class_name, const char* name,
                      const char* signature) {
    jclass local = env->FindClass(class_name);
    if (local == nullptr) return nullptr;
    jmethodID method = env->GetMethodID(local, name, signature);
    env->DeleteLocalRef(local);
    return method;
}

}  // namespace

const Java& java() {
    return java_ids;
}

bool load_java(JavaVM* vm, JNIEnv* env) {
    Java& ids = java_ids;
    ids.vm = vm;
    ids.gyre_exception = find_class(env, "dev/gyre/GyreException");
    if (ids.gyre_exception == nullptr) return false;
    ids.gyre_exception_of =
        env->GetStaticMethodID(ids.gyre_exception, "of", "(I[B)Ldev/gyre/GyreException;");
    if (ids.gyre_exception_of == nullptr) return false;
    ids.byte_array = find_class(env, "[B");
    if (ids.byte_array == nullptr) return false;
    struct Row {
        jmethodID* id;
        const char* class_name;
        const char* name;
        const char* signature;
    };
    const Row rows[] = {
        {&ids.on_progress, "dev/gyre/ProgressListener", "onProgress", "(Ljava/lang/String;D)Z"},
        {&ids.on_token, "dev/gyre/TokenSink", "onToken", "([B[BIIF[I[F)Z"},
        {&ids.allow, "dev/gyre/TokenSink", "allow", "([II)Z"},
        {&ids.log, "dev/gyre/LogSink", "log", "(I[B)V"},
        {&ids.write, "java/io/OutputStream", "write", "([BII)V"},
        {&ids.read, "java/io/InputStream", "read", "([BII)I"},
    };
    for (const Row& row : rows) {
        *row.id = find_method(env, row.class_name, row.name, row.signature);
        if (*row.id == nullptr) return false;
    }
    return true;
}

void unload_java(JNIEnv* env) {
    env->DeleteGlobalRef(java_ids.gyre_exception);
    env->DeleteGlobalRef(java_ids.byte_array);
}

void throw_java(JNIEnv* env, const char* class_name, const char* message) {
    jclass type = env->FindClass(class_name);
    if (type == nullptr) return;  // FindClass has thrown
    env->ThrowNew(type, message);
    env->DeleteLocalRef(type);
}

void throw_status(JNIEnv* env, gyre_status status) {
    const char* text = gyre_last_error();
    jbyteArray message = new_bytes(env, text, std::strlen(text));
    if (message == nullptr) return;
    jobject error = env->CallStaticObjectMethod(java_ids.gyre_exception, java_ids.gyre_exception_of,
                                                static_cast<jint>(status), message);
    if (env->ExceptionCheck() == JNI_FALSE) env->Throw(static_cast<jthrowable>(error));
}

std::string copy_bytes(JNIEnv* env, jbyteArray array) {
    const jsize size = env->GetArrayLength(array);
    std::string bytes(static_cast<std::size_t>(size), '\0');
    env->GetByteArrayRegion(array, 0, size, reinterpret_cast<jbyte*>(bytes.data()));
    return bytes;
}

std::vector<std::uint32_t> copy_tokens(JNIEnv* env, jintArray array) {
    const jsize size = env->GetArrayLength(array);
    std::vector<std::uint32_t> tokens(static_cast<std::size_t>(size));
    env->GetIntArrayRegion(array, 0, size, reinterpret_cast<jint*>(tokens.data()));
    return tokens;
}

jbyteArray new_bytes(JNIEnv* env, const char* bytes, std::size_t n_bytes) {
    jbyteArray array = env->NewByteArray(static_cast<jsize>(n_bytes));
    if (array == nullptr) return nullptr;
    env->SetByteArrayRegion(array, 0, static_cast<jsize>(n_bytes),
                            reinterpret_cast<const jbyte*>(bytes));
    return array;
}

jintArray new_tokens(JNIEnv* env, const std::uint32_t* tokens, std::size_t count) {
    jintArray array = env->NewIntArray(static_cast<jsize>(count));
    if (array == nullptr) return nullptr;
    env->SetIntArrayRegion(array, 0, static_cast<jsize>(count),
                           reinterpret_cast<const jint*>(tokens));
    return array;
}

bool set_texts(JNIEnv* env, jobjectArray texts, const std::vector<const char*>& values) {
    jsize place = 0;
    for (const char* value : values) {
        jbyteArray text = new_bytes(env, value, std::strlen(value));
        if (text == nullptr) return false;
        env->SetObjectArrayElement(texts, place++, text);
        if (env->ExceptionCheck() == JNI_TRUE) return false;
        env->DeleteLocalRef(text);
    }
    return true;
}

void set_longs(JNIEnv* env, jlongArray array, const std::vector<jlong>& values) {
    env->SetLongArrayRegion(array, 0, static_cast<jsize>(values.size()), values.data());
}

bool Callback::keep_exception() {
    if (env_->ExceptionCheck() == JNI_FALSE) return false;
    thrown_ = env_->ExceptionOccurred();
    env_->ExceptionClear();
    return true;
}

bool Callback::rethrow() {
    if (thrown_ == nullptr) return false;
    env_->Throw(thrown_);
    return true;
}

int tell_progress(const char* stage, double fraction, void* user) {
    auto& callback = *static_cast<Callback*>(user);
    if (callback.failed()) return 0;
    JNIEnv* env = callback.env();
    jstring name = env->NewStringUTF(stage);  // the stages' names are ASCII
    jboolean go_on = JNI_FALSE;
    if (name != nullptr) {
        go_on = env->CallBooleanMethod(callback.listener(), java_ids.on_progress, name,
                                       static_cast<jdouble>(fraction));
    }
    if (callback.keep_exception()) return 0;
    env->DeleteLocalRef(name);
    return go_on == JNI_TRUE ? 1 : 0;
}

}  // namespace gyre_jni
