// GyreAndroid: opens models where Android keeps them: in the package's assets, or behind a Uri.
// SPDX-License-Identifier: Apache-2.0
package dev.gyre.android;

import android.content.Context;
import android.content.res.AssetFileDescriptor;
import android.net.Uri;
import dev.gyre.Model;
import dev.gyre.ModelOptions;
import java.io.File;
import java.io.FileNotFoundException;
import java.io.IOException;

/** Nothing is copied: the library reads the file through the descriptor that Android gives. */
public final class GyreAndroid {
    private GyreAndroid() {}

    /** Returns options that keep compiled pipelines in the application's own cache folder. */
    public static ModelOptions.Builder modelOptions(Context context) {
        return ModelOptions.builder().cacheDir(new File(context.getCacheDir(), "gyre").getPath());
    }

    /**
     * Opens a model that is an asset of the application.
     *
     * @throws IOException if there is no such asset, or it is compressed: Gradle keeps it as it is
     *     with {@code androidResources { noCompress 'gguf' }}
     */
    public static Model openAsset(Context context, String name, ModelOptions options)
            throws IOException {
        AssetFileDescriptor file;
        try {
            file = context.getAssets().openFd(name);
        } catch (FileNotFoundException error) {
            throw new IOException("asset " + name + ": not there, or compressed; noCompress 'gguf'"
                    + " in build.gradle keeps it as it is", error);
        }
        return open(file, options);
    }

    /**
     * Opens a model that the user has picked, for example by ACTION_OPEN_DOCUMENT.
     *
     * @throws IOException if the Uri cannot be opened; {@link dev.gyre.GyreException} also if its
     *     provider streams the file, which cannot be mapped
     */
    public static Model openUri(Context context, Uri uri, ModelOptions options) throws IOException {
        AssetFileDescriptor file = context.getContentResolver().openAssetFileDescriptor(uri, "r");
        if (file == null) {
            throw new FileNotFoundException(uri + ": its provider has crashed");
        }
        return open(file, options);
    }

    private static Model open(AssetFileDescriptor file, ModelOptions options) throws IOException {
        try {
            long length = file.getDeclaredLength();
            return Model.open(file.getParcelFileDescriptor().getFd(), file.getStartOffset(),
                    length == AssetFileDescriptor.UNKNOWN_LENGTH ? 0 : length, options);
        } finally {
            file.close();
        }
    }
}
