// ModelsDialog: where a model to talk to comes from, and its licence, before the user picks a file.
// SPDX-License-Identifier: Apache-2.0
package dev.gyre.demo;

import android.app.Activity;
import android.app.AlertDialog;
import android.content.Context;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;

final class ModelsDialog {
    private ModelsDialog() {}

    /** pick opens the system's picker. */
    static AlertDialog show(Activity activity, Runnable pick) {
        return new AlertDialog.Builder(activity)
                .setTitle(R.string.open_model)
                .setMessage(R.string.models)
                .setPositiveButton(R.string.choose_file, (dialog, which) -> pick.run())
                .setNeutralButton(R.string.licence, (dialog, which) -> showLicence(activity))
                .setNegativeButton(R.string.cancel, null)
                .show();
    }

    private static void showLicence(Activity activity) {
        new AlertDialog.Builder(activity)
                .setTitle(R.string.licence)
                .setMessage(asset(activity, "LICENSE"))
                .setPositiveButton(R.string.done, null)
                .show();
    }

    private static String asset(Context context, String name) {
        try (InputStream in = context.getAssets().open(name)) {
            ByteArrayOutputStream bytes = new ByteArrayOutputStream();
            byte[] part = new byte[4096];
            for (int read = in.read(part); read >= 0; read = in.read(part)) {
                bytes.write(part, 0, read);
            }
            return new String(bytes.toByteArray(), StandardCharsets.UTF_8);
        } catch (IOException error) {
            return error.toString();
        }
    }
}
