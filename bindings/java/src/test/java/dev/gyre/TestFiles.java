// TestFiles: what the tests share: the shipped model, and a session on it.
// SPDX-License-Identifier: Apache-2.0
package dev.gyre;

import java.io.File;

final class TestFiles {
    static final String PROMPT = "Once upon a time";

    private TestFiles() {}

    /** Returns a file of the source tree. */
    static File file(String path) {
        return new File(System.getProperty("gyre.root"), path);
    }

    static File model() {
        return file("models/gyre-books-5m.gguf");
    }

    /** Opens the shipped model on the driver that the environment names; writes no caches. */
    static Model open() {
        return Model.open(model(), device());
    }

    static ModelOptions device() {
        return ModelOptions.builder().cacheDir("").tuning(false).build();
    }

    /** Needs no driver: information and tokenizer only. */
    static Model openWithoutDevice() {
        return Model.open(model(), noDevice());
    }

    static ModelOptions noDevice() {
        return ModelOptions.builder().device("none").build();
    }

    static GenerateOptions greedy(int tokens) {
        return GenerateOptions.builder().sampling(SamplingOptions.greedy()).maxTokens(tokens).build();
    }

    /** Writes on and returns the text. */
    static String write(Session session, String prompt, GenerateOptions options) {
        StringBuilder text = new StringBuilder();
        session.generate(prompt, options, token -> {
            text.append(token.getText());
            return true;
        });
        return text.toString();
    }
}
