// NativeLibrary: finds and loads libgyre_jni.so, once for the process.
// SPDX-License-Identifier: Apache-2.0
package dev.gyre;

import java.io.File;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;

/**
 * Where the library comes from, the first that applies:
 *
 * <ol>
 *   <li>the system property gyre.library: its file
 *   <li>on Android: the package, as the system installed it
 *   <li>the jar: copied to a temporary file, which is gone as soon as it is loaded
 * </ol>
 */
final class NativeLibrary {
    private static final String PROPERTY = "gyre.library";

    private NativeLibrary() {}

    static void load() {
        String named = System.getProperty(PROPERTY);
        if (named != null) {
            System.load(new File(named).getAbsolutePath());
        } else if ("Dalvik".equals(System.getProperty("java.vm.name"))) {
            System.loadLibrary("gyre_jni");
        } else {
            loadFromJar(resource(System.getProperty("os.name"), System.getProperty("os.arch")));
        }
    }

    /** Returns the library's place in the jar, beside this class. */
    static String resource(String system, String processor) {
        String cpu = processor.equals("amd64") ? "x86_64" : processor;
        return "native/" + system.toLowerCase(java.util.Locale.ROOT) + "-" + cpu + "/libgyre_jni.so";
    }

    private static void loadFromJar(String resource) {
        InputStream in = NativeLibrary.class.getResourceAsStream(resource);
        if (in == null) {
            throw new UnsatisfiedLinkError("this jar holds no dev/gyre/" + resource
                    + "; build libgyre_jni.so for this system and name it with -D" + PROPERTY
                    + "=FILE");
        }
        File file = null;
        try {
            file = File.createTempFile("libgyre_jni", ".so");
            copy(in, file);
            System.load(file.getPath());
        } catch (IOException | UnsatisfiedLinkError error) {
            UnsatisfiedLinkError told = new UnsatisfiedLinkError("libgyre_jni.so cannot be loaded from "
                    + System.getProperty("java.io.tmpdir") + ": " + error.getMessage()
                    + "; name another folder with -Djava.io.tmpdir=FOLDER, or the library's own file"
                    + " with -D" + PROPERTY + "=FILE");
            told.initCause(error);
            throw told;
        } finally {
            if (file != null && !file.delete()) {
                file.deleteOnExit();
            }
        }
    }

    private static void copy(InputStream in, File file) throws IOException {
        byte[] bytes = new byte[1 << 16];
        try (InputStream from = in; OutputStream to = new FileOutputStream(file)) {
            for (int n = from.read(bytes); n >= 0; n = from.read(bytes)) {
                to.write(bytes, 0, n);
            }
        }
    }
}
