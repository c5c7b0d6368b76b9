// ThreadsTest: cancel, close and pause from other threads, at any moment.
// SPDX-License-Identifier: Apache-2.0
package dev.gyre;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.After;
import org.junit.Before;
import org.junit.Test;

public class ThreadsTest {
    private static final SessionOptions SLIDING = SessionOptions.builder().contextSize(64)
            .whenFull(SessionOptions.WhenFull.SLIDE).build();
    /** Ends by being told to, and by nothing else. */
    private static final GenerateOptions ENDLESS = GenerateOptions.builder().ignoreEos(true).build();

    private final ExecutorService other = Executors.newSingleThreadExecutor();
    private Model model;

    @Before
    public void open() {
        model = TestFiles.open();
    }

    @After
    public void close() {
        other.shutdownNow();
        model.close();
    }

    private Future<GenerateResult> start(Session session, CountDownLatch tokens) {
        return other.submit((Callable<GenerateResult>) () ->
                session.generate(TestFiles.PROMPT, ENDLESS, token -> {
                    tokens.countDown();
                    return true;
                }));
    }

    private static <T> T get(Future<T> future) throws Exception {
        return future.get(60, TimeUnit.SECONDS);
    }

    @Test
    public void cancelEndsAGenerationAndTheSessionGoesOn() throws Exception {
        try (Session session = model.createSession(SLIDING)) {
            CountDownLatch tokens = new CountDownLatch(3);
            Future<GenerateResult> running = start(session, tokens);
            assertTrue(tokens.await(60, TimeUnit.SECONDS));
            session.cancel();
            GenerateResult result = get(running);
            assertEquals(StopReason.CANCELLED, result.getStopReason());
            assertTrue(result.getTokens() >= 3);
            assertTrue(TestFiles.write(session, "", TestFiles.greedy(2)).length() > 0);
        }
    }

    @Test
    public void closeEndsAGeneration() throws Exception {
        Session session = model.createSession(SLIDING);
        CountDownLatch tokens = new CountDownLatch(2);
        Future<GenerateResult> running = start(session, tokens);
        assertTrue(tokens.await(60, TimeUnit.SECONDS));
        session.close();
        assertThrows(IllegalStateException.class, session::getPosition);
        assertEquals(StopReason.CANCELLED, get(running).getStopReason());
    }

    @Test
    public void aSessionInUseRefusesASecondCall() throws Exception {
        try (Session session = model.createSession(SLIDING)) {
            CountDownLatch tokens = new CountDownLatch(1);
            Future<GenerateResult> running = start(session, tokens);
            assertTrue(tokens.await(60, TimeUnit.SECONDS));
            GyreException error = assertThrows(GyreException.class, () -> session.feed(1));
            assertEquals(Status.INVALID_ARGUMENT, error.getStatus());
            session.cancel();
            get(running);
        }
    }

    @Test
    public void pauseEndsAGenerationAndResumeLetsItGoOn() throws Exception {
        try (Session session = model.createSession(SLIDING);
                Session whole = model.createSession(SLIDING)) {
            StringBuilder text = new StringBuilder();
            CountDownLatch tokens = new CountDownLatch(4);
            Future<GenerateResult> running = other.submit((Callable<GenerateResult>) () ->
                    session.generate(TestFiles.PROMPT, TestFiles.greedy(40), token -> {
                        text.append(token.getText());
                        tokens.countDown();
                        return true;
                    }));
            assertTrue(tokens.await(60, TimeUnit.SECONDS));
            model.pause();
            GenerateResult first = get(running);
            assertEquals(StopReason.PAUSED, first.getStopReason());
            assertEquals(Status.PAUSED,
                    assertThrows(GyreException.class, () -> session.feed(1)).getStatus());
            assertEquals(StopReason.PAUSED,
                    session.generate("", TestFiles.greedy(1), null).getStopReason());
            model.resume();
            text.append(TestFiles.write(session, "", TestFiles.greedy(40 - first.getTokens())));
            assertEquals(TestFiles.write(whole, TestFiles.PROMPT, TestFiles.greedy(40)),
                    text.toString());
        }
    }

    /** Calls, cancels and closes meet at every moment; a wrong order would crash the process. */
    @Test
    public void cancelsAndClosesMayRace() throws Exception {
        AtomicInteger ended = new AtomicInteger();
        for (int round = 0; round < 30; round++) {
            Session session = model.createSession(SLIDING);
            CountDownLatch tokens = new CountDownLatch(round % 3);
            Future<GenerateResult> running = start(session, tokens);
            Thread canceller = new Thread(() -> {
                for (int i = 0; i < 2000; i++) {
                    session.cancel();
                }
                ended.incrementAndGet();
            });
            assertTrue(tokens.await(60, TimeUnit.SECONDS));
            canceller.start();
            Thread.sleep(round % 5);
            session.close();
            try {
                assertEquals(StopReason.CANCELLED, get(running).getStopReason());
            } catch (java.util.concurrent.ExecutionException beforeItBegan) {
                assertEquals(IllegalStateException.class, beforeItBegan.getCause().getClass());
            }
            canceller.join();
        }
        assertEquals(30, ended.get());
    }

    @Test
    public void sessionsOfOneModelRunInParallel() throws Exception {
        try (Session mine = model.createSession(SLIDING);
                Session theirs = model.createSession(SLIDING)) {
            Future<String> running = other.submit(() ->
                    TestFiles.write(theirs, TestFiles.PROMPT, TestFiles.greedy(30)));
            String text = TestFiles.write(mine, TestFiles.PROMPT, TestFiles.greedy(30));
            assertEquals(text, get(running));
        }
    }
}
