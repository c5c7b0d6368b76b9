// SessionTest: texts are written, cut, copied, saved and loaded, on the driver that the environment names.
// SPDX-License-Identifier: Apache-2.0
package dev.gyre;

import static org.junit.Assert.assertArrayEquals;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertNotEquals;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.AfterClass;
import org.junit.Before;
import org.junit.BeforeClass;
import org.junit.After;
import org.junit.Test;

public class SessionTest {
    private static Model model;
    private Session session;

    @BeforeClass
    public static void open() {
        model = TestFiles.open();
    }

    @AfterClass
    public static void close() {
        model.close();
    }

    @Before
    public void create() {
        session = model.createSession(SessionOptions.builder().contextSize(128).build());
    }

    @After
    public void destroy() {
        session.close();
    }

    /** The most likely token after those that the session holds, found without the sampler. */
    private int mostLikely() {
        float[] logits = session.getLogits();
        int best = 0;
        for (int i = 1; i < logits.length; i++) {
            best = logits[i] > logits[best] ? i : best;
        }
        return best;
    }

    @Test
    public void generateWritesWhatTheLogitsSay() {
        StringBuilder text = new StringBuilder();
        List<Integer> told = new ArrayList<>();
        GenerateResult result = session.generate(TestFiles.PROMPT, TestFiles.greedy(12), token -> {
            assertEquals(told.size(), token.getIndex());
            assertTrue("logprobs were not asked", Float.isNaN(token.getLogprob()));
            assertTrue(token.getTop().isEmpty());
            assertEquals(model.detokenize(token.getId()), new String(token.getBytes()));
            told.add(token.getId());
            text.append(token.getText());
            return true;
        });
        assertEquals(StopReason.MAX_TOKENS, result.getStopReason());
        assertEquals(12, result.getTokens());
        assertEquals(-1, result.getStopIndex());
        int[] prompt = model.tokenize(TestFiles.PROMPT);
        assertEquals(prompt.length, result.getPromptTokens());

        session.reset();
        session.feed(prompt);
        int[] expected = new int[12];
        for (int i = 0; i < expected.length; i++) {
            expected[i] = mostLikely();
            assertEquals(expected[i], session.sample(SamplingOptions.greedy()));
            session.feed(expected[i]);
        }
        assertEquals(model.detokenize(expected), text.toString());
        for (int i = 0; i < expected.length; i++) {
            assertEquals(expected[i], (int) told.get(i));
        }
        int[] held = session.getTokens();
        assertEquals(prompt.length + 12, held.length);
        assertArrayEquals(prompt, Arrays.copyOf(held, prompt.length));
    }

    @Test
    public void deviceAndMemoryAreTold() {
        assertTrue(model.getInfo().getDeviceBytes() > 5000000);
        DeviceInfo device = model.getDevice();
        assertTrue(device.isUsable());
        assertTrue(device.isSoftware());
        assertEquals(DeviceInfo.Type.CPU, device.getType());
        boolean listed = false;
        for (DeviceInfo other : DeviceInfo.list()) {
            listed |= other.getName().equals(device.getName())
                    && other.getMemoryBytes() == device.getMemoryBytes()
                    && other.getApiVersion().equals(device.getApiVersion());
        }
        assertTrue("the list has " + device.getName(), listed);
        assertTrue(device.getApiVersion(), device.getApiVersion().startsWith("1."));
        Memory memory = session.getMemory();
        assertEquals(model.getInfo().getDeviceBytes(), memory.getWeightBytes());
        assertTrue(memory.getDeviceBytes() >= memory.getWeightBytes() + memory.getCacheBytes());
        assertTrue(memory.getPeakDeviceBytes() >= memory.getDeviceBytes());
    }

    @Test
    public void estimateIsWhatIsTaken() {
        SessionOptions options = SessionOptions.builder().contextSize(128).build();
        MemoryNeed need = model.estimate(null, options);
        assertEquals(model.getInfo().getDeviceBytes(), need.getWeightsBytes());
        assertEquals(session.getMemory().getCacheBytes(), need.getCacheBytes());
        assertEquals(need.getTotalBytes(),
                need.getWeightsBytes() + need.getCacheBytes() + need.getWorkBytes());
        assertTrue(need.fits());
        assertEquals("", need.getUnfitBecause());
        assertTrue(need.getAvailableBytes() > need.getTotalBytes());
        SessionOptions larger = SessionOptions.builder().contextSize(256).build();
        assertEquals(2 * need.getCacheBytes(), model.estimate(null, larger).getCacheBytes());
    }

