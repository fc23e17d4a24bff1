//! The hospital says who is one person with whom, over the wire that results come by.

use crate::world::{Answer, World, now};
use domain::id::PatientId;
use domain::person::Phone;
use domain::report::unplaced::Why;
use intake::{Inbox, Replayed};

const GONE: &str = "V20180031";
const STAYS: &str = "V20180032";

fn adt(event: &str, control_id: &str, segments: &str) -> String {
    format!(
        "MSH|^~\\&|HIS|H|DESK|H|20261125083000||ADT^{event}|{control_id}|P|2.5\rEVN|{event}|20261125083000\r{segments}\r"
    )
}

fn merge(control_id: &str, gone: &str, stays: &str) -> String {
    adt("A40", control_id, &format!("PID|1||{stays}^^^H^MR||林^晓梅\rMRG|{gone}^^^H^MR"))
}

fn unmerge(control_id: &str) -> String {
    adt("A37", control_id, &format!("PID|1||{STAYS}^^^H^MR||林^晓梅\rPID|2||{GONE}^^^H^MR||林^晓梅"))
}

fn oru(card: &str, number: &str) -> String {
    format!(
        "MSH|^~\\&|LIS|LAB|DESK|H|20261125080000||ORU^R01|M-{number}|P|2.5\r\
         PID|1||{card}^^^H^MR||林^晓梅||19800101|F\r\
         OBR|1|O1|{number}|K^血钾^L|||20261125070000|||||||||||||||20261125080000|||F\r\
         OBX|1|NM|K^血钾^L||4.1|mmol/L|3.5-5.5|N|||F|||20261125070000\r"
    )
}

struct Two {
    world: World,
    gone: PatientId,
    stays: PatientId,
}

impl Two {
    async fn new() -> Self {
        let world = World::new().await;
        let gone = world.person(1, "林晓梅", GONE).await;
        let stays = world.person(2, "林晓梅", STAYS).await;
        Self { world, gone, stays }
    }

    async fn send(&self, message: &str) -> Answer {
        self.world.hl7(message.as_bytes()).await
    }

    async fn takes(&self, message: &str) {
        assert_eq!(self.send(message).await.codes(), ["AA"], "{message}");
    }

    async fn are_one(&self) -> bool {
        self.world.table().is_same_person(&self.gone, &self.stays).await.unwrap()
    }

    async fn reports(&self, person: &PatientId) -> usize {
        self.world.table().reports_of_person(&self.world.keys, person).await.unwrap().len()
    }
}

#[tokio::test]
async fn results_of_the_record_that_is_gone_are_the_survivors() {
    let two = Two::new().await;
    two.takes(&oru(GONE, "F1")).await;
    two.takes(&merge("A1", GONE, STAYS)).await;
    assert_eq!(two.world.table().root_of(&two.gone).await.unwrap(), two.stays);
    two.takes(&oru(GONE, "F2")).await;
    two.takes(&oru(STAYS, "F3")).await;
    // A correction under the number that stays, of a report that came under the one that is gone.
    let corrected =
        oru(STAYS, "F1").replace("|||F\r", "|||C\r").replace("M-F1", "M-F1b").replace("1125080000", "1125090000");
    two.takes(&corrected).await;
    assert_eq!((two.reports(&two.gone).await, two.reports(&two.stays).await), (3, 3));
    let table = two.world.table();
    let listed = table.reports_of_person(&two.world.keys, &two.stays).await.unwrap();
    assert!(listed.iter().all(|listed| listed.line.status.is_valid()), "nothing was taken back from anybody");
    two.takes(&unmerge("A2")).await;
    assert_eq!((two.reports(&two.gone).await, two.reports(&two.stays).await), (2, 1), "each has what named them");
}

#[tokio::test]
async fn a_merge_that_is_repeated_after_it_was_undone_undoes_nothing() {
    let two = Two::new().await;
    let merge = merge("A1", GONE, STAYS);
    for _ in 0..2 {
        two.takes(&merge).await;
        assert!(two.are_one().await);
    }
    two.takes(&unmerge("A2")).await;
    two.takes(&unmerge("A2")).await;
    assert!(!two.are_one().await);
    two.takes(&merge.replace("|20261125083000||", "|20261125093000||")).await;
    assert!(!two.are_one().await, "the same message under the same number says nothing new");
    two.takes(&merge.replace("|A1|", "|A3|")).await;
    assert!(two.are_one().await);
}

