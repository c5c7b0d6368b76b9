// GenerateResult: why a text ended, and of how many tokens it is.
// SPDX-License-Identifier: Apache-2.0
package dev.gyre;

/** What {@link Session#generate} returns. */
public final class GenerateResult {
    private final StopReason stopReason;
    private final int promptTokens;
    private final int tokens;
    private final int stopIndex;

    /** numbers: the fields of gyre_generate_result, in the header's order. */
    GenerateResult(int[] numbers) {
        stopReason = StopReason.of(numbers[0]);
        promptTokens = numbers[1];
        tokens = numbers[2];
        stopIndex = numbers[3];
    }

    public StopReason getStopReason() {
        return stopReason;
    }

    /** Returns the number of tokens that the prompt became. */
    public int getPromptTokens() {
        return promptTokens;
    }

    /** Returns the number of generated tokens. */
    public int getTokens() {
        return tokens;
    }

    /** Returns which of the options' stop strings ended the text; -1: none did. */
    public int getStopIndex() {
        return stopIndex;
    }
}
