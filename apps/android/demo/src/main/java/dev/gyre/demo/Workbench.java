// Workbench: the model, its session and the text; lives on when the screen is rotated.
// SPDX-License-Identifier: Apache-2.0
package dev.gyre.demo;

import android.content.Context;
import android.net.Uri;
import android.os.Bundle;
import android.os.Handler;
import android.os.Looper;
import dev.gyre.ChatMessage;
import dev.gyre.Conversation;
import dev.gyre.DeviceInfo;
import dev.gyre.GenerateOptions;
import dev.gyre.GyreException;
import dev.gyre.MemoryNeed;
import dev.gyre.Model;
import dev.gyre.ModelInfo;
import dev.gyre.ModelOptions;
import dev.gyre.Session;
import dev.gyre.SessionOptions;
import dev.gyre.StopReason;
import dev.gyre.Timings;
import dev.gyre.android.GyreAndroid;
import dev.gyre.android.TextWriter;
import java.io.IOException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** Its methods are called in the main thread, and so is the screen that it tells of changes. */
final class Workbench implements AutoCloseable, TextWriter.Listener {
    static final String SHIPPED_MODEL = "gyre-books-5m.gguf";

    /** What the screen is told; it reads the rest here. */
    interface Screen {
        void onChange();
    }

    enum State {
        LOADING,
        READY,
        WRITING,
        /** There is no model to write with: {@link #getProblem} says why. */
        FAILED
    }

    private final Context context;
    private final Handler main = new Handler(Looper.getMainLooper());
    private final ExecutorService loader = Executors.newSingleThreadExecutor();
    private final Passage passage = new Passage();
    private Screen screen;

    private State state = State.FAILED;
    private String problem = "";
    private String stage = "";
    private Uri uri;
    private Loaded loaded;
    private TextWriter writer;
    private volatile int wanted; // which opening counts: an older one ends itself
    private boolean paused;
    private String unread = ""; // a text from before the process was ended, which no session has read
    private final Messages messages = new Messages();

    private int tokens;
    private Timings timings;
    private StopReason ended;

    Workbench(Context context) {
        this.context = context.getApplicationContext();
    }

    /** A model that is open, with what the screen says of it. */
    static final class Loaded {
        final Model model;
        final Session session;
        final Conversation conversation; // null: the file has no chat template
        final ModelInfo info;
        final DeviceInfo device;
        final MemoryNeed need;

        Loaded(Model model, Session session, MemoryNeed need) {
            this.model = model;
            this.session = session;
            this.conversation = model.hasChatTemplate() ? new Conversation(model, session) : null;
            this.info = model.getInfo();
            this.device = model.getDevice();
            this.need = need;
        }
    }

    void setScreen(Screen told) {
        screen = told;
    }

    private void changed() {
        if (screen != null) {
            screen.onChange();
        }
    }

    /** Opens the user's model, or with null the shipped one, in place of what is open. */
    void open(Uri picked) {
        uri = picked;
        release();
        state = State.LOADING;
        stage = context.getString(R.string.stage_read);
        int ticket = ++wanted;
        loader.execute(() -> load(picked, ticket));
        changed();
    }

    /** In the loader's thread. */
    private void load(Uri picked, int ticket) {
        Model model = null;
        try {
            SessionOptions options = SessionOptions.builder()
                    .whenFull(SessionOptions.WhenFull.STOP)
                    .progress((name, fraction) -> tellStage(name, fraction, ticket))
                    .build();
            MemoryNeed need = estimate(picked, options);
            if (!need.fits()) {
                throw new IOException(context.getString(R.string.does_not_fit,
                        Sizes.text(need.getTotalBytes()), Sizes.text(need.getAvailableBytes()),
                        need.getUnfitBecause()));
            }
            model = openWith(picked, GyreAndroid.modelOptions(context)
                    .progress((name, fraction) -> tellStage(name, fraction, ticket)).build());
            Loaded done = new Loaded(model, model.createSession(options), need);
            main.post(() -> opened(done, ticket));
        } catch (IOException | RuntimeException | LinkageError error) {
            if (model != null) {
                model.close();
            }
            main.post(() -> failed(error, ticket));
        }
    }

    /** Reads the file's header alone. */
    private MemoryNeed estimate(Uri picked, SessionOptions options) throws IOException {
        try (Model header = openWith(picked, ModelOptions.builder().device("none").build())) {
            return header.estimate("auto", options);
        }
    }

    private Model openWith(Uri picked, ModelOptions options) throws IOException {
        return picked == null ? GyreAndroid.openAsset(context, SHIPPED_MODEL, options)
                : GyreAndroid.openUri(context, picked, options);
    }

    private boolean tellStage(String name, double fraction, int ticket) {
        main.post(() -> {
            if (ticket == wanted && state == State.LOADING) {
                stage = name + " " + Math.round(fraction * 100) + " %";
                changed();
            }
        });
        return ticket == wanted;
    }

    private void opened(Loaded done, int ticket) {
        if (ticket != wanted) {
            done.session.close();
            done.model.close();
            return;
        }
        loaded = done;
        writer = new TextWriter(done.model, done.session);
        messages.moveTo(done.conversation);
        if (paused) {
            writer.pause();
        }
        state = State.READY;
        changed();
    }

