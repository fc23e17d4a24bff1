"""CPU microseconds of one piece of WeChat Pay's cryptography with wechatpayv3.

    python tests/bench/pay_wechatpayv3.py FIXTURE sign|verify|notification [times]

Prints one number. The same work in Rust: cargo run --release -p wechat --example pay_loop
"""

import json
import sys
import time
from pathlib import Path

from wechatpayv3.core import Core
from wechatpayv3.utils import build_authorization, load_private_key, load_public_key, rsa_verify

DEFAULT_TIMES = 2_000


def signing(fixture):
    key = load_private_key(fixture["merchant_key_pem"])
    return lambda: build_authorization(fixture["path"], "POST", fixture["mch_id"], fixture["merchant_serial"], key, fixture["order"])


def verifying(fixture):
    key = load_public_key(fixture["public_key_pem"])
    return lambda: rsa_verify(fixture["timestamp"], fixture["nonce"], fixture["body"], fixture["signature"], key)


def notified(fixture):
    core = Core(fixture["mch_id"], fixture["merchant_serial"], fixture["merchant_key_pem"], fixture["api_v3_key"],
                public_key=fixture["public_key_pem"], public_key_id=fixture["public_key_id"])
    headers = {"Wechatpay-Signature": fixture["signature"], "Wechatpay-Timestamp": fixture["timestamp"], "Wechatpay-Nonce": fixture["nonce"],
               "Wechatpay-Serial": fixture["public_key_id"], "Wechatpay-Signature-Type": "WECHATPAY2-SHA256-RSA2048"}
    return lambda: core.callback(headers, fixture["body"])


WORK = {"sign": signing, "verify": verifying, "notification": notified}


def main() -> None:
    fixture = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    times = int(sys.argv[3]) if len(sys.argv) > 3 else DEFAULT_TIMES
    work = WORK[sys.argv[2]](fixture)
    assert work(), "it was refused"
    started_ns = time.thread_time_ns()
    for _ in range(times):
        work()
    print(f"{(time.thread_time_ns() - started_ns) / 1000 / times:.2f}")


main()
