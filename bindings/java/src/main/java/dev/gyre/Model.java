// Model: a model file's weights on a device, and its tokenizer.
// SPDX-License-Identifier: Apache-2.0
package dev.gyre;

import java.io.File;
import java.io.FileDescriptor;
import java.nio.ByteBuffer;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A model file's weights on a device, and its tokenizer.
 *
 * <p>May be used by several threads at once and shared by sessions, which keep what they need of it:
 * it may be closed before them. Every method throws {@link IllegalStateException} after
 * {@link #close}, and {@link GyreException} where the library refuses.
 */
public final class Model implements AutoCloseable {
    private final Handle handle;

    private Model(long address) {
        handle = new ModelHandle(address);
    }

    private static final class ModelHandle extends Handle {
        ModelHandle(long address) {
            super("the model", address);
        }

        @Override
        void free(long address) {
            Native.modelDestroy(address);
        }
    }

    /** Opens a GGUF file with the default options. */
    public static Model open(File file) {
        return open(file, ModelOptions.DEFAULT);
    }

    /** Opens a GGUF file, which must not be changed while it is read. */
    public static Model open(File file, ModelOptions options) {
        byte[] path = Utf8.name(Checks.notNull(file, "file").getPath(), "file");
        return new Model(Native.modelOpenPath(path, Checks.notNull(options, "options")));
    }

    /**
     * Opens a part of an open file, for example an asset inside an Android package.
     *
     * @param descriptor stays open, and where it stands in the file is not changed; may be closed
     *     when this returns
     * @param offset where the model begins in the file
     * @param length its bytes; 0: to the file's end
     */
    public static Model open(FileDescriptor descriptor, long offset, long length,
            ModelOptions options) {
        int number = Native.descriptorNumber(Checks.notNull(descriptor, "descriptor"));
        return open(number, offset, length, options);
    }

    /** As above, by the operating system's number: {@code ParcelFileDescriptor.getFd()}. */
    public static Model open(int descriptor, long offset, long length, ModelOptions options) {
        if (offset < 0 || length < 0) {
            throw new IllegalArgumentException(
                    "offset " + offset + ", length " + length + "; neither can be negative");
        }
        return new Model(Native.modelOpenDescriptor(descriptor, offset, length,
                Checks.notNull(options, "options")));
    }

    /**
     * Opens a model in memory: the bytes between the buffer's position and its limit.
     *
     * <p>They may be changed when this returns. A buffer that is not direct is copied first.
     */
    public static Model open(ByteBuffer buffer, ModelOptions options) {
        ByteBuffer bytes = Checks.notNull(buffer, "buffer").slice();
        if (!bytes.isDirect()) {
            ByteBuffer direct = ByteBuffer.allocateDirect(bytes.remaining());
            direct.put(bytes);
            bytes = direct;
        }
        return new Model(
                Native.modelOpenMemory(bytes, bytes.capacity(), Checks.notNull(options, "options")));
    }

    /** Makes a session with the default options. */
    public Session createSession() {
        return createSession(SessionOptions.DEFAULT);
    }

    /** Makes a session: an empty text, and room for its keys and values on the device. */
    public Session createSession(SessionOptions options) {
        Checks.notNull(options, "options");
        long model = handle.enter();
        try {
            return new Session(Native.sessionCreate(model, options));
        } finally {
            handle.leave();
        }
    }

    public ModelInfo getInfo() {
        byte[][] texts = new byte[ModelInfo.TEXTS][];
        long[] numbers = new long[ModelInfo.NUMBERS];
        long model = handle.enter();
        try {
            Native.modelInfo(model, texts, numbers);
        } finally {
            handle.leave();
        }
        return new ModelInfo(texts, numbers);
    }

    /**
     * Returns the device that holds the weights.
     *
     * @throws GyreException {@link Status#NO_DEVICE} if the model was opened with "none"
     */
    public DeviceInfo getDevice() {
        byte[][] texts = new byte[DeviceInfo.TEXTS][];
        long[] numbers = new long[DeviceInfo.NUMBERS];
        long model = handle.enter();
        try {
            Native.modelDevice(model, texts, numbers);
        } finally {
            handle.leave();
        }
        return new DeviceInfo(texts, numbers);
    }

    /** Turns text into token ids; names of special tokens in it are plain text. */
    public int[] tokenize(String text) {
        return tokenize(text, false);
    }

    /**
     * Turns text into token ids.
     *
     * @param parseSpecial true: names of special tokens become these tokens, which is wrong for
     *     text from others
     */
    public int[] tokenize(String text, boolean parseSpecial) {
        byte[] bytes = Utf8.bytes(Checks.notNull(text, "text"));
        long model = handle.enter();
        try {
            return Native.modelTokenize(model, bytes, parseSpecial);
        } finally {
            handle.leave();
        }
    }

    /** Turns token ids into text; bytes that are not UTF-8 become U+FFFD. */
    public String detokenize(int... tokens) {
        return Utf8.text(detokenizeBytes(tokens));
    }

    /** Turns token ids into bytes, which may begin or end inside a character. */
    public byte[] detokenizeBytes(int... tokens) {
        Checks.notNull(tokens, "tokens");
        long model = handle.enter();
        try {
            return Native.modelDetokenize(model, tokens);
        } finally {
            handle.leave();
        }
    }

    /**
     * Returns whether the file has a chat template. It may still be one that {@link #chatText}
     * refuses.
     */
    public boolean hasChatTemplate() {
        long model = handle.enter();
        try {
            return Native.modelHasChatTemplate(model);
        } finally {
            handle.leave();
        }
    }

    /** Returns the prompt of a conversation, with the end that asks for an answer, to look at. */
    public String chatText(List<ChatMessage> messages) {
        return chatText(messages, ChatOptions.DEFAULT);
    }

    /**
     * Returns the prompt of a conversation as text, to look at: it no longer says what of it is a
     * message.
     *
     * @throws GyreException {@link Status#UNSUPPORTED} if there is no template, or it uses what the
     *     library does not know; {@link Status#BAD_FILE} if it is no template;
     *     {@link Status#INVALID_ARGUMENT} if it refuses the messages, or a role has other characters
     *     than {@link ChatMessage#of} says
     */
    public String chatText(List<ChatMessage> messages, ChatOptions options) {
        byte[][] roles = roles(messages);
        byte[][] contents = contents(messages);
        Checks.notNull(options, "options");
        long model = handle.enter();
        try {
            return Utf8.text(Native.modelChatText(
                    model, roles, contents, options.template, options.generationPrompt));
        } finally {
            handle.leave();
        }
    }

    /** Returns the tokens of a conversation's prompt, with the end that asks for an answer. */
    public int[] chatTokens(List<ChatMessage> messages) {
        return chatTokens(messages, ChatOptions.DEFAULT);
    }

    /**
     * Returns the tokens of a conversation's prompt, for {@link Session#setTokens}.
     *
     * <p>Names of special tokens that the template writes become these tokens; those in a message's
     * content stay text. A {@link Conversation} does this and the rest.
     *
     * @throws GyreException as {@link #chatText}; {@link Status#UNSUPPORTED} also if the file has no
     *     tokenizer
     */
    public int[] chatTokens(List<ChatMessage> messages, ChatOptions options) {
        byte[][] roles = roles(messages);
        byte[][] contents = contents(messages);
        Checks.notNull(options, "options");
        long model = handle.enter();
        try {
            return Native.modelChatTokens(
                    model, roles, contents, options.template, options.generationPrompt);
        } finally {
            handle.leave();
        }
    }

    /**
     * Returns the tokens of a prompt that leaves room for an answer, for {@link Session#setTokens},
     * and removes from the list the oldest turns for which there is no room.
     *
     * <p>A turn is a message of the user and everything up to the user's next message; messages
     * before the user's first one are a turn too. The first message stays if it is the system's, and
     * so does the last turn. The room for an answer is a quarter of the context, or maxTokens if that
     * is less; the last turn alone may leave less.
     *
     * @param messages a list from which messages can be removed
     * @param contextSize {@link Session#getContextSize}
     * @param maxTokens the limit of the answer, as {@link GenerateOptions.Builder#maxTokens}; 0: none
     * @throws GyreException {@link Status#CONTEXT_FULL} if even the last turn does not fit, and as
     *     {@link #chatTokens}; then nothing is removed
     */
    public int[] chatFit(
            List<ChatMessage> messages, ChatOptions options, int contextSize, int maxTokens) {
        byte[][] roles = roles(messages);
        byte[][] contents = contents(messages);
        Checks.notNull(options, "options");
        Checks.notNegative(contextSize, "contextSize");
        Checks.notNegative(maxTokens, "maxTokens");
        int[] forgotten = new int[1];
        int[] tokens;
        long model = handle.enter();
        try {
            tokens = Native.modelChatFit(model, roles, contents, options.template,
                    options.generationPrompt, contextSize, maxTokens, forgotten);
        } finally {
            handle.leave();
        }
        int first = Conversation.hasSystem(messages) ? 1 : 0;
        messages.subList(first, first + forgotten[0]).clear();
        return tokens;
    }

    private static byte[][] roles(List<ChatMessage> messages) {
        byte[][] roles = new byte[Checks.notNull(messages, "messages").size()][];
        for (int i = 0; i < roles.length; i++) {
            roles[i] = Checks.notNull(messages.get(i), "a message").roleName;
        }
        return roles;
    }

    private static byte[][] contents(List<ChatMessage> messages) {
        byte[][] contents = new byte[messages.size()][];
        for (int i = 0; i < contents.length; i++) {
            contents[i] = Utf8.bytes(messages.get(i).getContent());
        }
        return contents;
    }

    public TokenInfo getToken(int token) {
        int[] numbers = new int[2];
        long model = handle.enter();
        try {
            return new TokenInfo(Native.modelToken(model, token, numbers), numbers);
        } finally {
            handle.leave();
        }
    }

    /**
     * Returns the file's value for a key as text: numbers in decimal, arrays as JSON.
     *
     * @return null if the file has no such key
     */
    public String getMetadata(String key) {
        byte[] name = Utf8.name(key, "key");
        long model = handle.enter();
        try {
            byte[] value = Native.modelMetadata(model, name);
            return value == null ? null : Utf8.text(value);
        } finally {
            handle.leave();
        }
    }

    /** Returns all keys with their values, in the file's order; the vocabulary is among them. */
    public Map<String, String> getMetadata() {
        Map<String, String> all = new LinkedHashMap<>();
        long model = handle.enter();
        try {
            for (byte[] key : Native.modelMetadataKeys(model)) {
                all.put(Utf8.text(key), Utf8.text(Native.modelMetadata(model, key)));
            }
        } finally {
            handle.leave();
        }
        return all;
    }

    /**
     * Returns what the model and one session need of a device's memory; loads no weights.
     *
     * @param device as {@link ModelOptions.Builder#device}; null: the one that the model is open on
     */
    public MemoryNeed estimate(String device, SessionOptions options) {
        byte[] selector = Utf8.nameOrNull(device, "device");
        long[] numbers = new long[MemoryNeed.NUMBERS];
        Checks.notNull(options, "options");
        long model = handle.enter();
        try {
            byte[] because = Native.modelEstimate(model, selector, options, numbers);
            return new MemoryNeed(numbers, because);
        } finally {
            handle.leave();
        }
    }

    /**
     * Soon ends what the device does for this model, and lets nothing begin until {@link #resume}.
     *
     * <p>A generation that runs returns {@link StopReason#PAUSED}; other calls that compute throw
     * {@link Status#PAUSED}. May be called from any thread, and repeatedly.
     */
    public void pause() {
        long model = handle.enter();
        try {
            Native.modelPause(model);
        } finally {
            handle.leave();
        }
    }

    /** Lets the device work again. */
    public void resume() {
        long model = handle.enter();
        try {
            Native.modelResume(model);
        } finally {
            handle.leave();
        }
    }

    /** Releases the model; the weights are freed with its last session. Twice is once. */
    @Override
    public void close() {
        handle.close();
    }
}
