// TokenInfo: what a model's vocabulary says of one token.
// SPDX-License-Identifier: Apache-2.0
package dev.gyre;

/** A token's bytes and kind; immutable. */
public final class TokenInfo {
    private final byte[] bytes;
    private final Kind kind;
    private final boolean endsText;

    /** numbers: kind and ends_text of gyre_token_info. */
    TokenInfo(byte[] bytes, int[] numbers) {
        this.bytes = bytes;
        this.kind = Kind.of(numbers[0]);
        this.endsText = numbers[1] != 0;
    }

    /** What a token stands for; the numbers are those of the file's tokenizer.ggml.token_type. */
    public enum Kind {
        NORMAL(1),
        UNKNOWN(2),
        /** Has a meaning instead of a text. */
        CONTROL(3),
        USER_DEFINED(4),
        UNUSED(5),
        BYTE(6);

        private final int number;

        Kind(int number) {
            this.number = number;
        }

        static Kind of(int number) {
            for (Kind kind : values()) {
                if (kind.number == number) {
                    return kind;
                }
            }
            return UNKNOWN;
        }
    }

    /** Returns the bytes that the token stands for, perhaps only a part of a character. */
    public byte[] getBytes() {
        return bytes.clone();
    }

    public Kind getKind() {
        return kind;
    }

    /** Returns whether the model ends a text with it. */
    public boolean endsText() {
        return endsText;
    }
}
