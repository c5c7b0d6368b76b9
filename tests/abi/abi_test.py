"""What abi.py calls a break and what growth, on small libraries that differ from a first one.

SPDX-License-Identifier: Apache-2.0
"""

import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

TOOL = pathlib.Path(__file__).resolve().with_name("abi.py")

FIRST = """
typedef enum gyre_kind { GYRE_A = 0, GYRE_B = 1 } gyre_kind;
typedef struct gyre_options { unsigned long struct_size; int a; gyre_kind kind; } gyre_options;
int gyre_open(const gyre_options* options) { return options->a; }
int gyre_close(int handle) { return handle; }
"""


class AbiTest(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.changelog = self.folder / "CHANGELOG.md"
        self.changelog.write_text("# Changes\n")
        self.assertEqual(self.run_tool("update", FIRST), (0, ""))

    def run_tool(self, command, source, soname="libx.so.0", relative=False):
        headers = self.folder / "include"
        headers.mkdir(exist_ok=True)
        (headers / "x.h").write_text(source)
        (self.folder / "x.c").write_text('#include "include/x.h"\n')
        library = self.folder / soname
        file = "x.c" if relative else self.folder / "x.c"
        subprocess.run(["cc", "-g", "-shared", "-fPIC", f"-Wl,-soname,{soname}", "-o", library, file], check=True, cwd=self.folder)
        done = subprocess.run([sys.executable, "-B", TOOL, command, library, "--headers", headers, "--dump",
                               self.folder / "x.abi", "--changelog", self.changelog], text=True, capture_output=True, check=False)
        return done.returncode, done.stderr

    def check_breaks(self, source):
        code, said = self.run_tool("check", source)
        self.assertEqual(code, 1)
        self.assertIn("breaks programs", said)
        code, said = self.run_tool("update", source)
        self.assertEqual(code, 1, "it was taken in under the old soname")
        self.assertIn("GYRE_SOVERSION", said)

    def check_grows(self, source):
        code, said = self.run_tool("check", source)
        self.assertEqual(code, 1)
        self.assertIn("has grown", said)
        self.assertEqual(self.run_tool("update", source), (0, ""))
        self.assertEqual(self.run_tool("check", source), (0, ""))

    def test_the_same_is_the_same(self):
        self.assertEqual(self.run_tool("check", FIRST), (0, ""))

    def test_numbers_of_types_are_no_difference(self):
        dump = self.folder / "x.abi"
        text = dump.read_text()
        ids = [re.search(rf"<type-decl name='{name}' .*id='(\w+)'", text)[1] for name in ("int", "unsigned long int")]
        swapped = re.sub("|".join(ids), lambda found: ids[1 - ids.index(found[0])], text)
        self.assertNotEqual(swapped, text)
        dump.write_text(swapped)
        self.assertEqual(self.run_tool("check", FIRST), (0, ""))

    def test_how_the_compiler_was_given_the_file_is_no_difference(self):
        self.assertEqual(self.run_tool("check", FIRST, relative=True), (0, ""))

    def test_a_function_that_is_gone_breaks(self):
        self.check_breaks(FIRST.replace("int gyre_close", "static int gyre_close"))

    def test_another_parameter_breaks(self):
        self.check_breaks(FIRST.replace("gyre_close(int handle)", "gyre_close(long handle)"))

    def test_another_field_type_breaks(self):
        self.check_breaks(FIRST.replace("int a;", "short a;"))

    def test_a_field_in_the_middle_breaks(self):
        self.check_breaks(FIRST.replace("int a;", "int b; int a;"))

    def test_a_field_in_the_padding_breaks(self):
        source = FIRST.replace("gyre_kind kind;", "gyre_kind kind; short s; ")
        self.assertEqual(self.run_tool("update", source), (0, ""))
        self.check_breaks(source.replace("short s;", "short s; char c;"))

    def test_another_number_of_an_enum_breaks(self):
        self.check_breaks(FIRST.replace("GYRE_B = 1", "GYRE_B = 2"))

    def test_a_field_at_the_end_is_growth(self):
        self.check_grows(FIRST.replace("gyre_kind kind; }", "gyre_kind kind; const char* name; }"))

    def test_a_further_function_is_growth(self):
        self.check_grows(FIRST + "int gyre_more(void) { return 1; }\n")

    def test_a_further_number_is_growth(self):
        self.check_grows(FIRST.replace("GYRE_B = 1", "GYRE_B = 1, GYRE_C = 2"))

    def test_a_break_wants_a_new_soname_and_a_word_in_the_changelog(self):
        source = FIRST.replace("int a;", "short a;")
        code, said = self.run_tool("update", source, "libx.so.1")
        self.assertEqual(code, 1)
        self.assertIn("CHANGELOG.md", said)
        self.changelog.write_text("# Changes\nThe soname is libx.so.1.\n")
        self.assertEqual(self.run_tool("update", source, "libx.so.1"), (0, ""))


if __name__ == "__main__":
    unittest.main()
