"""Runs every benchmark and writes what they print, Markdown, to target/bench.md. `make bench` builds first."""

import os
import pathlib
import platform
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
REPORT = ROOT / "target/bench.md"
PARTS = (
    [sys.executable, "tests/bench/startup.py"],
    [sys.executable, "tests/bench/callback.py"],
    [sys.executable, "tests/bench/pay.py"],
    [sys.executable, "tests/bench/results.py"],
    ["cargo", "run", "--quiet", "--locked", "--package", "bench", "--example", "figures"],
)


def heading():
    load = ", ".join(f"{minutes:.1f}" for minutes in os.getloadavg())
    return (f"## {time.strftime('%Y-%m-%d')}: {os.cpu_count()} cores, {platform.machine()}\n\n"
            f"Load before the run: {load}. Ratios are to a peer in the same run; they are what to keep.\n\n")


def main():
    sections = [heading()]
    for part in PARTS:
        done = subprocess.run(part, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        print(done.stdout, end="", flush=True)
        if done.returncode != 0:
            sys.exit(f"{' '.join(map(str, part))} ended with {done.returncode}")
        sections.append(done.stdout)
    REPORT.write_text("".join(sections))
    print(f"Written to {REPORT.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
