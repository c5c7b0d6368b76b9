// ListenerTest: what listeners throw reaches the caller, and nothing they do breaks the session.
// SPDX-License-Identifier: Apache-2.0
package dev.gyre;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertSame;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.After;
import org.junit.Before;
import org.junit.Test;

public class ListenerTest {
    private Model model;
    private Session session;

    @Before
    public void open() {
        model = TestFiles.open();
        session = model.createSession();
    }

    @After
    public void close() {
        session.close();
        model.close();
        Gyre.setLogListener(null, LogLevel.ERROR);
    }

    @Test
    public void whatAListenerThrowsReachesTheCaller() {
        List<Throwable> thrown = new ArrayList<>();
        Collections.addAll(thrown, new IllegalArgumentException("mine"), new StackOverflowError());
        String expected = TestFiles.write(session, TestFiles.PROMPT, TestFiles.greedy(8));
        for (Throwable throwable : thrown) {
            session.reset();
            StringBuilder text = new StringBuilder();
            Throwable caught = assertThrows(Throwable.class,
                    () -> session.generate(TestFiles.PROMPT, TestFiles.greedy(8), token -> {
                        text.append(token.getText());
                        if (token.getIndex() == 3) {
                            ListenerTest.<RuntimeException>sneak(throwable);
                        }
                        return true;
                    }));
            assertSame(throwable, caught);
            // The session holds what was told, and goes on from there.
            text.append(TestFiles.write(session, "", TestFiles.greedy(4)));
            assertEquals(expected, text.toString());
        }
    }

    @SuppressWarnings("unchecked")
    private static <T extends Throwable> void sneak(Throwable throwable) throws T {
        throw (T) throwable;
    }

    @Test
    public void falseStops() {
        GenerateResult result =
                session.generate(TestFiles.PROMPT, TestFiles.greedy(8), token -> token.getIndex() < 2);
        assertEquals(StopReason.LISTENER, result.getStopReason());
        assertEquals(3, result.getTokens());
    }

    @Test
    public void filterThatThrowsReachesTheCaller() {
        SamplingOptions sampling = SamplingOptions.builder().filter(mask -> {
            mask.allow(mask.size());
            return true;
        }).build();
        GenerateOptions options = GenerateOptions.builder().sampling(sampling).maxTokens(4).build();
        assertThrows(IndexOutOfBoundsException.class,
                () -> session.generate(TestFiles.PROMPT, options, null));
        assertThrows(IndexOutOfBoundsException.class, () -> session.sample(sampling));
        assertTrue(TestFiles.write(session, "", TestFiles.greedy(2)).length() > 0);
    }

    @Test
    public void listenerMayCloseItsSession() {
        GenerateResult result = session.generate(TestFiles.PROMPT, TestFiles.greedy(50), token -> {
            if (token.getIndex() == 1) {
                session.close();
                model.close();
            }
            return true;
        });
        assertEquals(StopReason.CANCELLED, result.getStopReason());
        assertThrows(IllegalStateException.class, session::getPosition);
    }

    @Test
    public void listenerMayReadButNotWrite() {
        List<Status> refused = new ArrayList<>();
        session.generate(TestFiles.PROMPT, TestFiles.greedy(2), token -> {
            assertTrue(session.getTokens().length > 0);
            refused.add(assertThrows(GyreException.class, () -> session.feed(1)).getStatus());
            return true;
        });
        assertEquals(Collections.nCopies(2, Status.INVALID_ARGUMENT), refused);
    }

    @Test
    public void progressIsToldAndMayCancelOrThrow() {
        List<String> stages = new ArrayList<>();
        ProgressListener listener = (stage, fraction) -> {
            assertTrue(fraction >= 0 && fraction <= 1);
            stages.add(stage);
            return true;
        };
        try (Model told = Model.open(TestFiles.model(), progress(listener))) {
            assertTrue(stages.toString(), stages.contains("upload"));
            told.createSession(SessionOptions.builder().progress(listener).build()).close();
            assertTrue(stages.toString(), stages.contains("compile"));
        }
        GyreException cancelled = assertThrows(GyreException.class,
                () -> Model.open(TestFiles.model(), progress((stage, fraction) -> false)));
        assertEquals(Status.CANCELLED, cancelled.getStatus());
        RuntimeException mine = new RuntimeException("no");
        assertSame(mine, assertThrows(RuntimeException.class,
                () -> Model.open(TestFiles.model(), progress((stage, fraction) -> {
                    throw mine;
                }))));
        assertSame(mine, assertThrows(RuntimeException.class,
                () -> model.createSession(SessionOptions.builder().progress((stage, fraction) -> {
                    throw mine;
                }).build())));
    }

    private static ModelOptions progress(ProgressListener listener) {
        return ModelOptions.builder().cacheDir("").tuning(false).progress(listener).build();
    }

    @Test
    public void logLinesAreToldAndWhatTheListenerThrowsIsDropped() {
        List<String> lines = Collections.synchronizedList(new ArrayList<>());
        Gyre.setLogListener((level, message) -> {
            lines.add(message);
            throw new IllegalStateException("of a log listener");
        }, LogLevel.DEBUG);
        TestFiles.open().close();
        assertTrue("some line was logged", lines.size() > 0);
        Gyre.setLogListener(null, LogLevel.DEBUG);
        int before = lines.size();
        TestFiles.open().close();
        assertEquals(before, lines.size());
    }

    /** Far more tokens than a native frame has room for local references (16, by -Xcheck:jni). */
    @Test
    public void longTextsKeepNoReferences() {
        GenerateOptions options = GenerateOptions.builder().sampling(SamplingOptions.greedy())
                .maxTokens(100).ignoreEos(true).logprobs(5).build();
        int[] count = new int[1];
        session.generate(TestFiles.PROMPT, options, token -> {
            count[0] += token.getTop().size();
            return true;
        });
        assertEquals(500, count[0]);
    }
}
