// HeaderTest: the numbers and defaults that Java repeats are those of the C header.
// SPDX-License-Identifier: Apache-2.0
package dev.gyre;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.Test;

public class HeaderTest {
    private static String header(String name) throws IOException {
        byte[] bytes = Files.readAllBytes(TestFiles.file("include/gyre/" + name).toPath());
        return new String(bytes, StandardCharsets.UTF_8);
    }

    /** The enumerators of the header that begin with a prefix, without it. */
    private static Map<String, Integer> enumerators(String name, String prefix) throws IOException {
        Map<String, Integer> found = new TreeMap<>();
        Matcher line = Pattern.compile("(?m)^    " + prefix + "(\\w+) = (\\d+),").matcher(header(name));
        while (line.find()) {
            found.put(line.group(1), Integer.parseInt(line.group(2)));
        }
        assertTrue("the header has enumerators " + prefix, found.size() > 1);
        return found;
    }

    private static void assertOrdinals(Map<String, Integer> header, Enum<?>[] values) {
        Map<String, Integer> ours = new TreeMap<>();
        for (Enum<?> value : values) {
            ours.put(value.name(), value.ordinal());
        }
        assertEquals(header, ours);
    }

    @Test
    public void everyStatusHasItsName() throws IOException {
        Map<String, Integer> header = enumerators("gyre_base.h", "GYRE_ERROR_");
        assertEquals(header.size(), Status.values().length);
        for (Map.Entry<String, Integer> entry : header.entrySet()) {
            assertEquals(Status.valueOf(entry.getKey()), Status.of(entry.getValue()));
        }
    }

    @Test
    public void everyStopReasonHasItsNumber() throws IOException {
        Map<String, Integer> header = enumerators("gyre_generate.h", "GYRE_STOP_");
        assertEquals("ERROR is an exception in Java", header.size() - 1, StopReason.values().length);
        assertEquals(StopReason.END_OF_TEXT, StopReason.of(header.get("EOS")));
        assertEquals(StopReason.MAX_TOKENS, StopReason.of(header.get("MAX_TOKENS")));
        assertEquals(StopReason.CONTEXT_FULL, StopReason.of(header.get("CONTEXT_FULL")));
        assertEquals(StopReason.LISTENER, StopReason.of(header.get("CALLBACK")));
        assertEquals(StopReason.CANCELLED, StopReason.of(header.get("CANCELLED")));
        assertEquals(StopReason.STOP_STRING, StopReason.of(header.get("STRING")));
        assertEquals(StopReason.PAUSED, StopReason.of(header.get("PAUSED")));
    }

    @Test
    public void enumsAreInTheOrderOfTheHeader() throws IOException {
        assertOrdinals(enumerators("gyre_model.h", "GYRE_MATRIX_UNITS_"),
                ModelOptions.MatrixUnits.values());
        assertOrdinals(enumerators("gyre_session.h", "GYRE_KV_"), SessionOptions.KvType.values());
        assertOrdinals(enumerators("gyre_session.h", "GYRE_WHEN_FULL_"),
                SessionOptions.WhenFull.values());
        assertOrdinals(enumerators("gyre_device.h", "GYRE_DEVICE_"), DeviceInfo.Type.values());
        assertOrdinals(enumerators("gyre_base.h", "GYRE_LOG_"), LogLevel.values());
    }

    @Test
    public void tokenKindsHaveTheirNumbers() throws IOException {
        for (Map.Entry<String, Integer> entry :
                enumerators("gyre_model.h", "GYRE_TOKEN_KIND_").entrySet()) {
            assertEquals(TokenInfo.Kind.valueOf(entry.getKey()), TokenInfo.Kind.of(entry.getValue()));
        }
    }

    @Test
    public void samplingDefaultsAreTheLibrarys() throws IOException {
        Matcher init = Pattern.compile("GYRE_SAMPLING_OPTIONS_INIT[\\s\\\\{]*sizeof\\(\\w+\\), "
                + "(\\d+), ([\\d.]+)f, ([\\d.]+)f, ([\\d.]+)f, ([\\d.]+)f, (\\d+), (\\d+)")
                .matcher(header("gyre_session.h"));
        assertTrue("the header has GYRE_SAMPLING_OPTIONS_INIT", init.find());
        SamplingOptions ours = SamplingOptions.DEFAULT;
        assertEquals(Long.parseLong(init.group(1)), ours.seed);
        assertEquals(Float.parseFloat(init.group(2)), ours.temperature, 0);
        assertEquals(Float.parseFloat(init.group(3)), ours.topP, 0);
        assertEquals(Float.parseFloat(init.group(4)), ours.minP, 0);
        assertEquals(Float.parseFloat(init.group(5)), ours.repeatPenalty, 0);
        assertEquals(Integer.parseInt(init.group(6)), ours.topK);
        assertEquals(Integer.parseInt(init.group(7)), ours.repeatWindow);
    }

    @Test
    public void versionIsTheHeaders() throws IOException {
        Map<String, Integer> version = new TreeMap<>();
        Matcher line = Pattern.compile("#define GYRE_VERSION_(\\w+) (\\d+)")
                .matcher(header("gyre_base.h"));
        while (line.find()) {
            version.put(line.group(1), Integer.parseInt(line.group(2)));
        }
        assertEquals(version.get("MAJOR") + "." + version.get("MINOR") + "." + version.get("PATCH"),
                Gyre.version());
    }
}
