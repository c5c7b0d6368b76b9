// What every function of the Java binding needs of JNI: bytes in and out, exceptions, callbacks.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <jni.h>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <new>
#include <string>
#include <vector>

#include "gyre/gyre.h"

namespace gyre_jni {

/** Classes and methods of ours and of Java's that C++ uses; found once, in load_java() */
struct Java {
    JavaVM* vm;
    jclass gyre_exception;        ///< global reference, as all classes here
    jmethodID gyre_exception_of;  ///< GyreException of(int status, byte[] message)
    jclass byte_array;            ///< byte[]
    jmethodID on_progress;        ///< boolean ProgressListener.onProgress(String, double)
    jmethodID on_token;           ///< boolean TokenSink.onToken(...)
    jmethodID allow;              ///< boolean TokenSink.allow(int[], int)
    jmethodID log;                ///< void LogSink.log(int, byte[])
    jmethodID write;              ///< void OutputStream.write(byte[], int, int)
    jmethodID read;               ///< int InputStream.read(byte[], int, int)
};

/** Valid once the library is loaded */
const Java& java();

/** Looks everything of Java up; false, with an exception pending, if something is missing */
bool load_java(JavaVM* vm, JNIEnv* env);

/** As load_java(), for the fields of the option classes */
bool load_fields(JNIEnv* env);

/** Releases the global references of load_java() */
void unload_java(JNIEnv* env);

/** Throws the Java class with a text of ASCII characters */
void throw_java(JNIEnv* env, const char* class_name, const char* message);

/** Throws GyreException with the library's text of the last error */
void throw_status(JNIEnv* env, gyre_status status);

/** Throws if status is an error; returns whether it was none */
inline bool check(JNIEnv* env, gyre_status status) {
    if (status != GYRE_OK) throw_status(env, status);
    return status == GYRE_OK;
}

/** Runs body, and makes a Java exception of a C++ one: none may reach Java's own frames */
template <typename Body>
auto guarded(JNIEnv* env, Body body) -> decltype(body()) {
    try {
        return body();
    } catch (const std::bad_alloc&) {
        throw_java(env, "java/lang/OutOfMemoryError", "libgyre_jni: native memory is used up");
    } catch (const std::exception& error) {
        throw_java(env, "java/lang/InternalError", error.what());
    }
    return decltype(body())();
}

template <typename Handle>
Handle* from_java(jlong address) {
    return reinterpret_cast<Handle*>(static_cast<std::intptr_t>(address));
}

template <typename Handle>
jlong to_java(Handle* handle) {
    return static_cast<jlong>(reinterpret_cast<std::intptr_t>(handle));
}

/** The bytes of an array; c_str() ends them with a NUL byte */
std::string copy_bytes(JNIEnv* env, jbyteArray array);

/** The numbers of an int[], as the library's token ids */
std::vector<std::uint32_t> copy_tokens(JNIEnv* env, jintArray array);

/** A new byte[]; nullptr with OutOfMemoryError pending if Java has no room */
jbyteArray new_bytes(JNIEnv* env, const char* bytes, std::size_t n_bytes);

/** A new int[] of token ids; as new_bytes() */
jintArray new_tokens(JNIEnv* env, const std::uint32_t* tokens, std::size_t count);

/** Fills texts with byte[]s, as many as are given; false with an exception pending on failure */
bool set_texts(JNIEnv* env, jobjectArray texts, const std::vector<const char*>& values);

void set_longs(JNIEnv* env, jlongArray array, const std::vector<jlong>& values);

/**
 * The listener of a call that C code is in the middle of, and what it threw.
 *
 * C frames lie between Java's throw and Java's catch: an exception is taken off the thread at once,
 * kept here while the library winds up, and thrown again by rethrow() when it has returned.
 */
class Callback {
  public:
    Callback(JNIEnv* env, jobject listener) : env_(env), listener_(listener) {}

    JNIEnv* env() const { return env_; }
    jobject listener() const { return listener_; }

    /** Whether something was thrown: C is told to stop, and Java is not called any more */
    bool failed() const { return thrown_ != nullptr; }

    /** Keeps what the call of Java that just returned has thrown; returns whether it did */
    bool keep_exception();

    /** Throws what was kept; returns whether there was something */
    bool rethrow();

  private:
    JNIEnv* env_;
    jobject listener_;
    jthrowable thrown_ = nullptr;  // a local reference: valid until the native method returns
};

/** A gyre_progress_callback whose user is a Callback with a ProgressListener */
int tell_progress(const char* stage, double fraction, void* user);

}  // namespace gyre_jni
