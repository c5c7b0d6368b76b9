// Gyre: what concerns the library as a whole: version, log, Vulkan's loader.
// SPDX-License-Identifier: Apache-2.0
package dev.gyre;

/** The settings of the process; everything else belongs to a {@link Model} or {@link Session}. */
public final class Gyre {
    private Gyre() {}

    /** Returns the library's version, for example "0.1.0". */
    public static String version() {
        int version = Native.version();
        return version / 10000 + "." + version / 100 % 100 + "." + version % 100;
    }

    /**
     * Sends the library's log lines up to a level to a listener; the library is silent until then.
     *
     * @param listener null makes the library silent again
     */
    public static void setLogListener(LogListener listener, LogLevel maxLevel) {
        Native.setLog(listener == null ? null : new LogSink(listener),
                Checks.notNull(maxLevel, "maxLevel").ordinal());
    }

    /**
     * Names the file of the Vulkan loader to use in place of the system's.
     *
     * @throws GyreException {@link Status#INVALID_ARGUMENT} once Vulkan has been loaded
     */
    public static void setVulkanLoader(String path) {
        Native.setVulkanLoader(Utf8.name(path, "path"));
    }
}
