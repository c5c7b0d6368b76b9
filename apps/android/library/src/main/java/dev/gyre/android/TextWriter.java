// TextWriter: a session that writes in a thread of its own, and tells the main thread.
// SPDX-License-Identifier: Apache-2.0
package dev.gyre.android;

import android.os.Handler;
import android.os.Looper;
import dev.gyre.GenerateOptions;
import dev.gyre.GenerateResult;
import dev.gyre.GyreException;
import dev.gyre.Model;
import dev.gyre.Session;
import dev.gyre.Status;
import dev.gyre.StopReason;
import dev.gyre.Token;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * Writes texts with a model while the main thread draws.
 *
 * <p>Its methods are called in the main thread and return at once ({@link #pause} within a fraction
 * of a second); so are its listener's. A text that {@link #pause} interrupts goes on after
 * {@link #resume}, as if nothing had been.
 */
public final class TextWriter implements AutoCloseable {
    /** Told in the main thread. */
    public interface Listener {
        /** Receives more of the text, at most 30 times per second, and of how many tokens it is. */
        void onText(String text, int tokens);

        /** The text has ended, of its own or by {@link #stop}. */
        void onEnd(StopReason reason);

        /** The text has ended with an error; what was told stands. */
        void onError(RuntimeException error);
    }

    /** Text comes faster than a screen is drawn, and every change of a view costs a layout. */
    private static final long MILLIS_BETWEEN_TEXTS = 33;

    private final Handler main = new Handler(Looper.getMainLooper());
    private final ExecutorService thread =
            Executors.newSingleThreadExecutor(work -> new Thread(work, "gyre-writer"));
    private final Model model;
    private final Session session;
    private Job job; // null: nothing is being written
    private Job last; // the one that was begun last
    private boolean paused;
    private boolean closed;

    /** Takes over the session, which {@link #close} closes; the model stays the caller's. */
    public TextWriter(Model model, Session session) {
        this.model = model;
        this.session = session;
    }

    /** When tokens came, in the writer's thread: the main thread sees them later, and in pieces. */
    private static final class Clock {
        private int ticks;
        private long first;
        private long latest;

        synchronized void tick() {
            latest = System.nanoTime();
            first = ticks++ == 0 ? latest : first;
        }

        synchronized double tokensPerSecond() {
            return latest == first ? 0 : (ticks - 1) * 1e9 / (latest - first);
        }
    }

    /** One text, from its prompt to its end, over any number of pauses. */
    private final class Job {
        final GenerateOptions options;
        final Listener listener;
        boolean stopped;
        boolean waiting; // for resume()
        private String prompt; // "" once the session holds it
        private int[] tokens; // in place of a prompt: what the session is to hold; then null
        private int left; // tokens that may still be written; 0 if options have no limit
        private int[] start; // what the session held before the prompt
        private final StringBuilder untold = new StringBuilder(); // guarded by itself, as the next
        private int untoldTokens;
        private boolean telling; // tell() is on its way
        private final Clock clock = new Clock();

        Job(String prompt, int[] tokens, GenerateOptions options, Listener listener) {
            this.prompt = prompt;
            this.tokens = tokens;
            this.options = options;
            this.listener = listener;
            this.left = options.getMaxTokens();
        }

        /** In the writer's thread. */
        void write() {
            try {
                if (tokens != null) {
                    session.setTokens(tokens); // what it held before a pause is kept
                } else if (start == null) {
                    start = session.getTokens();
                } else if (!prompt.isEmpty()) {
                    session.setTokens(start); // a part of the prompt may have been read
                }
                GenerateResult result = session.generate(prompt,
                        options.toBuilder().maxTokens(left).build(), token -> {
                            add(token);
                            return true;
                        });
                main.post(() -> ended(this, result));
            } catch (RuntimeException error) {
                main.post(() -> failed(this, error));
            }
        }

        /** In the writer's thread: what comes between two drawings is told in one piece. */
        private void add(Token token) {
            if (token.getId() != Token.NONE) {
                clock.tick();
            }
            synchronized (untold) {
                untold.append(token.getText());
                untoldTokens += token.getId() == Token.NONE ? 0 : 1;
                if (telling) {
                    return;
                }
                telling = true;
            }
            main.postDelayed(this::tell, MILLIS_BETWEEN_TEXTS);
        }

        void tell() {
            String text;
            int tokens;
            synchronized (untold) {
                text = untold.toString();
                tokens = untoldTokens;
                untold.setLength(0);
                untoldTokens = 0;
                telling = false;
            }
            if (!closed && (tokens > 0 || !text.isEmpty())) {
                listener.onText(text, tokens);
            }
        }

        /** What an interrupted text has written need not be written again. */
        void takeOff(GenerateResult result) {
            if (result.getTokens() > 0) {
                prompt = "";
                tokens = null;
                left = Math.max(left - result.getTokens(), 0);
            }
        }

        boolean isComplete() {
            return options.getMaxTokens() > 0 && left == 0;
        }
    }

    /**
     * Appends a prompt to the session's text and writes on.
     *
     * @throws IllegalStateException if a text is being written
     */
    public void write(String prompt, GenerateOptions options, Listener listener) {
        begin(new Job(prompt, null, options, listener));
    }

    /**
     * Makes the session hold these tokens, of which it keeps what it holds already, and writes on:
     * for the prompt of a {@link dev.gyre.Conversation}, by its {@code fitPrompt}.
     *
     * @throws IllegalStateException if a text is being written
     */
    public void write(int[] tokens, GenerateOptions options, Listener listener) {
        begin(new Job("", tokens.clone(), options, listener));
    }

    private void begin(Job next) {
        if (job != null || closed) {
            throw new IllegalStateException(closed ? "closed" : "a text is being written");
        }
        job = next;
        last = job;
        if (paused) {
            job.waiting = true;
        } else {
            start(job);
        }
    }

    public boolean isWriting() {
        return job != null;
    }

    /** Returns the speed of the text that is being written or was last; 0 before two tokens. */
    public double getTokensPerSecond() {
        return last == null ? 0 : last.clock.tokensPerSecond();
    }

    public Session getSession() {
        return session;
    }

    /** Ends the text; its listener is told {@link StopReason#CANCELLED}. */
    public void stop() {
        if (job == null || job.stopped) {
            return;
        }
        job.stopped = true;
        if (job.waiting) {
            end(job, StopReason.CANCELLED);
        } else {
            session.cancel();
        }
    }

    /** Lets the device rest: for {@code onStop}. The text is not lost. */
    public void pause() {
        if (!paused && !closed) {
            paused = true;
            model.pause();
        }
    }

    /** Goes on with what was interrupted: for {@code onStart}. */
    public void resume() {
        if (!paused || closed) {
            return;
        }
        paused = false;
        model.resume();
        if (job != null && job.waiting) {
            start(job);
        }
    }

    private void start(Job started) {
        started.waiting = false;
        thread.execute(started::write);
    }

    private void ended(Job ended, GenerateResult result) {
        if (closed) {
            return;
        }
        ended.tell();
        StopReason reason = result.getStopReason();
        // A cancel that nobody asked of this text was meant for the one before, and came too late.
        boolean interrupted = reason == StopReason.PAUSED
                || reason == StopReason.CANCELLED && !ended.stopped;
        if (!interrupted) {
            end(ended, reason);
            return;
        }
        ended.takeOff(result);
        if (ended.stopped) {
            end(ended, StopReason.CANCELLED);
        } else if (ended.isComplete()) {
            end(ended, StopReason.MAX_TOKENS);
        } else if (paused) {
            ended.waiting = true;
        } else {
            start(ended);
        }
    }

    private void failed(Job failed, RuntimeException error) {
        if (closed) {
            return;
        }
        failed.tell();
        // Not only generate() can meet a pause or a stop, but also what sets the session before it.
        boolean interrupted = is(error, Status.PAUSED) || is(error, Status.CANCELLED);
        if (!interrupted) {
            job = null;
            failed.listener.onError(error);
        } else if (failed.stopped) {
            end(failed, StopReason.CANCELLED);
        } else if (paused) {
            failed.waiting = true;
        } else {
            start(failed);
        }
    }

    private static boolean is(RuntimeException error, Status status) {
        return error instanceof GyreException && ((GyreException) error).getStatus() == status;
    }

    private void end(Job ended, StopReason reason) {
        job = null;
        ended.listener.onEnd(reason);
    }

    /** Ends what is being written, tells nobody, and closes the session. */
    @Override
    public void close() {
        closed = true;
        job = null;
        session.close();
        thread.shutdown();
    }
}
