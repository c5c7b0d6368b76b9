// SamplingOptions: how a token is chosen from logits.
// SPDX-License-Identifier: Apache-2.0
package dev.gyre;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Immutable; made by {@link #builder}. The native library reads the fields by their names.
 *
 * <p>The same options, tokens and logits choose the same token on every platform. In this order:
 * bias, filter, repetition penalty, temperature (0: the most likely token, and done), top-k, top-p,
 * min-p, a draw from what is left.
 */
public final class SamplingOptions {
    static final SamplingOptions DEFAULT = builder().build();

    final long seed;
    final float temperature;
    final float topP;
    final float minP;
    final float repeatPenalty;
    final int topK;
    final int repeatWindow;
    final int[] biasTokens;
    final float[] biasValues;
    final TokenFilter filter;

    private SamplingOptions(Builder from) {
        seed = from.seed;
        temperature = from.temperature;
        topP = from.topP;
        minP = from.minP;
        repeatPenalty = from.repeatPenalty;
        topK = from.topK;
        repeatWindow = from.repeatWindow;
        biasTokens = new int[from.bias.size()];
        biasValues = new float[from.bias.size()];
        int next = 0;
        for (Map.Entry<Integer, Float> entry : from.bias.entrySet()) {
            biasTokens[next] = entry.getKey();
            biasValues[next++] = entry.getValue();
        }
        filter = from.filter;
    }

    public static Builder builder() {
        return new Builder();
    }

    /** Always the most likely token. */
    public static SamplingOptions greedy() {
        return builder().temperature(0).build();
    }

    /**
     * Chooses a token from logits that the caller has, as {@link Session#sample} does from a
     * session's; needs no model and no device.
     *
     * @param logits one for each token that may be chosen; negative infinity excludes
     * @param history the tokens before, the latest last, for the repetition penalty
     * @param step which draw of the seed it is: another one for each token of a text
     */
    public int choose(float[] logits, int[] history, long step) {
        Checks.notNull(logits, "logits");
        Checks.notNull(history, "history");
        return Native.sample(
                logits, history, step, this, new TokenSink(null, filter), filter != null);
    }

    /** Collects options; what is not set keeps the library's default. */
    public static final class Builder {
        // The defaults of GYRE_SAMPLING_OPTIONS_INIT; a test compares them.
        private long seed;
        private float temperature = 0.8f;
        private float topP = 0.95f;
        private float minP = 0.05f;
        private float repeatPenalty = 1;
        private int topK = 40;
        private int repeatWindow = 64;
        private final Map<Integer, Float> bias = new LinkedHashMap<>();
        private TokenFilter filter;

        private Builder() {}

        /** The same seed draws the same text. */
        public Builder seed(long value) {
            seed = value;
            return this;
        }

        /** 0: always the most likely token; more: more surprising. */
        public Builder temperature(float value) {
            temperature = value;
            return this;
        }

        /** The k most likely tokens; 0: all. */
        public Builder topK(int k) {
            topK = Checks.notNegative(k, "topK");
            return this;
        }

        /** The shortest list of tokens with this probability; 1: all. */
        public Builder topP(float p) {
            topP = p;
            return this;
        }

        /** Tokens with at least this part of the best one's probability; 0: all. */
        public Builder minP(float p) {
            minP = p;
            return this;
        }

        /** More than 1 makes recent tokens less likely; 1: off. */
        public Builder repeatPenalty(float penalty) {
            repeatPenalty = penalty;
            return this;
        }

        /** How many recent tokens the penalty sees; 0: none. */
        public Builder repeatWindow(int tokens) {
            repeatWindow = Checks.notNegative(tokens, "repeatWindow");
            return this;
        }

        /** Adds to a token's logit; negative infinity excludes it. */
        public Builder bias(int token, float value) {
            bias.put(token, value);
            return this;
        }

        /** Asks before each choice which tokens may come. */
        public Builder filter(TokenFilter asked) {
            filter = asked;
            return this;
        }

        public SamplingOptions build() {
            return new SamplingOptions(this);
        }
    }
}
