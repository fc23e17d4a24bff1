"""A second opinion on the samples: hl7apy and fhir.resources read them, and every leaf goes out as a line of JSON.

Reads file names from the command line; of each it prints {"file", "leaves": [[place, text], …]}. Nothing here is shared
with the crate that is tested.
"""

import json
import pathlib
import sys


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
    from fhir.resources.R4B import get_fhir_model_class

    text = path.read_text(encoding="utf-8")
    document = json.loads(text)
    # What it does not accept is no sample. Its own output rewrites times, so the leaves are those of the document.
    get_fhir_model_class(document["resourceType"]).model_validate(document)
    document = json.loads(text, parse_float=str, parse_int=str)
    resources = [entry["resource"] for entry in document["entry"]] if "entry" in document else [document]
    for resource in resources:
        if resource["resourceType"] in RESULTS:
            yield from leaves(resource["resourceType"], resource)


RESULTS = ("DiagnosticReport", "Observation")


def leaves(place, value):
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from leaves(f"{place}.{name}", inner)
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(place, inner)
    elif value is not None:
        yield place, str(value).lower() if isinstance(value, bool) else str(value)


def found(path):
    """The leaves of a file that are compared: a file within a resource is compared by its digest elsewhere; narratives are
    made from the fields."""
    read = hl7_leaves if path.suffix == ".hl7" else fhir_leaves
    return [leaf for leaf in read(path) if not leaf[0].endswith((".data", ".text.div", ".text.status"))]


def main():
    for name in sys.argv[1:]:
        path = pathlib.Path(name)
        try:
            print(json.dumps({"file": path.name, "leaves": found(path)}, ensure_ascii=False))
        except ValueError as error:
            sys.exit(f"{path.name}: {error}")


if __name__ == "__main__":
    main()
