"""The whole system on this machine: MiniStack, the stand-ins of WeChat, of the hospital system and of
the SMS service, the real templates and binaries.

    stack.py up | down | reset | deploy NAME

`up` may be repeated: it keeps the data and does only what changed. Settings (all optional):
PORT, PHONE_PORT, HIS_PORT, SMS_PORT, AWS_PORT, STATE (a folder), WECHAT_API_URL, WECHAT_OPEN_URL, PAY_API_URL for another WeChat, and
HIS_URL for another front-end machine (put its `his` secret yourself).
"""

import argparse
import base64
import datetime
import hashlib
import json
import os
import pathlib
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "infra"))

LOOPBACK = "127.0.0.1"
PREFIX = "menzhen"
REGION = "us-east-1"
START_MAX_S, STOP_MAX_S, POLL_S = 60, 30, 0.1
IMPORT_MAX_S = 60
KEY_BYTES = 32
HOSPITAL = ROOT / "infra/hospital"
CLOCK_FEATURE = "runtime/movable-clock"
# By the variable that names the token: who it is, and what it may do. Two people, since one refund can take two.
STAFF = {
    "STAFF_TOKEN": ("his-import", ["catalog", "wechat", "appointments", "refunds", "finance", "desk", "window", "screens",
                                   "credit", "closures", "critical", "intake", "accounts"]),
    "STAFF_TOKEN_2": ("cashier", ["refunds", "finance"]),
}
# Who may sign in at /staff/signin here, and as what. Invented people with one password that everybody may know.
DEMO_PASSWORD = "demo-clinic-day"
DEMO_STAFF = (
    {"login": "nurse", "name": "刘护士", "roles": ["triage_nurse"]},
    {"login": "registrar", "name": "王收费员", "roles": ["registrar"]},
    {"login": "doctor", "name": "李明", "roles": ["doctor"], "doctor": "D0101"},
    {"login": "quality", "name": "孙质控", "roles": ["quality"]},
    {"login": "finance", "name": "周会计", "roles": ["finance"]},
    {"login": "content", "name": "吴编辑", "roles": ["content"]},
    {"login": "admin", "name": "赵管理员", "roles": ["admin"]},
)
IMPORTS = ("departments", "doctors", "schedules", "cards")
SHANGHAI = datetime.timezone(datetime.timedelta(hours=8))
# The emulator and what it starts see these variables of ours and nothing else, real AWS credentials least of all.
PASSED_ON = ("PATH", "HOME", "LANG", "RUST_LOG", "RUST_BACKTRACE")
EMULATED_ACCOUNT = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": REGION, "AWS_REGION": REGION}


class StackError(Exception):
    """Something the person at the keyboard can mend; the text says what."""


def say(text):
    print(text, flush=True)


def write_private(path, text):
    path.write_text(text)
    path.chmod(0o600)


# ------------------------------------------------------------------- processes


class Process:
    """A server in the background, known again by its command line in a later run."""

    def __init__(self, state, name, command, port, port_variable, environment=None):
        self.name, self.command, self.port, self.port_variable = name, [str(part) for part in command], port, port_variable
        self.environment = environment
        self.pid_file, self.log_file = state / f"{name}.pid", state / f"{name}.log"

    def pid(self):
        """The process id if it still runs, whatever its arguments were then; else None."""
        try:
            record = json.loads(self.pid_file.read_text())
            running = pathlib.Path(f"/proc/{record['pid']}/cmdline").read_text().split("\0")[:-1]
        except (OSError, ValueError):
            return None
        return record["pid"] if running == record["command"] else None

    def is_current(self):
        return self.pid() is not None and json.loads(self.pid_file.read_text())["command"] == self.command

    def refuse_taken_port(self):
        """Before anything is built: a port that somebody else holds."""
        ours = self.pid() is not None and json.loads(self.pid_file.read_text())["port"] == self.port
        if not ours and port_answers(self.port):
            raise StackError(f"port {self.port} is taken by another program; free it or choose another: "
                             f"{self.port_variable}=<port> make run")

    def ensure(self):
        if self.is_current() and port_answers(self.port):
            return
        self.stop()
        self.refuse_taken_port()
        with self.log_file.open("a") as log:
            child = subprocess.Popen(self.command, cwd=ROOT, env=self.environment, stdin=subprocess.DEVNULL,
                                     stdout=log, stderr=log, start_new_session=True)
        self.pid_file.write_text(json.dumps({"pid": child.pid, "command": self.command, "port": self.port}))
        deadline = time.monotonic() + START_MAX_S
        while not port_answers(self.port):
            if child.poll() is not None or time.monotonic() > deadline:
                raise StackError(f"{self.name} does not start; the end of {self.log_file}:\n{tail(self.log_file)}")
            time.sleep(POLL_S)

    def stop(self):
        pid = self.pid()
        if pid is None:
            return
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + STOP_MAX_S
        while self.pid() is not None and not is_zombie(pid):
            if time.monotonic() > deadline:
                os.kill(pid, signal.SIGKILL)
                break
            time.sleep(POLL_S)
        self.pid_file.unlink(missing_ok=True)


