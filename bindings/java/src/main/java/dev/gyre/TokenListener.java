// TokenListener: receives a text while it is written.
// SPDX-License-Identifier: Apache-2.0
package dev.gyre;

/** Is told each token of {@link Session#generate}, in the thread that called it. */
public interface TokenListener {
    /**
     * Receives one token.
     *
     * <p>What this throws ends the generation and reaches its caller; the session stays usable and
     * holds the tokens that were told.
     *
     * @return true to go on, false to stop after this token
     */
    boolean onToken(Token token);
}
