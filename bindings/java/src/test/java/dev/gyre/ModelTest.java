// ModelTest: models are opened from a file, a descriptor or memory, and described; no driver needed.
// SPDX-License-Identifier: Apache-2.0
package dev.gyre;

import static org.junit.Assert.assertArrayEquals;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertNull;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import java.io.File;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.Map;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;

public class ModelTest {
    /** Two-byte, three-byte and four-byte characters, and U+0000, which modified UTF-8 writes otherwise. */
    private static final String MANY = "naïve \u20ac \uD83D\uDE00\uD83C\uDF0D a\u0000b \u4f60\u597d";

    @Rule public final TemporaryFolder folder = new TemporaryFolder();

    private static void assertIsTheShippedModel(Model model) {
        ModelInfo info = model.getInfo();
        assertEquals("gpt2", info.getArchitecture());
        assertEquals(5256704, info.getParameterCount());
        assertEquals(8192, info.getVocabularySize());
        assertEquals(512, info.getContextSize());
    }

    @Test
    public void infoIsWhatTheModelsReadmeSays() {
        try (Model model = TestFiles.openWithoutDevice()) {
            assertIsTheShippedModel(model);
            ModelInfo info = model.getInfo();
            assertEquals(TestFiles.model().length(), info.getFileBytes());
            assertEquals(0, info.getDeviceBytes());
            assertEquals(256, info.getEmbeddingSize());
            assertEquals(4, info.getLayerCount());
            assertEquals(4, info.getHeadCount());
            assertEquals(4, info.getKvHeadCount());
            assertEquals(64, info.getHeadSize());
            assertEquals(1024, info.getFeedForwardSize());
            assertEquals("rotary", info.getPosition());
            assertTrue(info.getRotaryText(), info.getRotaryText().contains("RoVE"));
            assertTrue(info.getRotaryJson(), info.getRotaryJson().startsWith("{"));
            assertTrue(info.getWeightTypes(), info.getWeightTypes().startsWith("Q8_0"));
            assertTrue(info.hasTokenizer());
            assertFalse(info.isSoftwareFallback());
            assertEquals("", info.getIgnored());
            assertEquals("<|endoftext|>", model.detokenize(info.getEndToken()));
        }
    }

    @Test
    public void textSurvivesTheBorder() {
        try (Model model = TestFiles.openWithoutDevice()) {
            int[] tokens = model.tokenize(MANY);
            assertEquals(MANY, model.detokenize(tokens));
            assertArrayEquals(MANY.getBytes(StandardCharsets.UTF_8), model.detokenizeBytes(tokens));
            assertEquals(0, model.tokenize("").length);
            assertEquals("", model.detokenize());
        }
    }

    @Test
    public void specialTokensAreParsedOnlyWhenAsked() {
        try (Model model = TestFiles.openWithoutDevice()) {
            int end = model.getInfo().getEndToken();
            assertArrayEquals(new int[] {end}, model.tokenize("<|endoftext|>", true));
            assertTrue(model.tokenize("<|endoftext|>").length > 1);
        }
    }

    @Test
    public void tokensAreDescribed() {
        try (Model model = TestFiles.openWithoutDevice()) {
            TokenInfo end = model.getToken(model.getInfo().getEndToken());
            assertTrue(end.endsText());
            assertEquals(TokenInfo.Kind.CONTROL, end.getKind());
            int token = model.tokenize("Once")[0];
            TokenInfo once = model.getToken(token);
            assertFalse(once.endsText());
            assertEquals(TokenInfo.Kind.NORMAL, once.getKind());
            assertArrayEquals(model.detokenizeBytes(token), once.getBytes());
            GyreException error = assertThrows(GyreException.class, () -> model.getToken(8192));
            assertEquals(Status.INVALID_ARGUMENT, error.getStatus());
        }
    }

    @Test
    public void metadataIsText() {
        try (Model model = TestFiles.openWithoutDevice()) {
            Map<String, String> all = model.getMetadata();
            assertEquals("gpt2", all.get("general.architecture"));
            assertEquals("512", all.get("gpt2.context_length"));
            assertTrue(all.get("tokenizer.ggml.tokens").startsWith("[\""));
            assertEquals(all.get("general.name"), model.getMetadata("general.name"));
            assertNull(model.getMetadata("no.such.key"));
        }
    }

