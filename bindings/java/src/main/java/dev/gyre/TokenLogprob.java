// TokenLogprob: a token and how likely the model took it to be.
// SPDX-License-Identifier: Apache-2.0
package dev.gyre;

/** A token's id and the natural logarithm of its probability. */
public final class TokenLogprob {
    private final int id;
    private final float logprob;

    TokenLogprob(int id, float logprob) {
        this.id = id;
        this.logprob = logprob;
    }

    public int getId() {
        return id;
    }

    public float getLogprob() {
        return logprob;
    }
}
