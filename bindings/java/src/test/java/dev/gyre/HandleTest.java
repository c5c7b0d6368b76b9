// HandleTest: an object is freed once, by the last who uses it, and nobody gets it after close.
// SPDX-License-Identifier: Apache-2.0
package dev.gyre;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.Test;

public class HandleTest {
    private static final class Counting extends Handle {
        final AtomicInteger freed = new AtomicInteger();
        final AtomicInteger interrupted = new AtomicInteger();

        Counting() {
            super("the thing", 42);
        }

        @Override
        void free(long address) {
            assertEquals(42, address);
            freed.incrementAndGet();
        }

        @Override
        void interrupt(long address) {
            assertEquals(42, address);
            assertEquals("freed before it was interrupted", 0, freed.get());
            interrupted.incrementAndGet();
        }
    }

    @Test
    public void closeFreesOnce() {
        Counting handle = new Counting();
        assertEquals(42, handle.enter());
        handle.leave();
        assertEquals(0, handle.freed.get());
        handle.close();
        handle.close();
        assertEquals(1, handle.freed.get());
        assertEquals("nothing ran", 0, handle.interrupted.get());
    }

    @Test
    public void closeDuringUseInterruptsAndTheLastUserFrees() {
        Counting handle = new Counting();
        handle.enter();
        handle.enter();
        handle.close();
        assertEquals(1, handle.interrupted.get());
        assertThrows(IllegalStateException.class, handle::enter);
        handle.leave();
        assertEquals("one user is left", 0, handle.freed.get());
        handle.leave();
        assertEquals(1, handle.freed.get());
    }

    @Test
    public void useAfterCloseSaysWhat() {
        Counting handle = new Counting();
        handle.close();
        IllegalStateException error = assertThrows(IllegalStateException.class, handle::enter);
        assertEquals("the thing is closed", error.getMessage());
        handle.interruptIfOpen();
        assertEquals(0, handle.interrupted.get());
        assertTrue(handle.isClosed());
    }

    @Test
    public void racesEndWithOneFree() throws InterruptedException {
        for (int round = 0; round < 300; round++) {
            Counting handle = new Counting();
            CountDownLatch start = new CountDownLatch(1);
            List<Thread> threads = new ArrayList<>();
            AtomicInteger wrong = new AtomicInteger();
            for (int i = 0; i < 3; i++) {
                threads.add(new Thread(() -> useUntilClosed(handle, start, wrong)));
            }
            threads.add(new Thread(() -> {
                awaitQuietly(start);
                handle.close();
            }));
            for (Thread thread : threads) {
                thread.start();
            }
            start.countDown();
            for (Thread thread : threads) {
                thread.join();
            }
            assertEquals("freed while in use", 0, wrong.get());
            assertEquals(1, handle.freed.get());
        }
    }

    private static void useUntilClosed(Counting handle, CountDownLatch start, AtomicInteger wrong) {
        awaitQuietly(start);
        while (true) {
            try {
                handle.enter();
            } catch (IllegalStateException closed) {
                return;
            }
            if (handle.freed.get() != 0) {
                wrong.incrementAndGet();
            }
            handle.leave();
        }
    }

    private static void awaitQuietly(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException error) {
            throw new AssertionError(error);
        }
    }
}