def is_zombie(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True


def port_answers(port):
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((LOOPBACK, port)) == 0


def tail(path, lines=20):
    return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])


# ----------------------------------------------------------------------- stack


class Stack:
    def __init__(self, state, port, phone_port, his_port, sms_port, aws_port):
        self.state, self.port, self.phone_port, self.his_port = state, port, phone_port, his_port
        self.sms_port, self.aws_port = sms_port, aws_port
        self.public_url = f"http://{LOOPBACK}:{port}"
        self.phone_url = f"http://{LOOPBACK}:{phone_port}"
        self.his_url = f"http://{LOOPBACK}:{his_port}"
        self.sms_url = f"http://{LOOPBACK}:{sms_port}"
        self.aws_url = f"http://{LOOPBACK}:{aws_port}"
        self.tick_url = f"{self.public_url}/.local/tick"
        self.clock_file = state / "clock"
        self.wechat_state = state / "wechat"
        self.his_state = state / "his"
        self.sms_state = state / "sms"
        self.env_file = state.with_name(f"{state.name}.env")
        self.profile_file = state / "profile.json"
        state.mkdir(parents=True, exist_ok=True)

    # ---- the servers

    def emulator(self):
        passed = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        temporary = self.state / "tmp"
        temporary.mkdir(exist_ok=True)
        settings = {
            "AWS_ENDPOINT_URL": self.aws_url, "BIND_HOST": LOOPBACK, "GATEWAY_PORT": str(self.aws_port),
            "PERSIST_STATE": "1", "STATE_DIR": str(self.state / "emulator"), "TMPDIR": str(temporary),
            # A listener on every interface that nobody here needs.
            "IOT_MTLS_ENABLED": "0",
            # As AWS; by default a small machine would refuse the rush that a journey makes.
            "LAMBDA_ACCOUNT_CONCURRENCY": "1000",
            "PYTHONUNBUFFERED": "1",
        }
        return Process(self.state, "emulator", [sys.executable, ROOT / "infra/local/emulator.py"],
                       self.aws_port, "AWS_PORT", {**passed, **EMULATED_ACCOUNT, **settings})

    def wechat(self):
        return Process(self.state, "wechat", [
            "node", ROOT / "tests/wechat/server.mjs", "--port", self.phone_port, "--state", self.wechat_state,
            "--menzhen-url", self.public_url, "--clock-file", self.clock_file, "--tick-url", self.tick_url,
        ], self.phone_port, "PHONE_PORT")

    def his(self):
        return Process(self.state, "his", [
            "node", ROOT / "tests/his/server.mjs", "--port", self.his_port, "--state", self.his_state,
            "--clock-file", self.clock_file, "--cards", HOSPITAL / "cards.csv",
        ], self.his_port, "HIS_PORT")

    def sms(self):
        return Process(self.state, "sms", [
            "node", ROOT / "tests/sms/server.mjs", "--port", self.sms_port, "--state", self.sms_state,
            "--clock-file", self.clock_file, "--phone-url", self.phone_url,
        ], self.sms_port, "SMS_PORT")

    def proxy(self, api_id=None):
        return Process(self.state, "proxy", [
            "node", ROOT / "infra/local/proxy.mjs", "--port", self.port, "--emulator-port", self.aws_port,
            "--api-host", f"{api_id}.execute-api.localhost:{self.aws_port}",
            "--tick-functions", ",".join(f"{PREFIX}-{name}:live" for name in ("wechat-token", "reminder", "sweeper", "reconcile", "his-sync")),
            "--emulator-authorization", f"AWS4-HMAC-SHA256 Credential=test/20260101/{REGION}/lambda/aws4_request",
        ], self.port, "PORT")

    # ---- commands

    def up(self):
        check_tools("cargo", "node", "openssl")
        for process in (self.emulator(), self.wechat(), self.his(), self.sms(), self.proxy()):
            process.refuse_taken_port()
        binaries = self.build()
        self.emulator().ensure()
        config = self.wechat_identities()
        self.wechat().ensure()
        self.his().ensure()
        self.sms().ensure()
        deployment = self.deployment(binaries)
        deployment.deploy_foundation({"DeletionProtection": "false"})
        staff_tokens = self.fill_secrets(deployment)
        for name, version in zip(deployment_functions(), deployment.deploy_functions(deployment_functions())):
            if version is not None:
                say(f"  {name}: version {version}")
        wiring = deployment.deploy_wiring({"StreamRecordAgeSeconds": "120"})
        self.proxy(wiring["ApiId"]).ensure()
        self.write_env(deployment, config, staff_tokens)
        answer = deployment.invoke("wechat-token", {})
        if answer.get("FunctionError"):
            raise StackError(f"wechat-token fails: {answer['Payload'].read().decode()}")
        self.import_hospital(config, staff_tokens["STAFF_TOKEN"])
        for account in DEMO_STAFF:
            self.open_account(staff_tokens["STAFF_TOKEN"], account)
        logins = ", ".join(account["login"] for account in DEMO_STAFF)
        say(f"\nHospital  {self.public_url}\nPhone     {self.phone_url}"
            f"\nStaff     {self.public_url}/staff  (sign in as {logins}; password {DEMO_PASSWORD})\nSettings  {relative(self.env_file)}"
            f"\nLogs      {relative(self.state)}/*.log (functions write to emulator.log)")

    def down(self):
        for process in (self.proxy(), self.sms(), self.his(), self.wechat(), self.emulator()):
            process.stop()

    def reset(self):
        self.down()
        for path in self.state.iterdir():
            if path.name == "venv":
                # What this very program runs in; it holds no data.
                continue
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        self.env_file.unlink(missing_ok=True)

    def deploy(self, function):
        if not self.emulator().pid():
            raise StackError("nothing runs here yet: make run")
        deployment = self.deployment(self.build())
        deployment.read_foundation()
        version = deployment.deploy_function(function)
        say(f"{function}: {'unchanged' if version is None else f'version {version} is live'}")

    # ---- steps of `up`

    def build(self):
        """Builds every function with a clock that the phone can move; returns the folder of bootstraps."""
        # The test runner has built them with everything else, once, and says so.
        if "FUNCTIONS_BUILT" not in os.environ:
            say("Building the functions")
            subprocess.run(["cargo", "build", "--quiet", "--locked", "--workspace", "--bins", "--features", CLOCK_FEATURE],
                           cwd=ROOT, check=True)
        built = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "debug"
        binaries = ROOT / "target/local-lambda"
        for name in deployment_functions():
            stripped(built / name, binaries / name / "bootstrap")
        return binaries

    def wechat_identities(self):
        run_node("tests/wechat/identities.mjs", "--state", self.wechat_state)
        return json.loads((self.wechat_state / "config.json").read_text())

    def deployment(self, binaries):
        from deploy import Deployment

        os.environ.update(EMULATED_ACCOUNT)
        for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
            os.environ.pop(name, None)
        os.environ["PATH"] = f"{pathlib.Path(sys.executable).parent}:{os.environ['PATH']}"
        pay_url = os.environ.get("PAY_API_URL", self.phone_url)
        return Deployment(PREFIX, {
            "PUBLIC_URL": self.public_url,
            "WECHAT_API_URL": os.environ.get("WECHAT_API_URL", self.phone_url),
            "WECHAT_OPEN_URL": os.environ.get("WECHAT_OPEN_URL", self.phone_url),
            "PAY_API_URL": pay_url,
            "PAY_API_FALLBACK_URL": pay_url,
            "HIS_URL": os.environ.get("HIS_URL", self.his_url),
            "SMS_API_URL": self.sms_url,
            "CLOCK_FILE": str(self.clock_file),
            # The demo phone shows the hospital's pages in a frame.
            "FRAME_ANCESTORS": f"'self' http://127.0.0.1:{self.phone_port} http://localhost:{self.phone_port} http://*.phone.localhost:{self.phone_port}",
        }, binaries, self.aws_url)

    def fill_secrets(self, deployment):
        """Puts what has no value yet; returns the staff tokens."""
        deployment.ensure_own_secrets()
        issued = json.loads(run_node("tests/wechat/identities.mjs", "--state", self.wechat_state, "--secrets"))
        scene_key = (deployment.read_secret("wechat") or {}).get("scene_key") or base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()
        deployment.put_secret("wechat", {**issued["wechat"], "scene_key": scene_key})
        deployment.put_secret("pay", {"app_id": issued["wechat"]["app_id"], **issued["pay"]})
        if deployment.values["HIS_URL"] == self.his_url:
            deployment.put_secret("his", json.loads(run_node("tests/his/identities.mjs", "--state", self.his_state, "--secrets")))
        deployment.put_secret("sms", json.loads(run_node("tests/sms/identities.mjs", "--state", self.sms_state, "--secrets")))
        return {variable: self.staff_token(deployment, *client) for variable, client in STAFF.items()}

    def staff_token(self, deployment, name, scopes):
        token_file = self.state / f"staff-token-{name}"
        known = [entry["name"] for entry in (deployment.read_secret("staff") or {"tokens": []})["tokens"]]
        if name not in known or not token_file.exists():
            write_private(token_file, deployment.add_staff_token(name, scopes))
        return token_file.read_text()

    def write_env(self, deployment, config, staff_tokens):
        certificate, public_key = config["platform_certificate"], config["platform_public_key"]
        values = {
            "MENZHEN_URL": self.public_url,
            "PROFILE_FILE": str(self.profile_file),
            "PHONE_URL": self.phone_url,
            "TICK_URL": self.tick_url,
            "HIS_URL": self.his_url,
            "HIS_CONTROL": f"{self.his_url}/control",
            "SMS_CONTROL": f"{self.sms_url}/control",
            "CLOCK_FILE": self.clock_file,
            "WECHAT_CALLBACK_URL": f"{self.public_url}/wechat",
            "WECHAT_TOKEN": config["token"],
            "WECHAT_AES_KEY": config["aes_key"],
            "WECHAT_APP_ID": config["app_id"],
            "WECHAT_ORIGINAL_ID": config["original_id"],
            "PAY_NOTIFY_URL": f"{self.public_url}/pay/notify",
            "PAY_MCH_ID": config["mch_id"],
            "PAY_API_V3_KEY": config["api_v3_key"],
            "PAY_MERCHANT_SERIAL": config["merchant_serial"],
            "PAY_PLATFORM_KEY_FILE": self.wechat_state / certificate["private_key_file"],
            "PAY_PLATFORM_CERTIFICATE_FILE": self.wechat_state / certificate["certificate_file"],
            "PAY_PLATFORM_SERIAL": certificate["serial"],
            "PAY_PUBLIC_KEY_FILE": self.wechat_state / public_key["public_key_file"],
            "PAY_PUBLIC_KEY_PRIVATE_FILE": self.wechat_state / public_key["private_key_file"],
            "PAY_PUBLIC_KEY_ID": public_key["id"],
            **staff_tokens,
            "TABLE_NAME": deployment.outputs["TableName"],
            "AWS_ENDPOINT_URL": self.aws_url,
            **EMULATED_ACCOUNT,
        }
        write_private(self.env_file, "".join(f"{name}={value}\n" for name, value in values.items()))

    def import_hospital(self, config, staff_token):
        """Profile, catalogue and menu of the demo hospital; again when its files change, and daily for new schedules."""
        profile = json.loads((HOSPITAL / "profile.json").read_text())
        # Template ids belong to an account: these are the stand-in's.
        profile["templates"] = {template["name"]: {"template_id": template["id"], "fields": template["fields"]}
                                for template in config["templates"]}
        profile["messages"] = {**profile.get("messages", {}), "sms": json.loads(run_node("tests/sms/identities.mjs", "--state", self.sms_state, "--profile"))}
        # What a client that changes one thing of it puts back.
        self.profile_file.write_text(json.dumps(profile, ensure_ascii=False))
        bodies = {"profile": json.dumps(profile, ensure_ascii=False).encode(), "schedules": self.schedules()}
        bodies |= {kind: (HOSPITAL / f"{kind}.csv").read_bytes() for kind in IMPORTS if kind not in bodies}
        digest = hashlib.sha256(b"\0".join(bodies[name] for name in sorted(bodies))).hexdigest()
        marker = self.state / "imported"
        if marker.exists() and marker.read_text() == digest:
            return
        say("Importing the demo hospital")
        self.staff_call(staff_token, "PUT", "/staff/profile", "application/json", bodies["profile"])
        for kind in IMPORTS:
            self.staff_call(staff_token, "POST", f"/staff/import/{kind}", "text/csv; charset=utf-8", bodies[kind])
        self.staff_call(staff_token, "POST", "/staff/wechat/menu", "application/json", b"{}")
        marker.write_text(digest)

    def schedules(self):
        """The clinics of the days to come, as the clock of this stack sees them."""
        offset = self.clock_file.read_text().strip() if self.clock_file.exists() else ""
        today = (datetime.datetime.now(SHANGHAI) + datetime.timedelta(seconds=int(offset or 0))).date()
        command = [sys.executable, str(HOSPITAL / "make_schedules.py"), "--from", today.isoformat(), "--out", "-"]
        return subprocess.run(command, check=True, stdout=subprocess.PIPE, env={**os.environ, "PYTHONIOENCODING": "utf-8"}).stdout

    def open_account(self, staff_token, account):
        """A demo account, with its first password changed to the one everybody may know; left alone when there is one."""
        listed = json.loads(self.staff_call(staff_token, "GET", "/staff/accounts", "application/json", None))
        if any(known["login"] == account["login"] for known in listed["accounts"]):
            return
        body = json.dumps(account, ensure_ascii=False).encode()
        initial = json.loads(self.staff_call(staff_token, "POST", "/staff/accounts", "application/json", body))["initial_password"]
        session = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())

        def send(path, fields, **headers):
            headers = {"content-type": "application/json", "accept": "application/json", **headers}
            request = urllib.request.Request(f"{self.public_url}{path}", data=json.dumps(fields).encode(), headers=headers)
            return json.loads(session.open(request, timeout=IMPORT_MAX_S).read())

        csrf = send("/staff/signin", {"login": account["login"], "password": initial})["csrf"]
        fields = {"password": initial, "new_password": DEMO_PASSWORD, "repeated": DEMO_PASSWORD}
        send("/staff/password", fields, **{"x-csrf-token": csrf})

    def staff_call(self, staff_token, method, path, content_type, body):
        headers = {"authorization": f"Bearer {staff_token}", "content-type": content_type, "accept": "application/json"}
        request = urllib.request.Request(f"{self.public_url}{path}", data=body, method=method, headers=headers)
        try:
            return urllib.request.urlopen(request, timeout=IMPORT_MAX_S).read()
        except urllib.error.HTTPError as error:
            raise StackError(f"{method} {path} is answered {error.code}: {error.read().decode(errors='replace')[:2000]}") from error


