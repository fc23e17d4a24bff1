"""A second opinion on the samples: hl7apy and fhir.resources read them, and say as lines of JSON what they found.

Reads file names from the command line; of each it prints {"file", "leaves": [[place, text], …], "items": [{…}, …]}: every
leaf, and every result with its fields. Nothing here is shared with the crate that is tested.
"""

import json
import pathlib
import re
import sys

from fhir.resources.R4B import get_fhir_model_class
from hl7apy.consts import VALIDATION_LEVEL
from hl7apy.parser import parse_message

# What FHIR says of an observation, in our words. `unknown` is nothing to rely on.
STATUSES = {"unknown": "registered", "entered-in-error": "entered_in_error"}
# HL7 tables 0085 and 0123.
ITEM_STATUSES = {"I": "registered", "O": "registered", "S": "partial", "P": "preliminary", "R": "preliminary", "F": "final",
                 "U": "final", "V": "final", "B": "appended", "A": "amended", "C": "corrected", "X": "cancelled", "N": "cancelled",
                 "D": "entered_in_error", "W": "entered_in_error"}


# ------------------------------------------------------------------------------------------ leaves


def hl7_leaves(path):
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
    text = path.read_text(encoding="utf-8")
    document = json.loads(text)
    # What it does not accept is no sample. Its own output rewrites times, so the leaves are those of the document.
    get_fhir_model_class(document["resourceType"]).model_validate(document)
    document = json.loads(text, parse_float=str, parse_int=str)
    resources = list(all_resources(document))
    for resource in resources:
        if resource["resourceType"] in RESULTS:
            yield from leaves(resource["resourceType"], resource)


def all_resources(document):
    """The resources of a bundle, and of the bundles in it."""
    if document["resourceType"] != "Bundle":
        yield document
    for entry in document.get("entry", []):
        yield from all_resources(entry["resource"])


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


# ------------------------------------------------------------------------------------------- items


def item(**found):
    return {"codes": [], "values": [], "ends": [], "flags": [], "notes": [], **{name: None for name in
            ("unit", "range", "observed", "analysed", "method", "site")}, **found}


def ends(text):
    """The numbers of a range in words, by a rule of our own: `4.3 to 6.2`, `49 - 92`, `70_105`, `<0.3`, nothing else."""
    number = r"([-+]?\d+(?:\.\d+)?)"
    if found := re.fullmatch(rf"{number}\s*(?:to|-|_|–|~|～|—)\s*{number}(?:\s*[%a-zA-Z/][^\s,;<>:]*)?", text.strip()):
        return [found.group(1), found.group(2)]
    if found := re.fullmatch(rf"([<>]=?)\s*{number}(?:\s*[%a-zA-Z/][^\s,;<>:]*)?", text.strip()):
        return [None, found.group(2)] if found.group(1).startswith("<") else [found.group(2), None]
    return [None, None]


# ---------------------------------------------------------------------------------- HL7 v2, by hl7apy


ESCAPES = {"\\F\\": "|", "\\S\\": "^", "\\R\\": "~", "\\T\\": "&", "\\E\\": "\\"}


def plain(text):
    return re.sub(r"\\[FSRTE]\\", lambda found: ESCAPES[found.group(0)], text)


def repetitions(segment, number):
    return [field for field in segment.children if field.name == f"{segment.name}_{number}" and field.to_er7().strip()]


def component(field, number):
    """By place: hl7apy names components by their type."""
    parts = field.to_er7().split("^")
    return plain(parts[number - 1]).strip() if len(parts) >= number else ""


def first(segment, number, part=1):
    found = repetitions(segment, number)
    return component(found[0], part) if found else ""


def concept(field):
    """The author's words, else those of a code, else a code; and the codes."""
    parts = [component(field, at) for at in range(1, 11)]
    name = parts[8] or parts[1] or parts[4] or parts[0] or parts[3]
    return name, [code for code in (parts[0], parts[3], parts[9]) if code]


def hl7_value(kind, field):
    if kind in ("CE", "CWE", "CNE", "CF", "IS", "ID", "CX"):
        return concept(field)[0]
    return plain(field.to_er7()) if kind != "SN" else "".join(component(field, at) for at in (1, 2, 3, 4))


def hl7_item(obx, notes):
    name, codes = concept(repetitions(obx, 3)[0])
    text = plain("~".join(field.to_er7() for field in repetitions(obx, 7)))
    methods, sites = repetitions(obx, 17), repetitions(obx, 20)
    return item(name=name, codes=codes, status=ITEM_STATUSES[first(obx, 11)], values=[hl7_value(first(obx, 2), field) for field in
                repetitions(obx, 5)], unit=first(obx, 6) or None, range=text or None, ends=[ends(text)] if text else [],
                flags=[component(field, 1) for field in repetitions(obx, 8)], observed=first(obx, 14) or None,
                analysed=first(obx, 19) or None, notes=notes, method=concept(methods[0])[0] if methods else None,
                site=concept(sites[0])[0] if sites else None)


