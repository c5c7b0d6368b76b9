// Version, log, Vulkan's loader, devices: the functions that need no model.
// SPDX-License-Identifier: Apache-2.0
#include <cstring>
#include <mutex>

#include "jni_functions.h"

namespace gyre_jni {
namespace {

jint version(JNIEnv*, jclass) {
    return static_cast<jint>(gyre_version());
}

/** The thread's environment; attaches a thread that Java does not know, for as long as this lives
 */
class ThreadEnv {
  public:
    ThreadEnv() {
        if (java().vm->GetEnv(reinterpret_cast<void**>(&env_), JNI_VERSION_1_6) == JNI_OK) return;
#ifdef __ANDROID__
        JNIEnv** target = &env_;
#else
        void** target = reinterpret_cast<void**>(&env_);
#endif
        attached_ = java().vm->AttachCurrentThreadAsDaemon(target, nullptr) == JNI_OK;
        if (!attached_) env_ = nullptr;
    }
    ~ThreadEnv() {
        if (attached_) java().vm->DetachCurrentThread();
    }
    ThreadEnv(const ThreadEnv&) = delete;
    ThreadEnv& operator=(const ThreadEnv&) = delete;

    JNIEnv* get() const {
        return env_;
    }

  private:
    JNIEnv* env_ = nullptr;
    bool attached_ = false;
};

/** A gyre_log_callback whose user is a global reference of a LogSink */
void tell_log(gyre_log_level level, const char* message, void* user) {
    const ThreadEnv thread;
    JNIEnv* env = thread.get();
    if (env == nullptr) return;
    jbyteArray text = new_bytes(env, message, std::strlen(message));
    if (text != nullptr) {
        env->CallVoidMethod(static_cast<jobject>(user), java().log, static_cast<jint>(level), text);
    }
    if (env->ExceptionCheck() == JNI_TRUE) env->ExceptionClear();  // a log must not fail a call
    env->DeleteLocalRef(text);
}

void set_log(JNIEnv* env, jclass, jobject sink, jint max_level) {
    static std::mutex mutex;
    static jobject current = nullptr;
    const std::lock_guard<std::mutex> lock(mutex);
    jobject next = sink == nullptr ? nullptr : env->NewGlobalRef(sink);
    gyre_set_log_callback(next == nullptr ? nullptr : tell_log, next,
                          static_cast<gyre_log_level>(max_level));
    if (current != nullptr) env->DeleteGlobalRef(current);
    current = next;
}

void set_vulkan_loader(JNIEnv* env, jclass, jbyteArray path) {
    guarded(env, [&] {
        const std::string text = copy_bytes(env, path);
        check(env, gyre_set_vulkan_loader(text.c_str(), nullptr));
    });
}

jlong device_list_create(JNIEnv* env, jclass) {
    gyre_device_list* list = nullptr;
    check(env, gyre_device_list_create(&list));
    return to_java(list);
}

void device_list_destroy(JNIEnv*, jclass, jlong list) {
    gyre_device_list_destroy(from_java<gyre_device_list>(list));
}

jint device_list_count(JNIEnv*, jclass, jlong list) {
    return static_cast<jint>(gyre_device_list_count(from_java<gyre_device_list>(list)));
}

void device_list_get(JNIEnv* env, jclass, jlong list, jint index, jobjectArray texts,
                     jlongArray numbers) {
    guarded(env, [&] {
        gyre_device_info info = GYRE_DEVICE_INFO_INIT;
        if (check(env, gyre_device_list_get(from_java<gyre_device_list>(list),
                                            static_cast<std::size_t>(index), &info))) {
            set_device(env, info, texts, numbers);
        }
    });
}

/** The number in a java.io.FileDescriptor, whose field the JDK and Android name differently */
jint descriptor_number(JNIEnv* env, jclass, jobject descriptor) {
    jclass type = env->GetObjectClass(descriptor);
    for (const char* name : {"fd", "descriptor"}) {
        jfieldID field = env->GetFieldID(type, name, "I");
        if (field != nullptr) return env->GetIntField(descriptor, field);
        env->ExceptionClear();
    }
    throw_java(env, "java/lang/UnsupportedOperationException",
               "this Java hides the number in a FileDescriptor; give the number itself");
    return -1;
}

}  // namespace

void set_device(JNIEnv* env, const gyre_device_info& info, jobjectArray texts, jlongArray numbers) {
    if (!set_texts(env, texts,
                   {info.name, info.driver_name, info.driver_info, info.unusable_because})) {
        return;
    }
    set_longs(
        env, numbers,
        {static_cast<jlong>(info.type), info.is_software, info.unified_memory, info.vendor_id,
         info.device_id, info.driver_version, info.api_version, info.index, info.subgroup_size,
         static_cast<jlong>(info.memory_bytes), static_cast<jlong>(info.max_storage_bytes)});
}

std::vector<JNINativeMethod> library_methods() {
    return {
        method("version", "()I", version),
        method("setLog", "(Ldev/gyre/LogSink;I)V", set_log),
        method("setVulkanLoader", "([B)V", set_vulkan_loader),
        method("deviceListCreate", "()J", device_list_create),
        method("deviceListDestroy", "(J)V", device_list_destroy),
        method("deviceListCount", "(J)I", device_list_count),
        method("deviceListGet", "(JI[[B[J)V", device_list_get),
        method("descriptorNumber", "(Ljava/io/FileDescriptor;)I", descriptor_number),
    };
}

}  // namespace gyre_jni
