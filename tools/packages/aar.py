#!/usr/bin/env python3
"""Writes and checks the Android library's package (AAR) with its native part for C and C++ (prefab).

SPDX-License-Identifier: Apache-2.0

    aar.py write AAR --manifest FILE --classes JAR --headers FOLDER --rules FILE --version 0.1.0 --api 26
                     [--library arm64-v8a=FILE]...
    aar.py check AAR

One library serves both sides: libgyre_jni.so is what System.loadLibrary finds, and what prefab's module gyre gives to
CMake as gyre::gyre. Without --library the package has the layout and no native code.
The formats: developer.android.com/studio/projects/android-library#aar-contents; google.github.io/prefab.
"""

import argparse
import json
import os
import pathlib
import sys
import zipfile

LIBRARY = "libgyre_jni"
MODULE = "prefab/modules/gyre"
MOMENT = (2026, 1, 1, 0, 0, 0)  # equal inputs give equal files


def add(package, name, content):
    info = zipfile.ZipInfo(name, MOMENT)
    info.external_attr = 0o644 << 16
    info.compress_type = zipfile.ZIP_DEFLATED
    package.writestr(info, content)


def write(options):
    with zipfile.ZipFile(options.aar, "w") as package:
        add(package, "AndroidManifest.xml", pathlib.Path(options.manifest).read_bytes())
        add(package, "classes.jar", pathlib.Path(options.classes).read_bytes())
        add(package, "R.txt", b"")
        add(package, "proguard.txt", pathlib.Path(options.rules).read_bytes())
        add(package, "prefab/prefab.json", json.dumps(
            {"schema_version": 2, "name": "gyre", "version": options.version, "dependencies": []}))
        add(package, f"{MODULE}/module.json", json.dumps({"export_libraries": [], "android": {"library_name": LIBRARY}}))
        headers = pathlib.Path(options.headers)
        for header in sorted(headers.rglob("*.h*")):
            add(package, f"{MODULE}/include/{header.relative_to(headers)}", header.read_bytes())
        for row in options.library:
            abi, _, file = row.partition("=")
            content = pathlib.Path(file).read_bytes()
            add(package, f"jni/{abi}/{LIBRARY}.so", content)
            add(package, f"{MODULE}/libs/android.{abi}/{LIBRARY}.so", content)
            # The C API is all that crosses: which C++ library is inside concerns nobody.
            add(package, f"{MODULE}/libs/android.{abi}/abi.json", json.dumps(
                {"abi": abi, "api": options.api, "ndk": 26, "stl": "none", "static": False}))
    return 0


def problems(package):
    names = package.namelist()
    for name in ("AndroidManifest.xml", "classes.jar", "R.txt", "proguard.txt", "prefab/prefab.json",
                 f"{MODULE}/module.json", f"{MODULE}/include/gyre/gyre.h"):
        if name not in names:
            yield f"no {name}"
    if b"uses-permission" in package.read("AndroidManifest.xml"):
        yield "the manifest asks for a permission"
    with zipfile.ZipFile(package.open("classes.jar")) as classes:
        if "dev/gyre/Model.class" not in classes.namelist():
            yield "classes.jar has no dev/gyre/Model.class"
        yield from (f"classes.jar has {name}, of the demo" for name in classes.namelist() if "/demo/" in name)
    libraries = {name.split("/")[1] for name in names if name.startswith("jni/")}
    prefab = {name.split("/")[-2].removeprefix("android.") for name in names if name.endswith("abi.json")}
    if libraries != prefab:
        yield f"native code for Java: {sorted(libraries)}; for C: {sorted(prefab)}"


def check(options):
    with zipfile.ZipFile(options.aar) as package:
        found = list(problems(package))
        abis = sorted({name.split("/")[1] for name in package.namelist() if name.startswith("jni/")})
    for problem in found:
        print(f"{options.aar}: {problem}", file=sys.stderr)
    if not abis and "layout-only" not in os.path.basename(options.aar):
        print(f"{options.aar}: no native code, and its name does not say so", file=sys.stderr)
        return 1
    print(f"{os.path.basename(options.aar)}, {os.path.getsize(options.aar)} bytes, native code for "
          f"{', '.join(abis) or 'nothing'}")
    return 1 if found else 0


def main(arguments):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    commands = parser.add_subparsers(required=True)
    writes = commands.add_parser("write")
    writes.set_defaults(run=write)
    for name in ("manifest", "classes", "headers", "rules", "version"):
        writes.add_argument(f"--{name}", required=True)
    writes.add_argument("--api", type=int, required=True, help="oldest API level of the native code")
    writes.add_argument("--library", action="append", default=[], metavar="ABI=FILE")
    checks = commands.add_parser("check")
    checks.set_defaults(run=check)
    for command in (writes, checks):
        command.add_argument("aar")
    options = parser.parse_args(arguments)
    return options.run(options)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
