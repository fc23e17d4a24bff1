//! Each language is answered as it asks.

use crate::world::{World, now};
use domain::report::{Arrival, Status};
use results::Charset;

const CARD: &str = "V20180031";

fn oru(control: &str, status: &str, potassium: &str, msh_end: &str) -> String {
    format!(
        "MSH|^~\\&|LIS|LAB|DESK|H|20261125080000||ORU^R01|{control}|P|2.5{msh_end}\r\
         PID|1||{CARD}^^^H^MR||林^晓梅||19800101|F\r\
         OBR|1|O1|F1|K^血钾^L|||20261125070000|||||||||||||||20261125080000|||{status}\r\
         OBX|1|NM|K^血钾^L||{potassium}|mmol/L|3.5-5.5|N|||{status}|||20261125070000\r"
    )
}

#[tokio::test]
async fn hl7_is_acknowledged_in_the_mode_and_the_frame_it_came_in() {
    let world = World::new().await;
    let patient = world.person(1, "林晓梅", CARD).await;
    let answer = world.hl7(oru("M1", "F", "4.1", "").as_bytes()).await;
    assert_eq!((answer.status.as_u16(), answer.codes()), (200, vec!["AA".to_owned()]));
    assert!(answer.text().contains("MSA|AA|M1"));

    let framed = [&[0x0B][..], oru("M2", "C", "4.4", "|||AL|AL").as_bytes(), &[0x1C, b'\r']].concat();
    let answer = world.hl7(&framed).await;
    assert_eq!(answer.codes(), ["CA", "AA"]);
    assert_eq!(answer.bytes[0], 0x0B);

    let listed = world.table().reports_of(&world.keys, &patient).await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!((listed[0].line.status, listed[0].line.is_corrected), (Status::Corrected, true));
}

#[tokio::test]
async fn a_batch_is_acknowledged_message_by_message_in_its_own_encoding() {
    let world = World::new().await;
    let patient = world.person(1, "林晓梅", CARD).await;
    let other = oru("M2", "F", "4.2", "").replace("|F1|", "|F2|").replace(CARD, "V99999999");
    let third = oru("M3", "F", "4.3", "").replace("|F1|", "|F3|");
    let batch = format!("BHS|^~\\&|LIS\r{}{other}{third}BTS|3\r", oru("M1", "F", "4.1", ""));
    let bytes = Charset::Gb18030.encode(&batch).unwrap();
    let answer = world.hl7(&bytes).await;
    assert_eq!(answer.codes(), ["AA", "AE", "AA"]);
    assert_eq!(answer.headers["content-type"], "application/hl7-v2; charset=gb18030");
    assert_eq!(world.table().reports_of(&world.keys, &patient).await.unwrap().len(), 2);
    let kept = world.table().open_unplaced().await.unwrap();
    assert_eq!(kept.len(), 1);
    let body = world.table().unplaced_body(&world.keys, &kept[0].id).await.unwrap().unwrap();
    assert_eq!(Charset::Gb18030.decode(&body).unwrap(), other, "kept as it was sent, alone");
}

#[tokio::test]
async fn what_is_no_result_is_rejected_and_not_kept() {
    let world = World::new().await;
    let adt = oru("M1", "F", "4.1", "").replace("ORU^R01", "ADT^A03");
    assert_eq!(world.hl7(adt.as_bytes()).await.codes(), ["AR"]);
    let v3 = oru("M1", "F", "4.1", "").replace("|2.5", "|3.0");
    assert_eq!(world.hl7(v3.as_bytes()).await.codes(), ["AR"]);
    assert_eq!(world.table().open_unplaced().await.unwrap(), []);
}