def read_hl7(text):
    """The orders of a message with their items."""
    text = text.removeprefix("\ufeff").replace("\r\n", "\r").replace("\n", "\r")
    message = parse_message(text, validation_level=VALIDATION_LEVEL.TOLERANT, find_groups=False)
    orders = []
    for segment in message.children:
        if segment.name == "OBR":
            name, _ = concept(repetitions(segment, 4)[0])
            orders.append({"number": first(segment, 3) or first(segment, 2), "name": name, "collected": first(segment, 7) or None,
                           "issued": first(segment, 22) or None, "specimens": [], "texts": [], "rows": []})
        elif segment.name == "OBX" and not orders[-1]["specimens"]:
            orders[-1]["rows"].append((segment, []))
        elif segment.name == "NTE":
            told = [plain(field.to_er7()) for field in repetitions(segment, 3)]
            (orders[-1]["rows"][-1][1] if orders[-1]["rows"] else orders[-1]["texts"]).extend(told)
        elif segment.name == "SPM":
            orders[-1]["specimens"].append(concept(repetitions(segment, 4)[0])[0])
    for order in orders:
        order["items"] = [hl7_item(*row) for row in order.pop("rows")]
    return orders


# ------------------------------------------------------------------------- FHIR R4, by fhir.resources


def words(concepts):
    """The name of a concept, as people read it."""
    if not concepts:
        return None
    codings = concepts.get("coding", [])
    found = [concepts.get("text"), *(coding.get("display") for coding in codings), *(coding.get("code") for coding in codings)]
    return next((text for text in found if text), None)


def quantity(of):
    return f"{of.get('comparator', '')}{of.get('value', '')}" if of else ""


VALUES = {
    "valueQuantity": quantity,
    "valueCodeableConcept": words,
    "valueString": str,
    "valueBoolean": lambda value: str(value).lower(),
    "valueInteger": str,
    "valueDateTime": str,
    "valueTime": str,
    "valueRatio": lambda ratio: f"{quantity(ratio.get('numerator'))}:{quantity(ratio.get('denominator'))}",
    "valueRange": lambda of: f"{quantity(of.get('low'))}-{quantity(of.get('high'))}",
    "valueSampledData": lambda _: "",
}


def fhir_item(node, status):
    ranges = node.get("referenceRange", [])
    texts = [each["text"] for each in ranges if "text" in each]
    bounds = lambda each: [each.get(end, {}).get("value") for end in ("low", "high")]
    flags = [one for concepts in node.get("interpretation", []) for one in
             [*(coding.get("code") or coding.get("display") for coding in concepts.get("coding", [])), *filter(None, [concepts.get("text")])]]
    unit = node.get("valueQuantity", {})
    return item(name=words(node["code"]), codes=[coding["code"] for coding in node["code"].get("coding", []) if "code" in coding],
                status=status, values=[read(node[name]) for name, read in VALUES.items() if name in node],
                unit=unit.get("unit") or unit.get("code"), range="\n".join(texts) or None,
                ends=[bounds(each) if any(bounds(each)) else ends(each.get("text", "")) for each in ranges], flags=flags,
                observed=node.get("effectiveDateTime"), analysed=node.get("issued"),
                notes=[note["text"] for note in node.get("note", [])], method=words(node.get("method")), site=words(node.get("bodySite")))


def observation_items(node):
    status = STATUSES.get(node["status"], node["status"])
    yield fhir_item(node, status)
    for part in node.get("component", []):
        yield fhir_item(part, status)


def read_fhir(text):
    """Every report and every item of a document, and the items that are only referred to."""
    document = json.loads(text)
    get_fhir_model_class(document["resourceType"]).model_validate(document)
    # Its own output rewrites numbers and times; what it accepted is read as it stands.
    document = json.loads(text, parse_float=str, parse_int=str)
    resources = list(all_resources(document))
    contained = [inner for resource in resources for inner in resource.get("contained", [])]
    observations = [resource for resource in [*resources, *contained] if resource["resourceType"] == "Observation"]
    reports = [resource for resource in resources if resource["resourceType"] == "DiagnosticReport"]
    items = [one for observation in observations for one in observation_items(observation)]
    return reports, items


# ------------------------------------------------------------------------------------------- a file


def read(path):
    """All that is compared. A file within a resource is compared by its digest elsewhere; narratives are made from the
    fields."""
    is_hl7 = path.suffix == ".hl7"
    found = [leaf for leaf in (hl7_leaves if is_hl7 else fhir_leaves)(path) if not leaf[0].endswith((".data", ".text.div", ".text.status"))]
    text = path.read_bytes().decode("utf-8-sig")
    items = [one for order in read_hl7(text) for one in order["items"]] if is_hl7 else read_fhir(text)[1]
    return {"file": path.name, "leaves": found, "items": items}


def main():
    for name in sys.argv[1:]:
        path = pathlib.Path(name)
        try:
            print(json.dumps(read(path), ensure_ascii=False))
        except ValueError as error:
            sys.exit(f"{path.name}: {error}")


if __name__ == "__main__":
    main()