    private void failed(Throwable error, int ticket) {
        if (ticket == wanted) {
            state = State.FAILED;
            problem = error instanceof IOException || error instanceof GyreException
                    ? error.getMessage() : error.toString();
            changed();
        }
    }

    /** Appends what the user typed, and lets the model write on, or answer; false: it cannot. */
    boolean write(String typed, Settings settings) {
        if (state != State.READY) {
            return false;
        }
        problem = "";
        boolean begun = isChat() ? say(typed, settings.options()) : goOn(typed, settings.options());
        if (begun) {
            tokens = 0;
            timings = null;
            ended = null;
            state = State.WRITING;
        }
        changed();
        return begun;
    }

    private boolean goOn(String typed, GenerateOptions options) {
        passage.addTyped(typed);
        writer.write(unread + typed, options, this);
        unread = "";
        return true;
    }

    /** With nothing typed, an answer that was cut goes on. */
    private boolean say(String typed, GenerateOptions options) {
        boolean again = typed.trim().isEmpty();
        if (again && !isCut()) {
            return false;
        }
        if (again && !Messages.last(loaded.conversation).getContent().isEmpty()) {
            writer.write("", options, this);
            return true;
        }
        if (again) {
            loaded.conversation.removeLast(); // it was stopped before it began
        } else {
            loaded.conversation.add(ChatMessage.user(typed));
        }
        return ask(typed, again, options);
    }

    private boolean ask(String typed, boolean again, GenerateOptions options) {
        Conversation conversation = loaded.conversation;
        try {
            int[] prompt = conversation.fitPrompt(options);
            // An answer, be it empty: messages of user and model stay in turn whatever happens.
            conversation.add(ChatMessage.assistant(""));
            if (!again) {
                passage.addTyped((passage.isEmpty() ? "" : "\n\n") + typed + "\n\n");
            }
            writer.write(prompt, options, this);
            return true;
        } catch (GyreException error) {
            if (again) {
                conversation.add(ChatMessage.assistant(""));
            } else {
                conversation.removeLast();
            }
            problem = error.getMessage();
            return false;
        }
    }

    /** Whether the model answers, as its file's chat template has it, in place of writing on. */
    boolean isChat() {
        return loaded != null && loaded.conversation != null;
    }

    /** Whether the last answer has ended before its end. */
    boolean isCut() {
        return isChat() && (ended == StopReason.MAX_TOKENS || ended == StopReason.CANCELLED);
    }

    void stop() {
        if (writer != null) {
            writer.stop();
        }
    }

    /** Begins a new text. */
    void clear() {
        if (state == State.READY) {
            passage.clear();
            unread = "";
            if (isChat()) {
                loaded.conversation.clear();
            }
            loaded.session.reset();
            timings = null;
            ended = null;
            changed();
        }
    }

    @Override
    public void onText(String text, int more) {
        passage.addWritten(text);
        if (isChat()) {
            Messages.appendToLast(loaded.conversation, text);
        }
        tokens += more;
        changed();
    }

    @Override
    public void onEnd(StopReason reason) {
        state = State.READY;
        ended = reason;
        try {
            timings = loaded.session.getTimings();
        } catch (GyreException unknown) {
            timings = null; // the line on the screen does without
        }
        changed();
    }

    @Override
    public void onError(RuntimeException error) {
        state = State.READY;
        problem = error.getMessage();
        ended = null;
        changed();
    }

    void pause() {
        paused = true;
        if (writer != null) {
            writer.pause();
        }
    }

    void resume() {
        paused = false;
        if (writer != null) {
            writer.resume();
        }
    }

    private void release() {
        if (writer != null) {
            writer.close();
            loaded.model.close();
        }
        writer = null;
        loaded = null;
        problem = "";
        passage.clear();
        messages.clear();
        unread = "";
        timings = null;
        ended = null;
        tokens = 0;
    }

    void save(Bundle to) {
        to.putParcelable("uri", uri);
        passage.save(to);
        messages.save(to, isChat() ? loaded.conversation : null);
    }

    /** Opens what was open when the system ended the process, and shows its text again. */
    void restore(Bundle from) {
        open(from.getParcelable("uri"));
        passage.restore(from);
        messages.restore(from);
        unread = passage.toString();
        changed();
    }

    @Override
    public void close() {
        wanted++;
        screen = null;
        release();
        loader.shutdown();
    }

    State getState() {
        return state;
    }

    String getProblem() {
        return problem;
    }

    String getStage() {
        return stage;
    }

    Uri getUri() {
        return uri;
    }

    Passage getPassage() {
        return passage;
    }

    /** Returns null while no model is open. */
    Loaded getLoaded() {
        return loaded;
    }

    int getTokens() {
        return tokens;
    }

    /** Returns the tokens per second of the text that is being written; 0 in the beginning. */
    double getSpeed() {
        return writer == null ? 0 : writer.getTokensPerSecond();
    }

    /** Returns what the library measured, once a text has ended; else null. */
    Timings getTimings() {
        return timings;
    }

    /** Returns why the last text ended; null if none has. */
    StopReason getEnded() {
        return ended;
    }
}
