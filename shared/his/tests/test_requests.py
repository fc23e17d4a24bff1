"""Whether what the port writes in FHIR is FHIR R4: fhir.resources reads every resource of the snapshot of what is sent.

    python -m unittest discover --start-directory shared/his/tests
"""

import json
import pathlib
import re
import unittest

from fhir.resources.R4B import get_fhir_model_class

SNAPSHOT = pathlib.Path(__file__).resolve().parent / "snapshots/fhir__what_is_sent_is_what_was_agreed.snap"
REQUEST = re.compile(r"^(GET|POST|PUT) (/his/v1/fhir\S*)$", re.MULTILINE)
# What is written at least: a lock, bookings, one that moves, one given back, people, a child with a guardian, a card.
WRITTEN = {"Appointment": 4, "Bundle": 2, "Patient": 2}


def requests():
    text = SNAPSHOT.read_text(encoding="utf-8").split("---\n", 2)[2]
    parts = REQUEST.split(text)[1:]
    return [(method, address, body.strip()) for method, address, body in zip(parts[::3], parts[1::3], parts[2::3])]


def read(body):
    resource = json.loads(body)
    return get_fhir_model_class(resource["resourceType"]).model_validate(resource)


class Requests(unittest.TestCase):
    def test_every_resource_is_one(self):
        written = {}
        for method, address, body in requests():
            with self.subTest(f"{method} {address}"):
                if body.startswith("{"):
                    kind = read(body).get_resource_type()
                    written[kind] = written.get(kind, 0) + 1
                    if kind != "Bundle":
                        self.assertEqual(address.split("/")[4], kind)
                else:
                    self.assertTrue(method == "GET" or address.endswith("/_search"), "a write without a resource")
        for kind, least in WRITTEN.items():
            self.assertGreaterEqual(written.get(kind, 0), least, kind)

    def test_what_is_known_of_people_is_in_no_address(self):
        for _, address, _ in requests():
            for secret in ("11010519491231002X", "19900000031", "H0000000001", "V1"):
                self.assertNotIn(secret, address)

    def test_what_is_none_is_refused(self):
        body = next(body for _, _, body in requests() if body.startswith("{"))
        for whole, broken in [('"status"', '"state"'), ('"participant"', '"participants"'), ('"start": "', '"start": "x')]:
            self.assertIn(whole, body)
            with self.assertRaises(ValueError, msg=whole):
                read(body.replace(whole, broken))


if __name__ == "__main__":
    unittest.main()
