#!/usr/bin/env python3
"""Records docs/tour.svg: runs the real program on a pseudo-terminal in a new home folder and draws what it shows.

    docs/tour.py target/release/skyteam > docs/tour.svg

Needs nothing but Python. Ids and times differ from run to run; everything else is the program's own.
"""

import fcntl
import html
import os
import pty
import re
import struct
import subprocess
import sys
import tempfile
import termios
import unicodedata

COLUMNS, LINES = 96, 60
COMMANDS = [
    "skyteam db seed",
    "skyteam user list --sort -miles --limit 4",
    'skyteam miles award DeltaNomad847447 500 --note "Event winner"',
    "skyteam miles spend DeltaNomad847447 999999 --note test",
    "skyteam miles audit",
    "skyteam db backup backups --keep-daily 7",
    "skyteam db verify backups --deep",
]
SHOWN = "#e6edf3"
COLORS = {31: "#ff7b72", 32: "#7ee787", 33: "#e3b341", 34: "#79c0ff", 35: "#d2a8ff", 36: "#56d4dd", 90: "#8b949e"}
CELL, LINE, MARGIN = 8.4, 19, 16


def run(command, home, path):
    """What a command shows on a terminal of its own."""
    main, other = pty.openpty()
    fcntl.ioctl(other, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
    environment = {
        "HOME": home, "PATH": f"{path}:/usr/bin:/bin", "TERM": "xterm-256color", "LC_ALL": "C.UTF-8",
        "SKYTEAM_ACTOR": "maria", "SKYTEAM_PAGER": "",
    }
    child = subprocess.Popen(["bash", "-c", command], cwd=home, env=environment, stdin=other, stdout=other, stderr=other)
    os.close(other)
    shown = b""
    while True:
        try:
            read = os.read(main, 65536)
        except OSError:
            break
        if not read:
            break
        shown += read
    child.wait()
    return shown.decode().replace(home, "/home/maria")


def spans(text):
    """The lines of a text with its colours: lists of (style, text). Of a line that was drawn over, the last."""
    style, lines = "", []
    for line in text.replace("\r\n", "\n").split("\n"):
        # A progress bar begins its line anew, and clears it at its end.
        line = re.split(r"\r|\x1b\[2K", line)[-1]
        line = re.sub(r"\x1b\[\d*[A-HJKf]|\x1b\[\?\d+[hl]", "", line)
        found, at = [], 0
        for code in re.finditer(r"\x1b\[([\d;]*)m", line):
            found.append((style, line[at:code.start()]))
            for number in (int(number or 0) for number in code.group(1).split(";")):
                if number in (0, 39, 22):
                    style = ""
                elif number == 1:
                    style += "font-weight:bold;"
                elif number == 2:
                    style += "opacity:.65;"
                elif number in COLORS:
                    style += f"fill:{COLORS[number]};"
            at = code.end()
        found.append((style, line[at:]))
        lines += folded([(style, text) for style, text in found if text])
    while lines and not lines[-1]:
        lines.pop()
    return lines


def folded(parts):
    """A line in as many as a terminal of so many columns makes of it."""
    lines, used = [[]], 0
    for style, text in parts:
        while text:
            rest = COLUMNS - used
            lines[-1].append((style, text[:rest]))
            used, text = used + len(text[:rest]), text[rest:]
            if text:
                lines, used = lines + [[]], 0
    return lines


def width(text):
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def main():
    program = os.path.realpath(sys.argv[1])
    lines = []
    with tempfile.TemporaryDirectory() as folder:
        home = os.path.join(folder, "home")
        os.makedirs(os.path.join(home, "backups"))
        for command in COMMANDS:
            lines.append([("fill:#7ee787;", "$ "), ("font-weight:bold;", command)])
            lines += spans(run(command, home, os.path.dirname(program)))
            lines.append([])
    high = LINE * len(lines) + 2 * MARGIN
    wide = CELL * COLUMNS + 2 * MARGIN
    print(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide:.0f} {high}" role="img" '
          'aria-label="A minute with skyteam in a terminal">')
    print(f'<rect width="100%" height="100%" rx="8" fill="#0d1117"/>\n<g fill="{SHOWN}" '
          'font-family="ui-monospace,SFMono-Regular,Menlo,Consolas,\'DejaVu Sans Mono\',monospace" '
          'font-size="14">')
    for number, line in enumerate(lines):
        column = 0
        for style, text in line:
            x, y = MARGIN + column * CELL, MARGIN + LINE * number + 14
            look = f' style="{style}"' if style else ""
            length = width(text) * CELL
            # Blanks that no viewer takes together.
            shown = html.escape(text).replace(" ", "\u00a0")
            print(f'<text x="{x:.1f}" y="{y}" textLength="{length:.1f}"{look}>{shown}</text>')
            column += width(text)
    print("</g>\n</svg>")


main()
