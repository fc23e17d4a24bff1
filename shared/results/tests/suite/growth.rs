//! Twice as much takes twice as much, or is refused: counted in bytes allocated, never in time.

use results::front_end::Codes;
use results::{Charset, Fault, FaultKind, fhir, front_end, hl7};

/// Sizes compared: each message is made of so many parts.
const PARTS: [usize; 2] = [400, 800];
/// Twice, and what vectors round up.
const RATIO_PERMILLE_MAX: u64 = 2_600;

fn read_hl7(text: &str) -> Result<(), Fault> {
    for message in hl7::frame::read(text.as_bytes())?.messages {
        hl7::oru::read(&message?)?;
    }
    Ok(())
}

fn read_front_end(text: &str) -> Result<(), Fault> {
    front_end::read(text.as_bytes(), None, &Codes::default()).map(drop)
}

fn hl7(parts: &str) -> String {
    format!("MSH|^~\\&|LIS|LAB|DESK|H|2026||ORU^R01|17|P|2.5\rPID|1||X\r{parts}")
}

const OBR: &str = "OBR|1|P1|F1|X^Panel^L|||20261120|||||||||||||||20261122||LAB|F\r";

/// A message of so many parts, and what it is.
type Make = fn(usize) -> String;
type Read = fn(&str) -> Result<(), Fault>;

fn many(count: usize, part: impl Fn(usize) -> String) -> String {
    (0..count).map(part).collect()
}

fn listed(count: usize, part: impl Fn(usize) -> String) -> String {
    (0..count).map(part).collect::<Vec<_>>().join(",")
}

fn items_of_hl7(count: usize) -> String {
    hl7(&(OBR.to_owned() + &many(count, |at| format!("OBX|{at}|NM|I{at}^a^L||9|g/L|3-5|H|||F\r"))))
}

fn antibiotics_of_hl7(count: usize) -> String {
    let drug = |at| format!("OBX|{at}|ST|D{at}^a^L|{at}.1|R||||R|||F\r");
    hl7(&(OBR.to_owned()
        + &many(count, |at| format!("OBX|{at}|ST|600-7^o^LN|{at}|coli||||||F\r"))
        + &many(count, drug)))
}

fn notes_of_hl7(count: usize) -> String {
    hl7(&(OBR.to_owned() + "OBX|1|NM|I^a^L||9||||||F\r" + &many(count, |at| format!("NTE|{at}||remark {at}\r"))))
}

fn orders_of_hl7(count: usize) -> String {
    hl7(&many(count, |at| format!("OBR|{at}|P{at}|F{at}|X^Panel^L|||||||||||||||||||||F\r")))
}

fn observations_of_fhir(count: usize) -> String {
    let one = |at| {
        format!(
            r#"{{"resource":{{"resourceType":"Observation","id":"o{at}","status":"final","code":{{"text":"a"}}}}}}"#
        )
    };
    let result = listed(count, |at| format!(r#"{{"reference":"Observation/o{at}"}}"#));
    let report = format!(
        r#"{{"resource":{{"resourceType":"DiagnosticReport","id":"r","status":"final","code":{{"text":"r"}},"result":[{result}]}}}}"#
    );
    format!(r#"{{"resourceType":"Bundle","type":"collection","entry":[{report},{}]}}"#, listed(count, one))
}

fn contained_of_fhir(count: usize) -> String {
    let one = |at| format!(r#"{{"resourceType":"Organization","id":"c{at}","name":"n"}}"#);
    let performer = listed(count, |at| format!(r##"{{"reference":"#c{at}"}}"##));
    format!(
        r#"{{"resourceType":"Observation","id":"a","status":"final","code":{{"text":"a"}},"contained":[{}],"performer":[{performer}]}}"#,
        listed(count, one)
    )
}

fn items_of_json(count: usize) -> String {
    let one = |at| format!(r#"{{"itemName":"a{at}","result":"1","unit":"g/L","referenceRange":"3-5"}}"#);
    format!(r#"{{"reportId":"1","items":[{}]}}"#, listed(count, one))
}

fn items_of_xml(count: usize) -> String {
    let one = |at| format!("<item><itemName>a{at}</itemName><result>1</result></item>");
    format!("<report><reportId>1</reportId><items>{}</items></report>", many(count, one))
}

fn read_fhir(text: &str) -> Result<(), Fault> {
    fhir::read(text).map(drop)
}

fn read_gb18030(text: &str) -> Result<(), Fault> {
    let bytes = Charset::Gb18030.encode(text).unwrap();
    Charset::Gb18030.decode(&bytes).map(drop).map_err(|_| Fault::at("$", FaultKind::Encoding))
}

#[test]
fn twice_as_much_takes_twice_as_much() {
    let cases: [(&str, Make, Read); 9] = [
        ("items of HL7", items_of_hl7, read_hl7),
        ("antibiotics of HL7", antibiotics_of_hl7, read_hl7),
        ("notes of HL7", notes_of_hl7, read_hl7),
        ("orders of HL7", orders_of_hl7, read_hl7),
        ("observations of FHIR", observations_of_fhir, read_fhir),
        ("contained resources of FHIR", contained_of_fhir, read_fhir),
        ("items in JSON", items_of_json, read_front_end),
        ("items in XML", items_of_xml, read_front_end),
        ("GB18030", |count| "检验".repeat(count), read_gb18030),
    ];
    for (name, make, read) in cases {
        let [once, twice] = PARTS.map(|parts| {
            let text = make(parts);
            let allocated =
                allocation_counter::measure(|| read(&text).unwrap_or_else(|fault| panic!("{name}: {fault}")));
            allocated.bytes_total
        });
        assert!(twice * 1_000 < once * RATIO_PERMILLE_MAX, "{name}: {once} bytes, then {twice}");
    }
}

/// What would be compared with each other is bounded: it is refused before it is compared.
#[test]
fn what_grows_faster_is_refused() {
    let cases: [(&str, String, Read, FaultKind); 6] = [
        ("orders", orders_of_hl7(1_001), read_hl7, FaultKind::TooMany),
        (
            "kinds of children",
            format!("<report>{}</report>", many(1_001, |at| format!("<a{at}/>"))),
            read_front_end,
            FaultKind::TooMany,
        ),
        (
            "attributes",
            format!("<report {}/>", many(1_001, |at| format!("a{at}='' "))),
            read_front_end,
            FaultKind::TooMany,
        ),
        ("fields", format!("{{{}}}", listed(1_001, |at| format!(r#""a{at}":1"#))), read_front_end, FaultKind::Syntax),
        ("contained resources", contained_of_fhir(3_000), read_fhir, FaultKind::TooLarge),
        ("observations", observations_of_fhir(10_001), read_fhir, FaultKind::TooMany),
    ];
    for (name, text, read, kind) in cases {
        assert_eq!(read(&text).map_err(|fault| fault.kind), Err(kind), "{name}");
    }
}
