// Native: the functions of the native library, one for each of the C API that Java offers.
// SPDX-License-Identifier: Apache-2.0
package dev.gyre;

import java.io.FileDescriptor;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;

/**
 * Implemented in src/main/native, which registers each by its name and signature.
 *
 * <p>Addresses come from a {@link Handle}. Texts are UTF-8 bytes. What fails throws
 * {@link GyreException}.
 */
final class Native {
    static {
        NativeLibrary.load();
    }

    private Native() {}

    static native int version();

    static native void setLog(LogSink sink, int maxLevel);

    static native void setVulkanLoader(byte[] path);

    static native long deviceListCreate();

    static native void deviceListDestroy(long list);

    static native int deviceListCount(long list);

    static native void deviceListGet(long list, int index, byte[][] texts, long[] numbers);

    static native int descriptorNumber(FileDescriptor descriptor);

    static native long modelOpenPath(byte[] path, ModelOptions options);

    static native long modelOpenDescriptor(
            int descriptor, long offset, long length, ModelOptions options);

    static native long modelOpenMemory(ByteBuffer direct, long length, ModelOptions options);

    static native void modelDestroy(long model);

    static native void modelInfo(long model, byte[][] texts, long[] numbers);

    static native void modelDevice(long model, byte[][] texts, long[] numbers);

    static native int[] modelTokenize(long model, byte[] text, boolean parseSpecial);

    static native byte[] modelDetokenize(long model, int[] tokens);

    static native byte[] modelToken(long model, int token, int[] numbers);

    static native byte[][] modelMetadataKeys(long model);

    static native byte[] modelMetadata(long model, byte[] key);

    static native byte[] modelEstimate(
            long model, byte[] device, SessionOptions options, long[] numbers);

    static native boolean modelHasChatTemplate(long model);

    static native byte[] modelChatText(long model, byte[][] roles, byte[][] contents,
            byte[] template, boolean generationPrompt);

    static native int[] modelChatTokens(long model, byte[][] roles, byte[][] contents,
            byte[] template, boolean generationPrompt);

    /** forgotten: receives how many messages after the system's are left out. */
    static native int[] modelChatFit(long model, byte[][] roles, byte[][] contents,
            byte[] template, boolean generationPrompt, int contextSize, int maxTokens,
            int[] forgotten);

    static native void modelPause(long model);

    static native void modelResume(long model);

    static native long sessionCreate(long model, SessionOptions options);

    static native void sessionDestroy(long session);

    static native void sessionReset(long session);

    static native void sessionTruncate(long session, int n);

    static native void sessionShift(long session, int first, int count);

    static native long sessionFork(long session);

    static native int sessionPosition(long session);

    static native int sessionContextSize(long session);

    static native void sessionFeed(long session, int[] tokens);

    static native float[] sessionLogits(long session);

    static native int sessionSample(
            long session, SamplingOptions options, TokenSink sink, boolean filters);

    static native int sample(float[] logits, int[] history, long step, SamplingOptions options,
            TokenSink sink, boolean filters);

    static native int[] sessionTokens(long session);

    static native int sessionSetTokens(long session, int[] tokens);

    static native void sessionSave(long session, OutputStream to) throws IOException;

    static native void sessionLoad(long session, InputStream from) throws IOException;

    static native void sessionTimings(long session, double[] times, long[] counts);

    static native void sessionMemory(long session, long[] numbers);

    static native void sessionCancel(long session);

    static native void sessionGenerate(long session, byte[] prompt, GenerateOptions options,
            TokenSink sink, boolean listens, boolean filters, int[] result);
}
