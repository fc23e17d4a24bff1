"""Whether others can read what we write: fhir.resources our bundles, hl7apy our acknowledgements.

    cargo run -p results --example write_bundles -- tests/samples/…  |  python tests/validate.py
"""

import json
import sys


def main():
    from fhir.resources.R4B import get_fhir_model_class
    from hl7apy.parser import parse_message

    bundles = acknowledgements = 0
    for line in sys.stdin:
        if line.startswith("{"):
            document = json.loads(line)
            get_fhir_model_class("Bundle").model_validate(document)
            bundles += 1
            continue
        answer = parse_message(line.strip().replace("\\r", "\r"), find_groups=False)
        assert answer.MSA.MSA_1.value in ("AA", "AE", "AR", "CA", "CE", "CR"), "no acknowledgement"
        acknowledgements += 1
    print(f"{bundles} bundles and {acknowledgements} acknowledgements are read by others")
    sys.exit(0 if bundles and acknowledgements else 1)


if __name__ == "__main__":
    main()
