// StatusLine: the two lines of the screen that say what the model is and how fast it writes.
// SPDX-License-Identifier: Apache-2.0
package dev.gyre.demo;

import android.content.Context;
import dev.gyre.StopReason;
import dev.gyre.Timings;

final class StatusLine {
    private final Context context;

    StatusLine(Context context) {
        this.context = context;
    }

    String ofModel(Workbench workbench) {
        Workbench.Loaded loaded = workbench.getLoaded();
        if (loaded == null) {
            return context.getString(workbench.getState() == Workbench.State.LOADING
                    ? R.string.opening : R.string.no_model);
        }
        String name = loaded.info.getName().isEmpty()
                ? loaded.info.getArchitecture() : loaded.info.getName();
        return context.getString(R.string.model_line, name, shortName(loaded.device.getName()));
    }

    /** "llvmpipe (LLVM 15.0.6, 256 bits)" is too much for a line of a phone. */
    private static String shortName(String device) {
        int details = device.indexOf(" (");
        return details > 0 ? device.substring(0, details) : device;
    }

    String ofText(Workbench workbench) {
        switch (workbench.getState()) {
            case LOADING:
                return workbench.getStage();
            case FAILED:
                return context.getString(R.string.pick_another);
            case WRITING:
                return workbench.getSpeed() == 0 ? context.getString(R.string.reading)
                        : context.getString(R.string.writing_line, workbench.getSpeed(),
                                workbench.getTokens());
            default:
                return ofEnd(workbench);
        }
    }

    private String ofEnd(Workbench workbench) {
        Timings timings = workbench.getTimings();
        if (!workbench.getProblem().isEmpty()) {
            return workbench.getProblem();
        }
        if (timings == null) {
            return context.getString(R.string.ready);
        }
        // What the library calls the first token's time does not count a conversation's prompt.
        String line = workbench.isChat()
                ? context.getString(R.string.answered_line, timings.getDecodeTokensPerSecond(),
                        workbench.getTokens())
                : context.getString(R.string.ended_line, timings.getDecodeTokensPerSecond(),
                        workbench.getTokens(), timings.getTimeToFirstTokenSeconds());
        if (workbench.getEnded() == StopReason.CONTEXT_FULL) {
            return line + context.getString(R.string.context_full);
        }
        return workbench.isChat() && workbench.getLoaded().conversation.getForgottenMessages() > 0
                ? line + context.getString(R.string.forgotten) : line;
    }
}
