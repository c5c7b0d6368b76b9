// Conversations: messages of Java to the text and the tokens of a prompt.
// SPDX-License-Identifier: Apache-2.0
#include "jni_functions.h"

namespace gyre_jni {
namespace {

gyre_model* model_of(jlong address) {
    return from_java<gyre_model>(address);
}

std::vector<std::string> copy_all(JNIEnv* env, jobjectArray arrays) {
    std::vector<std::string> copies;
    const jsize count = env->GetArrayLength(arrays);
    copies.reserve(static_cast<std::size_t>(count));
    for (jsize i = 0; i < count; ++i) {
        auto bytes = static_cast<jbyteArray>(env->GetObjectArrayElement(arrays, i));
        copies.push_back(copy_bytes(env, bytes));
        env->DeleteLocalRef(bytes);
    }
    return copies;
}

/** The messages and the options of a call, with the strings that they point to */
class Chat {
  public:
    Chat(JNIEnv* env, jobjectArray roles, jobjectArray contents, jbyteArray template_text,
         jboolean generation_prompt)
        : roles_(copy_all(env, roles)), contents_(copy_all(env, contents)) {
        for (std::size_t i = 0; i < roles_.size(); ++i) {
            messages_.push_back({roles_[i].c_str(), contents_[i].data(), contents_[i].size()});
        }
        options_.no_generation_prompt = generation_prompt == JNI_TRUE ? 0 : 1;
        if (template_text == nullptr) return;
        template_ = copy_bytes(env, template_text);
        options_.template_text = template_.data();
        options_.n_template = template_.size();
    }
    Chat(const Chat&) = delete;
    Chat& operator=(const Chat&) = delete;

    const gyre_chat_message* messages() const { return messages_.data(); }
    std::size_t count() const { return messages_.size(); }
    const gyre_chat_options* options() const { return &options_; }

  private:
    std::vector<std::string> roles_;
    std::vector<std::string> contents_;
    std::vector<gyre_chat_message> messages_;
    std::string template_;
    gyre_chat_options options_ = GYRE_CHAT_OPTIONS_INIT;
};

/**
 * What ask(to, capacity, &n) fills; false with an exception pending on failure. Most prompts fit
 * into `usual`; others are asked for once more, with some room for a template that writes the time.
 */
template <typename List, typename Ask>
bool fill(JNIEnv* env, List& list, std::size_t usual, Ask ask) {
    list.resize(usual);
    std::size_t n = 0;
    gyre_status status = ask(list.data(), list.size(), &n);
    if (status != GYRE_OK && n > list.size()) {
        list.resize(n + 64);
        status = ask(list.data(), list.size(), &n);
    }
    if (!check(env, status)) return false;
    list.resize(n);
    return true;
}

jboolean has_chat_template(JNIEnv*, jclass, jlong model) {
    return gyre_model_has_chat_template(model_of(model)) != 0 ? JNI_TRUE : JNI_FALSE;
}

jbyteArray chat_text(JNIEnv* env, jclass, jlong model, jobjectArray roles, jobjectArray contents,
                     jbyteArray template_text, jboolean generation_prompt) {
    return guarded(env, [&]() -> jbyteArray {
        const Chat chat(env, roles, contents, template_text, generation_prompt);
        std::string text;
        const bool filled =
            fill(env, text, 16384, [&](char* to, std::size_t capacity, std::size_t* n) {
                return gyre_chat_text(model_of(model), chat.messages(), chat.count(),
                                      chat.options(), to, capacity, n);
            });
        return filled ? new_bytes(env, text.data(), text.size()) : nullptr;
    });
}

jintArray chat_tokens(JNIEnv* env, jclass, jlong model, jobjectArray roles, jobjectArray contents,
                      jbyteArray template_text, jboolean generation_prompt) {
    return guarded(env, [&]() -> jintArray {
        const Chat chat(env, roles, contents, template_text, generation_prompt);
        std::vector<std::uint32_t> tokens;
        const bool filled =
            fill(env, tokens, 4096, [&](std::uint32_t* to, std::size_t capacity, std::size_t* n) {
                return gyre_chat_tokens(model_of(model), chat.messages(), chat.count(),
                                        chat.options(), to, capacity, n);
            });
        return filled ? new_tokens(env, tokens.data(), tokens.size()) : nullptr;
    });
}

jintArray chat_fit(JNIEnv* env, jclass, jlong model, jobjectArray roles, jobjectArray contents,
                   jbyteArray template_text, jboolean generation_prompt, jint n_ctx,
                   jint max_tokens, jintArray forgotten) {
    return guarded(env, [&]() -> jintArray {
        const Chat chat(env, roles, contents, template_text, generation_prompt);
        std::vector<std::uint32_t> tokens(static_cast<std::size_t>(n_ctx));  // enough for any
        std::size_t n = 0, n_forgotten = 0;
        const gyre_status status =
            gyre_chat_fit(model_of(model), chat.messages(), chat.count(), chat.options(),
                          static_cast<std::uint32_t>(n_ctx), static_cast<std::uint32_t>(max_tokens),
                          tokens.data(), tokens.size(), &n, &n_forgotten);
        if (!check(env, status)) return nullptr;
        const auto count = static_cast<jint>(n_forgotten);
        env->SetIntArrayRegion(forgotten, 0, 1, &count);
        return new_tokens(env, tokens.data(), n);
    });
}

}  // namespace

std::vector<JNINativeMethod> chat_methods() {
    return {
        method("modelHasChatTemplate", "(J)Z", has_chat_template),
        method("modelChatText", "(J[[B[[B[BZ)[B", chat_text),
        method("modelChatTokens", "(J[[B[[B[BZ)[I", chat_tokens),
        method("modelChatFit", "(J[[B[[B[BZII[I)[I", chat_fit),
    };
}

}  // namespace gyre_jni
