// TestFiles: what the tests share: the shipped model, and a session on it.
// SPDX-License-Identifier: Apache-2.0
package dev.gyre;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.util.Collections;

final class TestFiles {
    static final String PROMPT = "Once upon a time";

    private static final int GGUF_HEAD = 24; // magic, version, number of tensors, number of pairs
    private static final int GGUF_STRING = 8; // the type of a value

    private TestFiles() {}

    /** Returns a file of the source tree. */
    static File file(String path) {
        return new File(System.getProperty("gyre.root"), path);
    }

    static File model() {
        return file("models/gyre-books-5m.gguf");
    }

    /**
     * The shipped model with a chat template: one more pair at the beginning of its metadata, which
     * a comment fills up to a multiple of 32 bytes, so that the weights stay aligned.
     */
    static ByteBuffer withChatTemplate(String template) {
        byte[] key = Utf8.bytes("tokenizer.chat_template");
        byte[] text = Utf8.bytes(template);
        int size = 8 + key.length + 4 + 8 + text.length + "{##}".length();
        String spaces = String.join("", Collections.nCopies(31 - (size + 31) % 32, " "));
        text = Utf8.bytes(template + "{#" + spaces + "#}");
        byte[] shipped = shippedBytes();
        ByteBuffer file = ByteBuffer.allocate(shipped.length + size + spaces.length())
                .order(ByteOrder.LITTLE_ENDIAN);
        file.put(shipped, 0, GGUF_HEAD);
        file.putLong(GGUF_HEAD - 8, file.getLong(GGUF_HEAD - 8) + 1);
        file.putLong(key.length).put(key).putInt(GGUF_STRING).putLong(text.length).put(text);
        file.put(shipped, GGUF_HEAD, shipped.length - GGUF_HEAD);
        file.flip();
        return file;
    }

    private static byte[] shippedBytes() {
        try {
            return Files.readAllBytes(model().toPath());
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
    }

    /** Opens the shipped model on the driver that the environment names; writes no caches. */
    static Model open() {
        return Model.open(model(), device());
    }

    static ModelOptions device() {
        return ModelOptions.builder().cacheDir("").tuning(false).build();
    }

    /** Needs no driver: information and tokenizer only. */
    static Model openWithoutDevice() {
        return Model.open(model(), noDevice());
    }

    static ModelOptions noDevice() {
        return ModelOptions.builder().device("none").build();
    }

    static GenerateOptions greedy(int tokens) {
        return GenerateOptions.builder().sampling(SamplingOptions.greedy()).maxTokens(tokens).build();
    }

    /** Writes on and returns the text. */
    static String write(Session session, String prompt, GenerateOptions options) {
        StringBuilder text = new StringBuilder();
        session.generate(prompt, options, token -> {
            text.append(token.getText());
            return true;
        });
        return text.toString();
    }
}
