// Memory: what a model and its sessions take of their device's memory.
// SPDX-License-Identifier: Apache-2.0
package dev.gyre;

/** Bytes, as the driver was asked for them; immutable. */
public final class Memory {
    static final int NUMBERS = 4;

    private final long[] numbers;

    /** The fields of gyre_memory, in the header's order. */
    Memory(long[] numbers) {
        this.numbers = numbers;
    }

    /** Returns what the model and all its sessions take now. */
    public long getDeviceBytes() {
        return numbers[0];
    }

    /** Returns the most at once since the model was opened. */
    public long getPeakDeviceBytes() {
        return numbers[1];
    }

    public long getWeightBytes() {
        return numbers[2];
    }

    /** Returns what this session's keys and values take. */
    public long getCacheBytes() {
        return numbers[3];
    }
}
