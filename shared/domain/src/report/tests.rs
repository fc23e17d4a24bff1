use super::release::{CRITICAL_PUSH_TEXT, PUSH_TEXT, Progress, list_name};
use super::*;
use crate::time::add_minutes;
use jiff::Timestamp;

fn now() -> Timestamp {
    "2026-11-23T02:00:00Z".parse().unwrap()
}

fn item(name: &str, value: &str, range: &str, flag: Option<&str>) -> Item {
    let mut item = Item::new(Concept::words(name), Status::Final);
    item.values = vec![Value::read(value, None)];
    item.range_sent = Text::some(range);
    item.ranges = ReferenceRange::read(range);
    item.flags = flag.map(Flag::of).into_iter().collect();
    item
}

fn report(category: Category, items: Vec<Item>) -> Report {
    let key = ReportKey { sender: "LIS".into(), number: "R1".into(), service: "".into() };
    let transmission = Transmission { wire: Wire::FrontEnd, control_id: None, sent_at: None };
    let mut report = Report::new(key, transmission, Status::Final);
    report.category = category;
    report.sections = vec![Section { title: None, items }];
    report
}

fn progress() -> Progress {
    Progress { final_at: now(), confirmed_at: None, awaits_clinician: false }
}

#[test]
fn all_within_range_is_said_only_when_everything_was_compared() {
    let blood = |items| report(Category::Laboratory, items).overall();
    let good = item("白细胞", "5.0", "3.5-9.5", None);
    assert_eq!(blood(vec![good.clone(), item("血型", "A", "", Some("N"))]), Overall::AllWithinRange);
    assert_eq!(blood(vec![good.clone(), item("血型", "A", "", None)]), Overall::NotComparable);
    assert_eq!(blood(vec![good.clone(), item("血红蛋白", "90", "130-175", None)]), Overall::StandOut(1));
    assert_eq!(blood(vec![item("血红蛋白", "90", "130-175", Some("N"))]), Overall::StandOut(1), "they say normal");
    assert_eq!(blood(Vec::new()), Overall::NotComparable);
    let mut open = item("白细胞", "5.0", "3.5-9.5", None);
    open.status = Status::Preliminary;
    assert_eq!(blood(vec![good.clone(), open]), Overall::NotComparable);
    let mut cancelled = report(Category::Laboratory, vec![good]);
    cancelled.status = Status::Cancelled;
    assert_eq!(cancelled.overall(), Overall::NotComparable);
}

#[test]
fn a_drug_an_organism_withstands_is_outside_no_range() {
    let mut organism = Item::new(Concept::words("大肠埃希菌"), Status::Final);
    organism.members = vec![item("氨苄西林", ">=32", "", Some("R")), item("美罗培南", "<=0.25", "", Some("S"))];
    assert_eq!(report(Category::Microbiology, vec![organism]).overall(), Overall::NotComparable);
}

#[test]
fn a_panel_is_as_good_as_its_tests() {
    let mut panel = Item::new(Concept::words("血压"), Status::Final);
    panel.components = vec![item("收缩压", "120", "90-139", None), item("舒张压", "80", "60-89", None)];
    assert_eq!(report(Category::Laboratory, vec![panel.clone()]).overall(), Overall::AllWithinRange);
    panel.components.push(item("脉搏", "见报告单", "", None));
    assert_eq!(report(Category::Laboratory, vec![panel]).overall(), Overall::NotComparable);
}

#[test]
fn a_sensitive_item_is_withheld_alone_and_silences_the_push() {
    let policy = Policy::default();
    let hiv = item("人类免疫缺陷病毒抗体", "阴性", "阴性", None);
    let panel = report(Category::Laboratory, vec![item("乙肝表面抗原", "阴性", "阴性", None), hiv]);
    let shown: Vec<Visibility> = panel.items().map(|item| policy.item(&panel, item, progress(), now())).collect();
    assert_eq!(shown, [Visibility::Visible, Visibility::AfterDoctor]);
    assert_eq!(policy.texts(&panel, progress(), now()), Visibility::AfterDoctor, "a file prints all of it");
    assert_eq!(policy.push_text(&panel, progress(), now()), None);
    let confirmed = Progress { confirmed_at: Some(now()), ..progress() };
    assert!(panel.items().all(|item| policy.item(&panel, item, confirmed, now()) == Visibility::Visible));
    assert_eq!(policy.push_text(&panel, confirmed, now()), None, "never pushed");
}

