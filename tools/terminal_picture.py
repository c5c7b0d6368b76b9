#!/usr/bin/env python3
"""Records a program in a terminal and draws it as an animated SVG, as docs/chat.svg: what is typed and what is answered,
at the speed at which it came. Without animation the last state is shown.

    tools/terminal_picture.py docs/chat.svg --title "..." --type "Hello" --type "Goodbye" -- gyre chat -m smollm2

Lines are typed whenever the program has written PROMPT and waits; after the last one it is told that there is no more.
Pauses longer than MAX_PAUSE are shortened to it. Standard library only; POSIX.
SPDX-License-Identifier: Apache-2.0
"""

import argparse
import codecs
import html
import os
import pathlib
import pty
import re
import select
import signal
import sys
import time

COLUMNS, CHARACTER, LINE, MARGIN = 100, 8.0, 19, 20
MAX_PAUSE, KEY, LAST_STATE = 1.5, 0.045, 4.0
CONTROL = re.compile(r"(\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>])|(.)", re.DOTALL)  # a sequence, or a character
STYLE = """text{font:13.2px "DejaVu Sans Mono",Menlo,Consolas,monospace;fill:#e6e6e6;white-space:pre}
.p{fill:#7ec96a;font-weight:bold}"""


class Piece:
    """Text that appears at once and stays, unless something is written over it at the second `end`."""

    def __init__(self, second, row, column, text):
        self.second, self.row, self.column, self.text, self.end = second, row, column, text, None

    def covers(self, row, first, last):
        return self.row == row and self.column <= last and first < self.column + len(self.text)


class Screen:
    """Where each piece of text went, and when: no more of a terminal than programs that write lines use."""

    def __init__(self):
        self.row = self.column = 0
        self.pieces = []

    def write(self, second, text):
        for control, character in CONTROL.findall(text):
            if control.endswith("K"):
                self._erase(second, self.column, COLUMNS)
            elif character:
                self._write(second, character)

    def _write(self, second, character):
        if character == "\n":
            self.row += 1
        elif character == "\r":
            self.column = 0
        elif character == "\b":
            self.column -= 1
        elif character >= " ":
            if self.column == COLUMNS:
                self.row, self.column = self.row + 1, 0
            self._erase(second, self.column, self.column)
            last = self.pieces[-1] if self.pieces else None
            if last and (last.second, last.row, last.column + len(last.text)) == (second, self.row, self.column):
                last.text += character
            else:
                self.pieces.append(Piece(second, self.row, self.column, character))
            self.column += 1

    def _erase(self, second, first, last):
        for piece in self.pieces:
            if piece.end is None and piece.covers(self.row, first, last):
                piece.end = second


def record(command, lines, prompt, limit):
    """Runs command in a terminal and types the lines; returns the screen and the length of the recording in seconds."""
    screen, decoder = Screen(), codecs.getincrementaldecoder("utf-8")("replace")
    child, terminal = pty.fork()
    if child == 0:
        os.environ.update(TERM="dumb", COLUMNS=str(COLUMNS))
        os.execvp(command[0], command)
    shown, before, end = 0.0, time.monotonic(), time.monotonic() + limit
    to_type, keys, tail = list(lines), [], ""
    try:
        while time.monotonic() < end:
            if not keys and tail.endswith(prompt):
                keys, tail = ([*to_type.pop(0), "\r"] if to_type else ["\x04"]), ""
                shown += 0.5
            ready = select.select([terminal], [], [], KEY if keys else 0.5)[0]
            now = time.monotonic()
            if ready:
                try:
                    raw = os.read(terminal, 65536)
                except OSError:  # the program has closed the terminal
                    raw = b""
                if not raw:
                    return screen, shown
                text = decoder.decode(raw)
                shown, before = shown + min(now - before, MAX_PAUSE), now
                screen.write(round(shown, 2), text)
                tail = (tail + text)[-200:]
            elif keys:
                os.write(terminal, keys.pop(0).encode())
        raise TimeoutError(f"{command[0]} did not end within {limit} s")
    finally:
        os.close(terminal)
        os.kill(child, signal.SIGTERM)
        os.waitpid(child, 0)


def draw(screen, seconds, title, prompt):
    shown = [piece for piece in screen.pieces if piece.text.strip() and piece.end != piece.second]
    rows = 1 + max(piece.row for piece in shown)
    width, height = int(2 * MARGIN + COLUMNS * CHARACTER), 2 * MARGIN + rows * LINE
    total = seconds + LAST_STATE
    spans = sorted({(piece.second, piece.end) for piece in shown}, key=lambda span: (span[0], span[1] or total))
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img">',
        "<!-- Recorded by tools/terminal_picture.py. SPDX-License-Identifier: Apache-2.0 -->",
        f"<title>{html.escape(title)}</title>",
        f"<style>\n{STYLE}",
        f"g{{animation-duration:{total:.2f}s;animation-iteration-count:infinite;animation-timing-function:step-end}}",
    ]
    for i, (second, end) in enumerate(spans):
        hidden = f"{100 * end / total:.2f}%{{opacity:0}}" if end else ""
        out.append(f"@keyframes k{i}{{0%{{opacity:0}}{100 * second / total:.2f}%{{opacity:1}}{hidden}}}")
    out.append("@media (prefers-reduced-motion: reduce){g{animation:none}}\n</style>")
    out.append(f'<rect width="{width}" height="{height}" rx="8" fill="#1b1f24"/>')
    for i, span in enumerate(spans):
        out.append(f'<g style="animation-name:k{i}"' + (' opacity="0">' if span[1] else ">"))
        for piece in shown:
            if (piece.second, piece.end) == span:
                text = piece.text.strip()  # viewers differ in what they do with spaces at an end
                column = piece.column + len(piece.text) - len(piece.text.lstrip())
                x, y = MARGIN + CHARACTER * column, MARGIN + LINE * (piece.row + 0.75)
                mark = ' class="p"' if text == prompt.strip() and column == 0 else ""
                length = f'textLength="{CHARACTER * len(text):.1f}"'
                out.append(f'<text x="{x:.1f}" y="{y:.0f}" {length}{mark}>{html.escape(text)}</text>')
        out.append("</g>")
    return "\n".join([*out, "</svg>\n"])


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--title", required=True, help="what the picture shows, for people who do not see it")
    parser.add_argument("--type", action="append", default=[], metavar="LINE", help="typed at a prompt; may be given again")
    parser.add_argument("--prompt", default="> ", help="what the program writes when it waits (default: '> ')")
    parser.add_argument("--limit", type=float, default=600, metavar="SECONDS", help="give up after so long (default: 600)")
    parser.add_argument("command", nargs="+", help="the program and its arguments, after --")
    options = parser.parse_args()
    try:
        screen, seconds = record(options.command, options.type, options.prompt, options.limit)
    except TimeoutError as error:
        sys.exit(f"terminal_picture: {error}")
    if not screen.pieces:
        sys.exit(f"terminal_picture: {options.command[0]} wrote nothing")
    options.out.write_text(draw(screen, seconds, options.title, options.prompt), encoding="utf-8")


if __name__ == "__main__":
    main()
