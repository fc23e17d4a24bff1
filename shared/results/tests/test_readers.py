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
from independent_reader import STATUSES, read_fhir, read_hl7, words

SAMPLES = pathlib.Path(__file__).resolve().parent / "samples"
ROOT = SAMPLES.parents[3]
CARGO = ["cargo", "run", "--quiet", "--locked", "--package", "results", "--example", "written", "--"]
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


def counted(items):
    """The items as often as they are there, whatever their order: each one line with all its fields."""
    return collections.Counter(json.dumps([one[field] for field in FIELDS], ensure_ascii=False) for one in items)


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

    def test_people(self):
        self.assertEqual(len(lines["person"]), 3)
        for line in lines["person"]:
            with self.subTest(line["text"][:80]):
                check_person(line["text"])

    def test_bookings(self):
        self.assertEqual(len(lines["booking"]), 15)
        for line in lines["booking"]:
            with self.subTest(line["of"]):
                check_booking(line["text"])


def check_person(text):
    told = parse_message(text, validation_level=VALIDATION_LEVEL.STRICT)
    told.validate()
    assert told.MSH.MSH_9.MSH_9_2.to_er7() == told.EVN.EVN_1.to_er7(), "two events"
    assert told.PID.PID_3.to_er7() and told.PID.PID_5.to_er7(), "nobody"


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


class Fresh(unittest.TestCase):
    """What Rust's tests compare with (`samples/independent.jsonl`) is what these readers say today."""

    def test_they_are_fresh(self):
        kept = [json.loads(line) for line in (SAMPLES / "independent.jsonl").read_text(encoding="utf-8").splitlines()]
        wanted = {path.name for path in SAMPLES.glob("fhir-r4/*.json")} | {path.name for path in SAMPLES.glob("hl7v2/*ORU*.hl7")}
        self.assertLessEqual(wanted, {line["file"] for line in kept})
        for line in kept:
            with self.subTest(line["file"]):
                folder = "hl7v2" if line["file"].endswith(".hl7") else "fhir-r4"
                self.assertEqual(json.loads(json.dumps(independent_reader.read(SAMPLES / folder / line["file"]))), line)


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


    def test_people_that_are_none(self):
        good = lines["person"][0]["text"]
        for whole, broken in [("EVN|A28", "EVN|A31"), ("PID|1", "ZPI|1"), ("PV1||N", "PV1||")]:
            self.assertIn(whole, good)
            with self.assertRaises((AssertionError, HL7apyException), msg=whole):
                check_person(good.replace(whole, broken))


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
