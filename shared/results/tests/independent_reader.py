"""A second opinion on the samples: hl7apy and fhir.resources read them, and every leaf goes out as a line of JSON.

Reads file names from the command line; of each it prints {"file", "leaves": [[place, text], …]}. Nothing here is shared
with the crate that is tested.
"""

import json
import pathlib
import sys
from decimal import Decimal


def hl7_leaves(path):
    from hl7apy.consts import VALIDATION_LEVEL
    from hl7apy.parser import parse_message

    text = path.read_bytes().decode("utf-8-sig").replace("\r\n", "\r").replace("\n", "\r")
    message = parse_message(text, validation_level=VALIDATION_LEVEL.TOLERANT, find_groups=False)
    seen = {}
    for segment in message.children:
        seen[segment.name] = seen.get(segment.name, 0) + 1
        for field in segment.children:
            number = field.name.rsplit("_", 1)[-1]
            place = f"{segment.name}[{seen[segment.name]}]-{number}"
            for component in field.children:
                for part in component.children or [component]:
                    if part.to_er7().strip():
                        yield place, part.to_er7()


def fhir_leaves(path):
    from fhir.resources.R4B import construct_fhir_element

    document = json.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    resource = construct_fhir_element(document["resourceType"], document)
    yield from leaves("", json.loads(resource.model_dump_json(exclude_none=True), parse_float=str, parse_int=str))


def leaves(place, value):
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from leaves(f"{place}.{name}", inner)
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(place, inner)
    elif value is not None:
        yield place.lstrip("."), str(value).lower() if isinstance(value, bool) else str(value)


def main():
    for name in sys.argv[1:]:
        path = pathlib.Path(name)
        found = hl7_leaves(path) if path.suffix == ".hl7" else fhir_leaves(path)
        print(json.dumps({"file": path.name, "leaves": list(found)}, ensure_ascii=False))


if __name__ == "__main__":
    main()
