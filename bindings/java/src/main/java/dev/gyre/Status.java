// Status: what went wrong, in one word; the numbers are those of gyre_status in gyre_base.h.
// SPDX-License-Identifier: Apache-2.0
package dev.gyre;

/** Why a call failed; {@link GyreException#getMessage} has the details. */
public enum Status {
    /** A value of the caller's is wrong; the text names it. */
    INVALID_ARGUMENT(1),
    /** The host's memory is used up. */
    OUT_OF_HOST_MEMORY(2),
    /** The device's memory, or a limit of it, is used up. */
    OUT_OF_DEVICE_MEMORY(3),
    /** Driver or device failed: close session and model. */
    DEVICE_LOST(4),
    /** No Vulkan, no driver, or no device that fits. */
    NO_DEVICE(5),
    /** An unreadable, truncated or inconsistent file. */
    BAD_FILE(6),
    /** Well formed, but not something that this library does. */
    UNSUPPORTED(7),
    /** The tokens do not fit into the session's context. */
    CONTEXT_FULL(8),
    /** The caller asked for it. */
    CANCELLED(9),
    /** A bug in the library or in a driver. */
    INTERNAL(10),
    /** The model is paused: see {@link Model#pause}. */
    PAUSED(11);

    private final int number;

    Status(int number) {
        this.number = number;
    }

    static Status of(int number) {
        for (Status status : values()) {
            if (status.number == number) {
                return status;
            }
        }
        return INTERNAL;
    }
}
