use domain::booking::BookingPolicy;
use domain::catalog::{Department, Doctor};
use domain::civil::{Date, date};
use domain::clinic::{ClinicKind, Period};
use domain::money::Fen;
use domain::person::DocumentKind;
use domain::profile::HospitalProfile;
use encoding_rs::GB18030;
use proptest::prelude::*;

use super::*;

#[path = "../../../../shared/results/tests/suite/damage.rs"]
mod damage;

const TODAY: Date = date(2026, 11, 22);

fn known() -> Known {
    Known {
        departments: ["XNK", "JZK"].iter().map(|id| id.parse().unwrap()).collect(),
        doctors: ["D001", "D002"].iter().map(|id| id.parse().unwrap()).collect(),
    }
}

fn texts<T>(import: &Import<T>) -> Vec<String> {
    import.errors.iter().map(RowError::text).collect()
}

fn codes<T>(import: &Import<T>) -> Vec<&'static str> {
    import.errors.iter().map(|error| error.problem.code()).collect()
}

const DEPARTMENTS: &str = "\
科室编码,科室名称,上级科室编码,位置,科室介绍,院区
XNK,心血管内科,NK,门诊楼 3 层,\"高血压、冠心病, 心律失常\",本部
NK,内科,,,,
";

#[test]
fn departments_in_any_encoding_and_dialect() {
    let plain = departments(DEPARTMENTS.as_bytes(), &Known::default());
    assert_eq!(texts(&plain), Vec::<String>::new());
    assert_eq!(plain.rows.len(), 2);
    let row = &plain.rows[0];
    assert_eq!((row.id.as_str(), row.name.as_str()), ("XNK", "心血管内科"));
    assert_eq!(row.parent.as_ref().map(DepartmentId::as_str), Some("NK"));
    assert_eq!(row.intro, "高血压、冠心病, 心律失常");

    let (gb18030, _, _) = GB18030.encode(DEPARTMENTS);
    assert!(std::str::from_utf8(&gb18030).is_err());
    let utf16: Vec<u8> = DEPARTMENTS.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let dialects: [Vec<u8>; 6] = [
        gb18030.into_owned(),
        [b"\xEF\xBB\xBF", DEPARTMENTS.as_bytes()].concat(),
        [b"\xFF\xFE".as_slice(), &utf16].concat(),
        DEPARTMENTS.replace('\n', "\r\n").into_bytes(),
        DEPARTMENTS.replace("失常", "失、常").replace(", 心", "，心").replace(',', "\t").into_bytes(),
        DEPARTMENTS.replace(", 心", "，心").replace(',', ";").into_bytes(),
    ];
    for dialect in &dialects {
        let import = departments(dialect, &Known::default());
        assert_eq!(texts(&import), Vec::<String>::new());
        assert_eq!(import.rows.len(), 2);
        assert_eq!(import.rows[0].location, "门诊楼 3 层");
    }
    assert_eq!(departments(&dialects[0], &Known::default()), plain);
}

#[test]
fn columns_in_any_order_and_language() {
    let file = "Name,PARENT_CODE, code *\n内科,,ＮＫ\n心内科,NK,XNK\n";
    let import = departments(file.as_bytes(), &Known::default());
    assert_eq!(texts(&import), Vec::<String>::new());
    assert_eq!(import.rows[0].id.as_str(), "NK");
    assert_eq!(import.rows[1].parent.as_ref().map(DepartmentId::as_str), Some("NK"));
}

#[test]
fn a_file_that_is_no_table() {
    let answer = |bytes: &[u8]| texts(&departments(bytes, &Known::default()));
    assert_eq!(answer(b""), ["文件: 没有数据"]);
    assert_eq!(answer("科室编码,科室名称\n".as_bytes()), ["文件: 没有数据"]);
    assert_eq!(answer(b"\xFF\xFF\x80\x80"), ["文件: 文字编码无法识别, 请在 Excel 中另存为“CSV UTF-8”"]);
    assert_eq!(
        answer("科室编码,科室名称\nA,\"内科\nB,外科\n".as_bytes()),
        ["文件: 引号不成对, 请检查含有引号的单元格"]
    );
    assert_eq!(answer(&vec![b'a'; FILE_BYTES_MAX + 1]), ["文件: 超过 4 MB, 请拆分后再导入"]);
    let rows = "A,科\n".repeat(ROWS_MAX + 1);
    assert_eq!(answer(format!("科室编码,科室名称\n{rows}").as_bytes()), ["文件: 超过 20000 行, 请拆分后再导入"]);
    assert_eq!(
        answer("\n科室编码,编码,哈哈\nA,B,C\n".as_bytes()),
        ["第 2 行: “科室编码”列出现了两次", "第 2 行: 第 3 列的表头无法识别", "第 2 行: 缺少“科室名称”列",]
    );
}

