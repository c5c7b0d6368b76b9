// DialogsTest: the settings hold for the next text and are kept; the report names device, model and memory.
// SPDX-License-Identifier: Apache-2.0
package dev.gyre.demo;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertNotEquals;
import static org.junit.Assert.assertTrue;

import android.app.AlertDialog;
import android.content.ClipboardManager;
import android.view.ViewGroup;
import android.widget.SeekBar;
import android.widget.Switch;
import android.widget.TextView;
import org.junit.Test;
import org.junit.runner.RunWith;
import org.robolectric.RobolectricTestRunner;
import org.robolectric.RuntimeEnvironment;
import org.robolectric.shadows.ShadowAlertDialog;

@RunWith(RobolectricTestRunner.class)
public class DialogsTest {
    private static Settings settings() {
        return new Settings(RuntimeEnvironment.getApplication().getSharedPreferences("settings", 0));
    }

    private static SeekBar slider(AlertDialog dialog, Settings.Value value) {
        ViewGroup rows = dialog.findViewById(R.id.rows);
        return rows.getChildAt(value.ordinal()).findViewById(R.id.slider);
    }

    @Test
    public void slidersSetWhatIsSampled() {
        try (Phone phone = Phone.start()) {
            phone.awaitReady();
            phone.press(R.id.settings);
            AlertDialog dialog = ShadowAlertDialog.getLatestAlertDialog();
            assertEquals(40, slider(dialog, Settings.Value.TOP_K).getProgress());
            slider(dialog, Settings.Value.MAX_TOKENS).setProgress(1); // 20 tokens
            slider(dialog, Settings.Value.TEMPERATURE).setProgress(0);
            dialog.<Switch>findViewById(R.id.fixed_seed).setChecked(true);
            assertEquals("0.00", dialog.<ViewGroup>findViewById(R.id.rows).getChildAt(0)
                    .<TextView>findViewById(R.id.number).getText());
            dialog.dismiss();
            phone.type("Once upon a time");
            phone.press(R.id.write);
            phone.await("the text's end", phone::isReady);
            assertTrue(phone.status(), phone.status().contains(" 20 tokens "));
        }
        assertEquals("kept", 0, settings().get(Settings.Value.TEMPERATURE), 0);
        assertTrue(settings().isSeedFixed());
    }

    @Test
    public void everySliderReachesBothEndsOfItsRange() {
        for (Settings.Value value : Settings.Value.values()) {
            assertEquals(value.first, value.at(value.placeOf(value.first)), 1e-6);
            settings().set(value, value.at(0));
            settings().options();
            settings().set(value, value.at(value.steps));
            settings().options();
            assertNotEquals(value.at(0), value.at(value.steps));
        }
    }

    @Test
    public void theReportNamesDeviceModelAndMemory() {
        try (Phone phone = Phone.start()) {
            phone.awaitReady();
            phone.press(R.id.device);
            AlertDialog dialog = ShadowAlertDialog.getLatestAlertDialog();
            String report = dialog.<TextView>findViewById(android.R.id.message).getText().toString();
            for (String part : new String[] {"Gyre 0.", "llvmpipe", "Vulkan 1.", "gpt2",
                "5256704 parameters", "context 512", "weights: ", "available: "}) {
                assertTrue(part + " is in " + report, report.contains(part));
            }
            dialog.getButton(AlertDialog.BUTTON_NEUTRAL).performClick();
            phone.idle();
            assertEquals(report, RuntimeEnvironment.getApplication()
                    .getSystemService(ClipboardManager.class).getPrimaryClip().getItemAt(0)
                    .getText().toString());
        }
    }
}