    @Test
    public void timingsCountTokens() {
        session.generate(TestFiles.PROMPT, TestFiles.greedy(5), null);
        Timings timings = session.getTimings();
        assertEquals(model.tokenize(TestFiles.PROMPT).length, timings.getPrefillTokens());
        assertTrue(timings.getDecodeTokens() >= 4);
        assertTrue(timings.getDecodeTokensPerSecond() > 0);
        assertTrue(timings.getPrefillTokensPerSecond() > 0);
        assertTrue(timings.getTimeToFirstTokenSeconds() > 0);
        assertTrue(timings.getDecodeSeconds() > 0);
    }

    @Test
    public void seedDecides() {
        String first = writeWithSeed(1);
        assertEquals(first, writeWithSeed(1));
        assertNotEquals(first, writeWithSeed(2));
    }

    private String writeWithSeed(long seed) {
        SamplingOptions sampling = SamplingOptions.builder()
                .seed(seed).temperature(1.5f).topK(0).topP(1).minP(0).build();
        session.reset();
        return TestFiles.write(session, TestFiles.PROMPT,
                GenerateOptions.builder().sampling(sampling).maxTokens(12).build());
    }

    @Test
    public void stopStringsEndTheTextBeforeThem() {
        String whole = TestFiles.write(session, TestFiles.PROMPT, TestFiles.greedy(20));
        String stop = whole.substring(9, 14);
        assertTrue("cuts the text where it is meant to", whole.indexOf(stop) >= 0);
        session.reset();
        GenerateOptions options = GenerateOptions.builder().sampling(SamplingOptions.greedy())
                .maxTokens(20).stop("\u20ac never").stop(stop).build();
        StringBuilder text = new StringBuilder();
        GenerateResult result = session.generate(TestFiles.PROMPT, options, token -> {
            text.append(token.getText());
            return true;
        });
        assertEquals(StopReason.STOP_STRING, result.getStopReason());
        assertEquals(1, result.getStopIndex());
        assertEquals(whole.substring(0, whole.indexOf(stop)), text.toString());
    }

    @Test
    public void biasExcludesAToken() {
        session.feed(model.tokenize(TestFiles.PROMPT));
        int best = mostLikely();
        int other = session.sample(SamplingOptions.builder().temperature(0)
                .bias(best, Float.NEGATIVE_INFINITY).build());
        assertNotEquals(best, other);
        assertEquals(4711, session.sample(SamplingOptions.builder().temperature(0)
                .bias(4711, 1000).build()));
    }

    @Test
    public void chosenFromLogitsIsWhatTheSessionChooses() {
        int[] prompt = model.tokenize(TestFiles.PROMPT);
        session.feed(prompt);
        SamplingOptions sampling = SamplingOptions.builder().seed(7).repeatPenalty(1.3f).build();
        assertEquals(session.sample(sampling),
                sampling.choose(session.getLogits(), prompt, prompt.length));
        assertEquals(2, SamplingOptions.greedy().choose(new float[] {0, -1, 3, 2}, new int[0], 0));
        GyreException error = assertThrows(GyreException.class,
                () -> sampling.choose(new float[] {Float.NaN}, new int[0], 0));
        assertEquals(Status.INVALID_ARGUMENT, error.getStatus());
    }

    @Test
    public void filterLeavesOnlyWhatItAllows() {
        int[] allowed = model.tokenize(" the the");
        TokenFilter filter = mask -> {
            assertEquals(8192, mask.size());
            assertTrue(mask.isAllowed(8191));
            mask.forbidAll();
            mask.allow(allowed[0]);
            return true;
        };
        SamplingOptions sampling = SamplingOptions.builder().filter(filter).build();
        GenerateOptions options = GenerateOptions.builder().sampling(sampling).maxTokens(3).build();
        assertEquals(" the the the", TestFiles.write(session, "All", options));
        assertEquals(allowed[0], session.sample(sampling));
        GenerateOptions stopping = GenerateOptions.builder().maxTokens(3)
                .sampling(SamplingOptions.builder().filter(mask -> false).build()).build();
        assertEquals(StopReason.LISTENER, session.generate("", stopping, null).getStopReason());
    }

    @Test
    public void logprobsAreTheModelsOwn() {
        GenerateOptions options = GenerateOptions.builder().sampling(SamplingOptions.greedy())
                .maxTokens(1).logprobs(3).build();
        session.feed(model.tokenize(TestFiles.PROMPT));
        float[] logits = session.getLogits();
        double sum = 0;
        for (float logit : logits) {
            sum += Math.exp(logit);
        }
        double expected = logits[mostLikely()] - Math.log(sum);
        session.generate("", options, token -> {
            assertEquals(expected, token.getLogprob(), 1e-4);
            assertEquals(3, token.getTop().size());
            assertEquals(token.getId(), token.getTop().get(0).getId());
            assertEquals(token.getLogprob(), token.getTop().get(0).getLogprob(), 0);
            assertTrue(token.getTop().get(1).getLogprob() >= token.getTop().get(2).getLogprob());
            return true;
        });
    }