#[test]
fn every_mistake_is_told_by_its_line() {
    let file = format!(
        "科室编码,科室名称,上级科室编码,位置\n\nNK,内科,,\n内科,,NK,\n,,,\nNK,外科,X9,\nA,甲,B,\nB,\"乙\n丙\",A,\nC,{},,\nE,戊,,,多\n",
        "长".repeat(41)
    );
    let import = departments(file.as_bytes(), &Known::default());
    assert_eq!(
        texts(&import),
        [
            "第 4 行: 科室编码 \"内科\" 无效, 只能用字母、数字、- 和 _",
            "第 4 行: 科室名称不能为空",
            "第 6 行: 科室编码与第 3 行重复",
            "第 7 行: 上级科室形成了循环",
            "第 8 行: 上级科室形成了循环",
            "第 10 行: 科室名称超过 40 个字",
            "第 11 行: 内容多于表头的列数, 可能有多余的分隔符",
        ]
    );
    assert_eq!(import.rows.len(), 1);
    let unknown = departments("code,name,parent\nA,甲,X9\n".as_bytes(), &Known::default());
    assert_eq!(texts(&unknown), ["第 2 行: 上级科室编码 \"X9\" 不存在"]);
    assert!(departments("code,name,parent\nA,甲,XNK\n".as_bytes(), &known()).errors.is_empty());
}

#[test]
fn the_list_of_errors_is_cut() {
    let rows = "内科,科\n".repeat(ERRORS_MAX + 5);
    let import = departments(format!("code,name\n{rows}").as_bytes(), &Known::default());
    assert_eq!(import.errors.len(), ERRORS_MAX + 1);
    assert_eq!(import.errors[ERRORS_MAX].text(), "文件: 还有 5 处错误未列出");
}

#[test]
fn an_error_as_the_api_shows_it() {
    let import = departments("code,name,parent\nA,甲,X9\n".as_bytes(), &Known::default());
    let json = serde_json::to_value(&import.errors).unwrap();
    assert_eq!(
        json,
        serde_json::json!([{
            "line": 2, "code": "value_not_found", "text": "第 2 行: 上级科室编码 \"X9\" 不存在"
        }])
    );
}

#[test]
fn doctors_of_a_department() {
    let file = "医生编码,姓名,拼音,职称,科室编码,是否专家,擅长,医生介绍
D001,李明,LiMing,主任医师,XNK,是,冠心病,\"第一段
第二段\"
D002,王芳,,主治医师,JZK,,,
";
    let import = doctors(file.as_bytes(), &known());
    assert_eq!(texts(&import), Vec::<String>::new());
    let [first, second] = import.rows.as_slice() else { panic!("two rows") };
    assert_eq!((first.pinyin.as_str(), first.expert), ("liming", true));
    assert_eq!(first.intro, "第一段\n第二段");
    assert!(!second.expert);
}

#[test]
fn doctors_that_are_wrong() {
    let file = "医生编码,姓名,职称,科室编码,是否专家
D001,李明,,X9,也许
D001,李明,主任医师,XNK,是
";
    assert_eq!(
        texts(&doctors(file.as_bytes(), &known())),
        [
            "第 2 行: 职称不能为空",
            "第 2 行: 科室编码 \"X9\" 不存在",
            "第 2 行: 是否专家 \"也许\" 无效, 请填写“是”或“否”",
            "第 3 行: 医生编码与第 2 行重复",
        ]
    );
}

const SCHEDULES: &str = "日期,科室编码,医生编码,时段,开始时间,结束时间,每半小时号数,挂号费,诊室,院区,号别\n";

fn schedule(lines: &str) -> Import<ScheduleRow> {
    schedules(format!("{SCHEDULES}{lines}").as_bytes(), &known(), TODAY)
}

