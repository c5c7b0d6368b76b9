#!/usr/bin/env python3
"""Checks a jar of ours: classes for the Java version that is promised, the native library, the licence.

SPDX-License-Identifier: Apache-2.0

    jar_check.py JAR --java 8

Prints one line of facts; for every fact that is not as asked, one line on stderr, and exits with 1.
"""

import argparse
import os
import struct
import sys
import zipfile

MAGIC = 0xCAFEBABE


def java_version(class_file):
    """Java version that a class file was made for (JVM specification, 4.1): 52 is 8."""
    magic, _, major = struct.unpack(">IHH", class_file[:8])
    if magic != MAGIC:
        raise ValueError("not a class file")
    return major - 44


def problems(jar, java):
    names = jar.namelist()
    for name in names:
        if name.endswith(".class") and java_version(jar.read(name)) != java:
            yield f"{name} is for Java {java_version(jar.read(name))}; {java} is asked for"
    if not any(name.startswith("dev/gyre/native/") and name.endswith("/libgyre_jni.so") for name in names):
        yield "no dev/gyre/native/*/libgyre_jni.so; build it with CMake (GYRE_BUILD_JAVA) and package again"
    if "META-INF/LICENSE" not in names:
        yield "no META-INF/LICENSE"


def main(arguments):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("jar")
    parser.add_argument("--java", type=int, required=True, help="version that every class is for")
    options = parser.parse_args(arguments)
    with zipfile.ZipFile(options.jar) as jar:
        found = list(problems(jar, options.java))
        classes = sum(name.endswith(".class") for name in jar.namelist())
    for problem in found:
        print(f"{options.jar}: {problem}", file=sys.stderr)
    print(f"{os.path.basename(options.jar)}, {os.path.getsize(options.jar)} bytes, {classes} classes for Java {options.java}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
