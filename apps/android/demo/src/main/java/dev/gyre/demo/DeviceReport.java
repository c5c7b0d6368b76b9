// DeviceReport: what Vulkan devices there are, what the model is, and what memory it takes.
// SPDX-License-Identifier: Apache-2.0
package dev.gyre.demo;

import android.app.Activity;
import android.app.AlertDialog;
import android.content.ClipData;
import android.content.ClipboardManager;
import dev.gyre.DeviceInfo;
import dev.gyre.Gyre;
import dev.gyre.GyreException;
import dev.gyre.MemoryNeed;
import dev.gyre.ModelInfo;
import java.util.List;

/** A text to read, and to copy into the report of a problem. */
final class DeviceReport {
    private DeviceReport() {}

    static AlertDialog show(Activity activity, Workbench workbench) {
        String report = text(workbench.getLoaded());
        return new AlertDialog.Builder(activity)
                .setTitle(R.string.device)
                .setMessage(report)
                .setPositiveButton(R.string.done, null)
                .setNeutralButton(R.string.copy, (dialog, which) ->
                        activity.getSystemService(ClipboardManager.class)
                                .setPrimaryClip(ClipData.newPlainText("Gyre", report)))
                .show();
    }

    /** loaded may be null. */
    static String text(Workbench.Loaded loaded) {
        StringBuilder report = new StringBuilder("Gyre " + Gyre.version() + "\n");
        try {
            List<DeviceInfo> devices = DeviceInfo.list();
            for (DeviceInfo device : devices) {
                add(report, device);
            }
        } catch (GyreException error) {
            report.append("\n").append(error.getMessage()).append("\n");
        }
        if (loaded != null) {
            add(report, loaded.info);
            add(report, loaded.need);
        }
        return report.toString().trim();
    }

    private static void add(StringBuilder report, DeviceInfo device) {
        report.append("\n").append(device.getName())
                .append("\n  driver: ").append(device.getDriverName()).append(' ')
                .append(device.getDriverInfo())
                .append("\n  Vulkan ").append(device.getApiVersion())
                .append(", subgroups of ").append(device.getSubgroupSize())
                .append("\n  memory: ").append(Sizes.text(device.getMemoryBytes()));
        if (!device.isUsable()) {
            report.append("\n  cannot be used: ").append(device.getUnusableBecause());
        }
        report.append("\n");
    }

    private static void add(StringBuilder report, ModelInfo info) {
        report.append("\n").append(info.getName()).append(": ").append(info.getArchitecture())
                .append("\n  ").append(info.getParameterCount()).append(" parameters, ")
                .append(info.getWeightTypes())
                .append("\n  ").append(info.getLayerCount()).append(" layers of ")
                .append(info.getEmbeddingSize()).append(", context ").append(info.getContextSize())
                .append("\n  positions: ").append(info.getRotaryText())
                .append("\n");
    }

    private static void add(StringBuilder report, MemoryNeed need) {
        report.append("\nMemory of the device")
                .append("\n  weights: ").append(Sizes.text(need.getWeightsBytes()))
                .append("\n  keys and values: ").append(Sizes.text(need.getCacheBytes()))
                .append("\n  work: ").append(Sizes.text(need.getWorkBytes()))
                .append("\n  available: ").append(Sizes.text(need.getAvailableBytes()))
                .append("\n");
    }
}
