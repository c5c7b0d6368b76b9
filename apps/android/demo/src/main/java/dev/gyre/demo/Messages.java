// Messages: those of a conversation while no model is open: from the end of the process to the next start.
// SPDX-License-Identifier: Apache-2.0
package dev.gyre.demo;

import android.os.Bundle;
import dev.gyre.ChatMessage;
import dev.gyre.Conversation;
import java.util.ArrayList;
import java.util.List;

final class Messages {
    private static final String ROLES = "roles";
    private static final String CONTENTS = "contents";

    private final List<ChatMessage> waiting = new ArrayList<>();

    void clear() {
        waiting.clear();
    }

    /** conversation may be null: then what waits is saved again. */
    void save(Bundle to, Conversation conversation) {
        ArrayList<String> roles = new ArrayList<>();
        ArrayList<String> contents = new ArrayList<>();
        for (ChatMessage message : conversation == null ? waiting : conversation.getMessages()) {
            roles.add(message.getRole());
            contents.add(message.getContent());
        }
        to.putStringArrayList(ROLES, roles);
        to.putStringArrayList(CONTENTS, contents);
    }

    void restore(Bundle from) {
        ArrayList<String> roles = from.getStringArrayList(ROLES);
        ArrayList<String> contents = from.getStringArrayList(CONTENTS);
        for (int i = 0; roles != null && contents != null && i < roles.size(); i++) {
            waiting.add(ChatMessage.of(roles.get(i), contents.get(i)));
        }
    }

    /** Gives what waits to the conversation; null: the model has none. */
    void moveTo(Conversation conversation) {
        if (conversation != null) {
            for (ChatMessage message : waiting) {
                conversation.add(message);
            }
        }
        waiting.clear();
    }

    static ChatMessage last(Conversation conversation) {
        List<ChatMessage> messages = conversation.getMessages();
        return messages.get(messages.size() - 1);
    }

    /** An answer comes in pieces. */
    static void appendToLast(Conversation conversation, String text) {
        String begun = last(conversation).getContent();
        conversation.removeLast();
        conversation.add(ChatMessage.assistant(begun + text));
    }
}
