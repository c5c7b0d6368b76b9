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

COLUMNS, CHARACTER, LINE, MARGIN = 92, 8.0, 19, 20
MAX_PAUSE, KEY, LAST_STATE = 1.5, 0.045, 4.0
CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>]|\x07")
STYLE = """text{font:13.2px "DejaVu Sans Mono",Menlo,Consolas,monospace;fill:#e6e6e6;white-space:pre}
.p{fill:#7ec96a;font-weight:bold}"""


class Screen:
    """Where each piece of text went, and when: no more of a terminal than programs that write lines use."""

    def __init__(self):
        self.row = self.column = 0
        self.pieces = []  # [second, row, column, text]

    def write(self, second, text):
        for character in CONTROL.sub("", text):
            if character == "\n":
                self.row += 1
                continue
            if character == "\r":
                self.column = 0
                continue
            if character == "\b":
                self.column -= 1
                continue
            if self.column == COLUMNS:
                self.row, self.column = self.row + 1, 0
            last = self.pieces[-1] if self.pieces else None
            if last and last[0] == second and last[1] == self.row and last[2] + len(last[3]) == self.column:
                last[3] += character
            else:
                self.pieces.append([second, self.row, self.column, character])
            self.column += 1


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
    rows = 1 + max(row for _, row, _, _ in screen.pieces)
    width, height = int(2 * MARGIN + COLUMNS * CHARACTER), 2 * MARGIN + rows * LINE
    total = seconds + LAST_STATE
    moments = sorted({second for second, _, _, _ in screen.pieces})
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img">',
        "<!-- Recorded by tools/terminal_picture.py. SPDX-License-Identifier: Apache-2.0 -->",
        f"<title>{html.escape(title)}</title>",
        f"<style>\n{STYLE}",
        f"g{{animation-duration:{total:.2f}s;animation-iteration-count:infinite;animation-timing-function:step-end}}",
        *(f"@keyframes k{i}{{0%{{opacity:0}}{100 * second / total:.2f}%{{opacity:1}}}}" for i, second in enumerate(moments)),
        "@media (prefers-reduced-motion: reduce){g{animation:none}}\n</style>",
        f'<rect width="{width}" height="{height}" rx="8" fill="#1b1f24"/>',
    ]
    for i, moment in enumerate(moments):
        out.append(f'<g style="animation-name:k{i}">')
        for second, row, column, text in screen.pieces:
            if second == moment and text.strip():
                x, y = MARGIN + CHARACTER * column, MARGIN + LINE * (row + 0.75)
                mark = ' class="p"' if text.strip() == prompt.strip() and column == 0 else ""
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
