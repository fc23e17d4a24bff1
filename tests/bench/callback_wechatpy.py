"""CPU microseconds per message of the whole callback with wechatpy: check, open, parse, answer, seal.

    pip install wechatpy cryptography
    python tests/bench/callback_wechatpy.py [messages]

Prints one number. The same work on the same message in Rust:
cargo run --release -p wechat --example callback_loop
"""

import json
import sys
import time
from pathlib import Path

from wechatpy import parse_message
from wechatpy.crypto import WeChatCrypto
from wechatpy.replies import TextReply

DEFAULT_MESSAGES = 5_000
MESSAGE = Path(__file__).parents[2] / "shared/wechat/tests/vectors/callback_1kb.json"


def main() -> None:
    messages = int(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT_MESSAGES
    push = json.loads(MESSAGE.read_text(encoding="utf-8"))
    query, body = push["query"], push["body"]
    crypto = WeChatCrypto(push["token"], push["encoding_aes_key"], push["app_id"])

    started_ns = time.thread_time_ns()
    for _ in range(messages):
        clear = crypto.decrypt_message(body, query["msg_signature"], query["timestamp"], query["nonce"])
        message = parse_message(clear)
        reply = TextReply(content="请点击菜单“预约挂号”选择科室。", message=message)
        crypto.encrypt_message(reply.render(), query["nonce"], query["timestamp"])
    spent_ns = time.thread_time_ns() - started_ns
    print(f"{spent_ns / 1000 / messages:.2f}")


main()
