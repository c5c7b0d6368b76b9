// Checks: the arguments that Java must refuse itself, because in C they would mean something else.
// SPDX-License-Identifier: Apache-2.0
package dev.gyre;

/** What the library can see for itself is left to the library, whose text is better. */
final class Checks {
    private Checks() {}

    /** C's counts have no sign: -1 would be 4294967295. */
    static int notNegative(int value, String name) {
        if (value < 0) {
            throw new IllegalArgumentException(name + " is " + value + "; it cannot be negative");
        }
        return value;
    }

    static <T> T notNull(T value, String name) {
        if (value == null) {
            throw new NullPointerException(name);
        }
        return value;
    }
}
