"""Reading results: a blood count in HL7 v2 beside PyPI's hl7apy, a bundle of FHIR R4 beside PyPI's fhir.resources.

    python tests/bench/results.py [ROUNDS]      needs shared/results/tests/requirements.txt and the release example

All count processor time of their own thread and take turns, so that whatever else the machine does falls on all.
"""

import pathlib
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
SAMPLES = ROOT / "shared/results/tests/samples"
OURS = ROOT / "target/release/examples/read_loop"
THEIRS = ROOT / "tests/bench/results_python.py"
MESSAGES = (
    ("HL7 v2, 28 items", SAMPLES / "hl7v2/LRI_2.0-NG_CBC_Typ_Message.hl7", "hl7apy"),
    ("FHIR R4, 130 KB with a file", SAMPLES / "fhir-r4/Bundle-101.json", "fhir.resources"),
)
ROUNDS = 5


def measure(command):
    spent_us, peak_kib = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    return float(spent_us), int(peak_kib)


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    print("### Reading results\n")
    print(f"Processor time of one message, medians of {rounds} turns; theirs read, ours also make reports of what they read.\n")
    print("| message | ours, µs | peak MiB | beside it | µs | peak MiB | to ours |")
    print("|---|---|---|---|---|---|---|")
    for name, path, peer in MESSAGES:
        pairs = [(measure([OURS, path]), measure([sys.executable, THEIRS, path])) for _ in range(rounds)]
        (ours_us, ours_kib), (theirs_us, theirs_kib) = (map(statistics.median, zip(*side)) for side in zip(*pairs))
        ratio = statistics.median(theirs[0] / ours[0] for ours, theirs in pairs)
        print(f"| {name} | {ours_us:.0f} | {ours_kib / 1024:.1f} | {peer} | {theirs_us:.0f} | {theirs_kib / 1024:.0f} | {ratio:.0f}× |")
    print()


if __name__ == "__main__":
    main()