def deployment_functions():
    from deploy import FUNCTIONS

    return list(FUNCTIONS)


def relative(path):
    return os.path.relpath(path, ROOT)


def run_node(script, *arguments):
    command = ["node", str(ROOT / script), *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout


def stripped(source, target):
    """A copy without debug symbols (they triple the size of an upload); left alone when it is up to date."""
    if target.exists() and target.stat().st_mtime_ns >= source.stat().st_mtime_ns:
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["strip", "--strip-debug", "-o", str(target), str(source)], check=True)


def check_tools(*names):
    missing = [name for name in names if shutil.which(name) is None]
    if missing:
        raise StackError(f"{', '.join(missing)} not found; README.md, section 'Needs', says how to install it")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("up", "down", "reset"):
        commands.add_parser(name)
    commands.add_parser("deploy").add_argument("function", choices=deployment_functions())
    arguments = parser.parse_args()

    setting = os.environ.get
    stack = Stack(pathlib.Path(setting("STATE") or ROOT / "target/local").resolve(),
                  int(setting("PORT") or 9000), int(setting("PHONE_PORT") or 9100),
                  int(setting("HIS_PORT") or 9200), int(setting("SMS_PORT") or 9300), int(setting("AWS_PORT") or 4566))
    from deploy import DeployError

    try:
        getattr(stack, arguments.command)(*([arguments.function] if arguments.command == "deploy" else []))
    except (StackError, DeployError) as error:
        sys.exit(f"stack: {error}")
    except subprocess.CalledProcessError as error:
        sys.exit(f"stack: {pathlib.Path(error.cmd[0]).name} failed (status {error.returncode})")


if __name__ == "__main__":
    main()
