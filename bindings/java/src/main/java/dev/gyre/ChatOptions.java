// ChatOptions: how messages become a prompt.
// SPDX-License-Identifier: Apache-2.0
package dev.gyre;

/** Immutable; made by {@link #builder}. */
public final class ChatOptions {
    static final ChatOptions DEFAULT = builder().build();

    final byte[] template; // null: the file's
    final boolean generationPrompt;

    private ChatOptions(Builder from) {
        template = from.template == null ? null : Utf8.bytes(from.template);
        generationPrompt = from.generationPrompt;
    }

    /** Returns a builder in which nothing is set. */
    public static Builder builder() {
        return new Builder();
    }

    /** Collects options; what is not set keeps its default. */
    public static final class Builder {
        private String template;
        private boolean generationPrompt = true;

        private Builder() {}

        /** A chat template, in Jinja, in place of the file's; null (default): the file's. */
        public Builder template(String text) {
            template = text;
            return this;
        }

        /** false: without the end that asks for an answer; true is the default. */
        public Builder generationPrompt(boolean with) {
            generationPrompt = with;
            return this;
        }

        /** Returns the options that were collected. */
        public ChatOptions build() {
            return new ChatOptions(this);
        }
    }
}
