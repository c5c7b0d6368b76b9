// TestModels: the shipped model, and one made of it that has a chat template.
// SPDX-License-Identifier: Apache-2.0
package dev.gyre.demo;

import java.io.File;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.Arrays;

final class TestModels {
    private static final int GGUF_HEAD = 24; // magic, version, number of tensors, number of pairs
    private static final int GGUF_STRING = 8; // the type of a value

    private TestModels() {}

    static byte[] shipped() throws IOException {
        File root = new File(System.getProperty("gyre.root"));
        return Files.readAllBytes(new File(root, "models/" + Workbench.SHIPPED_MODEL).toPath());
    }

    /** One more pair, filled up by spaces to 32 bytes: the weights stay aligned. */
    static byte[] withChatTemplate(String template) throws IOException {
        byte[] shipped = shipped();
        byte[] key = "tokenizer.chat_template".getBytes(StandardCharsets.US_ASCII);
        byte[] text = (template + "{#").getBytes(StandardCharsets.US_ASCII);
        int begun = text.length;
        int size = 8 + key.length + 4 + 8 + begun + 2;
        text = Arrays.copyOf(text, begun + 31 - (size + 31) % 32 + 2);
        Arrays.fill(text, begun, text.length - 2, (byte) ' ');
        text[text.length - 2] = '#';
        text[text.length - 1] = '}';
        ByteBuffer file = ByteBuffer.allocate(shipped.length + size + text.length - begun - 2)
                .order(ByteOrder.LITTLE_ENDIAN);
        file.put(shipped, 0, GGUF_HEAD);
        file.putLong(GGUF_HEAD - 8, file.getLong(GGUF_HEAD - 8) + 1);
        file.putLong(key.length).put(key).putInt(GGUF_STRING).putLong(text.length).put(text);
        file.put(shipped, GGUF_HEAD, shipped.length - GGUF_HEAD);
        return file.array();
    }
}
