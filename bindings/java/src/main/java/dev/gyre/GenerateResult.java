// GenerateResult: why a text ended, and of how many tokens it is.
// SPDX-License-Identifier: Apache-2.0
package dev.gyre;

/** What {@link Session#generate} and {@link Conversation#answer} return. */
public final class GenerateResult {
    private final StopReason stopReason;
    private final int promptTokens;
    private final int tokens;
    private final int stopIndex;

    /** numbers: the fields of gyre_generate_result, in the header's order. */
    GenerateResult(int[] numbers) {
        this(StopReason.of(numbers[0]), numbers[1], numbers[2], numbers[3]);
    }

    GenerateResult(StopReason stopReason, int promptTokens, int tokens, int stopIndex) {
        this.stopReason = stopReason;
        this.promptTokens = promptTokens;
        this.tokens = tokens;
        this.stopIndex = stopIndex;
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
