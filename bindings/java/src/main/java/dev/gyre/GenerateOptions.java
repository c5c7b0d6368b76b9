// GenerateOptions: how a text is written on.
// SPDX-License-Identifier: Apache-2.0
package dev.gyre;

import java.util.ArrayList;
import java.util.List;

/** Immutable; made by {@link #builder}. The native library reads the fields by their names. */
public final class GenerateOptions {
    static final GenerateOptions DEFAULT = builder().build();

    final SamplingOptions sampling;
    final int maxTokens;
    final boolean parseSpecial;
    final boolean ignoreEos;
    final byte[][] stop;
    final boolean logprobs;
    final int top;

    private GenerateOptions(Builder from) {
        sampling = from.sampling;
        maxTokens = from.maxTokens;
        parseSpecial = from.parseSpecial;
        ignoreEos = from.ignoreEos;
        stop = Utf8.names(from.stop, from.stop.size(), "stop");
        logprobs = from.logprobs;
        top = from.top;
    }

    public static Builder builder() {
        return new Builder();
    }

    /** Returns a builder that begins with these options. */
    public Builder toBuilder() {
        Builder builder = new Builder().sampling(sampling).maxTokens(maxTokens)
                .parseSpecial(parseSpecial).ignoreEos(ignoreEos);
        for (byte[] text : stop) {
            builder.stop(Utf8.text(text));
        }
        builder.logprobs = logprobs;
        builder.top = top;
        return builder;
    }

    /** Returns the most tokens that are written; 0: until the text or the context ends. */
    public int getMaxTokens() {
        return maxTokens;
    }

    /** Collects options; what is not set keeps its default. */
    public static final class Builder {
        private SamplingOptions sampling = SamplingOptions.DEFAULT;
        private int maxTokens;
        private boolean parseSpecial;
        private boolean ignoreEos;
        private final List<String> stop = new ArrayList<>();
        private boolean logprobs;
        private int top;

        private Builder() {}

        public Builder sampling(SamplingOptions options) {
            sampling = Checks.notNull(options, "sampling");
            return this;
        }

        /** At most so many tokens; 0 (default): until the text or the context ends. */
        public Builder maxTokens(int count) {
            maxTokens = Checks.notNegative(count, "maxTokens");
            return this;
        }

        /** true: names of special tokens in the prompt become these tokens. */
        public Builder parseSpecial(boolean parse) {
            parseSpecial = parse;
            return this;
        }

        /** true: the model's end token is a token like others. */
        public Builder ignoreEos(boolean ignore) {
            ignoreEos = ignore;
            return this;
        }

        /**
         * Ends the text before this string; may be called repeatedly. Text that may begin one is
         * held back until it is known.
         */
        public Builder stop(String text) {
            stop.add(text);
            return this;
        }

        /** Tells with every token how likely it was, and the n most likely ones. */
        public Builder logprobs(int n) {
            logprobs = true;
            top = Checks.notNegative(n, "logprobs");
            return this;
        }

        public GenerateOptions build() {
            return new GenerateOptions(this);
        }
    }
}
