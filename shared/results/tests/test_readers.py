"""Whether others read what we write, and read in the samples what we read: hl7apy and fhir.resources, field by field.

    python -m unittest discover --start-directory shared/results/tests

Nothing here is shared with the crate but its example `written`, which prints what it read and wrote. WRITTEN names its
binary; without it cargo builds it. That each check can fail is a test of its own (`Broken`).
"""

import collections
import json
import os
import pathlib
import re
import subprocess
import unittest

from fhir.resources.R4B import get_fhir_model_class
from hl7apy.consts import VALIDATION_LEVEL
from hl7apy.core import Message
from hl7apy.exceptions import HL7apyException
from hl7apy.parser import parse_message, parse_segments

import independent_reader

SAMPLES = pathlib.Path(__file__).resolve().parent / "samples"
ROOT = SAMPLES.parents[3]
CARGO = ["cargo", "run", "--quiet", "--locked", "--package", "results", "--example", "written", "--"]
# What FHIR says of an observation, in our words. `unknown` is nothing to rely on.
STATUSES = {"unknown": "registered", "entered-in-error": "entered_in_error"}
# HL7 tables 0085 and 0123.
ITEM_STATUSES = {"I": "registered", "O": "registered", "S": "partial", "P": "preliminary", "R": "preliminary", "F": "final",
                 "U": "final", "V": "final", "B": "appended", "A": "amended", "C": "corrected", "X": "cancelled", "N": "cancelled",
                 "D": "entered_in_error", "W": "entered_in_error"}
# What no message of the samples has: the number of tests says that all are there.
SAMPLES_MIN, BUNDLES_MIN, ACKNOWLEDGEMENTS_MIN = 85, 90, 200
FIELDS = ("name", "codes", "status", "values", "unit", "range", "ends", "flags", "observed", "analysed", "notes", "method", "site")

lines = collections.defaultdict(list)


