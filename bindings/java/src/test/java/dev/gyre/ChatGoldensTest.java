// ChatGoldensTest: the goldens of the C++ tests, which Python's jinja2 and transformers made, in Java.
// SPDX-License-Identifier: Apache-2.0
package dev.gyre;

import static org.junit.Assert.assertArrayEquals;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.Test;

@SuppressWarnings("unchecked")
public class ChatGoldensTest {
    private static final Map<String, Object> FILE = read("tests/text/chat_goldens.json");

    private static Map<String, Object> read(String path) {
        try {
            return (Map<String, Object>) Json.read(TestFiles.file(path));
        } catch (IOException error) {
            throw new ExceptionInInitializerError(error);
        }
    }

    /** The golden's messages; null if they, or the template, have what Java gives no template. */
    private static List<ChatMessage> messages(Map<String, Object> golden) {
        String template = (String) golden.get("template");
        Map<String, Object> given = conversation(golden);
        // Special tokens are those of the model file, and the clock is of today.
        if (given == null || !golden.containsKey("text") || given.get("tools") != null
                || given.get("documents") != null || template.contains("_token")
                || template.contains("endoftext") || template.contains("strftime")) {
            return null;
        }
        return messagesOf(given);
    }

    private static List<ChatMessage> messagesOf(Map<String, Object> conversation) {
        List<ChatMessage> messages = new ArrayList<>();
        for (Map<String, Object> message : (List<Map<String, Object>>) conversation.get("messages")) {
            if (message.size() != 2 || !(message.get("content") instanceof String)) {
                return null;
            }
            messages.add(ChatMessage.of(
                    (String) message.get("role"), (String) message.get("content")));
        }
        return messages;
    }

    private static Map<String, Object> conversation(Map<String, Object> golden) {
        Map<String, Object> all = (Map<String, Object>) FILE.get("conversations");
        return (Map<String, Object>) all.get(golden.get("conversation"));
    }

    @Test
    public void textsAndIdsAreTheGoldens() {
        int compared = 0;
        try (Model model = TestFiles.openWithoutDevice()) {
            for (Map<String, Object> golden : (List<Map<String, Object>>) FILE.get("goldens")) {
                List<ChatMessage> messages = messages(golden);
                if (messages == null) {
                    continue;
                }
                String template = (String) golden.get("template");
                ChatOptions options = ChatOptions.builder().template(template).generationPrompt(
                        (Boolean) conversation(golden).get("add_generation_prompt")).build();
                String text = (String) golden.get("text");
                assertEquals(template, text, model.chatText(messages, options));
                // No template writes this model's one special token; what messages say of it is text.
                assertArrayEquals(
                        template, model.tokenize(text), model.chatTokens(messages, options));
                compared++;
            }
        }
        assertTrue(compared + " goldens", compared >= 40);
    }

    @Test
    public void idsAreThoseOfTransformers() {
        Map<String, Object> file = read("tests/text/chat_ids_goldens.json");
        List<Map<String, Object>> goldens = (List<Map<String, Object>>) file.get("goldens");
        assertTrue(goldens.size() + " goldens", goldens.size() >= 20);
        try (Model model = TestFiles.openWithoutDevice()) {
            for (Map<String, Object> golden : goldens) {
                List<ChatMessage> messages = messagesOf(golden);
                ChatOptions options = ChatOptions.builder().template((String) file.get("template"))
                        .generationPrompt((Boolean) golden.get("add_generation_prompt")).build();
                String name = (String) golden.get("name");
                assertEquals(name, golden.get("text"), model.chatText(messages, options));
                int[] ids = ((List<Double>) golden.get("ids")).stream()
                        .mapToInt(Double::intValue).toArray();
                assertArrayEquals(name, ids, model.chatTokens(messages, options));
            }
        }
    }
}
