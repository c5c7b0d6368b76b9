// LogLevel: how much a log line matters; in the order of gyre_log_level in gyre_base.h.
// SPDX-License-Identifier: Apache-2.0
package dev.gyre;

/** From the few lines that matter most to the many that matter least. */
public enum LogLevel {
    ERROR,
    WARNING,
    INFO,
    DEBUG
}
