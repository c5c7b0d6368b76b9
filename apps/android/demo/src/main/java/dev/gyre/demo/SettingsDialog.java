// SettingsDialog: the sliders of the sampling settings.
// SPDX-License-Identifier: Apache-2.0
package dev.gyre.demo;

import android.app.Activity;
import android.app.AlertDialog;
import android.view.LayoutInflater;
import android.view.View;
import android.view.ViewGroup;
import android.widget.SeekBar;
import android.widget.Switch;
import android.widget.TextView;

/** What is set holds from the next text on, and is kept. */
final class SettingsDialog {
    private SettingsDialog() {}

    static AlertDialog show(Activity activity, Settings settings) {
        View content = LayoutInflater.from(activity).inflate(R.layout.settings, null);
        ViewGroup rows = content.findViewById(R.id.rows);
        for (Settings.Value value : Settings.Value.values()) {
            View row = LayoutInflater.from(activity).inflate(R.layout.setting, rows, false);
            bind(row, value, settings);
            rows.addView(row);
        }
        Switch seed = content.findViewById(R.id.fixed_seed);
        seed.setChecked(settings.isSeedFixed());
        seed.setOnCheckedChangeListener((view, checked) -> settings.setSeedFixed(checked));
        return new AlertDialog.Builder(activity)
                .setTitle(R.string.settings)
                .setView(content)
                .setPositiveButton(R.string.done, null)
                .show();
    }

    private static void bind(View row, Settings.Value value, Settings settings) {
        TextView name = row.findViewById(R.id.name);
        TextView number = row.findViewById(R.id.number);
        SeekBar slider = row.findViewById(R.id.slider);
        name.setText(value.name);
        number.setText(value.text(settings.get(value)));
        slider.setMax(value.steps);
        slider.setProgress(value.placeOf(settings.get(value)));
        slider.setContentDescription(name.getText());
        slider.setOnSeekBarChangeListener(new SeekBar.OnSeekBarChangeListener() {
            @Override
            public void onProgressChanged(SeekBar bar, int place, boolean byUser) {
                settings.set(value, value.at(place));
                number.setText(value.text(value.at(place)));
            }

            @Override
            public void onStartTrackingTouch(SeekBar bar) {}

            @Override
            public void onStopTrackingTouch(SeekBar bar) {}
        });
    }
}
