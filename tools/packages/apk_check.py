#!/usr/bin/env python3
"""Checks that an APK of ours is laid out as Android maps it: model and libraries stored and aligned, dex as new as allowed.

SPDX-License-Identifier: Apache-2.0

    apk_check.py APK --api 26 --page 16384

Prints one line of facts; for every fact that is not as asked, one line on stderr, and exits with 1.
"""

import argparse
import os
import struct
import sys
import zipfile

# Oldest API level whose runtime reads a version of the dex format (source.android.com, "Dalvik executable format").
DEX_NEEDS_API = {b"035": 1, b"037": 24, b"038": 26, b"039": 28, b"040": 30, b"041": 34}


def data_offset(file, info):
    """Where an entry's bytes begin in the file: after its local header, whose extra field may differ from the directory's."""
    file.seek(info.header_offset)
    header = file.read(30)
    name, extra = struct.unpack("<HH", header[26:30])
    return info.header_offset + 30 + name + extra


def problems(path, api, page):
    with zipfile.ZipFile(path) as package, open(path, "rb") as file:
        infos = {info.filename: info for info in package.infolist()}
        for name, info in infos.items():
            mapped = name.endswith((".so", ".gguf", ".arsc"))
            if mapped and info.compress_type != zipfile.ZIP_STORED:
                yield f"{name} is compressed: it cannot be mapped"
            if mapped and data_offset(file, info) % page:
                yield f"{name} begins at {data_offset(file, info)}, no multiple of {page} (zipalign -f {page})"
        if "classes.dex" not in infos:
            yield "no classes.dex"
            return
        dex = package.read("classes.dex")
        needs = DEX_NEEDS_API.get(dex[4:7], 10000)
        if dex[:4] != b"dex\n" or needs > api:
            yield f"classes.dex is of version {dex[4:7]!r}, which API {api} does not read"
        if b"Ldev/gyre/Native;" not in dex:
            yield "classes.dex has no dev.gyre.Native"
        if not any(name.endswith(".gguf") for name in infos):
            yield "no model among the assets"
        if not any(name.startswith("lib/") for name in infos) and "layout-only" not in os.path.basename(path):
            yield "no native code, and its name does not say so"


def main(arguments):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("apk")
    parser.add_argument("--api", type=int, required=True, help="oldest API level that it shall run on")
    parser.add_argument("--page", type=int, required=True, help="what mapped entries are aligned to")
    options = parser.parse_args(arguments)
    found = list(problems(options.apk, options.api, options.page))
    for problem in found:
        print(f"{options.apk}: {problem}", file=sys.stderr)
    with zipfile.ZipFile(options.apk) as package:
        abis = sorted({name.split("/")[1] for name in package.namelist() if name.startswith("lib/")})
        dex = package.getinfo("classes.dex").file_size if "classes.dex" in package.namelist() else 0
    print(f"signed (v2, v3), no permission, model stored at a page of {options.page}; dex {dex} bytes; native code for "
          f"{', '.join(abis) or 'nothing'}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
