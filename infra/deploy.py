"""Deploys Menzhen to an AWS account: foundation, functions, wiring. The local stack deploys through this module too.

    deploy.py all | function NAME | rollback NAME | secret NAME < value.json | staff-token NAME SCOPE...

Region and credentials come from the usual AWS variables; the rest from PREFIX, DOMAIN_NAME (or PUBLIC_URL),
CERTIFICATE_ARN, ALARM_TOPIC_ARN, HIS_URL, WECHAT_TOKEN_SUBNETS and WECHAT_TOKEN_SECURITY_GROUPS (infra/README.md).
"""

import argparse
import base64
import concurrent.futures
import hashlib
import json
import os
import pathlib
import secrets
import subprocess
import sys
import tempfile
import time
import tomllib

import boto3
from botocore.exceptions import ClientError

ROOT = pathlib.Path(__file__).resolve().parent.parent
FUNCTIONS = tomllib.loads((ROOT / "infra/functions.toml").read_text())
SECRETS = ("identity", "wechat", "pay", "his", "sms", "staff", "visit")
# A hospital without a contract for SMS has none of these.
OPTIONAL_SECRETS = ("sms",)
LIVE, PREVIOUS = "live", "previous"
KEY_BYTES = 32
# cargo lambda compresses on one core each; more at once than this gains nothing on a small machine.
DEPLOYS_AT_ONCE = 2
STACK_POLL_S, STACK_POLLS_MAX = 1, 1800
VERSION_POLL_S, VERSION_POLLS_MAX = 0.2, 600
# Given to every function where they are set: the clock file (local builds), who may frame the pages.
OPTIONAL_VALUES = ("CLOCK_FILE", "FRAME_ANCESTORS")
PUBLIC_HOSTS = {
    "WECHAT_API_URL": "https://api.weixin.qq.com",
    "WECHAT_OPEN_URL": "https://open.weixin.qq.com",
    "PAY_API_URL": "https://api.mch.weixin.qq.com",
    "PAY_API_FALLBACK_URL": "https://api2.mch.weixin.qq.com",
    "SMS_API_URL": "https://sms.tencentcloudapi.com",
}


class DeployError(Exception):
    """Something the person deploying can mend; the text says what."""


def error_code(error):
    return error.response["Error"]["Code"]


def output_name(function, suffix):
    """`pay-notify`, `RoleArn` -> `PayNotifyRoleArn`, as in the outputs of foundation.yaml."""
    return "".join(part.capitalize() for part in function.split("-")) + suffix


def quoted(value):
    """As an environment file wants it."""
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$") + '"'


def smoke_event(trigger):
    """A request that a sound version answers and that changes nothing."""
    if trigger in ("stream", "queue"):
        return {"Records": []}
    if trigger == "schedule":
        # A tick more does no harm: that is how the schedules are built.
        return {}
    http = {"method": "GET", "path": "/smoke-test", "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": "deploy"}
    context = {
        "accountId": "0", "apiId": "smoke", "domainName": "smoke.test", "domainPrefix": "smoke", "http": http,
        "requestId": "smoke-test", "routeKey": "$default", "stage": "$default",
        "time": "01/Jan/2026:00:00:00 +0000", "timeEpoch": 1767225600000,
    }
    return {
        "version": "2.0", "routeKey": "$default", "rawPath": "/smoke-test", "rawQueryString": "",
        "headers": {"accept": "application/json", "host": "smoke.test"}, "requestContext": context, "isBase64Encoded": False,
    }


