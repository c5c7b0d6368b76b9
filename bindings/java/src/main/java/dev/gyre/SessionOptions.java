// SessionOptions: how a session is made.
// SPDX-License-Identifier: Apache-2.0
package dev.gyre;

/** Immutable; made by {@link #builder}. The native library reads the fields by their names. */
public final class SessionOptions {
    static final SessionOptions DEFAULT = builder().build();

    final int contextSize;
    final int chunk;
    final int kvType;
    final int whenFull;
    final int keepTokens;
    final int submitMillis;
    final ProgressListener progress;

    private SessionOptions(Builder from) {
        contextSize = from.contextSize;
        chunk = from.chunk;
        kvType = from.kvType.ordinal();
        whenFull = from.whenFull.ordinal();
        keepTokens = from.keepTokens;
        submitMillis = from.submitMillis;
        progress = from.progress;
    }

    public static Builder builder() {
        return new Builder();
    }

    /** How keys and values are stored; in the order of gyre_kv_type. */
    public enum KvType {
        F16,
        F32,
        /** 8 bits, and a scale for every 32 numbers. */
        Q8_0
    }

    /** What happens when the context is full; in the order of gyre_when_full. */
    public enum WhenFull {
        STOP,
        /** The oldest half is forgotten, except the first tokens that are kept. */
        SLIDE
    }

    /** Collects options; what is not set keeps its default. */
    public static final class Builder {
        private int contextSize;
        private int chunk;
        private KvType kvType = KvType.F16;
        private WhenFull whenFull = WhenFull.STOP;
        private int keepTokens;
        private int submitMillis;
        private ProgressListener progress;

        private Builder() {}

        /** Tokens that the session can hold; 0 (default): as many as the model was trained for. */
        public Builder contextSize(int tokens) {
            contextSize = Checks.notNegative(tokens, "contextSize");
            return this;
        }

        /** Tokens of a prompt that are computed at once; 0 (default): the library's choice. */
        public Builder chunk(int tokens) {
            chunk = Checks.notNegative(tokens, "chunk");
            return this;
        }

        public Builder kvType(KvType type) {
            kvType = Checks.notNull(type, "kvType");
            return this;
        }

        public Builder whenFull(WhenFull what) {
            whenFull = Checks.notNull(what, "whenFull");
            return this;
        }

        /** First tokens that every slide keeps, at most half of the context. */
        public Builder keepTokens(int tokens) {
            keepTokens = Checks.notNegative(tokens, "keepTokens");
            return this;
        }

        /**
         * How long the device may work at one submission, about; 0 (default): 50 ms. Less means
         * that a cancel or a pause is seen sooner.
         */
        public Builder submitMillis(int millis) {
            submitMillis = Checks.notNegative(millis, "submitMillis");
            return this;
        }

        public Builder progress(ProgressListener listener) {
            progress = listener;
            return this;
        }

        public SessionOptions build() {
            return new SessionOptions(this);
        }
    }
}
