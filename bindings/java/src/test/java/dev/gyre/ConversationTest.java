// ConversationTest: answers: what is written, appended, kept of the cache, forgotten, stopped.
// SPDX-License-Identifier: Apache-2.0
package dev.gyre;

import static org.junit.Assert.assertArrayEquals;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertSame;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import java.util.Arrays;
import java.util.Collections;
import org.junit.After;
import org.junit.AfterClass;
import org.junit.Before;
import org.junit.BeforeClass;
import org.junit.Test;

public class ConversationTest {
    private static final int CONTEXT = 128;

    private static Model model;
    private static int end;
    private Session session;
    private Conversation conversation;

    @BeforeClass
    public static void open() {
        model = Model.open(TestFiles.withChatTemplate(ChatTest.TEMPLATE), TestFiles.device());
        end = model.tokenize("<|endoftext|>", true)[0];
    }

    @AfterClass
    public static void close() {
        model.close();
    }

    @Before
    public void begin() {
        session = model.createSession(SessionOptions.builder().contextSize(CONTEXT).build());
        conversation = new Conversation(model, session);
    }

    @After
    public void destroy() {
        session.close();
    }

    /** Answers, and returns what the listener was told. */
    private String answer(GenerateOptions options) {
        StringBuilder text = new StringBuilder();
        conversation.answer(options, token -> {
            text.append(token.getText());
            return true;
        });
        return text.toString();
    }

    /** The answer that a session writes which is given the prompt's tokens and nothing else. */
    private static String expected(int[] prompt, int tokens) {
        try (Session fresh = model.createSession(SessionOptions.builder().contextSize(CONTEXT).build())) {
            fresh.feed(prompt);
            return TestFiles.write(fresh, "", TestFiles.greedy(tokens));
        }
    }

    private ChatMessage last() {
        return conversation.getMessages().get(conversation.getMessages().size() - 1);
    }

    @Test
    public void theAnswerIsToldAndAppended() {
        conversation.setSystem("Be kind.");
        conversation.add(ChatMessage.user("Hello"));
        int[] prompt = conversation.getPromptTokens();
        assertArrayEquals(model.chatTokens(Arrays.asList(
                ChatMessage.system("Be kind."), ChatMessage.user("Hello"))), prompt);
        assertEquals(model.detokenize(prompt), conversation.getPromptText());
        StringBuilder told = new StringBuilder();
        GenerateResult result = conversation.answer(TestFiles.greedy(8), token -> {
            told.append(token.getText());
            return true;
        });
        assertEquals(expected(prompt, 8), told.toString());
        assertEquals(ChatMessage.assistant(told.toString()), last());
        assertEquals(3, conversation.getMessages().size());
        assertEquals(StopReason.MAX_TOKENS, result.getStopReason());
        assertEquals(8, result.getTokens());
        assertEquals(prompt.length, result.getPromptTokens());
        assertEquals(-1, result.getStopIndex());
        assertEquals(0, conversation.getKeptTokens());
    }

    @Test
    public void theNextAnswerKeepsWhatTheSessionHolds() {
        conversation.add(ChatMessage.user("Hello"));
        int[] first = conversation.getPromptTokens();
        answer(TestFiles.greedy(6));
        conversation.add(ChatMessage.user("And then?"));
        int[] held = session.getTokens();
        int[] prompt = conversation.getPromptTokens();
        int common = 0;
        while (common < held.length && common < prompt.length && held[common] == prompt[common]) {
            common++;
        }
        assertTrue("the first prompt is in common", common >= first.length);
        String text = answer(TestFiles.greedy(6));
        assertEquals(common, conversation.getKeptTokens());
        assertEquals("as if nothing had been kept", expected(prompt, 6), text);
        assertEquals(4, conversation.getMessages().size());
    }