def setUpModule():
    command = [os.environ["WRITTEN"]] if "WRITTEN" in os.environ else CARGO
    output = subprocess.run([*command, str(SAMPLES)], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
    for line in output.splitlines():
        line = json.loads(line)
        lines[line["kind"]].append(line)


def item(**found):
    return {"codes": [], "values": [], "ends": [], "flags": [], "notes": [], **{name: None for name in
            ("unit", "range", "observed", "analysed", "method", "site")}, **found}


def counted(items):
    """The items as often as they are there, whatever their order: each one line with all its fields."""
    return collections.Counter(json.dumps([one[field] for field in FIELDS], ensure_ascii=False) for one in items)


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
    resources = [entry["resource"] for entry in document.get("entry", [{"resource": document}])]
    contained = [inner for resource in resources for inner in resource.get("contained", [])]
    observations = [resource for resource in [*resources, *contained] if resource["resourceType"] == "Observation"]
    reports = [resource for resource in resources if resource["resourceType"] == "DiagnosticReport"]
    items = [one for observation in observations for one in observation_items(observation)]
    return reports, items


class Samples(unittest.TestCase):
    """In each sample they read what we read."""

    def test_all_are_there(self):
        names = {line["of"] for line in lines["read"]}
        wanted = {path.name for path in SAMPLES.glob("fhir-r4/*.json")} | {"LAB-ORU-1.hl7", "LAB-ORU-2.hl7", "LRI_2.0-NG_CBC_Typ_Message.hl7"}
        self.assertLessEqual(wanted, names)
        self.assertGreaterEqual(len(names), SAMPLES_MIN)

    def compare_hl7(self, line, text):
        orders = read_hl7(text)
        self.assertEqual(len(orders), len(line["reports"]))
        for theirs, ours in zip(orders, line["reports"]):
            for field in ("number", "name", "collected", "issued", "specimens", "texts"):
                self.assertEqual(theirs[field], ours[field], field)
            self.assertEqual(counted(theirs["items"]), counted(ours["items"]))

    def compare_fhir(self, line, text):
        reports, items = read_fhir(text)
        # A result that is not in the document is a row that says so: it has a reason instead of a value.
        ours = counted(one for report in line["reports"] for one in report["items"] if one["absent"] != "Unknown" or one["values"])
        theirs = counted(one for one in items)
        missing = [one for one in theirs if ours[one] < theirs[one]]
        self.assertEqual(missing, [], "we have not read these")
        self.assertEqual([one for one in ours if one not in theirs], [], "we have read what is not there")
        for node in reports:
            told = {
                "name": words(node["code"]),
                "status": STATUSES.get(node["status"], node["status"]),
                "collected": node.get("effectiveDateTime") or node.get("effectivePeriod", {}).get("start"),
                "issued": node.get("issued"),
                "conclusions": [words(one) for one in node.get("conclusionCode", [])],
            }
            same = [report for report in line["reports"] if all(report[name] == value for name, value in told.items())]
            self.assertTrue(same, told)
            if "conclusion" in node:
                self.assertIn(node["conclusion"], same[0]["texts"])


class Bundles(unittest.TestCase):
    """What we write as FHIR is FHIR, and says what we have read."""

    def test_all(self):
        self.assertGreaterEqual(len(lines["bundle"]), BUNDLES_MIN)
        for line in lines["bundle"]:
            with self.subTest(line["of"]):
                check_bundle(self, line)

    def test_refusals(self):
        self.assertEqual(len(lines["outcome"]), 12)
        for line in lines["outcome"]:
            check_outcome(line["text"])


def check_bundle(test, line):
    reports, items = read_fhir(line["text"])
    test.assertEqual(len(reports), 1)
    ours = line["read"]
    # What FHIR has one field for: names, values to the digit, flags, notes, ends within the range.
    test.assertEqual(words(reports[0]["code"]) or "-", ours["name"] or "-")
    brief = lambda one: json.dumps([one["name"] or "-", one["codes"], "\n".join(filter(None, map(digits, one["values"]))), one["unit"] if
                                    one["values"] else None, one["flags"], one["notes"], one["method"], one["site"]], ensure_ascii=False)
    test.assertEqual(collections.Counter(map(brief, items)), collections.Counter(map(brief, ours["items"])))


def digits(value):
    """JSON knows no `+1` and no `≤`."""
    return re.sub(r"^\+", "", value.replace("≤", "<=").replace("≥", ">=").replace(" ", "")) if value else value


def check_outcome(text):
    outcome = get_fhir_model_class("OperationOutcome").model_validate(json.loads(text))
    assert outcome.issue and outcome.issue[0].severity == "error" and outcome.issue[0].details.text, "an outcome says nothing"


class Messages(unittest.TestCase):
    """What we write as HL7 v2 is of its version, by every rule hl7apy has."""

    def test_acknowledgements(self):
        self.assertGreaterEqual(len(lines["acknowledgement"]), ACKNOWLEDGEMENTS_MIN)
        for line in lines["acknowledgement"]:
            with self.subTest(line["of"]):
                check_acknowledgement(line["text"])

    def test_bookings(self):
        self.assertEqual(len(lines["booking"]), 15)
        for line in lines["booking"]:
            with self.subTest(line["of"]):
                check_booking(line["text"])


def parse_acknowledgement(text):
    if "|P|2.3\r" not in text:
        return parse_message(text, validation_level=VALIDATION_LEVEL.STRICT)
    # In 2.3 it has no event, by which the parser would find the structure: the structure is named instead.
    answer = Message("ACK", version="2.3", validation_level=VALIDATION_LEVEL.STRICT)
    answer.children = parse_segments(text, version="2.3", validation_level=VALIDATION_LEVEL.STRICT, references=answer.reference)
    return answer


def check_acknowledgement(text):
    answer = parse_acknowledgement(text)
    answer.validate()
    code = answer.MSA.MSA_1.value
    assert code in ("AA", "AE", "AR", "CA", "CE", "CR"), "no acknowledgement"
    assert answer.MSA.MSA_2.value == "17", "of another message"
    assert (code[1] == "A") == (not answer.children.get("ERR")), "an error needs its reason, and a success has none"


def check_booking(text):
    notice = parse_message(text, validation_level=VALIDATION_LEVEL.STRICT)
    notice.validate()
    assert notice.SCH.SCH_1.to_er7() == "b", "the booking has no number"
    assert notice.MSH.MSH_9.MSH_9_2.to_er7() in ("S12", "S13", "S14", "S15", "S26"), "no booking"


class Leaves(unittest.TestCase):
    """What the suite of the crate compares with (`samples/independent.jsonl`) is what these readers say today."""

    def test_they_are_fresh(self):
        kept = [json.loads(line) for line in (SAMPLES / "independent.jsonl").read_text(encoding="utf-8").splitlines()]
        wanted = {path.name for path in SAMPLES.glob("fhir-r4/*.json")} | {path.name for path in SAMPLES.glob("hl7v2/*ORU*.hl7")}
        self.assertLessEqual(wanted, {line["file"] for line in kept})
        for line in kept:
            with self.subTest(line["file"]):
                folder = "hl7v2" if line["file"].endswith(".hl7") else "fhir-r4"
                self.assertEqual(independent_reader.found(SAMPLES / folder / line["file"]), [tuple(leaf) for leaf in line["leaves"]])


class Broken(unittest.TestCase):
    """Each check fails on what is broken."""

    def line(self, kind, of):
        return next(line for line in lines[kind] if line["of"] == of)

    def test_a_lost_or_changed_field_of_hl7(self):
        text = sample("LRI_2.0-NG_CBC_Typ_Message.hl7")
        line = self.line("read", "LRI_2.0-NG_CBC_Typ_Message.hl7")
        for whole, broken in [("4.3 to 6.2", "4.3 to 6.3"), ("|4.41|", "|4.14|"), ("|L|||F", "|H|||F"), ("g/mL^", "g/dL^"), ("|F|||2011", "|C|||2011"),
                              ("None seen", "Some seen"), ("^^^^^^Blood", "^^^^^^Urine"), ("20110103163428", "20110103163429")]:
            self.assertIn(whole, text)
            with self.assertRaises(AssertionError, msg=whole):
                Samples().compare_hl7(line, text.replace(whole, broken, 1))
        for field in FIELDS:
            changed = json.loads(json.dumps(line))
            changed["reports"][0]["items"][0][field] = "changed"
            with self.assertRaises(AssertionError, msg=field):
                Samples().compare_hl7(changed, text)

    def test_a_lost_or_changed_field_of_fhir(self):
        text, line = sample("Bundle-101.json"), self.line("read", "Bundle-101.json")
        for at in range(len(line["reports"][0]["items"])):
            lost = json.loads(json.dumps(line))
            del lost["reports"][0]["items"][at]
            with self.assertRaises(AssertionError, msg=at):
                Samples().compare_fhir(lost, text)
        for field in FIELDS:
            changed = json.loads(json.dumps(line))
            changed["reports"][0]["items"][0][field] = "changed"
            with self.assertRaises(AssertionError, msg=field):
                Samples().compare_fhir(changed, text)

    def test_a_bundle_that_is_none(self):
        line = self.line("bundle", "Bundle-101.json")
        for whole, broken in [('"status":"final"', '"state":"final"'), ('"type":"collection"', '"type":1'), ('"code":{', '"codes":{')]:
            self.assertIn(whole, line["text"])
            with self.assertRaises(ValueError, msg=whole):
                check_bundle(self, {**line, "text": line["text"].replace(whole, broken)})
        with self.assertRaises(AssertionError):
            check_bundle(self, {**line, "text": re.sub(r'"value":[\d.]+', '"value":0.07', line["text"])})
        with self.assertRaises(AssertionError):
            check_outcome('{"resourceType":"OperationOutcome","issue":[]}')

    def test_messages_that_are_none(self):
        good = next(line["text"] for line in lines["acknowledgement"] if line["of"] == "2.5.1" and "|AE|" in line["text"])
        check_acknowledgement(good)
        for whole, broken in [("|AE|", "|OK|"), ("MSA|", "MSX|"), ("|AE|17", "|AE|18"), ("ERR|", "NTE|"), ("|P|2.5.1", "|P|9.9")]:
            self.assertIn(whole, good)
            with self.assertRaises((AssertionError, HL7apyException), msg=whole):
                check_acknowledgement(good.replace(whole, broken))
        good = self.line("booking", "Booked")["text"]
        for whole, broken in [("SCH|b|", "SCH||"), ("RGS|1|A\r", ""), ("AIG|1|", "ZZG|1|"), ("SIU^S12", "SIU^A01")]:
            self.assertIn(whole, good)
            with self.assertRaises((AssertionError, HL7apyException), msg=whole):
                check_booking(good.replace(whole, broken))


def sample(name):
    return next(SAMPLES.glob(f"*/{name}")).read_bytes().decode("utf-8-sig")


def add(name):
    compare = "compare_hl7" if name.endswith(".hl7") else "compare_fhir"

    def test(self):
        getattr(self, compare)(next(line for line in lines["read"] if line["of"] == name), sample(name))

    setattr(Samples, f"test_{re.sub(r'[^A-Za-z0-9]', '_', name)}", test)


for path in sorted([*SAMPLES.glob("hl7v2/L*ORU*.hl7"), *SAMPLES.glob("hl7v2/LRI*.hl7"), *SAMPLES.glob("fhir-r4/*.json")]):
    add(path.name)

if __name__ == "__main__":
    unittest.main()
