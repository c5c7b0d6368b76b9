// Utf8: text as it crosses into the native library and back: UTF-8 bytes, never Java's own form.
// SPDX-License-Identifier: Apache-2.0
package dev.gyre;

import java.nio.charset.StandardCharsets;

/** JNI's own strings are "modified UTF-8", which is not UTF-8 beyond U+FFFF: none is used. */
final class Utf8 {
    private Utf8() {}

    static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    static String text(byte[] bytes) {
        return new String(bytes, StandardCharsets.UTF_8);
    }

    /**
     * For texts that the library reads up to a NUL byte, which therefore must not contain one.
     *
     * @param what names the text in the error
     */
    static byte[] name(String text, String what) {
        if (Checks.notNull(text, what).indexOf('\0') >= 0) {
            throw new IllegalArgumentException(what + " contains a NUL character");
        }
        return bytes(text);
    }

    static byte[] nameOrNull(String text, String what) {
        return text == null ? null : name(text, what);
    }

    static byte[][] names(Iterable<String> texts, int count, String what) {
        byte[][] names = new byte[count][];
        int next = 0;
        for (String text : texts) {
            names[next++] = name(text, what);
        }
        return names;
    }
}
