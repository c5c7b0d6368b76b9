// Timings: how fast a session has been since it was created or reset.
// SPDX-License-Identifier: Apache-2.0
package dev.gyre;

/** Wall-clock times and rates; a rate is 0 if nothing was timed. Immutable. */
public final class Timings {
    static final int TIMES = 5;
    static final int COUNTS = 2;

    private final double[] times;
    private final long[] counts;

    /** The fields of gyre_timings, times and counts each in the header's order. */
    Timings(double[] times, long[] counts) {
        this.times = times;
        this.counts = counts;
    }

    public double getPrefillSeconds() {
        return times[0];
    }

    public double getPrefillTokensPerSecond() {
        return times[1];
    }

    public double getDecodeSeconds() {
        return times[2];
    }

    /** Returns the speed of tokens that were computed one by one, with their sampling. */
    public double getDecodeTokensPerSecond() {
        return times[3];
    }

    /** Returns the wait for the first token of the last generation. */
    public double getTimeToFirstTokenSeconds() {
        return times[4];
    }

    public long getPrefillTokens() {
        return counts[0];
    }

    public long getDecodeTokens() {
        return counts[1];
    }
}
