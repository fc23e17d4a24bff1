"""Runs every test: Rust, then independent readers in Python, then Node, the journeys on a stack of their own that is gone
afterwards.

All runners run even if one fails; their closing lines come last, and then one line that adds them up.
"""

import datetime
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
STATE = ROOT / "target/test-stack"
# A test that hangs fails after this long instead of stopping everything.
NODE_TEST_TIMEOUT_MS = 600_000
SHANGHAI = datetime.timezone(datetime.timedelta(hours=8))
DAY_STARTS_H = 8
SUMMARY = ROOT / "target/test-summary"
STACK = ROOT / "infra/local/stack.py"
FEATURES = ("--features", "runtime/movable-clock")


def run_shown(command, environment=None):
    """Runs, shows the output as it comes, and returns it with the exit status."""
    lines = []
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace") as process:
        for line in process.stdout:
            sys.stdout.write(line)
            sys.stdout.flush()
            lines.append(line.rstrip("\n"))
    return process.returncode, lines


def count(lines, pattern):
    """The sum of a number over all lines that have it: cargo test prints one such line per test binary."""
    return sum(int(found.group(1)) for line in lines if (found := re.search(pattern, line)))


class Result:
    def __init__(self, name, status, closing, passed, failed):
        self.name, self.status, self.closing = name, status, closing
        # A runner that fails without a failed test (it does not compile, the stack does not start) counts as one.
        self.passed, self.failed = passed, failed or (1 if status != 0 else 0)

    def plus(self, other):
        """Two runs on the same stack as one."""
        both = Result(self.name, self.status or other.status, [*self.closing, *other.closing], 0, 0)
        both.passed, both.failed = self.passed + other.passed, self.failed + other.failed
        return both


def build():
    """Everything in one go: apart, tests and functions would each compile every dependency with features of their own."""
    return subprocess.run(["cargo", "build", "--locked", "--workspace", "--all-targets", *FEATURES], cwd=ROOT).returncode


def rust_tests(name="Rust", only=None, environment=None):
    if shutil.which("cargo-nextest"):
        command = ["cargo", "nextest", "run", "--locked", "--workspace", *FEATURES, "--no-fail-fast", "--no-tests", "pass", "--color", "never"]
        command += [only] if only else []
        pattern, closing = r"(\d+) {}", r"^\s+Summary "
    else:
        command = ["cargo", "test", "--locked", "--workspace", *FEATURES, "--all-targets", "--no-fail-fast", "--color", "never"]
        command += ["--", only] if only else []
        pattern, closing = r"^test result: .*?(\d+) {}", r"^test result: "
    status, lines = run_shown(command, environment)
    summaries = [line for line in lines if re.search(closing, line)]
    return Result(name, status, summaries[-1:], count(summaries, pattern.format("passed")), count(summaries, pattern.format("failed")))


def node_tests(name, files, environment=None):
    # One file at a time: the journeys share one stack and one clock.
    command = ["node", "--test", "--test-concurrency=1", f"--test-timeout={NODE_TEST_TIMEOUT_MS}", "--test-reporter=spec", *map(str, files)]
    status, lines = run_shown(command, environment)
    closing = [line for line in lines if re.match(r"^ℹ (tests|pass|fail|cancelled|skipped|duration_ms) ", line)]
    failed = count(closing, r"^ℹ fail (\d+)") + count(closing, r"^ℹ cancelled (\d+)")
    return Result(name, status, closing, count(closing, r"^ℹ pass (\d+)"), failed)


def readers():
    """hl7apy and fhir.resources read what shared/results reads and writes, and what shared/his sends."""
    results, his = (read_by_others(f"shared/{crate}/tests") for crate in ("results", "his"))
    return results.plus(his)


def read_by_others(folder):
    written = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "debug/examples/written"
    command = [sys.executable, "-B", "-m", "unittest", "discover", "--start-directory", folder]
    status, lines = run_shown(command, {**os.environ, "WRITTEN": str(written)})
    closing = [line for line in lines if re.match(r"^(Ran \d+ test|OK|FAILED)", line)]
    failed = count(closing, r"failures=(\d+)") + count(closing, r"errors=(\d+)")
    # A test with several parts fails once for each.
    return Result("Independent readers", status, closing, max(0, count(closing, r"^Ran (\d+) test") - failed), failed)


def free_ports(number):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    ports = [str(held.getsockname()[1]) for held in sockets]
    for held in sockets:
        held.close()
    return ports


def start_clock(file):
    """The hospital's day begins at the same hour, at whatever hour the journeys are walked."""
    now = datetime.datetime.now(SHANGHAI)
    start = (now + datetime.timedelta(days=1)).replace(hour=DAY_STARTS_H, minute=0, second=0)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"{int((start - now).total_seconds())}\n")


def journeys():
    """Brings a fresh stack up on free ports, walks every journey through it, and takes it down whatever happens."""
    files = sorted((ROOT / "tests/journeys").glob("**/*.test.mjs"))
    port, phone_port, his_port, sms_port, aws_port = free_ports(5)
    environment = {**os.environ, "STATE": str(STATE), "PORT": port, "PHONE_PORT": phone_port, "HIS_PORT": his_port,
                   "SMS_PORT": sms_port, "AWS_PORT": aws_port, "FUNCTIONS_BUILT": "1"}
    stack = lambda command: subprocess.run([sys.executable, STACK, command], cwd=ROOT, env=environment, stdin=subprocess.DEVNULL)
    try:
        stack("reset")
        start_clock(STATE / "clock")
        if (status := stack("up").returncode) != 0:
            return Result("Journeys", status, ["the stack does not start"], 0, 1)
        settings = dict(line.split("=", 1) for line in STATE.with_name(f"{STATE.name}.env").read_text().splitlines())
        store = rust_tests("Store on the emulator", "claims::", {**environment, "STORE_ENDPOINT": settings["AWS_ENDPOINT_URL"]})
        result = node_tests("Journeys", files, {**environment, **settings})
        if result.status != 0:
            keep_logs()
        return result.plus(store)
    finally:
        stack("reset")


def keep_logs():
    kept = ROOT / "target/test-stack-logs"
    shutil.rmtree(kept, ignore_errors=True)
    kept.mkdir(parents=True)
    for log in STATE.glob("*.log"):
        shutil.copy(log, kept)
    print(f"The stack's logs are kept in {kept.relative_to(ROOT)}/")


def main():
    stand_ins = [file for folder in (".", "wechat/test", "his/test", "sms/test") for file in sorted((ROOT / "tests" / folder).glob("*.test.mjs"))]
    if build() != 0:
        sys.exit("it does not compile")
    results = [rust_tests(), readers(), node_tests("House and stand-ins", stand_ins), journeys()]
    lines = [f"{result.name}: {line.strip()}" for result in results for line in result.closing]
    passed, failed = sum(result.passed for result in results), sum(result.failed for result in results)
    summary = "\n".join([*lines, f"{passed} passed, {failed} failed"]) + "\n"
    SUMMARY.write_text(summary)
    print(f"\n{summary}", end="")
    sys.exit(1 if failed or any(result.status for result in results) else 0)


if __name__ == "__main__":
    main()