#[test]
fn schedules_become_half_hours() {
    let import = schedule(
        "2026-11-23,XNK,D001,上午,8:00,12:00,4,25,301,本部,专家
2026/11/23 0:00,XNK,,下午,14:00:00,17:30,10,7.50,302,本部,普通
2026年11月23日,JZK,,晚上,19:00,24:00,6,10,急诊 1,本部,急诊
",
    );
    assert_eq!(texts(&import), Vec::<String>::new());
    let [expert, pool, emergency] = import.rows.as_slice() else { panic!("three rows") };
    assert_eq!(expert.id.as_str(), "20261123-am-XNK-D001");
    assert_eq!((expert.line, expert.date, expert.period), (2, date(2026, 11, 23), Period::Morning));
    assert_eq!((expert.starts.len(), expert.numbers_per_slot, expert.kind), (8, 4, ClinicKind::Expert));
    assert_eq!((pool.doctor.as_ref(), pool.starts.len(), pool.fee), (None, 7, Fen::new(750).unwrap()));
    assert_eq!(emergency.starts.last().map(ToString::to_string), Some("2330".to_owned()));
}

#[test]
fn a_schedule_becomes_a_clinic_and_its_slots() {
    let import = schedule("2026-11-23,XNK,D001,上午,8:00,9:30,4,25,,,专家\n");
    let department = departments(DEPARTMENTS.as_bytes(), &known()).rows.remove(0);
    let doctor = doctors("医生编码,姓名,职称,科室编码\nD001,李明,主任医师,XNK\n".as_bytes(), &known()).rows.remove(0);
    let row = &import.rows[0];
    let clinic = row.clinic(&department, Some(&doctor), &BookingPolicy::default());
    assert_eq!(clinic.who_text(), "李明 主任医师");
    assert_eq!((clinic.room.as_str(), clinic.campus.as_str()), ("门诊楼 3 层", "本部"));
    assert_eq!(clinic.release_at.to_string(), "2026-11-15T23:00:00Z");
    let numbers: Vec<Vec<u16>> = row
        .slots(&clinic, &BookingPolicy::default())
        .into_iter()
        .map(|slot| slot.free_numbers.into_iter().collect())
        .collect();
    assert_eq!(numbers, [[1, 2, 3, 4], [5, 6, 7, 8], [9, 10, 11, 12]]);
}

#[test]
fn dates_and_times_as_people_write_them() {
    for day in [
        "2026-11-23",
        "2026/11/23",
        "2026.11.23",
        "20261123",
        "2026年11月23日",
        "２０２６－１１－２３",
        "2026/11/23 0:00:00",
    ] {
        let import = schedule(&format!("{day},XNK,,上午,08:30,9:00,1,0,,,普通\n"));
        assert_eq!(import.rows.first().map(|row| row.date), Some(date(2026, 11, 23)), "{day} {:?}", texts(&import));
    }
    for day in ["11/23/2026", "26-11-23", "2026-02-29", "2026-11", "2026-11-23-01", "2026-+1-23", "46349", "明天"] {
        let import = schedule(&format!("{day},XNK,,上午,08:30,9:00,1,0,,,普通\n"));
        assert_eq!(codes(&import), ["value_invalid"], "{day}");
    }
    for time in ["8:15", "24:30", "8", "8:60", "8:00:30", "008:00", "8:00 AM", "+8:00", "25:00"] {
        let import = schedule(&format!("2026-11-23,XNK,,上午,{time},12:00,1,0,,,普通\n"));
        assert_eq!(codes(&import), ["value_invalid"], "{time}");
    }
}

