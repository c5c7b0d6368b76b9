// LogSink: what the native library calls with a log line.
// SPDX-License-Identifier: Apache-2.0
package dev.gyre;

/** Turns bytes into a line for the application's listener. */
final class LogSink {
    private final LogListener listener;

    LogSink(LogListener listener) {
        this.listener = listener;
    }

    /** Called by the native library, from any thread. */
    void log(int level, byte[] message) {
        listener.onLog(LogLevel.values()[level], Utf8.text(message));
    }
}
