"""WeChat Pay's cryptography, ours beside PyPI's wechatpayv3: signing a request, verifying, a whole notification.

    python tests/bench/pay.py [ROUNDS]      needs tests/bench/requirements.txt and the release example

Both get the same keys, made for this run, count processor time of their own thread and take turns.
"""

import base64
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

ROOT = pathlib.Path(__file__).resolve().parents[2]
OURS = ROOT / "target/release/examples/pay_loop"
THEIRS = [sys.executable, ROOT / "tests/bench/pay_wechatpayv3.py"]
TIMES = "2000"
ROUNDS = 9
MICROSECONDS = 1_000_000
STEPS = {"sign": "sign a request", "verify": "verify a signature", "notification": "notification: verify, open, read"}
MCH_ID, APP_ID = "1900000001", "wx00000000000000ff"
API_V3_KEY = "an0API0v3key0that0is0only0a0test"


def new_key():
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def transaction():
    return {"transaction_id": "4200001234202611220000000001", "appid": APP_ID, "mchid": MCH_ID, "out_trade_no": "MZ20261122000001",
            "trade_type": "JSAPI", "trade_state": "SUCCESS", "trade_state_desc": "支付成功", "bank_type": "OTHERS", "attach": "",
            "success_time": "2026-11-22T10:00:00+08:00", "payer": {"openid": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"}, "promotion_detail": [],
            "amount": {"total": 2500, "payer_total": 2500, "currency": "CNY", "payer_currency": "CNY"}}


def notification():
    nonce, associated = "fdasflkja484", "transaction"
    sealed = AESGCM(API_V3_KEY.encode()).encrypt(nonce.encode(), json.dumps(transaction()).encode(), associated.encode())
    return json.dumps({
        "id": "EV-2018022511223320873", "create_time": "2026-11-22T10:00:00+08:00", "resource_type": "encrypt-resource",
        "event_type": "TRANSACTION.SUCCESS", "summary": "支付成功",
        "resource": {"original_type": associated, "algorithm": "AEAD_AES_256_GCM", "associated_data": associated, "nonce": nonce,
                     "ciphertext": base64.b64encode(sealed).decode()}})


def fixture():
    merchant, platform = new_key(), new_key()
    now_s, nonce, body = int(time.time()), "5K8264ILTKCH16CQ2502SI8ZNMTM67VS", notification()
    signature = platform.sign(f"{now_s}\n{nonce}\n{body}\n".encode(), padding.PKCS1v15(), hashes.SHA256())
    private = merchant.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    public = platform.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    order = json.dumps({"appid": APP_ID, "mchid": MCH_ID, "description": "门诊服务费", "out_trade_no": "MZ20261122000001",
                        "notify_url": "https://desk.example.com/pay/notify", "amount": {"total": 2500, "currency": "CNY"}})
    return {"now_s": now_s, "mch_id": MCH_ID, "app_id": APP_ID, "merchant_serial": "5157F09EFDC096DE15EBE81A47057A72",
            "merchant_key_pem": private.decode(), "api_v3_key": API_V3_KEY, "public_key_id": "PUB_KEY_ID_0119000000012026112200000000000001",
            "public_key_pem": public.decode(), "path": "/v3/pay/transactions/jsapi", "order": order, "timestamp": str(now_s),
            "nonce": nonce, "signature": base64.b64encode(signature).decode(), "body": body}


def measure(command, file, step):
    return float(subprocess.run([*command, file, step, TIMES], check=True, capture_output=True, text=True).stdout)


def compare(file, step, rounds):
    pairs = [(measure([OURS], file, step), measure(THEIRS, file, step)) for _ in range(rounds)]
    ours, theirs = (statistics.median(side) for side in zip(*pairs))
    return ours, theirs, statistics.median(their / our for our, their in pairs)


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    with tempfile.TemporaryDirectory() as directory:
        file = pathlib.Path(directory) / "fixture.json"
        file.write_text(json.dumps(fixture()))
        print("### WeChat Pay\n")
        print(f"RSA of 2048 bits, SHA-256; a notification of a payment. Processor time, medians of {rounds} turns.\n")
        print("| | ours, µs | a second on one core | wechatpayv3, µs | to ours |")
        print("|---|---|---|---|---|")
        for step, name in STEPS.items():
            ours, theirs, ratio = compare(file, step, rounds)
            print(f"| {name} | {ours:.1f} | {MICROSECONDS / ours:,.0f} | {theirs:.1f} | {ratio:.1f}× |", flush=True)
        print()


if __name__ == "__main__":
    main()
