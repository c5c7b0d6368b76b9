// DeviceInfo: a Vulkan device of this machine, and the list of them.
// SPDX-License-Identifier: Apache-2.0
package dev.gyre;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** What a driver says of its device; immutable. */
public final class DeviceInfo {
    static final int TEXTS = 4;
    static final int NUMBERS = 11;

    private final String[] texts = new String[TEXTS];
    private final long[] numbers;

    /** The fields of gyre_device_info, texts and numbers each in the header's order. */
    DeviceInfo(byte[][] texts, long[] numbers) {
        for (int i = 0; i < TEXTS; i++) {
            this.texts[i] = Utf8.text(texts[i]);
        }
        this.numbers = numbers;
    }

    /**
     * Loads Vulkan and lists its devices, in the order in which the loader gives them.
     *
     * @throws GyreException {@link Status#NO_DEVICE} if there is no Vulkan loader or no driver
     */
    public static List<DeviceInfo> list() {
        long list = Native.deviceListCreate();
        try {
            int count = Native.deviceListCount(list);
            List<DeviceInfo> devices = new ArrayList<>(count);
            for (int i = 0; i < count; i++) {
                byte[][] texts = new byte[TEXTS][];
                long[] numbers = new long[NUMBERS];
                Native.deviceListGet(list, i, texts, numbers);
                devices.add(new DeviceInfo(texts, numbers));
            }
            return Collections.unmodifiableList(devices);
        } finally {
            Native.deviceListDestroy(list);
        }
    }

    /** What kind of device it is; in the order of gyre_device_type. */
    public enum Type {
        OTHER,
        INTEGRATED_GPU,
        DISCRETE_GPU,
        VIRTUAL_GPU,
        /** A software driver such as lavapipe or SwiftShader. */
        CPU
    }

    public String getName() {
        return texts[0];
    }

    public String getDriverName() {
        return texts[1];
    }

    /** Returns the driver's version text. */
    public String getDriverInfo() {
        return texts[2];
    }

    /** Returns what the library lacks on this device; "": it can be used. */
    public String getUnusableBecause() {
        return texts[3];
    }

    public boolean isUsable() {
        return texts[3].isEmpty();
    }

    public Type getType() {
        return Type.values()[(int) numbers[0]];
    }

    /** Returns whether a processor does the work. */
    public boolean isSoftware() {
        return numbers[1] != 0;
    }

    /** Returns whether host and device share their memory. */
    public boolean hasUnifiedMemory() {
        return numbers[2] != 0;
    }

    public int getVendorId() {
        return (int) numbers[3];
    }

    public int getDeviceId() {
        return (int) numbers[4];
    }

    /** Returns the driver's version, in the vendor's own packing. */
    public int getDriverVersion() {
        return (int) numbers[5];
    }

    /** Returns the Vulkan version of the device, for example "1.3.255". */
    public String getApiVersion() {
        long packed = numbers[6];
        return (packed >> 22 & 0x7f) + "." + (packed >> 12 & 0x3ff) + "." + (packed & 0xfff);
    }

    /** Returns the place in the list, which {@link ModelOptions.Builder#device} may name. */
    public int getIndex() {
        return (int) numbers[7];
    }

    public int getSubgroupSize() {
        return (int) numbers[8];
    }

    /** Returns the bytes of device-local memory. */
    public long getMemoryBytes() {
        return numbers[9];
    }

    /** Returns the most bytes that a shader can address in one buffer. */
    public long getMaxStorageBytes() {
        return numbers[10];
    }
}
