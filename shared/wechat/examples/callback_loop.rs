//! CPU microseconds per message of the whole callback: check, open, parse, answer, seal.
//!
//! `cargo run --release -p wechat --example callback_loop -- [messages]` prints one number. The same work on the same
//! message with Python's wechatpy: `tests/bench/callback_wechatpy.py`.

use std::error::Error;
use std::hint::black_box;
use std::io::Write as _;

use jiff::Timestamp;
use wechat::callback::{AesKey, Callback, Mode, Query};
use wechat::reply::Reply;

const DEFAULT_MESSAGES: u64 = 20_000;
const NANOSECONDS_PER_HUNDREDTH: u64 = 10;

#[derive(serde::Deserialize)]
struct Push {
    token: String,
    encoding_aes_key: String,
    app_id: String,
    now_s: i64,
    query: Query,
    body: String,
}

fn main() -> Result<(), Box<dyn Error>> {
    let messages = std::env::args().nth(1).map_or(Ok(DEFAULT_MESSAGES), |text| text.parse())?.max(1);
    let push: Push = serde_json::from_str(include_str!("../tests/vectors/callback_1kb.json"))?;
    let callback = Callback::new(push.token, vec![AesKey::parse(&push.encoding_aes_key)?], push.app_id, Mode::Safe)?;
    let now = Timestamp::from_second(push.now_s)?;
    let reply = Reply::text("请点击菜单“预约挂号”选择科室。");

    let started_ns = cpu_ns()?;
    for count in 0..messages {
        let mut random = [0; 16];
        random.iter_mut().zip(count.to_le_bytes()).for_each(|(to, from)| *to = from);
        let opened = callback.open(black_box(&push.query), black_box(push.body.as_bytes()), now)?;
        black_box(callback.answer(&opened, &reply, random, now));
    }
    let hundredths = (cpu_ns()? - started_ns) / NANOSECONDS_PER_HUNDREDTH / messages;
    writeln!(std::io::stdout(), "{}.{:02}", hundredths / 100, hundredths % 100)?;
    Ok(())
}

/// Time this thread has spent on a processor, by the kernel's account.
fn cpu_ns() -> Result<u64, Box<dyn Error>> {
    let schedstat = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    Ok(schedstat.split_whitespace().next().ok_or("an empty schedstat")?.parse()?)
}
