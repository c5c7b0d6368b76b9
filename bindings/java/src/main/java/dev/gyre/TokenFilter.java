// TokenFilter: says which tokens may come next; grammars are built on it.
// SPDX-License-Identifier: Apache-2.0
package dev.gyre;

/**
 * Asked before each choice of a token, in the thread that called.
 *
 * <p>With a filter, tokens are chosen on the host, which costs a wait for the device per token.
 */
public interface TokenFilter {
    /**
     * Takes away the tokens that may not come; all may when it is called.
     *
     * @return true to go on, false to stop
     */
    boolean allow(TokenMask mask);
}
