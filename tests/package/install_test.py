"""What cmake --install of this build gives, and whether C and C++ programs can use it: by pkg-config and by
find_package, shared and static, and after it was moved.

SPDX-License-Identifier: Apache-2.0

The programs are those of apps/examples. They find no driver here and must say so; what they write with one is for
scripts/test-installed to see.
"""

import itertools
import os
import re
import shlex
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2]
EXAMPLES = SOURCE / "apps/examples"
MODEL = "share/gyre/models/gyre-books-5m.gguf"
ARGUMENTS = {"generate": ["Once"], "chat": []}  # of the examples, after the model
NO_DRIVER = {"VK_DRIVER_FILES": "/nonexistent.json", "VK_ICD_FILENAMES": "/nonexistent.json"}


def setting(name: str) -> str:
    return os.environ["GYRE_TEST_" + name]


def run(*command: object, check: bool = True, **environment: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True,
                          env={**os.environ, **environment})
    if check and done.returncode != 0:
        raise AssertionError(f"{shlex.join(done.args)}: exit code {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done


def installed_files(prefix: Path) -> list[str]:
    """Every file below the prefix; links with what they point to."""
    found = []
    for path in prefix.rglob("*"):
        name = path.relative_to(prefix).as_posix()
        if path.is_symlink():
            found.append(f"{name} -> {os.readlink(path)}")
        elif not path.is_dir():
            found.append(name)
    return sorted(found)


def expected_files() -> list[str]:
    lines = Path(__file__).with_name("files.txt").read_text(encoding="utf-8").splitlines()
    values = {"lib": setting("LIBDIR"), "version": setting("VERSION"), "major": setting("VERSION").split(".")[0],
              "build_type": setting("BUILD_TYPE").lower()}
    return sorted(line.format(**values) for line in lines if not line.startswith("#"))


class InstallTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        first = Path(cls.folder.name, "first")
        run(setting("CMAKE"), "--install", setting("BUILD"), "--prefix", first)
        cls.prefix = Path(cls.folder.name, "moved here")
        first.rename(cls.prefix)

    def pkg_config(self, *arguments: str) -> list[str]:
        folder = self.prefix / setting("LIBDIR") / "pkgconfig"
        printed = run("pkg-config", *arguments, "gyre", PKG_CONFIG_PATH=str(folder)).stdout
        return shlex.split(printed)

    def libraries(self) -> str:
        return str(self.prefix / setting("LIBDIR"))

    def expect_no_device(self, program: Path, *arguments: str, **environment: str):
        """It links and runs, and the library says that there is no driver."""
        ran = run(program, self.prefix / MODEL, *arguments, check=False, **NO_DRIVER, **environment)
        self.assertEqual((ran.returncode, ran.stdout.strip()), (1, ""), ran.stderr)
        self.assertRegex(ran.stderr, rf"^.*{program.name}.*: .*Vulkan.*\n$")

    def test_files(self):
        self.assertEqual(installed_files(self.prefix), expected_files())

    def test_headers_are_all_there(self):
        in_tree = {path.name for path in (SOURCE / "include/gyre").iterdir()}
        self.assertEqual({path.name for path in (self.prefix / "include/gyre").iterdir()}, in_tree)

    def test_no_text_names_where_it_was_built(self):
        for path in self.prefix.rglob("*"):
            if path.suffix in {".cmake", ".pc", ".h", ".1"}:
                text = path.read_text(encoding="utf-8")
                for folder in (str(SOURCE), setting("BUILD"), self.folder.name):
                    self.assertNotIn(folder, text, path)

    def test_program_finds_library_and_model(self):
        program = self.prefix / "bin/gyre"
        self.assertEqual(run(program, "--version").stdout, f"gyre {setting('VERSION')}\n")
        described = run(program, "info", GYRE_MODEL="").stdout
        self.assertIn(str(self.prefix / MODEL), described)
        loaded = re.search(r"libgyre\.so\.\d+ => (.*) \(", run("ldd", program).stdout)
        self.assertEqual(os.path.dirname(os.path.normpath(loaded[1])), self.libraries())

    def test_c_program_by_pkg_config(self):
        for name, arguments in ARGUMENTS.items():
            with self.subTest(name):
                program = Path(self.folder.name, name)
                run(os.environ["CC"], "-Wall", "-Werror", EXAMPLES / f"c/{name}.c", "-o", program,
                    *self.pkg_config("--cflags", "--libs"))
                self.expect_no_device(program, *arguments, LD_LIBRARY_PATH=self.libraries())

    def test_c_program_with_the_static_library(self):
        program = Path(self.folder.name, "generate_static")
        flags = self.pkg_config("--static", "--define-variable=library=:libgyre.a", "--cflags", "--libs")
        run(os.environ["CC"], *setting("FLAGS").split(), EXAMPLES / "c/generate.c", "-o", program, *flags)
        self.assertNotIn("libgyre", run("ldd", program).stdout)
        self.expect_no_device(program, *ARGUMENTS["generate"])

    def test_projects_by_find_package(self):
        """Each configured twice: the shared library, and the static one where BUILD_SHARED_LIBS is off. The project in C
        has no C++ compiler."""
        build = Path(self.folder.name, "project")
        for language, shared in itertools.product(("c", "cpp"), ("ON", "OFF")):
            with self.subTest(language=language, shared=shared):
                shutil.rmtree(build, ignore_errors=True)
                run(setting("CMAKE"), "-S", EXAMPLES / language, "-B", build, "-G", setting("GENERATOR"),
                    f"-DCMAKE_PREFIX_PATH={self.prefix}", f"-DBUILD_SHARED_LIBS={shared}",
                    f"-DCMAKE_C_FLAGS={setting('FLAGS')}", f"-DCMAKE_CXX_FLAGS={setting('FLAGS')}")
                run(setting("CMAKE"), "--build", build)
                for name, arguments in ARGUMENTS.items():
                    self.assertEqual("libgyre" in run("ldd", build / name).stdout, shared == "ON")
                    self.expect_no_device(build / name, *arguments)

    def test_other_minor_versions_do_not_fit(self):
        major, minor, patch = (int(number) for number in setting("VERSION").split("."))
        fits = {f"{major}.{minor}": True, f"{major}.{minor}.{patch}": True, f"{major}.{minor}.{patch + 1}": False,
                f"{major}.{minor + 1}": False, f"{major + 1}.{minor}": False}
        version_file = self.prefix / setting("LIBDIR") / "cmake/gyre/gyreConfigVersion.cmake"
        for version, expected in fits.items():
            script = Path(self.folder.name, "version.cmake")
            number = (version + ".0.0").split(".")
            script.write_text(
                f"set(PACKAGE_FIND_VERSION {version})\nset(PACKAGE_FIND_VERSION_MAJOR {number[0]})\n"
                f"set(PACKAGE_FIND_VERSION_MINOR {number[1]})\nset(CMAKE_SIZEOF_VOID_P 8)\n"
                f"include(\"{version_file}\")\nmessage(\"fits: ${{PACKAGE_VERSION_COMPATIBLE}}\")\n", encoding="utf-8")
            self.assertIn(f"fits: {'TRUE' if expected else 'FALSE'}",
                          run(setting("CMAKE"), "-P", script).stderr, version)


class StaticLibraryTest(unittest.TestCase):
    def test_names_are_ours(self):
        """A program may have functions of Vulkan, zlib or volk of its own: what the archive defines for everybody
        begins with gyre, or is a template or inline function, which the linker takes once."""
        archive = Path(setting("BUILD"), "lib/libgyre.a")
        names = [line.split() for line in run("nm", "-g", "--defined-only", archive).stdout.splitlines()
                 if len(line.split()) == 3]
        self.assertGreater(len(names), 500)
        foreign = [name for _, kind, name in names
                   if kind not in "WVu" and not name.startswith(("gyre", "_ZN4gyre", "_ZNK4gyre"))]
        self.assertEqual(foreign, [])


if __name__ == "__main__":
    unittest.main()