    @Test
    public void tokensAreKeptCutAndCopied() {
        int[] tokens = model.tokenize("It was a dark night, and");
        assertEquals(0, session.setTokens(tokens));
        assertArrayEquals(tokens, session.getTokens());
        assertEquals(tokens.length, session.getPosition());
        assertEquals(128, session.getContextSize());
        int[] longer = Arrays.copyOf(tokens, tokens.length + 1);
        longer[tokens.length] = tokens[0];
        assertEquals(tokens.length, session.setTokens(longer));
        try (Session copy = session.fork()) {
            session.truncate(2);
            assertEquals(2, session.getPosition());
            assertArrayEquals(longer, copy.getTokens());
            copy.shift(1, 3);
            assertEquals(longer.length - 3, copy.getPosition());
        }
        GyreException error = assertThrows(GyreException.class, () -> session.truncate(3));
        assertEquals(Status.INVALID_ARGUMENT, error.getStatus());
    }

    @Test
    public void contextFullIsAResultWhileWritingAndAnErrorForAPrompt() {
        try (Session small = model.createSession(SessionOptions.builder().contextSize(8).build())) {
            GenerateResult result = small.generate("Once", GenerateOptions.DEFAULT, null);
            assertEquals(StopReason.CONTEXT_FULL, result.getStopReason());
            GyreException error = assertThrows(GyreException.class,
                    () -> small.generate("and", GenerateOptions.DEFAULT, null));
            assertEquals(Status.CONTEXT_FULL, error.getStatus());
        }
    }

    @Test
    public void savedSessionGoesOnTheSame() throws IOException {
        session.generate(TestFiles.PROMPT, TestFiles.greedy(10), null);
        ByteArrayOutputStream saved = new ByteArrayOutputStream();
        session.save(saved);
        String expected = TestFiles.write(session, "", TestFiles.greedy(10));
        byte[] bytes = saved.toByteArray();
        try (Session other = model.createSession(SessionOptions.builder().contextSize(128).build())) {
            InputStream slow = new ByteArrayInputStream(Arrays.copyOf(bytes, bytes.length + 1)) {
                @Override
                public synchronized int read(byte[] to, int offset, int length) {
                    return super.read(to, offset, Math.min(length, 1000));
                }
            };
            other.load(slow);
            assertEquals("nothing is read beyond the end", 1, slow.available());
            assertEquals(expected, TestFiles.write(other, "", TestFiles.greedy(10)));
        }
    }

    @Test
    public void streamsThatFailLeaveTheSessionAsItWas() throws IOException {
        session.feed(model.tokenize("A quiet house"));
        int[] tokens = session.getTokens();
        IOException broken = new IOException("the disk is full");
        OutputStream full = new OutputStream() {
            @Override
            public void write(int b) throws IOException {
                throw broken;
            }
        };
        assertEquals(broken, assertThrows(IOException.class, () -> session.save(full)));
        ByteArrayOutputStream saved = new ByteArrayOutputStream();
        session.save(saved);
        byte[] half = Arrays.copyOf(saved.toByteArray(), saved.size() / 2);
        GyreException error = assertThrows(GyreException.class,
                () -> session.load(new ByteArrayInputStream(half)));
        assertEquals(Status.BAD_FILE, error.getStatus());
        assertThrows(IOException.class, () -> session.load(closedStream()));
        assertArrayEquals(tokens, session.getTokens());
        assertTrue(TestFiles.write(session, "", TestFiles.greedy(3)).length() > 0);
    }

    private static InputStream closedStream() throws IOException {
        InputStream in = new FileInputStream(TestFiles.model());
        in.close();
        return in;
    }

    @Test
    public void useAfterCloseIsRefused() {
        Session closed = model.createSession();
        closed.close();
        closed.close();
        closed.cancel();
        for (Runnable use : new Runnable[] {() -> closed.generate("a", null), () -> closed.feed(1),
            closed::getLogits, () -> closed.sample(SamplingOptions.greedy()), closed::getTokens,
            () -> closed.setTokens(1), () -> closed.truncate(0), () -> closed.shift(0, 1),
            closed::reset, closed::fork, closed::getPosition, closed::getContextSize,
            closed::getTimings, closed::getMemory}) {
            assertEquals("the session is closed",
                    assertThrows(IllegalStateException.class, use::run).getMessage());
        }
        assertThrows(IllegalStateException.class, () -> closed.save(new ByteArrayOutputStream()));
    }

    @Test
    public void sessionOutlivesItsModel() {
        Model first = TestFiles.open();
        Session second = first.createSession();
        first.close();
        assertTrue(TestFiles.write(second, TestFiles.PROMPT, TestFiles.greedy(3)).length() > 0);
        second.close();
    }
}
