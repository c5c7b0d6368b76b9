// MemoryNeed: what a model with one session takes of a device's memory, known before it is loaded.
// SPDX-License-Identifier: Apache-2.0
package dev.gyre;

/** Bytes by class, and whether they fit; immutable. */
public final class MemoryNeed {
    static final int NUMBERS = 8;

    private final long[] numbers;
    private final String because;

    /** numbers: the fields of gyre_memory_need, in the header's order. */
    MemoryNeed(long[] numbers, byte[] because) {
        this.numbers = numbers;
        this.because = Utf8.text(because);
    }

    public long getWeightsBytes() {
        return numbers[0];
    }

    /** Returns the bytes of the session's keys and values. */
    public long getCacheBytes() {
        return numbers[1];
    }

    /** Returns the rest of a session: activations, logits, tables. */
    public long getWorkBytes() {
        return numbers[2];
    }

    /** Returns the sum of the three above. */
    public long getTotalBytes() {
        return numbers[3];
    }

    /** Returns about how many bytes stay in the host's memory beside the device's. */
    public long getHostBytes() {
        return numbers[4];
    }

    /** Returns the bytes of the device's memory that are free, as far as its driver tells. */
    public long getAvailableBytes() {
        return numbers[5];
    }

    /** Returns the device's place in {@link DeviceInfo#list}. */
    public int getDeviceIndex() {
        return (int) numbers[6];
    }

    public boolean fits() {
        return numbers[7] != 0;
    }

    /** Returns what does not fit, in one line; "" if all does. */
    public String getUnfitBecause() {
        return because;
    }
}