    @Test
    public void descriptorWithAnOffsetIsReadAndLeftAlone() throws IOException {
        byte[] bytes = Files.readAllBytes(TestFiles.model().toPath());
        File packed = folder.newFile();
        int offset = 4100; // no multiple of a page, as in a package
        try (RandomAccessFile file = new RandomAccessFile(packed, "rw")) {
            file.write(new byte[offset]);
            file.write(bytes);
            file.write(new byte[777]);
        }
        try (FileInputStream in = new FileInputStream(packed)) {
            assertEquals(0, in.read());
            Model model = Model.open(in.getFD(), offset, bytes.length, TestFiles.noDevice());
            assertEquals("where it stands in the file", 1, in.getChannel().position());
            assertTrue("still open", in.getFD().valid());
            assertIsTheShippedModel(model);
            model.close();
        }
    }

    @Test
    public void descriptorToTheFilesEnd() throws IOException {
        Model model;
        try (FileInputStream in = new FileInputStream(TestFiles.model())) {
            model = Model.open(in.getFD(), 0, 0, TestFiles.noDevice());
        }
        assertIsTheShippedModel(model); // the descriptor is closed by now
        assertEquals("Once", model.detokenize(model.tokenize("Once")));
        model.close();
    }

    @Test
    public void descriptorsThatCannotBeRead() {
        GyreException error = assertThrows(GyreException.class,
                () -> Model.open(987654, 0, 0, TestFiles.noDevice()));
        assertTrue(error.getMessage(), error.getMessage().contains("987654"));
        assertThrows(IllegalArgumentException.class,
                () -> Model.open(0, -1, 0, TestFiles.noDevice()));
    }

    @Test
    public void buffersOfBothKinds() throws IOException {
        byte[] bytes = Files.readAllBytes(TestFiles.model().toPath());
        ByteBuffer heap = ByteBuffer.allocate(bytes.length + 10);
        heap.position(7);
        heap.put(bytes).flip().position(7);
        ByteBuffer direct = ByteBuffer.allocateDirect(bytes.length + 10);
        direct.position(3);
        direct.put(bytes).flip().position(3);
        for (ByteBuffer buffer : new ByteBuffer[] {heap, heap.asReadOnlyBuffer(), direct}) {
            int position = buffer.position();
            try (Model model = Model.open(buffer, TestFiles.noDevice())) {
                assertIsTheShippedModel(model);
                assertEquals(position, buffer.position());
            }
        }
    }

    @Test
    public void errorsHaveStatusAndTheLibrarysText() throws IOException {
        File missing = new File(folder.getRoot(), "nö such file \uD83D\uDE00.gguf");
        GyreException error = assertThrows(GyreException.class, () -> Model.open(missing));
        assertEquals(Status.BAD_FILE, error.getStatus());
        assertTrue(error.getMessage(), error.getMessage().contains(missing.getName()));
        File empty = folder.newFile();
        assertEquals(Status.BAD_FILE,
                assertThrows(GyreException.class, () -> Model.open(empty)).getStatus());
        assertThrows(IllegalArgumentException.class, () -> Model.open(new File("a\0b")));
        assertThrows(NullPointerException.class, () -> Model.open((File) null));
        try (Model model = TestFiles.openWithoutDevice()) {
            assertEquals(Status.NO_DEVICE,
                    assertThrows(GyreException.class, model::getDevice).getStatus());
            assertEquals(Status.NO_DEVICE,
                    assertThrows(GyreException.class, model::createSession).getStatus());
        }
    }

    @Test
    public void useAfterCloseIsRefused() {
        Model model = TestFiles.openWithoutDevice();
        model.close();
        model.close();
        for (Runnable use : new Runnable[] {model::getInfo, model::getDevice, model::createSession,
            model::getMetadata, model::pause, model::resume, () -> model.tokenize("a"),
            () -> model.detokenize(1), () -> model.getToken(1), () -> model.getMetadata("a"),
            () -> model.estimate(null, SessionOptions.builder().build())}) {
            assertEquals("the model is closed",
                    assertThrows(IllegalStateException.class, use::run).getMessage());
        }
    }

    @Test
    public void optionsThatCMeansOtherwiseAreRefused() {
        assertThrows(IllegalArgumentException.class,
                () -> SessionOptions.builder().contextSize(-1));
        assertThrows(IllegalArgumentException.class,
                () -> GenerateOptions.builder().maxTokens(-1));
        assertThrows(IllegalArgumentException.class, () -> SamplingOptions.builder().topK(-5));
        assertThrows(IllegalArgumentException.class,
                () -> GenerateOptions.builder().stop("a\0b").build());
        assertThrows(NullPointerException.class, () -> GenerateOptions.builder().stop(null).build());
    }
}
