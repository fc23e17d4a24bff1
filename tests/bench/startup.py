"""Start-up of every function's release binary beside a minimal lambda_http binary, in the same run.

    python3 tests/bench/startup.py [STARTS]      after cargo build --release, see the Makefile

This script plays the Lambda Runtime API and the AWS services: each binary is started STARTS times in turn with the
others; measured are exec to first poll, the first request, later requests, processor time and memory. The services
are stand-ins in this process behind real TLS, so that a first handshake costs what it costs; the table holds exactly
what the first requests read. No clock of a real Lambda is measured here: the ratios are what to keep.
"""

import base64
import hashlib
import json
import os
import pathlib
import queue
import socketserver
import ssl
import statistics
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
RELEASE = ROOT / "target/release"
STARTS = 15
WARM_REQUESTS = 20
ANSWER_MAX_S = 30
PUBLIC_URL = "https://hospital.example"
SIZE_MAX_MIB = 6
SYSTEM_ROOTS = pathlib.Path("/etc/ssl/certs/ca-certificates.crt")

# ------------------------------------------------------------------------- servers


class Http(socketserver.StreamRequestHandler):
    """The least HTTP/1.1: one answer per request, in one segment, the connection kept."""

    disable_nagle_algorithm = True

    def handle(self):
        try:
            while (line := self.rfile.readline()) not in (b"", b"\r\n"):
                method, path, _ = line.decode().split(" ")
                headers = {}
                while (line := self.rfile.readline()) not in (b"", b"\r\n"):
                    name, _, value = line.decode("latin-1").partition(":")
                    headers[name.lower()] = value.strip()
                body = self.rfile.read(int(headers.get("content-length", 0)))
                extra, answer = self.server.answer(method, path, headers, body)
                head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(answer)}\r\n{extra}\r\n"
                self.wfile.write(head.encode() + answer)
        except (OSError, ValueError):
            return  # The function was ended in the middle of a call.


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = allow_reuse_address = True
    request_queue_size = 64

    def __init__(self, answer, tls=None):
        super().__init__(("127.0.0.1", 0), Http)
        self.answer, self.tls = answer, tls
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def get_request(self):
        connection, address = super().get_request()
        if self.tls:
            # The handshake belongs to the connection's own thread.
            connection = self.tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        return connection, address

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)

    @property
    def origin(self):
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.server_address[1]}"


def openssl(*arguments):
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)


class Authority:
    """A certificate authority for this run, known to the functions beside the system's roots."""

    def __init__(self, folder):
        at = lambda name: str(folder / name)
        curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
        openssl("req", "-x509", *curve, "-keyout", at("ca.key"), "-out", at("ca.pem"), "-days", "2", "-subj", "/CN=bench")
        openssl("req", *curve, "-keyout", at("server.key"), "-out", at("server.csr"), "-subj", "/CN=127.0.0.1")
        (folder / "server.ext").write_text("subjectAltName=IP:127.0.0.1\nbasicConstraints=CA:FALSE\n")
        openssl("x509", "-req", "-in", at("server.csr"), "-CA", at("ca.pem"), "-CAkey", at("ca.key"), "-CAcreateserial",
                "-days", "2", "-extfile", at("server.ext"), "-out", at("server.pem"))
        self.roots = folder / "roots.pem"
        system = SYSTEM_ROOTS.read_text() if SYSTEM_ROOTS.exists() else ""
        self.roots.write_text(system + (folder / "ca.pem").read_text())
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(at("server.pem"), at("server.key"))


# ----------------------------------------------------------------------- the hospital

NOW_S = int(time.time())
DAY = time.strftime("%Y-%m-%d", time.gmtime(NOW_S + 2 * 86_400))
OPENID, PATIENT, HELD, BOOKED = "oBench0000000000000000000001", "bench00000000001", "held000000000001", "booked0000000001"
SESSION = bytes(range(32))
STAFF_TOKEN = "a-staff-token-of-the-bench"
VECTOR = json.loads((ROOT / "shared/wechat/tests/vectors/callback_1kb.json").read_text())
PROFILE = json.loads((ROOT / "infra/hospital/profile.json").read_text())


