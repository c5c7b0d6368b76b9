// The native methods of dev.gyre.Native, which gyre_jni.cpp registers.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "jni_support.h"

namespace gyre_jni {

/** Rows of RegisterNatives, by the file that implements them */
std::vector<JNINativeMethod> library_methods();
std::vector<JNINativeMethod> model_methods();
std::vector<JNINativeMethod> chat_methods();
std::vector<JNINativeMethod> session_methods();
std::vector<JNINativeMethod> generate_methods();

/** A row: JNI wants names without const, and functions as void* */
template <typename Function>
JNINativeMethod method(const char* name, const char* signature, Function function) {
    return {const_cast<char*>(name), const_cast<char*>(signature),
            reinterpret_cast<void*>(function)};
}

/** The fields of a gyre_device_info, in the order that dev.gyre.DeviceInfo reads */
void set_device(JNIEnv* env, const gyre_device_info& info, jobjectArray texts, jlongArray numbers);

}  // namespace gyre_jni