#[tokio::test]
async fn fhir_is_answered_with_an_outcome_and_a_location() {
    let world = World::new().await;
    world.person(1, "林晓梅", CARD).await;
    let report = serde_json::json!({
        "resourceType": "DiagnosticReport", "status": "final",
        "identifier": [{"system": "http://lab.example.com", "value": "R1"}],
        "code": {"text": "血钾"}, "issued": "2026-11-25T08:00:00+08:00",
        "subject": {"identifier": {"value": CARD}, "display": "林晓梅"}, "conclusion": "正常"
    })
    .to_string();
    let answer = world.fhir(report.as_bytes()).await;
    assert_eq!(answer.status.as_u16(), 201, "{}", answer.text());
    assert_eq!(answer.json()["resourceType"], "OperationOutcome");
    assert!(answer.headers["location"].to_str().unwrap().contains("/results/fhir/DiagnosticReport/"));
    assert_eq!(world.fhir(report.as_bytes()).await.status.as_u16(), 200, "the same again is known");

    let unknown = world.fhir(report.replace(CARD, "V99999999").replace("R1", "R2").as_bytes()).await;
    assert_eq!((unknown.status.as_u16(), unknown.json()["issue"][0]["code"].clone()), (422, "not-found".into()));
    let broken = world.fhir(b"{\"resourceType\": \"DiagnosticReport\"").await;
    assert_eq!((broken.status.as_u16(), broken.json()["issue"][0]["code"].clone()), (400, "structure".into()));
    assert_eq!(world.table().open_unplaced().await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_front_end_machine_is_answered_in_its_own_language_and_encoding() {
    let world = World::new().await;
    let patient = world.person(1, "林晓梅", CARD).await;
    let json = format!(
        r#"{{"data":{{"reportId":"R1","cardNo":"{CARD}","patientName":"林晓梅","reportName":"血钾","reportStatus":"已审核",
        "reportTime":"2026-11-25 08:00:00","items":[{{"itemCode":"K","itemName":"血钾","result":"4.1","unit":"mmol/L","range":"3.5-5.5"}}]}}}}"#
    );
    let answer = world.front_end("application/json; charset=utf-8", json.as_bytes()).await;
    assert_eq!((answer.status.as_u16(), answer.json()["code"].clone()), (200, 0.into()), "{}", answer.text());
    assert_eq!(answer.json()["message"], "");
    let again = world.front_end("application/json", json.as_bytes()).await;
    assert_eq!(again.json()["code"], 1);

    let xml = "<?xml version=\"1.0\" encoding=\"GB18030\"?><request><params><reportId>R2</reportId><cardNo>V99999999</cardNo>\
         <patientName>张三</patientName><reportStatus>已审核</reportStatus></params></request>";
    let answer = world.front_end("text/xml", &Charset::Gb18030.encode(xml).unwrap()).await;
    let text = Charset::Gb18030.decode(&answer.bytes).unwrap();
    assert!(text.contains("<code>-1</code><error>unknown_patient</error>") && text.contains("患者未建档"), "{text}");
    assert_eq!(answer.headers["content-type"], "application/xml; charset=gb18030");
    assert_eq!(world.table().reports_of(&world.keys, &patient).await.unwrap().len(), 1);
}

#[tokio::test]
async fn any_order_and_any_repeat_ends_alike() {
    let versions = [oru("M1", "P", "4.0", ""), oru("M2", "F", "4.1", ""), oru("M3", "C", "4.4", "")];
    let mut seen = Vec::new();
    for order in [[0, 1, 2, 1], [2, 1, 0, 2], [1, 2, 1, 0]] {
        let world = World::new().await;
        let patient = world.person(1, "林晓梅", CARD).await;
        for n in order {
            assert_eq!(world.hl7(versions[n].as_bytes()).await.codes(), ["AA"]);
        }
        let listed = world.table().reports_of(&world.keys, &patient).await.unwrap();
        let known = world.table().report(&world.keys, &listed[0].id).await.unwrap().unwrap();
        assert_eq!(known.dossier.history.earlier().len(), 2);
        seen.push(known.dossier.history);
    }
    assert!(seen.windows(2).all(|pair| pair[0] == pair[1]));
    assert_eq!(seen[0].with(seen[0].current().unwrap().clone()).unwrap().1, Arrival::Duplicate);
    assert!(now() > seen[0].current().unwrap().times.issued.as_ref().unwrap().at);
}
