// Conversation: messages to and from a model, and the session that holds their prompt.
// SPDX-License-Identifier: Apache-2.0
package dev.gyre;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * A conversation with a model that was trained for one.
 *
 * <pre>{@code
 * Conversation conversation = new Conversation(model, session);
 * conversation.add(ChatMessage.user("What is a gyre?"));
 * conversation.answer(options, token -> {
 *     System.out.print(token.getText());
 *     return true; // false stops
 * });
 * }</pre>
 *
 * <p>The prompt of an answer is made of all messages. What it has in common with the text that the
 * session holds is kept, and only the rest is computed. Where prompt and answer do not fit into the
 * context, the oldest turns are forgotten.
 *
 * <p>Used by one thread at a time, as its session is; {@link Session#cancel} stops an answer from
 * any thread. Closes neither the model nor the session.
 */
public final class Conversation {
    private static final String SYSTEM = "system";
    private static final String ASSISTANT = "assistant";

    private final Model model;
    private final Session session;
    private final ChatOptions options;
    private final List<ChatMessage> messages = new ArrayList<>();
    private int keptTokens;
    private int forgottenMessages;

    /** Begins a conversation by the chat template of the model's file; see the next constructor. */
    public Conversation(Model model, Session session) {
        this(model, session, ChatOptions.DEFAULT);
    }

    /**
     * Begins a conversation.
     *
     * @param session one of the model's; what it holds may be anything
     * @param options with a template, if the file has none
     * @throws GyreException {@link Status#UNSUPPORTED} if neither the file nor the options have a
     *     template
     */
    public Conversation(Model model, Session session, ChatOptions options) {
        this.model = Checks.notNull(model, "model");
        this.session = Checks.notNull(session, "session");
        this.options = Checks.notNull(options, "options");
        if (options.template == null && !model.hasChatTemplate()) {
            throw new GyreException(Status.UNSUPPORTED, "the model file has no chat template"
                    + " (tokenizer.chat_template), so it was not made for conversations, or lost"
                    + " it: give one by ChatOptions.template, or let it write on by"
                    + " Session.generate");
        }
    }

    /** Appends a message; many templates want those of user and assistant in turn. */
    public void add(ChatMessage message) {
        messages.add(Checks.notNull(message, "message"));
    }

    /** Sets what the model is told before the conversation, its first message; "": nothing. */
    public void setSystem(String text) {
        Checks.notNull(text, "text");
        if (hasSystem(messages)) {
            messages.remove(0);
        }
        if (!text.isEmpty()) {
            messages.add(0, ChatMessage.system(text));
        }
    }

    /** Takes the last message back, for example one that the template refuses. */
    public void removeLast() {
        if (messages.isEmpty()) {
            throw new IllegalStateException("the conversation has no messages");
        }
        messages.remove(messages.size() - 1);
    }

    /** Begins anew: forgets all messages but that of the system. */
    public void clear() {
        messages.subList(hasSystem(messages) ? 1 : 0, messages.size()).clear();
        forgottenMessages = 0;
    }

    /** Returns a copy of the list of messages, oldest first, without those that were forgotten. */
    public List<ChatMessage> getMessages() {
        return Collections.unmodifiableList(new ArrayList<>(messages));
    }

    /**
     * Returns the prompt of the messages, to look at: what the model reads are its tokens.
     *
     * @throws GyreException as {@link Model#chatText}
     */
    public String getPromptText() {
        return model.chatText(messages, options);
    }

    /**
     * Returns the tokens of the prompt.
     *
     * @throws GyreException as {@link Model#chatTokens}
     */
    public int[] getPromptTokens() {
        return model.chatTokens(messages, options);
    }

    /**
     * Forgets the oldest turns, until the prompt leaves room for an answer, as
     * {@link Model#chatFit} does: {@link #answer} begins with this, it is for those who hand the
     * tokens to a session themselves.
     *
     * @return the tokens of the prompt that is left
     * @throws GyreException as {@link Model#chatFit}; then nothing is forgotten
     */
    public int[] fitPrompt(GenerateOptions generate) {
        int most = Checks.notNull(generate, "generate").maxTokens;
        int before = messages.size();
        int[] tokens = model.chatFit(messages, options, session.getContextSize(), most);
        forgottenMessages += before - messages.size();
        return tokens;
    }

    static boolean hasSystem(List<ChatMessage> messages) {
        return !messages.isEmpty() && messages.get(0).getRole().equals(SYSTEM);
    }

    /**
     * Answers what was said last, telling each token to a listener, and appends the answer.
     *
     * <p>An answer ends where the model says so, by one of the tokens that end a text. One that is
     * cancelled, paused or stopped by its listener is appended as far as it came, if it had begun.
     *
     * @param listener may be null
     * @return why it ended; {@link GenerateResult#getPromptTokens} counts the whole prompt
     * @throws GyreException as {@link #fitPrompt} and {@link Session#generate}; then, and if the
     *     listener throws, nothing is appended
     */
    public GenerateResult answer(GenerateOptions generate, TokenListener listener) {
        int[] prompt = fitPrompt(generate);
        try {
            keptTokens = session.setTokens(prompt);
        } catch (GyreException error) {
            if (error.getStatus() == Status.CANCELLED) {
                return new GenerateResult(StopReason.CANCELLED, prompt.length, 0, -1);
            }
            if (error.getStatus() == Status.PAUSED) {
                return new GenerateResult(StopReason.PAUSED, prompt.length, 0, -1);
            }
            throw error;
        }
        StringBuilder text = new StringBuilder();
        GenerateResult result = write(generate, listener, text);
        boolean begun = result.getTokens() > 0 || text.length() > 0;
        if (begun || result.getStopReason() == StopReason.END_OF_TEXT) {
            messages.add(ChatMessage.assistant(text.toString()));
        }
        return new GenerateResult(result.getStopReason(), prompt.length, result.getTokens(),
                result.getStopIndex());
    }

    /**
     * Goes on with an answer that was paused, cancelled, stopped by its listener or ended by
     * {@link GenerateOptions.Builder#maxTokens}; one that had not begun is begun.
     *
     * <p>The session must be as the answer left it.
     *
     * @param listener is told what is new; may be null
     * @return as {@link #answer}; its prompt has no tokens if the answer had begun
     * @throws GyreException as {@link #answer}
     */
    public GenerateResult goOn(GenerateOptions generate, TokenListener listener) {
        int last = messages.size() - 1;
        if (last < 0 || !messages.get(last).getRole().equals(ASSISTANT)) {
            return answer(generate, listener);
        }
        StringBuilder text = new StringBuilder(messages.get(last).getContent());
        GenerateResult result = write(Checks.notNull(generate, "generate"), listener, text);
        messages.set(last, ChatMessage.assistant(text.toString()));
        return result;
    }

    /** Writes on where the session stands, and appends to text what the listener is told. */
    private GenerateResult write(GenerateOptions generate, TokenListener listener,
            StringBuilder text) {
        return session.generate("", generate, token -> {
            text.append(token.getText());
            return listener == null || listener.onToken(token);
        });
    }

    /** Returns how many tokens of the last answer's prompt the session held already. */
    public int getKeptTokens() {
        return keptTokens;
    }

    /** Returns how many messages were forgotten since the conversation began, or was cleared. */
    public int getForgottenMessages() {
        return forgottenMessages;
    }
}
