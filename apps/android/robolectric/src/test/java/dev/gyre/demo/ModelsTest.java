// ModelsTest: models that the user picks: good ones, broken ones, and one that does not fit.
// SPDX-License-Identifier: Apache-2.0
package dev.gyre.demo;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertNull;
import static org.junit.Assert.assertTrue;

import android.app.AlertDialog;
import android.content.Context;
import android.content.pm.PackageManager;
import java.io.File;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;
import org.junit.runner.RunWith;
import org.robolectric.RobolectricTestRunner;
import org.robolectric.RuntimeEnvironment;
import org.robolectric.shadows.ShadowAlertDialog;

@RunWith(RobolectricTestRunner.class)
public class ModelsTest {
    @Rule public final TemporaryFolder folder = new TemporaryFolder();

    private File file(byte[] bytes) throws IOException {
        File file = folder.newFile();
        Files.write(file.toPath(), bytes);
        return file;
    }

    /** The shipped model, made for the longest context that a file may have. */
    private static byte[] withHugeContext() throws IOException {
        byte[] bytes = TestModels.shipped();
        byte[] key = "gpt2.context_length".getBytes(StandardCharsets.US_ASCII);
        String head = new String(bytes, 0, 1 << 16, StandardCharsets.ISO_8859_1);
        int value = head.indexOf("gpt2.context_length") + key.length + 4; // after the type of the value
        ByteBuffer file = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        assertEquals("where the file has its context", 512, file.getInt(value));
        file.putInt(value, 1 << 20);
        return bytes;
    }

    @Test
    public void aPickedModelTakesThePlaceOfTheFirst() throws IOException {
        try (Phone phone = Phone.start()) {
            phone.awaitReady();
            phone.pick(file(TestModels.shipped()));
            assertFalse("is being opened", phone.isReady());
            phone.awaitReady();
            phone.type("Once");
            phone.press(R.id.write);
            phone.await("text", () -> phone.text().length() > 10);
        }
    }

    @Test
    public void aBrokenFileIsSaidToBe() throws IOException {
        try (Phone phone = Phone.start()) {
            phone.awaitReady();
            phone.pick(file("This is not a model".getBytes(StandardCharsets.US_ASCII)));
            phone.await("the library's words", () -> phone.text().contains("GGUF"));
            assertFalse(phone.find(R.id.write).isEnabled());
            assertEquals("The folder above opens another model.", phone.status());
            phone.pick(file(TestModels.shipped()));
            phone.awaitReady();
        }
    }

    @Test
    public void aModelThatDoesNotFitIsNotLoaded() throws IOException {
        try (Phone phone = Phone.start()) {
            phone.awaitReady();
            phone.pick(file(withHugeContext()));
            phone.await("the memory's words", () -> phone.text().contains("does not fit"));
            assertTrue(phone.text(), phone.text().matches(
                    "(?s)This model does not fit: it needs [0-9.]+ GB of .* and [0-9.]+ GB are available.*"));
            assertFalse(phone.find(R.id.write).isEnabled());
        }
    }

    @Test
    public void whereAModelComesFromAndItsLicenceAreShown() {
        try (Phone phone = Phone.start()) {
            phone.awaitReady();
            phone.press(R.id.open);
            AlertDialog dialog = ShadowAlertDialog.getLatestAlertDialog();
            String text = Phone.message(dialog);
            for (String part : new String[] {"SmolLM2 135M Instruct", "Hugging Face",
                "https://huggingface.co/", "scripts/fetch-model smollm2", "Apache License 2.0"}) {
                assertTrue(part + " is in " + text, text.contains(part));
            }
            dialog.getButton(AlertDialog.BUTTON_NEUTRAL).performClick();
            phone.idle();
            String licence = Phone.message(ShadowAlertDialog.getLatestAlertDialog());
            assertTrue(licence, licence.contains("Version 2.0, January 2004"));
            assertTrue(licence, licence.contains("END OF TERMS AND CONDITIONS"));
        }
    }

    @Test
    public void nothingIsAskedFor() throws PackageManager.NameNotFoundException {
        Context context = RuntimeEnvironment.getApplication();
        assertNull(context.getPackageManager()
                .getPackageInfo("dev.gyre.demo", PackageManager.GET_PERMISSIONS).requestedPermissions);
    }
}
