// ModelOptions: how a model is opened.
// SPDX-License-Identifier: Apache-2.0
package dev.gyre;

import java.util.ArrayList;
import java.util.List;

/** Immutable; made by {@link #builder}. The native library reads the fields by their names. */
public final class ModelOptions {
    static final ModelOptions DEFAULT = builder().build();

    final byte[] device;
    final byte[] cacheDir;
    final byte[][] ignoreKeys;
    final ProgressListener progress;
    final boolean noTuning;
    final int matrixUnits;

    private ModelOptions(Builder from) {
        device = Utf8.nameOrNull(from.device, "device");
        cacheDir = Utf8.nameOrNull(from.cacheDir, "cacheDir");
        ignoreKeys = Utf8.names(from.ignoreKeys, from.ignoreKeys.size(), "ignoreKey");
        progress = from.progress;
        noTuning = !from.tuning;
        matrixUnits = from.matrixUnits.ordinal();
    }

    public static Builder builder() {
        return new Builder();
    }

    /** Whether a GPU's matrix units compute prompts; in the order of gyre_matrix_units. */
    public enum MatrixUnits {
        /** On GPUs where that was measured to be faster. */
        AUTO,
        OFF,
        /** On every GPU that has them. */
        ON
    }

    /** Collects options; what is not set keeps its default. */
    public static final class Builder {
        private String device;
        private String cacheDir;
        private final List<String> ignoreKeys = new ArrayList<>();
        private ProgressListener progress;
        private boolean tuning = true;
        private MatrixUnits matrixUnits = MatrixUnits.AUTO;

        private Builder() {}

        /**
         * Which device: an index of {@link DeviceInfo#list}, a part of a device's or driver's name,
         * "auto" (default: a real GPU if there is one, else a software driver), or "none" (no driver
         * is loaded and no weights are read: information and tokenizer only).
         */
        public Builder device(String selector) {
            device = selector;
            return this;
        }

        /**
         * Folder for compiled pipelines and tuned kernels; made if it is not there. Default: a
         * folder of the user's; "" means that nothing is written. An Android application gives one
         * in {@code Context.getCacheDir()}, as the AAR's own methods do.
         */
        public Builder cacheDir(String folder) {
            cacheDir = folder;
            return this;
        }

        /** Opens the file without this key or tensor, at your own risk; may be called repeatedly. */
        public Builder ignoreKey(String name) {
            ignoreKeys.add(name);
            return this;
        }

        public Builder progress(ProgressListener listener) {
            progress = listener;
            return this;
        }

        /** false: do not spend up to a second of the first start on timing kernels. */
        public Builder tuning(boolean allowed) {
            tuning = allowed;
            return this;
        }

        public Builder matrixUnits(MatrixUnits use) {
            matrixUnits = Checks.notNull(use, "matrixUnits");
            return this;
        }

        public ModelOptions build() {
            return new ModelOptions(this);
        }
    }
}
