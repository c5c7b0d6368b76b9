// StopReason: why a text ended; the numbers are those of gyre_stop_reason in gyre_generate.h.
// SPDX-License-Identifier: Apache-2.0
package dev.gyre;

/** Why {@link Session#generate} returned. An error has no reason: it is an exception. */
public enum StopReason {
    /** The model ended the text. */
    END_OF_TEXT(0),
    MAX_TOKENS(1),
    /** The session's context is full, and it does not slide. */
    CONTEXT_FULL(2),
    /** The listener, or the filter, returned false. */
    LISTENER(3),
    /** {@link Session#cancel}, or {@link Session#close} from another thread. */
    CANCELLED(4),
    /** A stop string of the options came. */
    STOP_STRING(6),
    /** {@link Model#pause}: generate with an empty prompt goes on after {@link Model#resume}. */
    PAUSED(7);

    private final int number;

    StopReason(int number) {
        this.number = number;
    }

    static StopReason of(int number) {
        for (StopReason reason : values()) {
            if (reason.number == number) {
                return reason;
            }
        }
        throw new AssertionError("stop reason " + number);
    }
}
