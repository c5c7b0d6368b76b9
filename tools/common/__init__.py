"""Shared by the Python tools: GGUF reading and writing, block formats, the byte-level tokenizer."""
