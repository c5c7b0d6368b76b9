// PictureTest: draws the demo's screens side by side, by Android's own renderer, for the documentation.
// SPDX-License-Identifier: Apache-2.0
package dev.gyre.demo;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;

import android.app.AlertDialog;
import android.graphics.Bitmap;
import android.graphics.BitmapShader;
import android.graphics.Canvas;
import android.graphics.Color;
import android.graphics.Paint;
import android.graphics.Shader;
import java.io.File;
import org.junit.Test;
import org.junit.runner.RunWith;
import org.robolectric.RobolectricTestRunner;
import org.robolectric.RuntimeEnvironment;
import org.robolectric.shadows.ShadowAlertDialog;

@RunWith(RobolectricTestRunner.class)
public class PictureTest {
    private static final int MARGIN = 48;

    @Test
    public void screensAreDrawn() throws Exception {
        Settings settings = new Settings(RuntimeEnvironment.getApplication()
                .getSharedPreferences("settings", 0));
        settings.setSeedFixed(true);
        settings.set(Settings.Value.MAX_TOKENS, 200);
        try (Phone phone = Phone.start()) {
            phone.awaitReady();
            phone.type("It was a dark night, and");
            phone.press(R.id.write);
            phone.await("half of the text", () -> phone.text().length() > 300);
            assertEquals("Stop", phone.button());
            Bitmap writing = phone.picture();

            Bitmap models = dialogOf(phone, R.id.open);
            Bitmap sliders = dialogOf(phone, R.id.settings);

            phone.await("the text's end", phone::isReady);
            RuntimeEnvironment.setQualifiers("+night");
            phone.recreate();
            Bitmap night = phone.picture();

            assertTrue("light", luminance(writing) > 200);
            assertTrue("dark", luminance(night) < 60);
            Phone.save(sideBySide(writing, over(writing, models), over(writing, sliders), night),
                    new File(System.getProperty("gyre.pictures"), "android.png"));
        }
    }

    /** The dialog that a button opens. */
    private static Bitmap dialogOf(Phone phone, int button) {
        phone.press(button);
        phone.idle();
        AlertDialog dialog = ShadowAlertDialog.getLatestAlertDialog();
        Bitmap picture = Phone.picture(dialog.getWindow().getDecorView());
        dialog.dismiss();
        return picture;
    }

    /** Of the background, 0 to 255. */
    private static float luminance(Bitmap screen) {
        return 255 * Color.luminance(screen.getPixel(4, screen.getHeight() / 2));
    }

    /** As a dialog is seen: above a screen that is dimmed. */
    private static Bitmap over(Bitmap screen, Bitmap dialog) {
        Bitmap both = screen.copy(Bitmap.Config.ARGB_8888, true);
        Canvas canvas = new Canvas(both);
        canvas.drawColor(0x99000000);
        float scale = Math.min(1, (screen.getWidth() - 60f) / dialog.getWidth());
        canvas.translate((screen.getWidth() - scale * dialog.getWidth()) / 2,
                (screen.getHeight() - scale * dialog.getHeight()) / 2);
        canvas.scale(scale, scale);
        drawRounded(canvas, dialog, 8);
        return both;
    }

    private static Bitmap sideBySide(Bitmap... screens) {
        int width = screens[0].getWidth();
        int height = screens[0].getHeight();
        Bitmap all = Bitmap.createBitmap(screens.length * (width + MARGIN) + MARGIN,
                height + 2 * MARGIN, Bitmap.Config.ARGB_8888);
        Canvas canvas = new Canvas(all);
        canvas.drawColor(0xFFCFCBDD);
        canvas.translate(MARGIN, MARGIN);
        for (Bitmap screen : screens) {
            drawRounded(canvas, screen, 56);
            canvas.translate(width + MARGIN, 0);
        }
        return Bitmap.createScaledBitmap(all, all.getWidth() / 2, all.getHeight() / 2, true);
    }

    private static void drawRounded(Canvas canvas, Bitmap bitmap, float radius) {
        Paint paint = new Paint(Paint.ANTI_ALIAS_FLAG);
        paint.setShader(new BitmapShader(bitmap, Shader.TileMode.CLAMP, Shader.TileMode.CLAMP));
        canvas.drawRoundRect(0, 0, bitmap.getWidth(), bitmap.getHeight(), radius, radius, paint);
    }
}