class Deployment:
    """One hospital desk in one account and region."""

    def __init__(self, prefix, values, binaries, endpoint_url=None):
        self.prefix = prefix
        # Environment values the templates do not know: public addresses, and locally the clock file.
        self.values = values
        # Folder with <function>/bootstrap.
        self.binaries = pathlib.Path(binaries)
        self.endpoint_url = endpoint_url
        self.outputs = {}

    def client(self, service):
        return boto3.client(service, endpoint_url=self.endpoint_url)

    # ---------------------------------------------------------------- stacks

    def deploy_stack(self, part, parameters):
        """Creates or updates `<prefix>-<part>` from infra/<part>.yaml; returns its outputs."""
        cloudformation, name = self.client("cloudformation"), f"{self.prefix}-{part}"
        request = {
            "StackName": name,
            "TemplateBody": (ROOT / f"infra/{part}.yaml").read_text(),
            "Capabilities": ["CAPABILITY_IAM"],
            "Parameters": [{"ParameterKey": k, "ParameterValue": v} for k, v in {"Prefix": self.prefix, **parameters}.items()],
        }
        try:
            cloudformation.create_stack(**request)
            waiter = "stack_create_complete"
        except cloudformation.exceptions.AlreadyExistsException:
            try:
                cloudformation.update_stack(**request)
                waiter = "stack_update_complete"
            except ClientError as error:
                if "No updates are to be performed" not in str(error):
                    raise
                waiter = None
        if waiter:
            try:
                cloudformation.get_waiter(waiter).wait(
                    StackName=name, WaiterConfig={"Delay": STACK_POLL_S, "MaxAttempts": STACK_POLLS_MAX})
            except Exception as error:
                raise DeployError(f"stack {name}: {self.stack_failure(name)}") from error
        return self.read_stack(part)

    def read_stack(self, part):
        stack = self.client("cloudformation").describe_stacks(StackName=f"{self.prefix}-{part}")["Stacks"][0]
        return {o["OutputKey"]: o["OutputValue"] for o in stack.get("Outputs", [])}

    def stack_failure(self, name):
        events = self.client("cloudformation").describe_stack_events(StackName=name)["StackEvents"]
        failed = [f"{e['LogicalResourceId']}: {e.get('ResourceStatusReason', 'no reason given')}"
                  for e in events if e["ResourceStatus"].endswith("_FAILED")]
        return "; ".join(failed) or "did not settle in time"

    def deploy_foundation(self, parameters):
        self.outputs = self.deploy_stack("foundation", parameters)

    def read_foundation(self):
        self.outputs = self.read_stack("foundation")

    def deploy_wiring(self, parameters):
        """What sets the functions to work, then the routes that lead to them; returns the outputs of the former."""
        wiring = self.deploy_stack("wiring", parameters)
        integrations = {name: value for name, value in wiring.items() if name.endswith("Integration")}
        self.deploy_stack("routes", {"Api": wiring["ApiId"], **integrations})
        return {name: value for name, value in wiring.items() if name not in integrations}

    # --------------------------------------------------------------- secrets

    def read_secret(self, name):
        """The secret's value, or None when it was never given one."""
        try:
            text = self.client("secretsmanager").get_secret_value(SecretId=f"{self.prefix}/{name}").get("SecretString")
        except ClientError as error:
            if error_code(error) != "ResourceNotFoundException":
                raise
            return None
        return json.loads(text) if text and text.strip() else None

    def put_secret(self, name, value):
        self.client("secretsmanager").put_secret_value(SecretId=f"{self.prefix}/{name}", SecretString=json.dumps(value))

    def ensure_own_secrets(self):
        """Made here. The identity keys never again: losing them makes every stored name and document unreadable."""
        new_key = lambda: base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()
        if not self.read_secret("identity"):
            self.put_secret("identity", {"current": 1, "keys": {"1": {"seal": new_key(), "index": new_key()}}})
        if not self.read_secret("visit"):
            self.put_secret("visit", {"keys": [new_key()]})

    def add_staff_token(self, name, scopes):
        """Adds a machine client; returns its token, which is stored nowhere (only its hash is)."""
        token = secrets.token_urlsafe(KEY_BYTES)
        known = (self.read_secret("staff") or {"tokens": []})["tokens"]
        digest = hashlib.sha256(token.encode()).hexdigest()
        others = [entry for entry in known if entry["name"] != name]
        self.put_secret("staff", {"tokens": [*others, {"name": name, "sha256": digest, "scopes": scopes}]})
        return token

    # ------------------------------------------------------------- functions

    def environment(self, function):
        """The variables listed in functions.toml, with their values in this deployment."""
        known = {
            "TABLE_NAME": self.outputs["TableName"],
            "BUS_NAME": self.outputs["BusName"],
            "NOTICE_QUEUE_URL": self.outputs["NoticeQueueUrl"],
            "RELAY_DLQ_URL": self.outputs["RelayDlqUrl"],
            **{f"{name.upper()}_SECRET": self.outputs[f"{name.capitalize()}Secret"] for name in SECRETS},
            **self.values,
        }
        optional = [name for name in OPTIONAL_VALUES if known.get(name)]
        wanted = [*FUNCTIONS[function]["environment"], *optional]
        missing = [name for name in wanted if not known.get(name)]
        if missing:
            raise DeployError(f"function {function} needs {', '.join(missing)}")
        return {name: known[name] for name in wanted}

    def deploy_functions(self, functions):
        with concurrent.futures.ThreadPoolExecutor(DEPLOYS_AT_ONCE) as pool:
            return list(pool.map(self.deploy_function, functions))

    def deploy_function(self, function):
        """Publishes a version, tries it, then moves `live` to it. Returns the version, or None when nothing changed."""
        settings, environment = FUNCTIONS[function], self.environment(function)
        binary = self.binaries / function / "bootstrap"
        if not binary.exists():
            raise DeployError(f"{binary} is missing: build first (make build)")
        role = self.outputs[output_name(function, "RoleArn")]
        digest = self.digest(binary, settings, environment, role)
        live = self.alias(function, LIVE)
        if live and live["Description"] == digest:
            return None
        self.move_role(function, role)
        version = self.publish(function, binary, settings, environment, role)
        self.smoke_test(function, version)
        if live:
            self.point_alias(function, PREVIOUS, live["FunctionVersion"], live["Description"])
        self.point_alias(function, LIVE, version, digest)
        self.reserve_concurrency(function, settings)
        return version

    def digest(self, binary, settings, environment, role):
        """Changes whenever a deployed function would."""
        digest = hashlib.sha256(binary.read_bytes())
        digest.update(json.dumps([settings, environment, role], sort_keys=True).encode())
        return digest.hexdigest()

    def function_name(self, function):
        return f"{self.prefix}-{function}"

    def move_role(self, function, role):
        """cargo lambda gives a role to a new function only; an old one is moved here."""
        client, name = self.client("lambda"), self.function_name(function)
        try:
            current = client.get_function_configuration(FunctionName=name)
        except client.exceptions.ResourceNotFoundException:
            return
        if current["Role"] != role:
            client.update_function_configuration(FunctionName=name, Role=role)
            client.get_waiter("function_updated_v2").wait(FunctionName=name)

    def publish(self, function, binary, settings, environment, role):
        with tempfile.NamedTemporaryFile("w", suffix=".env") as file:
            file.writelines(f"{name}={quoted(value)}\n" for name, value in environment.items())
            file.flush()
            command = [
                "cargo", "lambda", "deploy", self.function_name(function),
                "--binary-path", str(binary), "--role", role,
                "--memory", str(settings["memory_mb"]), "--timeout", str(settings["timeout_s"]),
                "--env-file", file.name, "--output-format", "json",
                # A role made a moment ago is not known everywhere yet.
                "--retry-attempts", "5",
            ]
            if self.endpoint_url:
                command += ["--endpoint-url", self.endpoint_url]
            if function == "wechat-token" and os.environ.get("WECHAT_TOKEN_SUBNETS"):
                command += ["--subnet-ids", os.environ["WECHAT_TOKEN_SUBNETS"],
                            "--security-group-ids", os.environ["WECHAT_TOKEN_SECURITY_GROUPS"]]
            done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        if done.returncode != 0:
            raise DeployError(f"function {function}: {done.stderr.strip()}")
        return json.loads(done.stdout[done.stdout.index("{"):])["version"]

    def smoke_test(self, function, version):
        client, which = self.client("lambda"), {"FunctionName": self.function_name(function), "Qualifier": version}
        for _ in range(VERSION_POLLS_MAX):
            if client.get_function_configuration(**which).get("State", "Active") != "Pending":
                break
            time.sleep(VERSION_POLL_S)
        answer = client.invoke(**which, Payload=json.dumps(smoke_event(FUNCTIONS[function]["trigger"])))
        body = answer["Payload"].read().decode()
        status = json.loads(body or "null")
        failed = answer.get("FunctionError") or (isinstance(status, dict) and status.get("statusCode", 200) >= 500)
        if failed:
            raise DeployError(f"function {function}: version {version} fails its smoke test, `{LIVE}` stays where it was: {body[:500]}")

    def alias(self, function, name):
        client = self.client("lambda")
        try:
            return client.get_alias(FunctionName=self.function_name(function), Name=name)
        except client.exceptions.ResourceNotFoundException:
            return None

    def point_alias(self, function, name, version, description):
        client, where = self.client("lambda"), {"FunctionName": self.function_name(function), "Name": name}
        move = client.update_alias if self.alias(function, name) else client.create_alias
        move(**where, FunctionVersion=version, Description=description)

    def reserve_concurrency(self, function, settings):
        if self.endpoint_url or "reserved_concurrency" not in settings:
            return
        try:
            self.client("lambda").put_function_concurrency(
                FunctionName=self.function_name(function), ReservedConcurrentExecutions=settings["reserved_concurrency"])
        except ClientError as error:
            # A young account has too few instances to reserve any; the function works without.
            print(f"{function}: no concurrency reserved: {error}", file=sys.stderr)

    def rollback(self, function):
        """Puts `live` back where it was before the last deploy, and the other way round when run again."""
        live, previous = self.alias(function, LIVE), self.alias(function, PREVIOUS)
        if not live or not previous:
            raise DeployError(f"function {function} has no earlier version to go back to")
        self.point_alias(function, LIVE, previous["FunctionVersion"], previous["Description"])
        self.point_alias(function, PREVIOUS, live["FunctionVersion"], live["Description"])
        return previous["FunctionVersion"]

    def invoke(self, function, event):
        return self.client("lambda").invoke(
            FunctionName=self.function_name(function), Qualifier=LIVE, Payload=json.dumps(event))


