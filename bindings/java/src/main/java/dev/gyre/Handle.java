// Handle: an object of the native library, kept alive while a call uses it and freed once.
// SPDX-License-Identifier: Apache-2.0
package dev.gyre;

/**
 * The address of a native object and the number of calls that use it.
 *
 * <p>{@link #close} may come at any moment, from any thread, even from a listener that a call on
 * the same object is telling something: the object is then freed by the last call that leaves it,
 * and no later call gets its address.
 */
abstract class Handle {
    private final String name;
    private long address;
    private int users;
    private boolean closed;

    Handle(String name, long address) {
        this.name = name;
        this.address = address;
    }

    /** Frees the native object; called once, without the lock. */
    abstract void free(long address);

    /** Asks a call that runs on the object to end soon; called with the lock, must not wait. */
    void interrupt(long address) {}

    /** Returns the address, which stays valid until the matching {@link #leave}. */
    final synchronized long enter() {
        if (closed) {
            throw new IllegalStateException(name + " is closed");
        }
        users++;
        return address;
    }

    final void leave() {
        long unused = 0;
        synchronized (this) {
            users--;
            if (closed && users == 0) {
                unused = take();
            }
        }
        if (unused != 0) {
            free(unused);
        }
    }

    /** As a call that must not fail: does nothing on an object that is closed. */
    final synchronized void interruptIfOpen() {
        if (!closed) {
            interrupt(address);
        }
    }

    final void close() {
        long unused = 0;
        synchronized (this) {
            if (closed) {
                return;
            }
            closed = true;
            if (users == 0) {
                unused = take();
            } else {
                interrupt(address);
            }
        }
        if (unused != 0) {
            free(unused);
        }
    }

    final synchronized boolean isClosed() {
        return closed;
    }

    private long take() {
        long taken = address;
        address = 0;
        return taken;
    }
}