    @Test
    public void theModelsEndTokenEndsAnAnswer() {
        conversation.add(ChatMessage.user("Hello"));
        int[] count = {0};
        SamplingOptions ending = SamplingOptions.builder().temperature(0).filter(mask -> {
            if (++count[0] == 4) {
                mask.forbidAll();
                mask.allow(end);
            } else {
                mask.forbid(end);
            }
            return true;
        }).build();
        StringBuilder told = new StringBuilder();
        GenerateResult result = conversation.answer(
                GenerateOptions.builder().sampling(ending).maxTokens(20).build(), token -> {
                    told.append(token.getText());
                    return true;
                });
        assertEquals(StopReason.END_OF_TEXT, result.getStopReason());
        assertEquals(4, count[0]);
        assertTrue("its name is no part of the answer", !last().getContent().contains("<|"));
        assertEquals(told.toString(), last().getContent());
        assertEquals(expected(conversationWithoutLast(), 3), last().getContent());
    }

    private int[] conversationWithoutLast() {
        conversation.removeLast();
        int[] prompt = conversation.getPromptTokens();
        conversation.add(ChatMessage.assistant(expected(prompt, 3)));
        return prompt;
    }

    @Test
    public void anAnswerThatSaysNothingIsOneToo() {
        conversation.add(ChatMessage.user("Hello"));
        SamplingOptions silent = SamplingOptions.builder().bias(end, 10000).build();
        assertEquals("", answer(GenerateOptions.builder().sampling(silent).build()));
        assertEquals(ChatMessage.assistant(""), last());
    }

    @Test
    public void aStoppedAnswerGoesOn() {
        conversation.add(ChatMessage.user("Hello"));
        int[] prompt = conversation.getPromptTokens();
        GenerateResult stopped = conversation.answer(TestFiles.greedy(20), token -> token.getIndex() < 3);
        assertEquals(StopReason.LISTENER, stopped.getStopReason());
        assertEquals(ChatMessage.assistant(expected(prompt, 4)), last());
        StringBuilder more = new StringBuilder();
        GenerateResult result = conversation.goOn(TestFiles.greedy(5), token -> {
            more.append(token.getText());
            return true;
        });
        assertEquals(5, result.getTokens());
        assertEquals(expected(prompt, 9), last().getContent());
        assertTrue(last().getContent().endsWith(more.toString()));
        assertEquals(2, conversation.getMessages().size());
    }

    @Test
    public void aCancelOrAPauseIsAResult() {
        conversation.add(ChatMessage.user("Hello"));
        session.cancel();
        GenerateResult result = conversation.answer(TestFiles.greedy(4), null);
        assertEquals(StopReason.CANCELLED, result.getStopReason());
        assertEquals(0, result.getTokens());
        assertEquals("no answer has begun", 1, conversation.getMessages().size());
        model.pause();
        try {
            assertEquals(StopReason.PAUSED,
                    conversation.answer(TestFiles.greedy(4), null).getStopReason());
            assertEquals(1, conversation.getMessages().size());
        } finally {
            model.resume();
        }
        int[] prompt = conversation.getPromptTokens();
        conversation.goOn(TestFiles.greedy(4), null);
        assertEquals(ChatMessage.assistant(expected(prompt, 4)), last());
        session.cancel();
        assertEquals(StopReason.CANCELLED,
                conversation.goOn(TestFiles.greedy(4), null).getStopReason());
        assertEquals(ChatMessage.assistant(expected(prompt, 4)), last());
    }

