// TokenMask: one bit for each token of the vocabulary: whether it may come next.
// SPDX-License-Identifier: Apache-2.0
package dev.gyre;

import java.util.Arrays;

/** A set of tokens; valid beyond the call too, but only read at its end. */
public final class TokenMask {
    private final int[] words;
    private final int size;

    TokenMask(int[] words, int size) {
        this.words = words;
        this.size = size;
    }

    /** Returns the number of tokens: ids 0 to size - 1. */
    public int size() {
        return size;
    }

    public boolean isAllowed(int token) {
        return (words[wordOf(token)] >>> (token & 31) & 1) != 0;
    }

    public void allow(int token) {
        words[wordOf(token)] |= 1 << (token & 31);
    }

    public void forbid(int token) {
        words[wordOf(token)] &= ~(1 << (token & 31));
    }

    /** Forbids every token: what may come is then allowed one by one. */
    public void forbidAll() {
        Arrays.fill(words, 0);
    }

    private int wordOf(int token) {
        if (token < 0 || token >= size) {
            throw new IndexOutOfBoundsException("token " + token + " of " + size);
        }
        return token >>> 5;
    }
}
