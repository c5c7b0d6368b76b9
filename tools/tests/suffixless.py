"""Programs whose files have no suffix, as modules that a test can call.
SPDX-License-Identifier: Apache-2.0
"""

import importlib.machinery
import importlib.util
import sys


def load(name, path):
    loader = importlib.machinery.SourceFileLoader(name, str(path))
    sys.dont_write_bytecode, written = True, sys.dont_write_bytecode  # no compiled copy beside the program
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(name, loader))
    loader.exec_module(module)
    sys.dont_write_bytecode = written
    return module