# ------------------------------------------------------------------------- CLI


def from_environment():
    domain = os.environ.get("DOMAIN_NAME", "")
    values = {name: os.environ.get(name, default) for name, default in PUBLIC_HOSTS.items()}
    values["HIS_URL"] = os.environ.get("HIS_URL", "")
    values["PUBLIC_URL"] = os.environ.get("PUBLIC_URL") or (f"https://{domain}" if domain else "")
    return Deployment(os.environ.get("PREFIX", "menzhen"), values, ROOT / "target/lambda")


def deploy_all(deployment):
    if not deployment.values["PUBLIC_URL"]:
        raise DeployError("say where patients find it: DOMAIN_NAME=wx.hospital.cn CERTIFICATE_ARN=... (or PUBLIC_URL=... for a trial)")
    deployment.deploy_foundation({"DeletionProtection": os.environ.get("DELETION_PROTECTION", "true")})
    deployment.ensure_own_secrets()
    empty = [name for name in SECRETS if name not in OPTIONAL_SECRETS and deployment.read_secret(name) is None]
    if empty:
        raise DeployError(f"no value yet in the secrets {', '.join(empty)}; infra/README.md, section 'Secrets', says how to put them")
    for function, version in zip(FUNCTIONS, deployment.deploy_functions(FUNCTIONS)):
        print(f"{function}: {'unchanged' if version is None else f'version {version} is live'}")
    wiring = deployment.deploy_wiring({
        "DomainName": os.environ.get("DOMAIN_NAME", ""),
        "CertificateArn": os.environ.get("CERTIFICATE_ARN", ""),
        "AlarmTopicArn": os.environ.get("ALARM_TOPIC_ARN", ""),
    })
    deployment.invoke("wechat-token", {})
    for name, value in wiring.items():
        print(f"{name}: {value}")


