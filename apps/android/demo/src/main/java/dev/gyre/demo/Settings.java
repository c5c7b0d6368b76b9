// Settings: how the demo samples, kept over starts of the application.
// SPDX-License-Identifier: Apache-2.0
package dev.gyre.demo;

import android.content.SharedPreferences;
import dev.gyre.GenerateOptions;
import dev.gyre.SamplingOptions;

/** The numbers that the settings' sliders set. */
final class Settings {
    /** One slider: its name, the range of its value, and the value at first. */
    enum Value {
        TEMPERATURE(R.string.temperature, 0, 2, 0.05f, 0.8f),
        TOP_K(R.string.top_k, 0, 200, 1, 40),
        TOP_P(R.string.top_p, 0.05f, 1, 0.05f, 0.95f),
        MIN_P(R.string.min_p, 0, 0.5f, 0.01f, 0.05f),
        REPEAT_PENALTY(R.string.repeat_penalty, 1, 2, 0.05f, 1.1f),
        MAX_TOKENS(R.string.max_tokens, 10, 400, 10, 120);

        final int name;
        final float from;
        final float step;
        final int steps;
        final float first;

        Value(int name, float from, float to, float step, float first) {
            this.name = name;
            this.from = from;
            this.step = step;
            this.steps = Math.round((to - from) / step);
            this.first = first;
        }

        float at(int place) {
            return from + place * step;
        }

        int placeOf(float value) {
            return Math.round((value - from) / step);
        }

        String text(float value) {
            return step < 1 ? String.format("%.2f", value) : String.valueOf(Math.round(value));
        }
    }

    private static final String FIXED_SEED = "fixed_seed";

    private final SharedPreferences store;

    Settings(SharedPreferences store) {
        this.store = store;
    }

    float get(Value value) {
        return store.getFloat(value.name(), value.first);
    }

    void set(Value value, float to) {
        store.edit().putFloat(value.name(), to).apply();
    }

    /** Whether the same prompt is always written on in the same way. */
    boolean isSeedFixed() {
        return store.getBoolean(FIXED_SEED, false);
    }

    void setSeedFixed(boolean fixed) {
        store.edit().putBoolean(FIXED_SEED, fixed).apply();
    }

    GenerateOptions options() {
        SamplingOptions sampling = SamplingOptions.builder()
                .seed(isSeedFixed() ? 1 : System.nanoTime())
                .temperature(get(Value.TEMPERATURE))
                .topK(Math.round(get(Value.TOP_K)))
                .topP(Math.min(get(Value.TOP_P), 1))
                .minP(get(Value.MIN_P))
                .repeatPenalty(get(Value.REPEAT_PENALTY))
                .build();
        return GenerateOptions.builder()
                .sampling(sampling)
                .maxTokens(Math.round(get(Value.MAX_TOKENS)))
                .build();
    }
}