#[test]
fn schedules_that_are_wrong() {
    let import = schedule(
        "2026-11-21,XNK,,上午,8:00,12:00,4,7,,,普通
2027-11-23,XNK,,上午,8:00,12:00,4,7,,,普通
2026-11-23,XNK,,上午,12:00,8:00,61,7,,,义诊
2026-11-23,XNK,,上午,20:00,22:00,4,7,,,普通
2026-11-25,XNK,,上午,8:00,12:00,4,25.555,,,专家
2026-11-23,X9,D009,清晨,8:00,12:00,0,-1,,,专家
2026-11-24,XNK,D001,上午,8:00,12:00,4,7,,,专家
2026-11-24,XNK,D001,上午,8:00,10:00,4,7,,,专家
2026-11-24,JZK,D001,下午,11:30,15:00,4,7,,,专家
",
    );
    assert_eq!(
        texts(&import),
        [
            "第 2 行: 日期已过",
            "第 3 行: 日期超出今后 180 天",
            "第 4 行: 号别 \"义诊\" 无效, 请填写普通、专家、特需或急诊",
            "第 4 行: 结束时间必须晚于开始时间",
            "第 4 行: 每半小时号数 \"61\" 无效, 应为 1 到 60 的整数",
            "第 5 行: 时间与时段“上午”不符",
            "第 6 行: 挂号费 \"25.555\" 无效, 应为以元为单位的金额, 最多两位小数",
            "第 6 行: 专家号必须填写医生编码",
            "第 7 行: 科室编码 \"X9\" 不存在",
            "第 7 行: 医生编码 \"D009\" 不存在",
            "第 7 行: 时段 \"清晨\" 无效, 请填写上午、下午、晚上或夜间",
            "第 7 行: 每半小时号数 \"0\" 无效, 应为 1 到 60 的整数",
            "第 7 行: 挂号费 \"-1\" 无效, 应为以元为单位的金额, 最多两位小数",
            "第 9 行: 日期、时段、科室和医生与第 8 行重复",
            "第 9 行: 该医生的出诊时间与第 8 行重叠",
            "第 10 行: 该医生的出诊时间与第 8 行重叠",
        ]
    );
    assert_eq!(import.rows.len(), 1);
}

const CARDS: &str = "就诊卡号,姓名,证件类型,证件号码,手机号\n";

#[test]
fn cards_of_every_kind() {
    let file = format!(
        "{CARDS}C0001,林小梅,居民身份证,=\"11010519491231002X\",13800001234
C0002,张三,,110105491231002,
C0003,陈大文,6,H0000000000,+86 138 0000 1235
C0004,SMITH JOHN,护照,GBR/123456789,
"
    );
    let import = cards(file.as_bytes(), TODAY);
    assert_eq!(texts(&import), Vec::<String>::new());
    let kinds: Vec<DocumentKind> = import.rows.iter().map(|row| row.document.kind()).collect();
    assert_eq!(
        kinds,
        [DocumentKind::ResidentId, DocumentKind::ResidentId, DocumentKind::HongKongMacauPermit, DocumentKind::Passport]
    );
    // The old number of the second is the person of the first.
    assert_eq!(import.rows[0].document.identity_key(), import.rows[1].document.identity_key());
    assert_eq!(import.rows[2].phone.as_ref().map(domain::person::Phone::masked), Some("138****1235".to_owned()));
}

#[test]
fn an_error_never_repeats_personal_data() {
    let file = format!(
        "{CARDS}卡卡,张3号,身份证,110101200002290010,12345
C0001,李四,驾照,110101200002290018,
C0001,,01,1.10101E+17,
"
    );
    let import = cards(file.as_bytes(), TODAY);
    assert_eq!(
        texts(&import),
        [
            "第 2 行: 就诊卡号无效, 只能用字母、数字、- 和 _",
            "第 2 行: 姓名无效, 姓名中有无法识别的字符，请按证件填写",
            "第 2 行: 证件号码无效, 证件号码有误，请逐位核对",
            "第 2 行: 手机号无效, 手机号应为 11 位数字",
            "第 3 行: 证件类型无效, 请填写证件类型的名称或代码",
            "第 4 行: 就诊卡号与第 3 行重复",
            "第 4 行: 姓名不能为空",
            "第 4 行: 证件号码无效, 证件号码位数不对，请核对",
        ]
    );
    // A file without its header line: the first line is a person.
    let headless = cards("C0001,李四,,110101200002290018,\nC0002,张三,,11010519491231002X,\n".as_bytes(), TODAY);
    let told = format!("{:?}{:?}", texts(&headless), headless.errors);
    assert!(!told.contains("李四") && !told.contains("1101"), "{told}");
}

#[test]
fn a_card_prints_masked() {
    let file = format!("{CARDS}C0001,林小梅,,11010519491231002X,13800001234\n");
    let import = cards(file.as_bytes(), TODAY);
    assert_eq!(
        format!("{:?}", import.rows[0]),
        "CardRow(PersonName(林*梅) IdDocument(01 110*************2X) Some(Phone(138****1234)))"
    );
}

/// The folder of the demonstration hospital.
const HOSPITAL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../infra/hospital");

fn demo(name: &str) -> Vec<u8> {
    std::fs::read(format!("{HOSPITAL}/{name}")).unwrap()
}