def known_function(name):
    if name not in FUNCTIONS:
        raise argparse.ArgumentTypeError(f"no function {name}; there are {', '.join(FUNCTIONS)}")
    return name


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("all", help="foundation, every function, wiring")
    for command in ("function", "rollback"):
        commands.add_parser(command).add_argument("name", type=known_function)
    commands.add_parser("secret", help="puts the JSON on standard input").add_argument("name", choices=SECRETS)
    staff = commands.add_parser("staff-token", help="adds a client of the staff API and prints its token, once")
    staff.add_argument("name")
    staff.add_argument("scopes", nargs="+", choices=("catalog", "wechat", "appointments", "refunds", "finance", "desk", "window", "screens", "credit", "closures", "results", "critical", "intake", "accounts"))
    arguments = parser.parse_args()

    deployment = from_environment()
    try:
        if arguments.command == "all":
            deploy_all(deployment)
            return
        if arguments.command == "function":
            deployment.read_foundation()
            version = deployment.deploy_function(arguments.name)
            print(f"{arguments.name}: {'unchanged' if version is None else f'version {version} is live'}")
        elif arguments.command == "rollback":
            print(f"{arguments.name}: version {deployment.rollback(arguments.name)} is live again")
        elif arguments.command == "secret":
            deployment.put_secret(arguments.name, json.load(sys.stdin))
        elif arguments.command == "staff-token":
            print(deployment.add_staff_token(arguments.name, arguments.scopes))
    except DeployError as error:
        sys.exit(f"deploy: {error}")


if __name__ == "__main__":
    main()
