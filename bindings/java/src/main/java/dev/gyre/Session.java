// Session: a text in the making: tokens in, logits and chosen tokens out.
// SPDX-License-Identifier: Apache-2.0
package dev.gyre;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;

/**
 * A text in the making.
 *
 * <p>Used by one thread at a time, {@link #cancel} and {@link #close} apart, which any thread may
 * call at any moment: a call that finds the session in use throws
 * {@link Status#INVALID_ARGUMENT} and changes nothing. Every other method throws
 * {@link IllegalStateException} after close, and {@link GyreException} where the library refuses.
 */
public final class Session implements AutoCloseable {
    private final Handle handle;

    Session(long address) {
        handle = new SessionHandle(address);
    }

    private static final class SessionHandle extends Handle {
        SessionHandle(long address) {
            super("the session", address);
        }

        @Override
        void free(long address) {
            Native.sessionDestroy(address);
        }

        @Override
        void interrupt(long address) {
            Native.sessionCancel(address);
        }
    }

    /** Writes on with the default options until the text or the context ends. */
    public GenerateResult generate(String prompt, TokenListener listener) {
        return generate(prompt, GenerateOptions.DEFAULT, listener);
    }

    /**
     * Appends a prompt and writes on, telling each token to a listener.
     *
     * @param prompt "" goes on where the session stands
     * @param listener may be null
     * @return why it ended. A cancelled or paused generation is a result and not an exception: what
     *     the listener was told stands, and the session holds it
     * @throws GyreException {@link Status#CONTEXT_FULL} if the prompt does not fit: the session is
     *     then as before; and for other errors
     */
    public GenerateResult generate(String prompt, GenerateOptions options, TokenListener listener) {
        byte[] bytes = Utf8.bytes(Checks.notNull(prompt, "prompt"));
        TokenFilter filter = Checks.notNull(options, "options").sampling.filter;
        TokenSink sink = new TokenSink(listener, filter);
        int[] result = new int[4];
        long session = handle.enter();
        try {
            Native.sessionGenerate(
                    session, bytes, options, sink, listener != null, filter != null, result);
        } finally {
            handle.leave();
        }
        return new GenerateResult(result);
    }

    /** Appends tokens and computes the logits after the last of them. */
    public void feed(int... tokens) {
        Checks.notNull(tokens, "tokens");
        long session = handle.enter();
        try {
            Native.sessionFeed(session, tokens);
        } finally {
            handle.leave();
        }
    }

    /** Returns a copy of the logits after the last token, one for each token of the vocabulary. */
    public float[] getLogits() {
        long session = handle.enter();
        try {
            return Native.sessionLogits(session);
        } finally {
            handle.leave();
        }
    }

    /** Chooses the next token; does not append it: {@link #feed} does. */
    public int sample(SamplingOptions options) {
        TokenFilter filter = Checks.notNull(options, "options").filter;
        TokenSink sink = new TokenSink(null, filter);
        long session = handle.enter();
        try {
            return Native.sessionSample(session, options, sink, filter != null);
        } finally {
            handle.leave();
        }
    }

    /** Returns the tokens that the session holds. */
    public int[] getTokens() {
        long session = handle.enter();
        try {
            return Native.sessionTokens(session);
        } finally {
            handle.leave();
        }
    }

    /**
     * Makes the session hold these tokens: keeps the longest common beginning, feeds the rest.
     *
     * @return the number of tokens that were kept
     */
    public int setTokens(int... tokens) {
        Checks.notNull(tokens, "tokens");
        long session = handle.enter();
        try {
            return Native.sessionSetTokens(session, tokens);
        } finally {
            handle.leave();
        }
    }

    /** Keeps the first n tokens and forgets the rest. */
    public void truncate(int n) {
        Checks.notNegative(n, "n");
        long session = handle.enter();
        try {
            Native.sessionTruncate(session, n);
        } finally {
            handle.leave();
        }
    }

    /** Forgets count tokens from number first on; those that follow move up. */
    public void shift(int first, int count) {
        Checks.notNegative(first, "first");
        Checks.notNegative(count, "count");
        long session = handle.enter();
        try {
            Native.sessionShift(session, first, count);
        } finally {
            handle.leave();
        }
    }

    /** Forgets all tokens and the timings. */
    public void reset() {
        long session = handle.enter();
        try {
            Native.sessionReset(session);
        } finally {
            handle.leave();
        }
    }

    /** Returns a second session that holds the same tokens; the two are independent. */
    public Session fork() {
        long session = handle.enter();
        try {
            return new Session(Native.sessionFork(session));
        } finally {
            handle.leave();
        }
    }

    /** Returns the number of tokens that the session holds. */
    public int getPosition() {
        long session = handle.enter();
        try {
            return Native.sessionPosition(session);
        } finally {
            handle.leave();
        }
    }

    /** Returns the number of tokens that the session can hold. */
    public int getContextSize() {
        long session = handle.enter();
        try {
            return Native.sessionContextSize(session);
        } finally {
            handle.leave();
        }
    }

    /**
     * Writes the session, its cache included, to a stream, which it does not close.
     *
     * @throws IOException what the stream throws
     */
    public void save(OutputStream to) throws IOException {
        Checks.notNull(to, "to");
        long session = handle.enter();
        try {
            Native.sessionSave(session, to);
        } finally {
            handle.leave();
        }
    }

    /**
     * Reads what {@link #save} wrote; reads not a byte beyond it.
     *
     * @throws IOException what the stream throws
     * @throws GyreException if it is damaged, ends early, or is of another model or another kind of
     *     session: this one then stays as it was
     */
    public void load(InputStream from) throws IOException {
        Checks.notNull(from, "from");
        long session = handle.enter();
        try {
            Native.sessionLoad(session, from);
        } finally {
            handle.leave();
        }
    }

    public Timings getTimings() {
        double[] times = new double[Timings.TIMES];
        long[] counts = new long[Timings.COUNTS];
        long session = handle.enter();
        try {
            Native.sessionTimings(session, times, counts);
        } finally {
            handle.leave();
        }
        return new Timings(times, counts);
    }

    public Memory getMemory() {
        long[] numbers = new long[Memory.NUMBERS];
        long session = handle.enter();
        try {
            Native.sessionMemory(session, numbers);
        } finally {
            handle.leave();
        }
        return new Memory(numbers);
    }

    /**
     * Cancels the call that is running on the session, or if none is, the next one that computes.
     *
     * <p>May be called at any moment, from any thread; does nothing on a session that is closed.
     */
    public void cancel() {
        handle.interruptIfOpen();
    }

    /**
     * Releases the session. Twice is once.
     *
     * <p>A call that runs in another thread is cancelled, and frees the session when it ends; this
     * method does not wait for it.
     */
    @Override
    public void close() {
        handle.close();
    }
}
