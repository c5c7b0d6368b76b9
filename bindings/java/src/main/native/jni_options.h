// Reads the option objects of Java into the structs of the C API.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "jni_support.h"

namespace gyre_jni {

/** A gyre_model_options with the strings it points to, and the listener that it tells */
class ModelOptions {
  public:
    ModelOptions(JNIEnv* env, jobject options);
    ModelOptions(const ModelOptions&) = delete;
    ModelOptions& operator=(const ModelOptions&) = delete;

    const gyre_model_options* c() const { return &options_; }
    Callback& progress() { return progress_; }

  private:
    Callback progress_;
    std::string device_;
    std::string cache_dir_;
    std::vector<std::string> ignore_keys_;
    std::vector<const char*> ignore_pointers_;
    gyre_model_options options_ = GYRE_MODEL_OPTIONS_INIT;
};

/** A gyre_session_options, and the listener that it tells */
class SessionOptions {
  public:
    SessionOptions(JNIEnv* env, jobject options);
    SessionOptions(const SessionOptions&) = delete;
    SessionOptions& operator=(const SessionOptions&) = delete;

    const gyre_session_options* c() const { return &options_; }
    Callback& progress() { return progress_; }

  private:
    Callback progress_;
    gyre_session_options options_ = GYRE_SESSION_OPTIONS_INIT;
};

/** A gyre_sampling_options with its list of biases; its filter is set by who calls */
class SamplingOptions {
  public:
    SamplingOptions(JNIEnv* env, jobject options);
    SamplingOptions(const SamplingOptions&) = delete;
    SamplingOptions& operator=(const SamplingOptions&) = delete;

    gyre_sampling_options* c() { return &options_; }

  private:
    std::vector<gyre_logit_bias> bias_;
    gyre_sampling_options options_ = GYRE_SAMPLING_OPTIONS_INIT;
};

/** A gyre_generate_options with its sampling and stop strings; on_token is set by who calls */
class GenerateOptions {
  public:
    GenerateOptions(JNIEnv* env, jobject options);
    GenerateOptions(const GenerateOptions&) = delete;
    GenerateOptions& operator=(const GenerateOptions&) = delete;

    gyre_generate_options* c() { return &options_; }
    gyre_sampling_options* sampling() { return sampling_->c(); }

  private:
    std::optional<SamplingOptions> sampling_;
    std::vector<std::string> stop_;
    std::vector<const char*> stop_pointers_;
    gyre_generate_options options_ = GYRE_GENERATE_OPTIONS_INIT;
};

}  // namespace gyre_jni