#[test]
fn sensitive_classes_are_found_by_code_and_word() {
    let classes = Classes::default();
    let of = |category, name: &str| {
        let report = report(category, vec![item(name, "1", "", None)]);
        classes.of_item(&report, report.items().next().unwrap())
    };
    for (category, name, class) in [
        (Category::Laboratory, "抗-HIV", ItemClass::Hiv),
        (Category::Laboratory, "HIV1+2抗体", ItemClass::Hiv),
        (Category::Laboratory, "shiver", ItemClass::Laboratory),
        (Category::Laboratory, "梅毒螺旋体抗体", ItemClass::Syphilis),
        (Category::Laboratory, "肿瘤标志物 CEA", ItemClass::Laboratory),
        (Category::Pathology, "胃肿瘤活检", ItemClass::TumourPathology),
        (Category::Laboratory, "染色体核型分析", ItemClass::Genetics),
        (Category::Pathology, "流产物", ItemClass::PregnancyLoss),
        (Category::Imaging, "胸部 CT", ItemClass::Imaging),
    ] {
        assert_eq!(of(category, name), class, "{name}");
    }
    let mut coded = report(Category::Laboratory, vec![item("抗体", "1", "", None)]);
    coded.sections[0].items[0].code = Concept::coded("LN", "56888-1", None);
    assert_eq!(classes.of_item(&coded, coded.items().next().unwrap()), ItemClass::Hiv);
    assert_eq!(list_name(&coded, &classes), None);
}

#[test]
fn pathology_that_speaks_of_a_tumour_waits_for_the_doctor() {
    let policy = Policy::default();
    let mut biopsy = report(Category::Pathology, Vec::new());
    biopsy.texts = vec![ReportText { kind: TextKind::Impression, text: "慢性炎症".into() }];
    let later = add_minutes(now(), 24 * 60);
    assert_eq!(policy.texts(&biopsy, progress(), now()), Visibility::From(later));
    assert_eq!(policy.texts(&biopsy, progress(), later), Visibility::Visible);
    biopsy.texts[0].text = "低分化腺癌".into();
    assert_eq!(policy.texts(&biopsy, progress(), later), Visibility::AfterDoctor);
}

#[test]
fn a_push_says_nothing_of_the_result() {
    let policy = Policy::default();
    let routine = report(Category::Laboratory, vec![item("白细胞", "5.0", "3.5-9.5", None)]);
    assert_eq!(policy.push_text(&routine, progress(), now()), Some(PUSH_TEXT));
    let critical = report(Category::Laboratory, vec![item("钾", "7.1", "3.5-5.3", Some("HH"))]);
    assert_eq!(policy.push_text(&critical, progress(), now()), Some(CRITICAL_PUSH_TEXT));
    let mut open = routine;
    open.status = Status::Preliminary;
    assert_eq!(policy.push_text(&open, progress(), now()), None);
}

#[test]
fn a_recalled_result_is_gone() {
    let policy = Policy::default();
    let mut wrong = report(Category::Laboratory, vec![item("白细胞", "5.0", "3.5-9.5", None)]);
    wrong.status = Status::EnteredInError;
    let item = wrong.items().next().unwrap();
    assert_eq!(policy.item(&wrong, item, progress(), now()), Visibility::Withdrawn);
    assert_eq!(policy.push_text(&wrong, progress(), now()), None);
}

#[test]
fn two_versions_side_by_side() {
    let earlier = report(Category::Laboratory, vec![item("钠", "140", "", None), item("钾", "4.1", "", None)]);
    let later = report(Category::Laboratory, vec![item("钾", "4.10", "", None), item("氯", "100", "", None)]);
    let seen: Vec<Change> = changes(&earlier, &later).iter().map(|change| change.change).collect();
    assert_eq!(seen, [Change::Changed, Change::Added, Change::Removed]);
    assert!(changes(&later, &later).iter().all(|change| change.change == Change::Same));
}

#[test]
fn an_organism_with_its_antibiotics() {
    let mut organism = item("细菌培养", "大肠埃希菌", "", None);
    organism.members = vec![item("氨苄西林", ">=32", "", Some("R")), item("美罗培南", "<=0.25", "", Some("S"))];
    let seen: Vec<(&str, Meaning)> =
        organism.susceptibilities().map(|(item, meaning)| (item.code.name(), meaning)).collect();
    assert_eq!(seen, [("氨苄西林", Meaning::Resistant), ("美罗培南", Meaning::Susceptible)]);
}

#[test]
fn a_stored_report_reads_back_and_prints_nothing() {
    let mut stored = report(Category::Laboratory, vec![item("白细胞", "5.0", "3.5-9.5", Some("N"))]);
    stored.subject.name = Text::some("林小梅");
    stored.times.collected = Some(When::from_hl7("20261123").unwrap());
    let json = serde_json::to_string(&stored).unwrap();
    assert_eq!(serde_json::from_str::<Report>(&json).unwrap(), stored);
    let printed = format!("{stored:?}");
    for secret in ["林小梅", "白细胞", "3.5"] {
        assert!(!printed.contains(secret), "{secret}");
    }
}
