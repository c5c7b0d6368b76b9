// Sizes: numbers of bytes as people read them.
// SPDX-License-Identifier: Apache-2.0
package dev.gyre.demo;

final class Sizes {
    private Sizes() {}

    static String text(long bytes) {
        if (bytes < 1000 * 1000) {
            return String.format("%.0f kB", bytes / 1e3);
        }
        return bytes < 1000L * 1000 * 1000 ? String.format("%.1f MB", bytes / 1e6)
                : String.format("%.1f GB", bytes / 1e9);
    }
}
