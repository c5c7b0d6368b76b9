// ModelInfo: what is in a model file.
// SPDX-License-Identifier: Apache-2.0
package dev.gyre;

/** A model's shape, names and sizes; immutable. */
public final class ModelInfo {
    static final int TEXTS = 7;
    static final int NUMBERS = 15;

    private final String[] texts = new String[TEXTS];
    private final long[] numbers;

    /** The fields of gyre_model_info, texts and numbers each in the header's order. */
    ModelInfo(byte[][] texts, long[] numbers) {
        for (int i = 0; i < TEXTS; i++) {
            this.texts[i] = Utf8.text(texts[i]);
        }
        this.numbers = numbers;
    }

    /** Returns the file's general.architecture, for example "gpt2". */
    public String getArchitecture() {
        return texts[0];
    }

    /** Returns the file's general.name; "" if it has none. */
    public String getName() {
        return texts[1];
    }

    /** Returns "learned", "rotary", "none" and the like. */
    public String getPosition() {
        return texts[2];
    }

    /** Returns one line, for people, on how positions rotate. */
    public String getRotaryText() {
        return texts[3];
    }

    /** Returns the same as one JSON object. */
    public String getRotaryJson() {
        return texts[4];
    }

    /** Returns the tensor types by bytes, largest first: "Q8_0, F32". */
    public String getWeightTypes() {
        return texts[5];
    }

    /** Returns what {@link ModelOptions.Builder#ignoreKey} left out, one line each. */
    public String getIgnored() {
        return texts[6];
    }

    public long getParameterCount() {
        return numbers[0];
    }

    public long getFileBytes() {
        return numbers[1];
    }

    /** Returns the bytes of the weights on the device; 0 if it was opened with "none". */
    public long getDeviceBytes() {
        return numbers[2];
    }

    /** Returns the number of tokens that the model knows. */
    public int getVocabularySize() {
        return (int) numbers[3];
    }

    /** Returns the number of positions that the model was trained for. */
    public int getContextSize() {
        return (int) numbers[4];
    }

    public int getEmbeddingSize() {
        return (int) numbers[5];
    }

    public int getLayerCount() {
        return (int) numbers[6];
    }

    public int getHeadCount() {
        return (int) numbers[7];
    }

    /** Returns the number of key and value heads per layer. */
    public int getKvHeadCount() {
        return (int) numbers[8];
    }

    public int getHeadSize() {
        return (int) numbers[9];
    }

    public int getFeedForwardSize() {
        return (int) numbers[10];
    }

    /** Returns the token that begins a text, or {@link Token#NONE}. */
    public int getBeginToken() {
        return (int) numbers[11];
    }

    /** Returns the token that ends a text, or {@link Token#NONE}. */
    public int getEndToken() {
        return (int) numbers[12];
    }

    public boolean hasTokenizer() {
        return numbers[13] != 0;
    }

    /** Returns whether "auto" found no GPU and took a software driver. */
    public boolean isSoftwareFallback() {
        return numbers[14] != 0;
    }
}
