// TokenSink: what the native library calls while it chooses and tells tokens.
// SPDX-License-Identifier: Apache-2.0
package dev.gyre;

/** Turns what C hands over into what the application's listener and filter take. */
final class TokenSink {
    private final TokenListener listener;
    private final TokenFilter filter;

    /** Either may be null: the native library then does not call its method. */
    TokenSink(TokenListener listener, TokenFilter filter) {
        this.listener = listener;
        this.filter = filter;
    }

    /** Called by the native library; topIds and topLogprobs are null where they were not asked. */
    boolean onToken(byte[] bytes, byte[] text, int id, int index, float logprob, int[] topIds,
            float[] topLogprobs) {
        return listener.onToken(new Token(bytes, text, id, index, logprob, topIds, topLogprobs));
    }

    /** Called by the native library, which reads mask again when this returns. */
    boolean allow(int[] mask, int tokens) {
        return filter.allow(new TokenMask(mask, tokens));
    }
}
