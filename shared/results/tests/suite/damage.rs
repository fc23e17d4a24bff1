//! Damaged samples for parsers: of the results', and of whoever else reads bytes from outside.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

/// Cases of each parser in the ordinary run.
const CASES: u32 = 48;
/// The largest sample damaged, in bytes: a file within a sample makes it slow and finds nothing.
const SAMPLE_BYTES_MAX: usize = 20_000;

/// What is done to a sample at a place.
#[derive(Clone, Debug)]
enum Damage {
    Cut(usize),
    Drop(usize, usize),
    Repeat(usize, usize),
    Put(usize, Vec<u8>),
}

fn damage() -> impl Strategy<Value = Damage> {
    let place = 0..SAMPLE_BYTES_MAX;
    let signs = prop::sample::select(vec![
        "|",
        "^",
        "~",
        "\\",
        "&",
        "\r",
        "\n",
        "OBX|",
        "OBR|",
        "MSH|",
        "{",
        "}",
        "[",
        "]",
        "\"",
        ",",
        "<",
        ">",
        "</",
        "\u{20BB7}",
        "null",
        "-1e9",
    ]);
    prop_oneof![
        place.clone().prop_map(Damage::Cut),
        (place.clone(), 1_usize..200).prop_map(|(at, length)| Damage::Drop(at, length)),
        (place.clone(), 1_usize..200).prop_map(|(at, length)| Damage::Repeat(at, length)),
        (place.clone(), signs).prop_map(|(at, sign)| Damage::Put(at, sign.as_bytes().to_vec())),
        (place, prop::collection::vec(any::<u8>(), 1..4)).prop_map(|(at, bytes)| Damage::Put(at, bytes)),
    ]
}

fn damaged(mut bytes: Vec<u8>, damages: &[Damage]) -> Vec<u8> {
    for damage in damages {
        let within = |at: usize| at % (bytes.len() + 1);
        match damage {
            Damage::Cut(at) => bytes.truncate(within(*at)),
            Damage::Drop(at, length) => {
                let from = within(*at);
                bytes.drain(from..bytes.len().min(from + length));
            }
            Damage::Repeat(at, length) => {
                let from = within(*at);
                let part = bytes[from..bytes.len().min(from + length)].to_vec();
                bytes.splice(from..from, part);
            }
            Damage::Put(at, put) => {
                let from = within(*at);
                bytes.splice(from..from, put.clone());
            }
        }
    }
    bytes
}

/// Reads damaged samples, so many as `FUZZ_CASES` says.
pub(crate) fn run(samples: Vec<Vec<u8>>, read: impl Fn(&[u8]) -> Result<(), TestCaseError>) {
    let cases = std::env::var("FUZZ_CASES").map_or(CASES, |cases| cases.parse().unwrap());
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let samples: Vec<_> = samples.into_iter().filter(|sample| sample.len() <= SAMPLE_BYTES_MAX).collect();
    let strategy = (prop::sample::select(samples), prop::collection::vec(damage(), 0..6));
    TestRunner::new(config).run(&strategy, |(sample, damages)| read(&damaged(sample, &damages))).unwrap();
}
