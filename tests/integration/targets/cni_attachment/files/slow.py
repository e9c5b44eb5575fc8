"""A plugin that passes on what it gets and writes down its calls. An ADD takes long while a file `seconds` is there."""

import json
import os
import sys
import time
from pathlib import Path

folder = Path(__file__).parent
command = os.environ["CNI_COMMAND"]
given = json.load(sys.stdin)


def note(word: str) -> None:
    with (folder / "calls").open("a") as calls:
        calls.write(f"{command} {word}\n")


if command == "VERSION":
    print(json.dumps({"cniVersion": "1.0.0", "supportedVersions": ["0.4.0", "1.0.0"]}))
    sys.exit()
note("begins")
if command == "ADD" and (folder / "seconds").exists():
    (folder / "waiting").write_text(str(os.getppid()))
    time.sleep(float((folder / "seconds").read_text()))
note("ends")
if command == "CHECK" and (folder / "broken").exists():
    print(json.dumps({"cniVersion": "1.0.0", "code": 101, "msg": "it is broken"}))
    sys.exit(1)
if command == "ADD":
    print(json.dumps(given["prevResult"]))
