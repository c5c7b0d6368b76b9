// ChatMessage: one message of a conversation: who says what.
// SPDX-License-Identifier: Apache-2.0
package dev.gyre;

/** Immutable. What a message says stays text: no special token is made of it. */
public final class ChatMessage {
    final byte[] roleName;
    private final String role;
    private final String content;

    private ChatMessage(String role, String content) {
        this.roleName = Utf8.name(role, "role");
        this.role = role;
        this.content = Checks.notNull(content, "content");
    }

    /**
     * Returns a message.
     *
     * @param role "system", "user", "assistant" or what else the template knows: 1 to 64 letters,
     *     digits, '_', '-' and '.', which the library checks when a prompt is made
     * @param content any text
     */
    public static ChatMessage of(String role, String content) {
        return new ChatMessage(role, content);
    }

    /** Returns a message that says how the model is to answer; some templates know none. */
    public static ChatMessage system(String content) {
        return of("system", content);
    }

    /** Returns a message to the model. */
    public static ChatMessage user(String content) {
        return of("user", content);
    }

    /** Returns a message of the model. */
    public static ChatMessage assistant(String content) {
        return of("assistant", content);
    }

    /** Returns who says it. */
    public String getRole() {
        return role;
    }

    /** Returns what is said. */
    public String getContent() {
        return content;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof ChatMessage && role.equals(((ChatMessage) other).role)
                && content.equals(((ChatMessage) other).content);
    }

    @Override
    public int hashCode() {
        return 31 * role.hashCode() + content.hashCode();
    }

    @Override
    public String toString() {
        return role + ": " + content;
    }
}