def unpadded(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def attribute(value):
    """A value as DynamoDB spells it."""
    if value is None:
        return {"NULL": True}
    if isinstance(value, bool):
        return {"BOOL": value}
    if isinstance(value, (int, float)):
        return {"N": str(value)}
    if isinstance(value, str):
        return {"S": value}
    if isinstance(value, list):
        return {"L": [attribute(one) for one in value]}
    return {"M": {name: attribute(one) for name, one in value.items()}}


def appointment(name, **state):
    place = {
        "clinic": f"{DAY.replace('-', '')}-am-NK-pool", "date": DAY, "period": "morning", "start": "0900", "number": 3,
        "kind": "ordinary", "department": "NK", "department_name": "内科", "doctor": None, "who": "普通门诊", "room": "201",
        "campus": "本部",
    }
    return {
        "id": name, "patient": PATIENT, "patient_name_masked": "林*梅", "account": OPENID, "place": place, "fee": 2500,
        "pay_attempt": 1, "deadlines": {}, "ev": None, "created_at": NOW_S, "ver": 1, **state,
    }


def table():
    link = {"patient": PATIENT, "account": OPENID, "relation": "oneself", "name_masked": "林*梅", "since": NOW_S}
    person = {
        "id": PATIENT, "name_sealed": "-", "document_sealed": "-", "phone_sealed": "-", "name_masked": "林*梅",
        "document_masked": "护照 G*****1", "phone_masked": "199****0001", "needs_window": False, "consent_version": "1",
        "card": None, "registered_at": NOW_S, "ev": None,
    }
    return {
        ("CATALOG", "PROFILE"): PROFILE,
        ("CATALOG", "DEPT#NK"): {"id": "NK", "name": "内科", "parent": None, "location": "门诊楼二层", "campus": "本部", "intro": "内科"},
        (f"SESSION#{unpadded(hashlib.sha256(SESSION).digest())}", "SELF"): {"account": OPENID, "expires_at": NOW_S + 86_400},
        (f"WX#{OPENID}", f"LINK#{PATIENT}"): link,
        (f"PATIENT#{PATIENT}", "SELF"): person,
        (f"PATIENT#{PATIENT}", f"APPT#{DAY}#{HELD}"): appointment(HELD, state="held", expires_at=NOW_S + 3_600),
        (f"PATIENT#{PATIENT}", f"APPT#{DAY}#{BOOKED}"): appointment(BOOKED, state="booked"),
        ("WECHAT_TOKEN", "SELF"): {"token": "a-token", "expires_at": NOW_S + 7_000, "ver": 1},
    }


def secrets(folder):
    """The secrets, with keys of this run."""
    openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", str(folder / "pay.key"))
    openssl("pkey", "-in", str(folder / "pay.key"), "-pubout", "-out", str(folder / "pay.pub"))
    key = base64.b64encode(bytes([1] * 32)).decode()
    return {
        "identity": {"current": 1, "keys": {"1": {"seal": key, "index": key}}},
        "visit": {"keys": [key]},
        "wechat": {"app_id": VECTOR["app_id"], "app_secret": "-", "original_id": "gh_0123456789ab", "token": VECTOR["token"],
                   "aes_keys": [VECTOR["encoding_aes_key"]], "mode": "safe", "scene_key": key},
        "pay": {"mch_id": "1900000001", "app_id": VECTOR["app_id"], "merchant_serial": "5A" * 20,
                "merchant_key_pem": (folder / "pay.key").read_text(), "api_v3_keys": ["k" * 32],
                "platform_keys": [{"id": "PUB_KEY_ID_0119000000012026010100000000000000",
                                   "public_key_pem": (folder / "pay.pub").read_text()}]},
        "staff": {"tokens": [{"name": "bench", "sha256": hashlib.sha256(STAFF_TOKEN.encode()).hexdigest(),
                              "scopes": ["catalog", "wechat", "appointments", "refunds", "finance"]}]},
    }


class Aws:
    """DynamoDB, Secrets Manager, SQS and EventBridge, as far as the first requests go."""

    def __init__(self, items, texts):
        keyed = {key: {"pk": key[0], "sk": key[1], **item} for key, item in items.items()}
        self.items = {key: attribute(item)["M"] for key, item in keyed.items()}
        self.texts = {name: json.dumps(text) for name, text in texts.items()}
        self.unknown = set()

    def __call__(self, _method, _path, headers, body):
        operation = headers.get("x-amz-target", "").rpartition(".")[2]
        request = json.loads(body)
        answer = getattr(self, operation, None)
        if answer is None:
            self.unknown.add(operation)
        return "", json.dumps(answer(request) if answer else {}).encode()

    def GetItem(self, request):
        item = self.items.get((request["Key"]["pk"]["S"], request["Key"]["sk"]["S"]))
        return {"Item": item} if item else {}

    def Query(self, request):
        values = request["ExpressionAttributeValues"]
        wanted, prefix = values[":pk"]["S"], values.get(":prefix", {"S": ""})["S"]
        found = [item for (pk, sk), item in self.items.items() if pk == wanted and sk.startswith(prefix)]
        return {"Items": found, "Count": len(found), "ScannedCount": len(found)}

    def PutItem(self, _request):
        return {}

    UpdateItem = PutItem

    def GetSecretValue(self, request):
        return {"Name": request["SecretId"], "SecretString": self.texts[request["SecretId"]]}

    def PutEvents(self, request):
        return {"FailedEntryCount": 0, "Entries": [{"EventId": "1"} for _ in request["Entries"]]}


def wechat(_method, _path, _headers, _body):
    return "", b'{"errcode":0,"errmsg":"ok","msgid":2500000000000000001}'


# ---------------------------------------------------------------------- first requests


def http_event(method, path, query="", body=None, **headers):
    """A request as an HTTP API of API Gateway hands it over (payload version 2.0)."""
    cookies = [f"__Host-sid={unpadded(SESSION)}"]
    names = {"host": "hospital.example", "accept": "text/html", "accept-encoding": "gzip", **headers}
    event = {
        "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": query, "cookies": cookies,
        "headers": {name.replace("_", "-"): value for name, value in names.items()},
        "requestContext": {
            "accountId": "000000000000", "apiId": "bench", "domainName": "hospital.example", "domainPrefix": "hospital",
            "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "bench"},
            "requestId": "bench", "routeKey": "$default", "stage": "$default", "time": "22/Nov/2026:02:00:00 +0000",
            "timeEpoch": NOW_S * 1000,
        },
        "isBase64Encoded": False,
    }
    return event if body is None else {**event, "body": body}


def message_event():
    """The 1 KB message of the test vectors, signed for now."""
    timestamp, nonce = str(NOW_S), "437374425"
    sealed = VECTOR["body"].split("<Encrypt><![CDATA[")[1].split("]]>")[0]
    sign = lambda *parts: hashlib.sha1("".join(sorted(parts)).encode()).hexdigest()
    query = (f"signature={sign(VECTOR['token'], timestamp, nonce)}&timestamp={timestamp}&nonce={nonce}&encrypt_type=aes"
             f"&msg_signature={sign(VECTOR['token'], timestamp, nonce, sealed)}")
    return http_event("POST", "/wechat", query, VECTOR["body"], content_type="text/xml")


def forged_notification():
    headers = {
        "content_type": "application/json", "wechatpay_timestamp": str(NOW_S), "wechatpay_nonce": "n" * 32,
        "wechatpay_serial": "PUB_KEY_ID_0119000000012026010100000000000000",
        "wechatpay_signature": base64.b64encode(bytes(range(256))).decode(), "wechatpay_signature_type": "WECHATPAY2-SHA256-RSA2048",
    }
    resource = {"algorithm": "AEAD_AES_256_GCM", "ciphertext": "AAAA" * 100, "nonce": "n" * 12, "associated_data": "transaction"}
    body = {"id": "1", "create_time": "2026-11-22T10:00:00+08:00", "resource_type": "encrypt-resource",
            "event_type": "TRANSACTION.SUCCESS", "summary": "支付成功", "resource": resource}
    return http_event("POST", "/pay/notify", "", json.dumps(body), **headers)


def booked_event():
    return {"seq": 1, "kind": "appointment.booked", "actor": "wechat_pay", "at": NOW_S}


def stream_batch():
    keys = {"pk": f"PATIENT#{PATIENT}", "sk": f"APPT#{DAY}#{BOOKED}"}
    before = {**keys, **appointment(BOOKED, state="held", expires_at=NOW_S + 600)}
    after = {**keys, **appointment(BOOKED, state="booked"), "ev": booked_event()}
    images = {"Keys": keys, "OldImage": before, "NewImage": after}
    change = {name: attribute(image)["M"] for name, image in images.items()}
    change |= {"SequenceNumber": "1", "SizeBytes": 900, "StreamViewType": "NEW_AND_OLD_IMAGES", "ApproximateCreationDateTime": NOW_S}
    arn = "arn:aws-cn:dynamodb:cn-northwest-1:000000000000:table/menzhen/stream/1"
    return {"Records": [{"eventID": "1", "eventName": "MODIFY", "eventVersion": "1.1", "eventSource": "aws:dynamodb",
                         "awsRegion": "cn-northwest-1", "dynamodb": change, "eventSourceARN": arn}]}


def queue_batch():
    body = {"pk": f"PATIENT#{PATIENT}", "sk": f"APPT#{DAY}#{BOOKED}", **booked_event()}
    return {"Records": [{"messageId": "1", "receiptHandle": "1", "body": json.dumps(body), "attributes": {},
                         "messageAttributes": {}, "eventSource": "aws:sqs", "awsRegion": "cn-northwest-1"}]}


def tick():
    return {"version": "0", "id": "bench", "detail-type": "Scheduled Event", "source": "aws.events", "account": "000000000000",
            "time": "2026-11-22T02:00:00Z", "region": "cn-northwest-1", "resources": [], "detail": {}}


def put_profile():
    return http_event("PUT", "/staff/profile", "", json.dumps(PROFILE), content_type="application/json",
                      accept="application/json", authorization=f"Bearer {STAFF_TOKEN}")


# What each is asked first, what that is in words, and the status that shows that it went the whole way.
HTTP_OK = (200, 204)
FIRST = {
    "minimal": (http_event("GET", "/"), "answers `ok`, no AWS client", HTTP_OK),
    "content": (http_event("GET", "/"), "the hospital's page", HTTP_OK),
    "webhook": (message_event(), "a 1 KB chat message: opened, recorded, answered", HTTP_OK),
    "signup": (http_event("GET", "/patients"), "the people of an account", HTTP_OK),
    "card": (http_event("GET", f"/patients/{PATIENT}/card"), "a person's card", HTTP_OK),
    "booking": (http_event("GET", "/booking"), "departments to choose from", HTTP_OK),
    "visit": (http_event("GET", f"/visits/{PATIENT}-{DAY.replace('-', '')}-{BOOKED}"), "the day of a visit", HTTP_OK),
    "payment": (http_event("GET", f"/appointments/{PATIENT}-{DAY.replace('-', '')}-{HELD}/pay"), "the page that pays", HTTP_OK),
    "pay-notify": (forged_notification(), "a forged notification, refused", (401,)),
    "console": (put_profile(), "checks and writes the profile", HTTP_OK),
    "reminder": (tick(), "a tick, nothing due", None),
    "sweeper": (tick(), "a tick, nothing due", None),
    "reconcile": (tick(), "a tick, nothing due", None),
    "his-sync": (tick(), "a tick, nothing due", None),
    "wechat-token": (tick(), "a tick, the token is young", None),
    "event-relay": (stream_batch(), "one event to the bus", None),
    "notifier": (queue_batch(), "one message: ledger, WeChat, ledger", None),
}


# ------------------------------------------------------------------------- measuring


class Failed(Exception):
    pass


class Runtime:
    """The Lambda Runtime API for one process: hands out events one at a time."""

    def __init__(self, event):
        self.event, self.serial = json.dumps(event).encode(), 0
        self.polled, self.allowed, self.answered = queue.Queue(), queue.Queue(), queue.Queue()
        self.server = Server(self.answer)

    def answer(self, _method, path, _headers, body):
        if path.endswith("/invocation/next"):
            self.polled.put(time.perf_counter())
            self.allowed.get()
            self.serial += 1
            deadline_ms = int(time.time() * 1000) + 60_000
            extra = (f"lambda-runtime-aws-request-id: bench-{self.serial}\r\nlambda-runtime-deadline-ms: {deadline_ms}\r\n"
                     "lambda-runtime-invoked-function-arn: arn:aws-cn:lambda:cn-northwest-1:000000000000:function:bench\r\n")
            return extra, self.event
        self.answered.put((time.perf_counter(), path, body))
        return "", b"{}"

    def first_poll(self):
        return self.polled.get(timeout=ANSWER_MAX_S)

    def invoke(self):
        """Hands out the event; when that was, when the answer came, and the answer."""
        started = time.perf_counter()
        self.allowed.put(None)
        ended, path, body = self.answered.get(timeout=ANSWER_MAX_S)
        if not path.endswith("/response"):
            raise Failed(body.decode(errors="replace"))
        self.polled.get(timeout=ANSWER_MAX_S)
        return (ended - started) * 1000, body

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def cpu_ms(pid):
    tasks = pathlib.Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(task.read_text().split()[0]) for task in tasks) / 1e6


