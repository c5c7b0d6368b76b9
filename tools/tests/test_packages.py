"""tools/packages: what checks the jar, the AAR, the APK and their libraries notices what is wrong with them.

SPDX-License-Identifier: Apache-2.0
"""

import argparse
import contextlib
import io
import pathlib
import struct
import subprocess
import sys
import tempfile
import unittest
import zipfile

TOOLS = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TOOLS / "packages"))
import aar  # noqa: E402
import apk_check  # noqa: E402
import elf_check  # noqa: E402
import jar_check  # noqa: E402
import junit_counts  # noqa: E402

JAVA_8 = struct.pack(">IHH", 0xCAFEBABE, 0, 52)
JAVA_11 = struct.pack(">IHH", 0xCAFEBABE, 0, 55)


class InFolder(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def archive(self, name, entries, compression=zipfile.ZIP_STORED):
        path = self.folder / name
        with zipfile.ZipFile(path, "w", compression) as archive:
            for entry, content in entries.items():
                archive.writestr(entry, content)
        return path


class Jar(InFolder):
    GOOD = {"dev/gyre/Model.class": JAVA_8, "dev/gyre/native/linux-x86_64/libgyre_jni.so": b"", "META-INF/LICENSE": b""}

    def problems(self, entries):
        with zipfile.ZipFile(self.archive("a.jar", entries)) as jar:
            return list(jar_check.problems(jar, 8))

    def test_good(self):
        self.assertEqual(self.problems(self.GOOD), [])

    def test_newer_class(self):
        self.assertEqual(self.problems({**self.GOOD, "A.class": JAVA_11}), ["A.class is for Java 11; 8 is asked for"])

    def test_each_missing_part(self):
        for name in ("dev/gyre/native/linux-x86_64/libgyre_jni.so", "META-INF/LICENSE"):
            entries = {entry: content for entry, content in self.GOOD.items() if entry != name}
            self.assertEqual(len(self.problems(entries)), 1, name)


class Apk(InFolder):
    DEX = b"dex\n038\0 Ldev/gyre/Native;"

    def problems(self, name="x-layout-only.apk", compression=zipfile.ZIP_STORED, before=b"", **entries):
        content = {"classes.dex": self.DEX, "assets/m.gguf": b"model", **entries}
        path = self.archive(name, {"pad": before, **content}, compression)
        return list(apk_check.problems(path, 26, 4))

    def padded(self, **options):
        """The same with the model at a multiple of 4: bytes are put before it until it is."""
        for n in range(4):
            found = self.problems(before=b"x" * n, **options)
            if not any("no multiple" in problem for problem in found):
                return found
        return found

    def test_good(self):
        self.assertEqual(self.padded(), [])

    def test_alignment_is_of_the_bytes(self):
        found = [self.problems(before=b"x" * n) for n in range(4)]
        self.assertEqual(sum(found_one == [] for found_one in found), 1, "one of four places is aligned")

    def test_compressed_model(self):
        found = self.problems(compression=zipfile.ZIP_DEFLATED)
        self.assertTrue(any("compressed" in problem for problem in found))

    def test_dex_too_new(self):
        self.assertIn("039", self.padded(**{"classes.dex": self.DEX.replace(b"038", b"039")})[0])

    def test_name_that_promises_native_code(self):
        self.assertEqual(self.padded(name="x.apk"), ["no native code, and its name does not say so"])


class Aar(InFolder):
    def write(self, libraries, manifest=b"<manifest/>", name="gyre.aar"):
        classes = self.archive("classes.jar", {"dev/gyre/Model.class": JAVA_8})
        (self.folder / "include/gyre").mkdir(parents=True, exist_ok=True)
        (self.folder / "include/gyre/gyre.h").write_text("")
        for file, content in {"m.xml": manifest, "rules": b"", "lib.so": b"ELF"}.items():
            (self.folder / file).write_bytes(content)
        path = self.folder / name
        aar.write(argparse.Namespace(
            aar=path, manifest=self.folder / "m.xml", classes=classes, headers=self.folder / "include",
            rules=self.folder / "rules", version="1", api=26, library=[f"{abi}={self.folder}/lib.so" for abi in libraries]))
        return path

    def check(self, path):
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()) as said:
            return aar.check(argparse.Namespace(aar=str(path))), said.getvalue()

    def test_good(self):
        self.assertEqual(self.check(self.write(["arm64-v8a", "x86_64"])), (0, ""))

    def test_no_native_code(self):
        self.assertEqual(self.check(self.write([]))[0], 1)
        self.assertEqual(self.check(self.write([], name="gyre-layout-only.aar")), (0, ""))

    def test_permission(self):
        self.assertEqual(self.check(self.write(["x86_64"], manifest=b"<uses-permission/>"))[0], 1)

    def test_equal_inputs_give_equal_files(self):
        first = self.write(["x86_64"]).read_bytes()
        self.assertEqual(first, self.write(["x86_64"]).read_bytes())


class Elf(InFolder):
    SOURCE = "#include <math.h>\nint seen(void) { return 1; }\ndouble extra(double x) { return sin(x); }\n"

    def problems(self, *flags, **options):
        library = self.folder / "lib.so"
        subprocess.run(["cc", "-x", "c", "-shared", "-fPIC", "-o", library, "-", "-lm", *flags], input=self.SOURCE,
                       text=True, check=True)
        asked = {"needed": "libc.so.6,libm.so.6", "exports": "seen|extra", "page": 4096, "glibc": "99", **options}
        return list(elf_check.problems(str(library), argparse.Namespace(**asked)))

    def test_good(self):
        self.assertEqual(self.problems(), [])

    def test_each_fact(self):
        self.assertIn("needs libm.so.6", self.problems(needed="libc.so.6")[0])
        self.assertIn("exports extra", self.problems(exports="seen")[0])
        self.assertIn("aligned to 4096", self.problems("-Wl,-z,max-page-size=4096", page=16384)[0])
        self.assertEqual(self.problems("-Wl,-z,max-page-size=65536", page=16384), [])
        self.assertIn("asks for glibc", self.problems(glibc="1.0")[0])


class Counts(InFolder):
    def count(self, **numbers):
        row = {"tests": 3, "failures": 0, "errors": 0, "skipped": 0, **numbers}
        attributes = " ".join(f'{name}="{number}"' for name, number in row.items())
        (self.folder / "TEST-a.xml").write_text(f'<testsuite time="1,234.5" {attributes}/>')
        with contextlib.redirect_stdout(io.StringIO()) as said:
            return junit_counts.main([str(self.folder)]), said.getvalue()

    def test_counts(self):
        self.assertEqual(self.count(), (0, "3 of 3 tests passed in 1234 s\n"))

    def test_everything_else_fails(self):
        for wrong in ({"failures": 1}, {"errors": 1}, {"skipped": 1}, {"tests": 0}):
            self.assertEqual(self.count(**wrong)[0], 1, wrong)


if __name__ == "__main__":
    unittest.main()
