// MainActivity: the demo's one screen: a text, a field to type in, a button that lets the model write on.
// SPDX-License-Identifier: Apache-2.0
package dev.gyre.demo;

import android.app.Activity;
import android.content.ActivityNotFoundException;
import android.content.Context;
import android.content.Intent;
import android.net.Uri;
import android.os.Bundle;
import android.view.View;
import android.view.inputmethod.InputMethodManager;
import android.widget.Button;
import android.widget.EditText;
import android.widget.ScrollView;
import android.widget.TextView;
import android.widget.Toast;

/** Draws what the {@link Workbench} has, and hands it what the user does. */
public final class MainActivity extends Activity implements Workbench.Screen {
    private static final int PICK_MODEL = 1;
    private static final int NOTHING_SHOWN = -1;

    private Workbench workbench;
    private Settings settings;
    private StatusLine statusLine;
    private TextView model;
    private TextView text;
    private ScrollView scroll;
    private TextView status;
    private EditText prompt;
    private Button write;
    private View clear;
    private int shownEdition = NOTHING_SHOWN; // of the passage, and how much of it the view has
    private int shownLength;

    @Override
    protected void onCreate(Bundle saved) {
        super.onCreate(saved);
        setContentView(R.layout.main);
        settings = new Settings(getSharedPreferences("settings", Context.MODE_PRIVATE));
        statusLine = new StatusLine(this);
        model = findViewById(R.id.model);
        text = findViewById(R.id.text);
        scroll = findViewById(R.id.scroll);
        status = findViewById(R.id.status);
        prompt = findViewById(R.id.prompt);
        write = findViewById(R.id.write);
        clear = findViewById(R.id.clear);
        write.setOnClickListener(view -> writeOrStop());
        clear.setOnClickListener(view -> workbench.clear());
        findViewById(R.id.open).setOnClickListener(view -> ModelsDialog.show(this, this::pickModel));
        findViewById(R.id.device).setOnClickListener(view -> DeviceReport.show(this, workbench));
        findViewById(R.id.settings).setOnClickListener(view -> SettingsDialog.show(this, settings));
        takeWorkbench(saved);
    }

    /** After a rotation it is the old one, at work; after the system ended the process, a new one. */
    private void takeWorkbench(Bundle saved) {
        workbench = (Workbench) getLastNonConfigurationInstance();
        boolean isNew = workbench == null;
        if (isNew) {
            workbench = new Workbench(this);
        }
        workbench.setScreen(this);
        if (isNew && saved != null) {
            workbench.restore(saved);
        } else if (isNew) {
            workbench.open(null);
        }
        onChange();
    }

    @Override
    public Object onRetainNonConfigurationInstance() {
        return workbench;
    }

    @Override
    protected void onSaveInstanceState(Bundle state) {
        super.onSaveInstanceState(state);
        workbench.save(state);
    }

    @Override
    protected void onStart() {
        super.onStart();
        workbench.resume();
    }

    @Override
    protected void onStop() {
        super.onStop();
        if (!isChangingConfigurations()) {
            workbench.pause();
        }
    }

    @Override
    protected void onDestroy() {
        super.onDestroy();
        workbench.setScreen(null);
        if (!isChangingConfigurations()) {
            workbench.close();
        }
    }

    private void writeOrStop() {
        if (workbench.getState() == Workbench.State.WRITING) {
            workbench.stop();
            return;
        }
        if (workbench.write(prompt.getText().toString(), settings)) {
            prompt.setText("");
            hideKeyboard();
        }
    }

    private void hideKeyboard() {
        InputMethodManager keyboard = getSystemService(InputMethodManager.class);
        keyboard.hideSoftInputFromWindow(prompt.getWindowToken(), 0);
        prompt.clearFocus();
    }

    private void pickModel() {
        Intent intent = new Intent(Intent.ACTION_OPEN_DOCUMENT)
                .addCategory(Intent.CATEGORY_OPENABLE)
                .setType("*/*"); // no system knows a type for GGUF
        try {
            startActivityForResult(intent, PICK_MODEL);
        } catch (ActivityNotFoundException noPicker) {
            Toast.makeText(this, R.string.no_picker, Toast.LENGTH_LONG).show();
        }
    }

    @Override
    protected void onActivityResult(int request, int result, Intent data) {
        super.onActivityResult(request, result, data);
        if (request == PICK_MODEL && result == RESULT_OK && data != null && data.getData() != null) {
            keepAccess(data.getData());
            workbench.open(data.getData());
        }
    }

    /** So that the model can be opened again when the system has ended the process. */
    private void keepAccess(Uri picked) {
        try {
            getContentResolver()
                    .takePersistableUriPermission(picked, Intent.FLAG_GRANT_READ_URI_PERMISSION);
        } catch (SecurityException onlyForNow) {
            // Some providers grant a single use; the model works until the process ends.
        }
    }

    @Override
    public void onChange() {
        Workbench.State state = workbench.getState();
        boolean writing = state == Workbench.State.WRITING;
        model.setText(statusLine.ofModel(workbench));
        status.setText(statusLine.ofText(workbench));
        boolean empty = workbench.getPassage().isEmpty();
        write.setText(writing ? R.string.stop : nextStep(empty));
        write.setEnabled(writing || state == Workbench.State.READY);
        write.setActivated(writing);
        prompt.setHint(workbench.isChat() ? R.string.say_hint
                : empty ? R.string.prompt_hint : R.string.next_hint);
        clear.setVisibility(
                state == Workbench.State.READY && !empty ? View.VISIBLE : View.INVISIBLE);
        showText();
    }

    private int nextStep(boolean empty) {
        if (workbench.isChat()) {
            return workbench.isCut() ? R.string.go_on : R.string.say;
        }
        return empty ? R.string.write : R.string.go_on;
    }

    private void showText() {
        Passage passage = workbench.getPassage();
        if (passage.isEmpty()) {
            shownEdition = NOTHING_SHOWN;
            text.setTextColor(getColor(R.color.on_surface_dim));
            text.setText(workbench.getState() == Workbench.State.FAILED
                    ? workbench.getProblem()
                    : getString(workbench.isChat() ? R.string.empty_chat : R.string.empty));
        } else if (shownEdition != passage.getEdition()) {
            text.setTextColor(getColor(R.color.on_surface));
            text.setText("");
            shownEdition = passage.getEdition();
            shownLength = 0;
            append(passage);
        } else if (passage.length() > shownLength) {
            append(passage);
        }
    }

    private void append(Passage passage) {
        text.append(passage.styledFrom(shownLength, getColor(R.color.accent)));
        shownLength = passage.length();
        scroll.post(() -> scroll.scrollTo(0, text.getHeight()));
    }
}
