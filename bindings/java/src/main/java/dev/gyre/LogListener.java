// LogListener: receives the library's log lines.
// SPDX-License-Identifier: Apache-2.0
package dev.gyre;

/** Receives log lines from any thread, one at a time. */
public interface LogListener {
    /** Receives one line; what it throws is dropped. Must not call {@link Gyre#setLogListener}. */
    void onLog(LogLevel level, String message);
}
