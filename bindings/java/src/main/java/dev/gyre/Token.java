// Token: one generated token, as a listener receives it.
// SPDX-License-Identifier: Apache-2.0
package dev.gyre;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** A token of a text in the making; immutable, valid for ever. */
public final class Token {
    /** The id of a last event that carries only text: what was held back or torn at the end. */
    public static final int NONE = -1;

    private final byte[] bytes;
    private final String text;
    private final int id;
    private final int index;
    private final float logprob;
    private final List<TokenLogprob> top;

    Token(byte[] bytes, byte[] text, int id, int index, float logprob, int[] topIds,
            float[] topLogprobs) {
        this.bytes = bytes;
        this.text = Utf8.text(text);
        this.id = id;
        this.index = index;
        this.logprob = logprob;
        this.top = pairs(topIds, topLogprobs);
    }

    private static List<TokenLogprob> pairs(int[] ids, float[] logprobs) {
        if (ids == null) {
            return Collections.emptyList();
        }
        List<TokenLogprob> pairs = new ArrayList<>(ids.length);
        for (int i = 0; i < ids.length; i++) {
            pairs.add(new TokenLogprob(ids[i], logprobs[i]));
        }
        return Collections.unmodifiableList(pairs);
    }

    /** Returns the characters that this token completed; "" if it completed none. */
    public String getText() {
        return text;
    }

    /** Returns the token's own bytes, perhaps only a part of a character. */
    public byte[] getBytes() {
        return bytes.clone();
    }

    /** Returns the token's id, or {@link #NONE}. */
    public int getId() {
        return id;
    }

    /** Returns 0 for the first generated token. */
    public int getIndex() {
        return index;
    }

    /**
     * Returns the natural logarithm of the token's probability by the model's own logits, before
     * bias, penalties and temperature; NaN if {@link GenerateOptions.Builder#logprobs} did not ask.
     */
    public float getLogprob() {
        return logprob;
    }

    /** Returns the most likely tokens, largest first, as many as the options asked for. */
    public List<TokenLogprob> getTop() {
        return top;
    }
}
