// Passage: the text on the screen: what the user typed and what the model wrote.
// SPDX-License-Identifier: Apache-2.0
package dev.gyre.demo;

import android.os.Bundle;
import android.text.SpannableStringBuilder;
import android.text.Spanned;
import android.text.style.ForegroundColorSpan;
import java.util.ArrayList;

/** A text whose typed parts are known, so that they can be shown in another colour. */
final class Passage {
    private final StringBuilder text = new StringBuilder();
    private final ArrayList<Integer> typed = new ArrayList<>(); // begin and end of each typed part
    private int edition;

    void addTyped(String part) {
        typed.add(text.length());
        text.append(part);
        typed.add(text.length());
    }

    void addWritten(String part) {
        text.append(part);
    }

    void clear() {
        text.setLength(0);
        typed.clear();
        edition++;
    }

    /** Returns a number that stays the same while the text only grows. */
    int getEdition() {
        return edition;
    }

    int length() {
        return text.length();
    }

    boolean isEmpty() {
        return text.length() == 0;
    }

    @Override
    public String toString() {
        return text.toString();
    }

    /** Returns the text from a place on, with the typed parts in a colour. */
    CharSequence styledFrom(int begin, int typedColor) {
        SpannableStringBuilder styled = new SpannableStringBuilder(text, begin, text.length());
        for (int i = 0; i < typed.size(); i += 2) {
            int from = Math.max(typed.get(i), begin);
            int to = typed.get(i + 1);
            if (from < to) {
                styled.setSpan(new ForegroundColorSpan(typedColor), from - begin, to - begin,
                        Spanned.SPAN_EXCLUSIVE_EXCLUSIVE);
            }
        }
        return styled;
    }

    void save(Bundle state) {
        state.putString("text", text.toString());
        state.putIntegerArrayList("typed", typed);
    }

    void restore(Bundle state) {
        clear();
        text.append(state.getString("text", ""));
        ArrayList<Integer> saved = state.getIntegerArrayList("typed");
        if (saved != null) {
            typed.addAll(saved);
        }
    }
}