def peak_mib(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def check(name, body):
    answer, allowed = json.loads(body), FIRST[name][2]
    if allowed and answer.get("statusCode") not in allowed:
        raise Failed(f"{name} answers {answer.get('statusCode')}: {str(answer.get('body'))[:400]}")
    if answer and (answer.get("batchItemFailures") or answer.get("failed")):
        raise Failed(f"{name}: {answer}")


def start(name, environment):
    runtime = Runtime(FIRST[name][0])
    port = runtime.server.server_address[1]
    function = {"AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{port}", "AWS_LAMBDA_FUNCTION_NAME": name}
    started = time.perf_counter()
    process = subprocess.Popen([RELEASE / name], env={**environment, **function}, stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        init_ms = (runtime.first_poll() - started) * 1000
        init_cpu_ms = cpu_ms(process.pid)
        first_ms, body = runtime.invoke()
        check(name, body)
        first_cpu_ms = cpu_ms(process.pid) - init_cpu_ms
        warm_ms = statistics.median(runtime.invoke()[0] for _ in range(WARM_REQUESTS))
        return {"init_ms": init_ms, "init_cpu_ms": init_cpu_ms, "first_ms": first_ms, "first_cpu_ms": first_cpu_ms,
                "warm_ms": warm_ms, "peak_mib": peak_mib(process.pid)}
    except queue.Empty:
        raise Failed(f"{name} does not answer within {ANSWER_MAX_S} s") from None
    finally:
        process.kill()
        process.wait()
        runtime.close()


def environment(aws, chat, roots):
    """What a deployed function sees, and nothing of this shell."""
    return {
        "AWS_LAMBDA_FUNCTION_VERSION": "1", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512", "AWS_LAMBDA_LOG_GROUP_NAME": "bench",
        "AWS_LAMBDA_LOG_STREAM_NAME": "bench", "AWS_REGION": "cn-northwest-1", "AWS_ACCESS_KEY_ID": "bench",
        "AWS_SECRET_ACCESS_KEY": "bench", "AWS_ENDPOINT_URL": aws.origin, "SSL_CERT_FILE": str(roots),
        "TABLE_NAME": "menzhen", "PUBLIC_URL": PUBLIC_URL, "BUS_NAME": "menzhen", "WECHAT_API_URL": chat.origin,
        "PAY_API_URL": chat.origin, "PAY_API_FALLBACK_URL": chat.origin, "NOTICE_QUEUE_URL": f"{aws.origin}/0/notice",
        "RELAY_DLQ_URL": f"{aws.origin}/0/relay", "IDENTITY_SECRET": "identity", "WECHAT_SECRET": "wechat",
        "PAY_SECRET": "pay", "STAFF_SECRET": "staff", "HIS_SECRET": "his", "VISIT_SECRET": "visit", "HIS_URL": chat.origin,
    }


# ------------------------------------------------------------------------- reporting


def size_mib(name):
    return (RELEASE / name).stat().st_size / 2**20


def row(name, starts, base):
    median = lambda key, of=starts: statistics.median(one[key] for one in of)
    ratio = lambda key: median(key) / median(key, base)
    return (f"| {name} | {size_mib(name):.1f} | {median('init_ms'):.1f} ({ratio('init_ms'):.1f}×) "
            f"| {median('init_cpu_ms'):.1f} ({ratio('init_cpu_ms'):.1f}×) | {median('first_ms'):.1f} | {median('first_cpu_ms'):.1f} "
            f"| {median('warm_ms'):.1f} | {median('peak_mib'):.1f} | {FIRST[name][1]} |")


def report(results, starts):
    print("### Start-up\n")
    print(f"Medians of {starts} starts each, all in turn; (n×) is to `minimal`, a bare lambda_http binary of the same profile. "
          "Start-up includes the first TLS handshake with the table. The services are stand-ins on this machine.\n")
    print("| function | MiB | to first poll, ms | CPU, ms | first request, ms | CPU, ms | later, ms | peak MiB | first request |")
    print("|---|---|---|---|---|---|---|---|---|")
    for name, measured in results.items():
        print(row(name, measured, results["minimal"]))
    print()


def refuse_what_no_release_may_hold(names):
    movable = [name for name in names if b"CLOCK_FILE" in (RELEASE / name).read_bytes()]
    if movable:
        raise Failed(f"these release binaries have a clock that can be moved: {', '.join(movable)}")
    large = [f"{name} {size_mib(name):.1f}" for name in names if size_mib(name) > SIZE_MAX_MIB]
    if large:
        print(f"Over {SIZE_MAX_MIB} MiB: {', '.join(large)}", file=sys.stderr)


def main():
    starts = int(sys.argv[1]) if len(sys.argv) > 1 else STARTS
    missing = [name for name in FIRST if not (RELEASE / name).exists()]
    unknown = [path.name for path in (ROOT / "functions").iterdir() if path.name not in FIRST]
    if missing or unknown:
        raise Failed(f"not built: {missing}; without a first request: {unknown}")
    refuse_what_no_release_may_hold(FIRST)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        authority = Authority(folder)
        services = Aws(table(), secrets(folder))
        aws, chat = Server(services, authority.context), Server(wechat)
        seen = environment(aws, chat, authority.roots)
        results = {function: [] for function in FIRST}
        for round_of_all in range(starts + 1):
            for function, measured in results.items():
                one = start(function, seen)
                # The first round fills the page cache.
                if round_of_all > 0:
                    measured.append(one)
            print(f"start-up: round {round_of_all} of {starts}", file=sys.stderr)
        if services.unknown:
            raise Failed(f"the stand-in does not know {services.unknown}")
    report(results, starts)


if __name__ == "__main__":
    try:
        main()
    except Failed as error:
        sys.exit(f"startup: {error}")
