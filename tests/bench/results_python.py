"""CPU microseconds per message of reading results with hl7apy or fhir.resources, and the most memory that was resident.

    python tests/bench/results_python.py FILE [messages]

Prints the microseconds and the KiB. The same file in Rust: cargo run --release -p results --example read_loop
"""

import json
import resource
import sys
import time
from pathlib import Path

DEFAULT_MESSAGES = 50


def reader(path):
    text = path.read_bytes().decode("utf-8-sig")
    if path.suffix == ".hl7":
        from hl7apy.consts import VALIDATION_LEVEL
        from hl7apy.parser import parse_message

        text = text.replace("\r\n", "\r").replace("\n", "\r")
        return lambda: parse_message(text, validation_level=VALIDATION_LEVEL.TOLERANT, find_groups=False)
    from fhir.resources.R4B import get_fhir_model_class

    model = get_fhir_model_class(json.loads(text)["resourceType"])
    return lambda: model.model_validate_json(text)


def main() -> None:
    messages = int(sys.argv[2]) if len(sys.argv) > 2 else DEFAULT_MESSAGES
    read = reader(Path(sys.argv[1]))
    # The first one imports and compiles.
    read()
    started_ns = time.thread_time_ns()
    for _ in range(messages):
        read()
    spent_ns = time.thread_time_ns() - started_ns
    print(f"{spent_ns / 1000 / messages:.2f} {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}")


main()