#[tokio::test]
async fn a_number_nobody_uses_means_the_person_it_was_merged_with() {
    let two = Two::new().await;
    assert_eq!(two.send(&oru("V77", "F1")).await.codes(), ["AE"], "nobody yet");
    two.takes(&merge("A1", "V77", STAYS)).await;
    let due = two.world.table().open_unplaced().await.unwrap().remove(0).deadlines;
    assert_eq!(due.get(domain::due::Deadline::Replay), Some(now()), "what waited for the number is tried at once");
    two.takes(&oru("V77", "F2")).await;
    assert_eq!(two.reports(&two.stays).await, 1);
    // The other way round: the number that stays is the one nobody uses.
    two.takes(&merge("A2", GONE, "V78")).await;
    two.takes(&oru("V78", "F3")).await;
    assert_eq!(two.reports(&two.gone).await, 1);
    assert!(!two.are_one().await);
    let parted = unmerge("A3").replace(GONE, "V77");
    two.takes(&parted).await;
    assert_eq!(two.send(&oru("V77", "F4")).await.codes(), ["AE"]);
}

#[tokio::test]
async fn a_merge_of_people_nobody_knows_waits_until_one_of_them_is_known() {
    let two = Two::new().await;
    assert_eq!(two.send(&merge("A1", "V77", "V78")).await.codes(), ["AE"]);
    let kept = two.world.table().open_unplaced().await.unwrap().remove(0);
    assert_eq!(kept.obstacle.why, Why::UnknownPatient);
    let patient = two.world.person(3, "周志强", "V78").await;
    assert_eq!(two.world.table().hurry_unplaced(&two.world.keys, "V78", now()).await.unwrap(), 1);
    let profile = crate::world::profile();
    let desk = &two.world.app.desk;
    let inbox =
        Inbox { table: &desk.table, keys: &two.world.keys, profile: &profile, nonces: &desk.random, now: now() };
    assert!(
        matches!(inbox.replay(&kept.id, "his-sync", None).await.unwrap(), Replayed::Placed(filed) if filed.is_empty())
    );
    assert_eq!(two.world.table().holder_of(&"V77".parse().unwrap()).await.unwrap(), Some(patient));
}

#[tokio::test]
async fn a_merge_that_waits_is_over_when_it_is_undone() {
    let two = Two::new().await;
    assert_eq!(two.send(&merge("A1", "V77", "V78")).await.codes(), ["AE"]);
    assert_eq!(two.send(&oru("V77", "F1")).await.codes(), ["AE"]);
    two.takes(&unmerge("A2").replace(GONE, "V77").replace(STAYS, "V78")).await;
    let kept = two.world.table().open_unplaced().await.unwrap();
    assert_eq!(kept.len(), 1, "the result still waits, the merge does not");
    two.world.person(3, "林晓梅", "V78").await;
    two.world.table().hurry_unplaced(&two.world.keys, "V78", now()).await.unwrap();
    assert_eq!(two.world.table().holder_of(&"V77".parse().unwrap()).await.unwrap(), None);
}

#[tokio::test]
async fn numbers_of_two_people_are_not_one_persons() {
    let two = Two::new().await;
    let message =
        merge("A1", "V77", STAYS).replace("PID|1||V20180032^^^H^MR", "PID|1||V20180032^^^H^MR~V20180031^^^H^MR");
    assert_eq!(two.send(&message).await.codes(), ["AE"]);
    assert!(!two.are_one().await);
    let garbage = adt("A40", "A2", "PID|1||V1");
    assert_eq!(two.send(&garbage).await.codes(), ["AE"], "a merge with nobody");
    assert_eq!(two.send(&adt("A03", "A3", "PID|1||V1")).await.codes(), ["AR"]);
}

#[tokio::test]
async fn what_the_hospital_has_on_record_proves_a_claim() {
    let two = Two::new().await;
    let table = two.world.table();
    let registered =
        adt("A28", "A1", "PID|1||V9^^^H^MR~11010519491231002X^^^PSB^NI||周^志强||19491231|M|||||13800138000");
    two.takes(&registered).await;
    let holder = |no: &'static str| async move {
        table.card(&no.parse().unwrap()).await.unwrap().and_then(|card| card.holder).unwrap()
    };
    let phone = holder("V9").await.phone(&two.world.keys).unwrap();
    assert_eq!(phone, Phone::parse("13800138000").ok());
    for card in ["V9", GONE] {
        two.takes(&adt("A31", &format!("U{card}"), &format!("PID|1||{card}^^^H^MR||周^志强||||||||13900139000"))).await;
        assert_eq!(holder(card).await.phone(&two.world.keys).unwrap(), Phone::parse("13900139000").ok(), "{card}");
    }
    two.takes(&adt("A08", "U3", "PID|1||V404^^^H^MR||王^芳")).await;
    assert!(table.card(&"V404".parse().unwrap()).await.unwrap().is_none(), "a change of somebody unknown");
    let died = format!("PID|1||{STAYS}^^^H^MR||林^晓梅|||||||||||||||||||||||||Y");
    two.takes(&adt("A31", "U4", &died)).await;
    assert!(table.patient(&two.stays).await.unwrap().unwrap().silenced);
}