/// The catalogue of the demonstration hospital; its files are without an error.
fn demo_catalogue() -> (Vec<Department>, Vec<Doctor>, Known) {
    let departments = departments(&demo("departments.csv"), &Known::default());
    assert_eq!(texts(&departments), Vec::<String>::new());
    let mut known = Known::default();
    known.departments.extend(departments.rows.iter().map(|row| row.id.clone()));
    let doctors = doctors(&demo("doctors.csv"), &known);
    assert_eq!(texts(&doctors), Vec::<String>::new());
    known.doctors.extend(doctors.rows.iter().map(|row| row.id.clone()));
    (departments.rows, doctors.rows, known)
}

/// What the script of the demonstration hospital writes for two weeks.
fn demo_schedules(first_day: Date) -> Vec<u8> {
    let script = format!("{HOSPITAL}/make_schedules.py");
    let first_day = first_day.to_string();
    let run =
        std::process::Command::new("python3").args([&script, "--from", &first_day, "--out", "-"]).output().unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    run.stdout
}

#[test]
fn the_demonstration_hospital_imports() {
    let (departments, doctor_rows, known) = demo_catalogue();
    assert!(departments.len() >= 10 && doctor_rows.len() >= 32);
    let works_in = |id: &DepartmentId| doctor_rows.iter().any(|doctor| doctor.department == *id);
    assert!(departments.iter().all(|department| works_in(&department.id)));

    // The same file as Chinese Excel saves it.
    let file = demo("doctors.csv");
    let (excel, _, lossy) = GB18030.encode(std::str::from_utf8(&file).unwrap());
    assert!(!lossy);
    assert_eq!(doctors(&excel, &known).rows, doctor_rows);

    let cards = cards(&demo("cards.csv"), TODAY);
    assert_eq!(texts(&cards), Vec::<String>::new());
    assert_eq!(cards.rows.len(), 12);

    let profile: HospitalProfile = serde_json::from_slice(&demo("profile.json")).unwrap();
    assert_eq!(profile.booking, BookingPolicy::default());
}

#[test]
fn the_demonstration_hospital_has_numbers_at_any_hour() {
    let (departments, _, known) = demo_catalogue();
    let import = schedules(&demo_schedules(TODAY), &known, TODAY);
    assert_eq!(texts(&import), Vec::<String>::new());
    for day in (0..14).map(|days| domain::time::add_days(TODAY, days)) {
        let today = || import.rows.iter().filter(|row| row.date == day);
        // Every department can be seen without an appointment.
        for department in &departments {
            assert!(today().any(|row| row.department == department.id && row.doctor.is_none()), "{day} {department:?}");
        }
        let emergency = today().filter(|row| row.kind == ClinicKind::Emergency).flat_map(|row| &row.starts);
        assert_eq!(emergency.collect::<BTreeSet<_>>().len(), 48, "{day}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_answered(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = departments(&bytes, &known());
        let _ = cards(&bytes, TODAY);
    }

    #[test]
    fn any_cells_are_answered(cells in "[\\PC,\r\n\"]{0,200}") {
        for header in [SCHEDULES, CARDS] {
            let file = format!("{header}{cells}");
            let schedules = schedules(file.as_bytes(), &known(), TODAY);
            let cards = cards(file.as_bytes(), TODAY);
            let lines = u64::try_from(file.lines().count()).unwrap();
            let told = schedules.errors.iter().chain(&cards.errors).filter_map(|error| error.line);
            prop_assert!(told.into_iter().all(|line| (1..=lines).contains(&line)));
        }
    }
}

/// The files of the demo hospital, damaged, in both encodings: each is taken or refused line by line.
#[test]
fn damaged_files_are_answered() {
    let demo = |name: &str| {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../infra/hospital/");
        std::fs::read_to_string(format!("{folder}{name}")).unwrap()
    };
    let texts = ["departments.csv", "doctors.csv", "cards.csv"]
        .map(demo)
        .into_iter()
        .chain([SCHEDULES, CARDS].map(String::from));
    let files = texts.flat_map(|text| [text.clone().into_bytes(), GB18030.encode(&text).0.into_owned()]);
    damage::run(files.collect(), |bytes| {
        let told = [
            departments(bytes, &known()).errors,
            doctors(bytes, &known()).errors,
            schedules(bytes, &known(), TODAY).errors,
            cards(bytes, TODAY).errors,
            super::codes(bytes).errors,
        ];
        prop_assert!(told.iter().flatten().all(|error| !error.text().is_empty()));
        Ok(())
    });
}
