// GyreException: an error of the native library, with its own text.
// SPDX-License-Identifier: Apache-2.0
package dev.gyre;

/**
 * A call of the library failed.
 *
 * <p>{@link #getMessage} is the library's line: what was wrong, what was expected, what to do.
 */
public final class GyreException extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final Status status;

    GyreException(Status status, String message) {
        super(message);
        this.status = status;
    }

    /** Called by the native library, which throws the result. */
    static GyreException of(int status, byte[] message) {
        return new GyreException(Status.of(status), Utf8.text(message));
    }

    public Status getStatus() {
        return status;
    }
}
