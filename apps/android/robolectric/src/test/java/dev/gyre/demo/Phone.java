// Phone: the demo's activity as a user meets it: starts it, types, presses, waits, looks at its screen.
// SPDX-License-Identifier: Apache-2.0
package dev.gyre.demo;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;
import static org.junit.Assert.fail;
import static org.robolectric.Shadows.shadowOf;

import android.app.Activity;
import android.app.AlertDialog;
import android.content.Intent;
import android.content.res.Configuration;
import android.graphics.Bitmap;
import android.graphics.Canvas;
import android.net.Uri;
import android.os.Bundle;
import android.os.Looper;
import android.text.Editable;
import android.text.TextWatcher;
import android.view.View;
import android.widget.Button;
import android.widget.EditText;
import android.widget.TextView;
import java.io.File;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.time.Duration;
import java.util.TreeSet;
import java.util.function.BooleanSupplier;
import org.robolectric.Robolectric;
import org.robolectric.RuntimeEnvironment;
import org.robolectric.android.controller.ActivityController;
import org.robolectric.shadows.ShadowAlertDialog;

/** The main looper runs while this waits, and at no other time. */
final class Phone implements AutoCloseable {
    private static final long PATIENCE_MILLIS = 60_000; // a software driver on a busy machine

    private final ActivityController<MainActivity> controller;

    private Phone(ActivityController<MainActivity> controller) {
        this.controller = controller;
    }

    static Phone start() {
        return new Phone(Robolectric.buildActivity(MainActivity.class).setup());
    }

    /** As the system starts an activity whose process it had ended. */
    static Phone startAgain(Bundle saved) {
        return new Phone(Robolectric.buildActivity(MainActivity.class).setup(saved));
    }

    MainActivity activity() {
        return controller.get();
    }

    Workbench workbench() {
        return (Workbench) activity().onRetainNonConfigurationInstance();
    }

    <T extends View> T find(int id) {
        return activity().findViewById(id);
    }

    String text() {
        return this.<TextView>find(R.id.text).getText().toString();
    }

    /** Returns a set that gets every length that the text on the screen has from now on. */
    TreeSet<Integer> watchText() {
        TreeSet<Integer> lengths = new TreeSet<>();
        this.<TextView>find(R.id.text).addTextChangedListener(new TextWatcher() {
            @Override
            public void beforeTextChanged(CharSequence text, int start, int count, int after) {}

            @Override
            public void onTextChanged(CharSequence text, int start, int before, int count) {}

            @Override
            public void afterTextChanged(Editable text) {
                lengths.add(text.length());
            }
        });
        return lengths;
    }

    String status() {
        return this.<TextView>find(R.id.status).getText().toString();
    }

    String button() {
        return this.<Button>find(R.id.write).getText().toString();
    }

    boolean isReady() {
        return find(R.id.write).isEnabled() && !button().equals("Stop");
    }

    void type(String prompt) {
        this.<EditText>find(R.id.prompt).setText(prompt);
    }

    void press(int id) {
        View view = find(id);
        assertTrue("can be pressed", view.isEnabled() && view.getVisibility() == View.VISIBLE);
        view.performClick();
    }

    /** Presses the button, reads the dialog, and answers as the system's picker does. */
    void pick(File file) {
        press(R.id.open);
        ShadowAlertDialog.getLatestAlertDialog().getButton(AlertDialog.BUTTON_POSITIVE).performClick();
        idle();
        Intent asked = shadowOf(activity()).getNextStartedActivity();
        assertEquals(Intent.ACTION_OPEN_DOCUMENT, asked.getAction());
        assertTrue(asked.getCategories().contains(Intent.CATEGORY_OPENABLE));
        shadowOf(activity()).receiveResult(
                asked, Activity.RESULT_OK, new Intent().setData(Uri.fromFile(file)));
    }

    static String message(AlertDialog dialog) {
        return dialog.<TextView>findViewById(android.R.id.message).getText().toString();
    }

    void idle() {
        shadowOf(Looper.getMainLooper()).idle();
    }

    /** Lets the application run until something is so. */
    void await(String what, BooleanSupplier condition) {
        long end = System.currentTimeMillis() + PATIENCE_MILLIS;
        while (!condition.getAsBoolean()) {
            if (System.currentTimeMillis() > end) {
                fail(what + " did not come; the screen says: " + status() + " / " + text());
            }
            pass(5);
        }
    }

    /** The main looper's clock stands still but for this. */
    private static void pass(long millis) {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException error) {
            throw new AssertionError(error);
        }
        shadowOf(Looper.getMainLooper()).idleFor(Duration.ofMillis(millis));
    }

    void awaitReady() {
        await("a model that is ready", this::isReady);
    }

    void letRun(long millis) {
        long end = System.currentTimeMillis() + millis;
        while (System.currentTimeMillis() < end) {
            pass(5);
        }
    }

    void rotate() {
        boolean isWide = activity().getResources().getConfiguration().orientation
                == Configuration.ORIENTATION_LANDSCAPE;
        RuntimeEnvironment.setQualifiers(isWide ? "+port" : "+land");
        recreate();
    }

    /** As the system does when the configuration has changed. */
    void recreate() {
        controller.recreate();
    }

    void toBackground() {
        controller.pause().stop();
    }

    void toForeground() {
        controller.restart().start().resume();
    }

    Bundle save() {
        Bundle state = new Bundle();
        controller.saveInstanceState(state);
        return state;
    }

    /** The screen's pixels, drawn by Android's own renderer. */
    static Bitmap picture(View view) {
        Bitmap bitmap = Bitmap.createBitmap(view.getWidth(), view.getHeight(), Bitmap.Config.ARGB_8888);
        view.draw(new Canvas(bitmap));
        return bitmap;
    }

    Bitmap picture() {
        idle();
        return picture(activity().getWindow().getDecorView());
    }

    static void save(Bitmap bitmap, File file) throws IOException {
        try (OutputStream out = new FileOutputStream(file)) {
            assertTrue(bitmap.compress(Bitmap.CompressFormat.PNG, 100, out));
        }
    }

    @Override
    public void close() {
        controller.pause().stop().destroy();
    }
}
