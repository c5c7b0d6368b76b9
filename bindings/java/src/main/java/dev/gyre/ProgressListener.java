// ProgressListener: is told how far the opening of a model or the making of a session has come.
// SPDX-License-Identifier: Apache-2.0
package dev.gyre;

/** Told about progress in the thread that made the call. */
public interface ProgressListener {
    /**
     * Receives how far a stage has come.
     *
     * @param stage what is being done: "read", "upload", "compile" and the like
     * @param fraction 0 to 1, of this stage
     * @return true to go on; false cancels: the call throws {@link Status#CANCELLED}
     */
    boolean onProgress(String stage, double fraction);
}