    @Test
    public void theOldestTurnsAreForgottenAndTheSystemsTextStays() {
        conversation.setSystem("Be kind.");
        String words = String.join(" ", Collections.nCopies(20, "the"));
        for (int turn = 0; turn < 6; turn++) {
            conversation.add(ChatMessage.user(turn + " " + words));
            answer(TestFiles.greedy(4));
            assertTrue(session.getPosition() <= CONTEXT);
        }
        assertTrue("of " + conversation.getMessages(), conversation.getForgottenMessages() >= 2);
        int forgotten = conversation.getForgottenMessages() / 2;
        assertEquals(2 * forgotten, conversation.getForgottenMessages());
        assertEquals(1 + 2 * (6 - forgotten), conversation.getMessages().size());
        assertEquals(ChatMessage.system("Be kind."), conversation.getMessages().get(0));
        assertEquals(ChatMessage.user(forgotten + " " + words), conversation.getMessages().get(1));
        // Without a limit a quarter of the context is left for the answer.
        conversation.add(ChatMessage.user("6 " + words));
        int[] prompt = conversation.fitPrompt(GenerateOptions.builder().build());
        assertTrue(prompt.length + " tokens", prompt.length <= CONTEXT - CONTEXT / 4);
        assertArrayEquals(conversation.getPromptTokens(), prompt);
        conversation.clear();
        assertEquals(0, conversation.getForgottenMessages());
    }

    @Test
    public void aTurnThatDoesNotFitIsRefusedAndNothingForgotten() {
        conversation.add(ChatMessage.user("Hello"));
        answer(TestFiles.greedy(3));
        conversation.add(ChatMessage.user(String.join(" ", Collections.nCopies(CONTEXT, "word"))));
        GyreException error = assertThrows(GyreException.class,
                () -> conversation.answer(TestFiles.greedy(3), null));
        assertEquals(Status.CONTEXT_FULL, error.getStatus());
        assertTrue(error.getMessage(), error.getMessage().matches("the prompt of the last turn has"
                + " \\d+ tokens and the context 128: shorten it, or use a larger context .*"));
        assertEquals(3, conversation.getMessages().size());
        assertEquals(0, conversation.getForgottenMessages());
        conversation.removeLast();
        assertEquals(2, conversation.getMessages().size());
    }

    @Test
    public void anErrorAppendsNothing() {
        conversation.add(ChatMessage.user("Hello"));
        IllegalArgumentException ours = new IllegalArgumentException("enough");
        assertSame(ours, assertThrows(IllegalArgumentException.class,
                () -> conversation.answer(TestFiles.greedy(5), token -> {
                    throw ours;
                })));
        assertEquals(1, conversation.getMessages().size());
        conversation.add(ChatMessage.of("critic", "hm"));
        assertEquals(Status.INVALID_ARGUMENT, assertThrows(GyreException.class,
                () -> conversation.answer(TestFiles.greedy(5), null)).getStatus());
        assertEquals(2, conversation.getMessages().size());
    }

    @Test
    public void theSystemsTextIsSetAndTakenAway() {
        conversation.add(ChatMessage.user("Hello"));
        conversation.setSystem("Be kind.");
        conversation.setSystem("Be terse.");
        assertEquals(Arrays.asList(ChatMessage.system("Be terse."), ChatMessage.user("Hello")),
                conversation.getMessages());
        conversation.clear();
        assertEquals(Collections.singletonList(ChatMessage.system("Be terse.")),
                conversation.getMessages());
        conversation.setSystem("");
        assertTrue(conversation.getMessages().isEmpty());
        conversation.clear();
        assertThrows(IllegalStateException.class, conversation::removeLast);
        assertThrows(UnsupportedOperationException.class,
                () -> conversation.getMessages().add(ChatMessage.user("x")));
    }

    @Test
    public void aFileWithoutATemplateSaysWhatToDo() {
        try (Model plain = TestFiles.open(); Session other = plain.createSession()) {
            GyreException error =
                    assertThrows(GyreException.class, () -> new Conversation(plain, other));
            assertEquals(Status.UNSUPPORTED, error.getStatus());
            assertTrue(error.getMessage(), error.getMessage().contains(
                    "give one by ChatOptions.template, or let it write on by Session.generate"));
            Conversation given = new Conversation(plain, other,
                    ChatOptions.builder().template(ChatTest.TEMPLATE).build());
            given.add(ChatMessage.user("Hello"));
            conversation.add(ChatMessage.user("Hello"));
            given.answer(TestFiles.greedy(4), null);
            answer(TestFiles.greedy(4));
            assertEquals(conversation.getMessages(), given.getMessages());
        }
    }
}
