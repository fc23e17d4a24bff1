"""The whole callback of one 1 KB message, ours beside PyPI's wechatpy: check, open, parse, answer, seal.

    python tests/bench/callback.py [ROUNDS]      needs tests/bench/requirements.txt and the release example

Both count processor time of their own thread and take turns, so that whatever else the machine does falls on both.
"""

import pathlib
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
OURS = [ROOT / "target/release/examples/callback_loop", "20000"]
THEIRS = [sys.executable, ROOT / "tests/bench/callback_wechatpy.py", "3000"]
ROUNDS = 9


def measure(command):
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    pairs = [(measure(OURS), measure(THEIRS)) for _ in range(rounds)]
    ours, theirs = (statistics.median(side) for side in zip(*pairs))
    ratio = statistics.median(their / our for our, their in pairs)
    print("### Callback\n")
    print(f"One 1 KB message: check, open, parse, answer, seal. Processor time, medians of {rounds} turns.\n")
    print("| | µs | to ours |")
    print("|---|---|---|")
    print(f"| ours | {ours:.1f} | 1.0× |")
    print(f"| wechatpy | {theirs:.1f} | {ratio:.1f}× |\n")


if __name__ == "__main__":
    main()
