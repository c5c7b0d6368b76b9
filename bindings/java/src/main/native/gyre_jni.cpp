// libgyre_jni.so's two exports: what Java calls when the library is loaded and unloaded.
// SPDX-License-Identifier: Apache-2.0
#include "jni_functions.h"

namespace {

constexpr jint kJniVersion = JNI_VERSION_1_6;

bool register_methods(JNIEnv* env) {
    jclass native = env->FindClass("dev/gyre/Native");
    if (native == nullptr) return false;
    for (const auto& methods :
         {gyre_jni::library_methods(), gyre_jni::model_methods(), gyre_jni::chat_methods(),
          gyre_jni::session_methods(), gyre_jni::generate_methods()}) {
        if (env->RegisterNatives(native, methods.data(), static_cast<jint>(methods.size())) != 0) {
            return false;
        }
    }
    env->DeleteLocalRef(native);
    return true;
}

}  // namespace

extern "C" JNIEXPORT jint JNICALL JNI_OnLoad(JavaVM* vm, void*) {
    JNIEnv* env = nullptr;
    if (vm->GetEnv(reinterpret_cast<void**>(&env), kJniVersion) != JNI_OK) return JNI_ERR;
    const bool loaded = gyre_jni::guarded(env, [&] {
        return gyre_jni::load_java(vm, env) && gyre_jni::load_fields(env) && register_methods(env);
    });
    return loaded ? kJniVersion : JNI_ERR;
}

extern "C" JNIEXPORT void JNICALL JNI_OnUnload(JavaVM* vm, void*) {
    JNIEnv* env = nullptr;
    if (vm->GetEnv(reinterpret_cast<void**>(&env), kJniVersion) != JNI_OK) return;
    gyre_set_log_callback(nullptr, nullptr, GYRE_LOG_ERROR);
    gyre_jni::unload_java(env);
}
