// NativeLibraryTest: where the jar keeps the library of a system.
// SPDX-License-Identifier: Apache-2.0
package dev.gyre;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertNotNull;

import org.junit.Test;

public class NativeLibraryTest {
    @Test
    public void placesInTheJar() {
        assertEquals("native/linux-x86_64/libgyre_jni.so", NativeLibrary.resource("Linux", "amd64"));
        assertEquals("native/linux-aarch64/libgyre_jni.so",
                NativeLibrary.resource("Linux", "aarch64"));
    }

    @Test
    public void theLibraryOfThisSystemIsThere() {
        String resource = NativeLibrary.resource(
                System.getProperty("os.name"), System.getProperty("os.arch"));
        assertNotNull(resource, NativeLibrary.class.getResource(resource));
    }
}
