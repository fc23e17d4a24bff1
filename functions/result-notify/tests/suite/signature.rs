//! Only what the machine has signed, near our time, once.

use crate::world::{Sending, World, now};
use domain::time::add_seconds;

const BODY: &[u8] = br#"{"reportId":"R1","cardNo":"V20180031"}"#;

fn sending() -> Sending<'static> {
    Sending::of("/results/front-end", "application/json", BODY)
}

#[tokio::test]
async fn a_request_is_taken_once() {
    let world = World::new().await;
    let once = Sending { nonce: Some("00112233445566778899aabbccddeeff"), ..sending() };
    assert_eq!(world.send(&once).await.status.as_u16(), 200);
    let again = world.send(&once).await;
    assert_eq!((again.status.as_u16(), again.json()["error"].clone()), (401, "NONCE_USED".into()));
}

#[tokio::test]
async fn what_is_forged_altered_or_old_is_refused_and_leaves_nothing() {
    let world = World::new().await;
    let refused = [
        (Sending { key: [7; 32], ..sending() }, "SIGN_ERROR"),
        (Sending { app: "somebody-else", ..sending() }, "SIGN_ERROR"),
        (Sending { at: add_seconds(now(), -301), ..sending() }, "TIMESTAMP"),
        (Sending { at: add_seconds(now(), 301), ..sending() }, "TIMESTAMP"),
        (Sending { nonce: Some("short"), ..sending() }, "SIGN_ERROR"),
    ];
    for (sending, code) in refused {
        let answer = world.send(&sending).await;
        assert_eq!((answer.status.as_u16(), answer.json()["error"].clone()), (401, code.into()));
    }
    let altered = world.send_signed(&sending(), "00112233445566778899aabbccddeeff", &"0".repeat(64)).await;
    assert_eq!(altered.status.as_u16(), 401);
    let large = vec![b' '; 5 * 1024 * 1024 + 1];
    assert_eq!(world.send(&Sending { body: &large, ..sending() }).await.status.as_u16(), 413);
    assert_eq!(world.table().open_unplaced().await.unwrap(), []);
    for edge in [-300, 300] {
        let at = add_seconds(now(), edge);
        assert_eq!(world.send(&Sending { at, ..sending() }).await.status.as_u16(), 200);
    }
}

#[tokio::test]
async fn who_sends_another_encoding_as_text_is_told_so() {
    let world = World::new().await;
    let came = "{\"reportId\":\"R1\",\"cardNo\":\"V20180031\",\"reportName\":\"\u{FFFD}\u{FFFD}\"}";
    let spoilt = Sending { body: came.as_bytes(), ..sending() };
    let answer = world.send(&Sending { key: [7; 32], ..spoilt }).await;
    assert_eq!((answer.status.as_u16(), answer.json()["error"].clone()), (415, "CHARSET".into()));
    assert!(answer.text().contains("application/octet-stream"), "{}", answer.text());
    let signed_so = Sending { body: came.as_bytes(), ..sending() };
    assert_eq!(world.send(&signed_so).await.status.as_u16(), 200);
}
