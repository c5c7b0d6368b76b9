// MainActivityTest: the demo's own activity, driven as a user does, with the real library and a Vulkan driver.
// SPDX-License-Identifier: Apache-2.0
package dev.gyre.demo;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertNotSame;
import static org.junit.Assert.assertTrue;

import android.graphics.Bitmap;
import android.os.Bundle;
import java.util.TreeSet;
import org.junit.Before;
import org.junit.Test;
import org.junit.runner.RunWith;
import org.robolectric.RobolectricTestRunner;
import org.robolectric.RuntimeEnvironment;

@RunWith(RobolectricTestRunner.class)
public class MainActivityTest {
    private static final String PROMPT = "Once upon a time";

    private Settings settings;

    /** Every text is drawn with the same seed, so that texts can be compared. */
    @Before
    public void fixSeed() {
        settings = new Settings(RuntimeEnvironment.getApplication()
                .getSharedPreferences("settings", 0));
        settings.setSeedFixed(true);
        settings.set(Settings.Value.MAX_TOKENS, 60);
    }

    private static void write(Phone phone, String prompt) {
        phone.awaitReady();
        phone.type(prompt);
        phone.press(R.id.write);
    }

    private static String writeWhole(Phone phone, String prompt) {
        write(phone, prompt);
        assertEquals("Stop", phone.button());
        phone.await("the text's end", phone::isReady);
        return phone.text();
    }

    @Test
    public void textStreamsInAndIsOnTheScreen() {
        try (Phone phone = Phone.start()) {
            assertEquals("Opening the model …", modelLine(phone));
            phone.awaitReady();
            assertTrue(modelLine(phone), modelLine(phone).matches("Gyre books 5M · .+"));
            Bitmap before = phone.picture();
            settings.set(Settings.Value.MAX_TOKENS, 300); // takes seconds, so that it can be watched
            write(phone, PROMPT);
            assertEquals("the field is free for the next prompt", "",
                    phone.<android.widget.EditText>find(R.id.prompt).getText().toString());
            TreeSet<Integer> lengths = phone.watchText();
            phone.await("the text's end", phone::isReady);
            // At once it would have one length; on a busy machine it comes in few pieces.
            assertTrue("was seen while it grew: " + lengths, lengths.size() >= 3);
            assertTrue(phone.text(), phone.text().startsWith(PROMPT));
            assertTrue(phone.text(), phone.text().length() > 100);
            assertTrue(phone.status(),
                    phone.status().matches("[0-9.]+ tokens/s · 300 tokens · first after [0-9.]+ s"));
            assertEquals("Go on", phone.button());
            assertFalse("the text is on the screen", phone.picture().sameAs(before));
        }
    }

    private static String modelLine(Phone phone) {
        return phone.<android.widget.TextView>find(R.id.model).getText().toString();
    }

    @Test
    public void theButtonStopsAndTheTextGoesOnFromThere() {
        try (Phone phone = Phone.start()) {
            settings.set(Settings.Value.MAX_TOKENS, 400);
            write(phone, PROMPT);
            phone.await("some text", () -> phone.text().length() > PROMPT.length() + 20);
            phone.press(R.id.write);
            phone.await("the end", phone::isReady);
            String stopped = phone.text();
            phone.letRun(200);
            assertEquals("nothing comes after the stop", stopped, phone.text());
            assertTrue("did not run to its end", stopped.length() < 1000);
            settings.set(Settings.Value.MAX_TOKENS, 10);
            String more = writeWhole(phone, " and then");
            assertTrue(more, more.startsWith(stopped + " and then"));
            assertTrue(more.length() > stopped.length() + 10);
        }
    }

    @Test
    public void rotationLetsTheTextRunOn() {
        settings.set(Settings.Value.MAX_TOKENS, 300); // long enough for two rotations
        String whole;
        try (Phone phone = Phone.start()) {
            whole = writeWhole(phone, PROMPT);
        }
        try (Phone phone = Phone.start()) {
            write(phone, PROMPT);
            phone.await("some text", () -> phone.text().length() > PROMPT.length() + 5);
            assertEquals("is being written", "Stop", phone.button());
            String seen = phone.text();
            assertTrue(whole.length() > seen.length());
            MainActivity before = phone.activity();
            phone.rotate();
            assertNotSame("a new activity", before, phone.activity());
            assertTrue("the text is still there", phone.text().startsWith(seen));
            phone.rotate();
            // Whoever had begun anew, or stopped with the old activity, would have another text.
            phone.await("the text's end", phone::isReady);
            assertEquals(whole, phone.text());
        }
    }

    @Test
    public void theBackgroundPausesAndTheForegroundGoesOn() {
        settings.set(Settings.Value.MAX_TOKENS, 300);
        String whole;
        try (Phone phone = Phone.start()) {
            whole = writeWhole(phone, PROMPT);
        }
        try (Phone phone = Phone.start()) {
            write(phone, PROMPT);
            phone.await("some text", () -> phone.text().length() > PROMPT.length() + 5);
            phone.toBackground();
            phone.letRun(100);
            String paused = phone.text();
            phone.letRun(500);
            assertEquals("the device rests", paused, phone.text());
            assertTrue(whole.length() > paused.length());
            phone.toForeground();
            phone.await("the text's end", phone::isReady);
            assertEquals(whole, phone.text());
        }
    }

    @Test
    public void aTextSurvivesTheEndOfTheProcess() {
        Bundle saved;
        String text;
        try (Phone phone = Phone.start()) {
            text = writeWhole(phone, PROMPT);
            saved = phone.save();
        }
        try (Phone phone = Phone.startAgain(saved)) {
            assertEquals(text, phone.text());
            settings.set(Settings.Value.MAX_TOKENS, 10);
            String more = writeWhole(phone, " and");
            assertTrue(more, more.startsWith(text + " and"));
            assertTrue(more.length() > text.length() + 10);
            // The model has read the old text again, which is of 60 tokens at least.
            assertTrue(phone.workbench().getLoaded().session.getPosition() > 60);
        }
    }

    @Test
    public void aNewTextBeginsEmpty() {
        try (Phone phone = Phone.start()) {
            String first = writeWhole(phone, PROMPT);
            phone.press(R.id.clear);
            assertTrue(phone.text(), phone.text().startsWith("Type how a text begins"));
            assertEquals("Write", phone.button());
            assertEquals("the session is empty too", first, writeWhole(phone, PROMPT));
        }
    }
}
