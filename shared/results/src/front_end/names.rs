//! The names of fields, without case, underscores and hyphens. The first that is there counts.

/// Envelopes a report may lie in.
pub const ENVELOPES: [&str; 12] = [
    "request",
    "response",
    "params",
    "param",
    "data",
    "body",
    "content",
    "reports",
    "reportlist",
    "report",
    "list",
    "row",
];
/// The number of a report.
pub const NUMBER: [&str; 4] = ["reportid", "reportno", "reportcode", "reportnumber"];
/// Who made it.
pub const SENDER: [&str; 6] = ["hospitalid", "hospitalcode", "orgcode", "orgid", "branchcode", "systemcode"];
/// What was examined.
pub const TITLE: [&str; 5] = ["reportname", "reporttitle", "examname", "checkname", "title"];
/// Its code.
pub const SERVICE: [&str; 3] = ["examcode", "checkcode", "groupcode"];
/// The kind of examination.
pub const CATEGORY: [&str; 4] = ["reporttype", "reportcategory", "category", "type"];
/// How far it is.
pub const STATUS: [&str; 3] = ["reportstatus", "status", "state"];
/// The message.
pub const CONTROL_ID: [&str; 5] = ["messageid", "msgid", "requestid", "serialno", "traceid"];
/// When it was sent.
pub const SENT_AT: [&str; 4] = ["sendtime", "timestamp", "requesttime", "updatetime"];
/// 申请.
pub const ORDERED: [&str; 4] = ["applytime", "ordertime", "requestdate", "applydate"];
/// 采样.
pub const COLLECTED: [&str; 7] =
    ["sampletime", "collecttime", "samplingtime", "specimentime", "examtime", "checktime", "collectdate"];
/// 接收.
pub const RECEIVED: [&str; 3] = ["receivetime", "receivedtime", "signtime"];
/// 报告.
pub const ISSUED: [&str; 4] = ["reporttime", "reportdate", "publishtime", "issuetime"];
/// 审核.
pub const REVIEWED: [&str; 4] = ["audittime", "reviewtime", "verifytime", "auditdate"];
/// 预计.
pub const EXPECTED: [&str; 3] = ["expecttime", "expectedtime", "planreporttime"];
/// Whose reports these are, said once around them.
pub const PATIENT: [&str; 3] = ["patient", "patientinfo", "patientdata"];
/// 就诊卡号.
pub const CARD: [&str; 4] = ["cardno", "healthcardno", "patientcard", "visitcardno"];
/// Other numbers of the patient, with the kind they are of.
pub const PATIENT_NUMBERS: [(&str, &str); 6] = [
    ("patientid", "PI"),
    ("patientno", "PI"),
    ("mrn", "MR"),
    ("outpatientno", "OP"),
    ("medicalrecordno", "MR"),
    ("visitno", "VN"),
];
/// Name.
pub const PATIENT_NAME: [&str; 3] = ["patientname", "name", "patname"];
/// Sex.
pub const SEX: [&str; 4] = ["sex", "gender", "patientsex", "sexname"];
/// Age.
pub const AGE: [&str; 2] = ["age", "patientage"];
/// Date of birth.
pub const BIRTH: [&str; 3] = ["birthday", "birthdate", "dateofbirth"];
/// 标本号.
pub const SPECIMEN_ID: [&str; 6] = ["specimenid", "specimenno", "barcode", "sampleno", "sampleid", "testtubeno"];
/// 标本类型.
pub const SPECIMEN_KIND: [&str; 5] = ["specimentype", "sampletype", "specimenname", "samplename", "specimen"];
/// The items.
pub const ITEMS: [&str; 9] =
    ["items", "itemlist", "subitems", "subitemlist", "details", "detaillist", "results", "resultlist", "testitems"];
/// An item, repeated without a list around it.
pub const ITEM: [&str; 4] = ["item", "detail", "testitem", "resultitem"];
/// Names that only an item has: where they stand beside a value, it is one.
pub const OF_AN_ITEM: [&str; 9] = [
    "itemcode",
    "itemname",
    "testcode",
    "testname",
    "chinesename",
    "bacterianame",
    "drugname",
    "antibioticname",
    "antibioticcode",
];
/// How far an item is, where it is otherwise than its report.
pub const ITEM_STATUS: [&str; 4] = ["itemstatus", "resultstatus", "status", "state"];
/// The organisms of a culture.
pub const ORGANISMS: [&str; 4] = ["bacteria", "bacterialist", "organisms", "germs"];
/// The antibiotics of an organism.
pub const DRUGS: [&str; 5] = ["drugs", "druglist", "antibiotics", "antibioticlist", "sensitivities"];
/// The code of an item.
pub const ITEM_CODE: [&str; 8] =
    ["itemcode", "itemid", "itemno", "testcode", "bacteriacode", "drugcode", "antibioticcode", "code"];
/// The name of an item.
pub const ITEM_NAME: [&str; 8] =
    ["itemname", "testname", "cname", "chinesename", "bacterianame", "drugname", "antibioticname", "name"];
/// Its LOINC code.
pub const LOINC: [&str; 2] = ["loinc", "loinccode"];
/// Its value.
pub const VALUE: [&str; 8] =
    ["itemresult", "resultvalue", "testresult", "mic", "colonycount", "quantity", "value", "result"];
/// Its unit.
pub const UNIT: [&str; 4] = ["unit", "itemunit", "resultunit", "units"];
/// Its reference range.
pub const RANGE: [&str; 8] =
    ["referencerange", "refrange", "range", "normalrange", "reference", "refer", "referencevalue", "normalvalue"];
/// The ends of its range apart.
pub const RANGE_LOW: [&str; 5] = ["low", "rangelow", "reflow", "lowerlimit", "referencelow"];
/// The ends of its range apart.
pub const RANGE_HIGH: [&str; 5] = ["high", "rangehigh", "refhigh", "upperlimit", "referencehigh"];
/// Its flag.
pub const FLAG: [&str; 9] =
    ["abnormalflag", "resultflag", "flag", "abnormal", "indicator", "hint", "prompt", "sensitivity", "susceptibility"];
/// Whether it is critical.
pub const CRITICAL: [&str; 4] = ["critical", "iscritical", "criticalflag", "crisis"];
/// How it was found.
pub const METHOD: [&str; 3] = ["method", "testmethod", "checkmethod"];
/// A remark.
pub const REMARK: [&str; 5] = ["remark", "remarks", "memo", "note", "comment"];
/// 检查所见.
pub const FINDINGS: [&str; 7] =
    ["findings", "examfindings", "checksee", "examsee", "seeing", "description", "imagesight"];
/// 诊断意见.
pub const IMPRESSION: [&str; 7] =
    ["impression", "diagnosis", "examdiagnosis", "checkresult", "examresult", "opinion", "imagediagnosis"];
/// 结论.
pub const CONCLUSION: [&str; 2] = ["conclusion", "summary"];
/// Pictures.
pub const IMAGES: [&str; 6] = ["imageurl", "imageurls", "images", "imageaddress", "studyuid", "studyinstanceuid"];
/// Files.
pub const FILES: [&str; 5] = ["pdfurl", "fileurl", "reporturl", "reportfile", "fileurls"];
/// 检查设备类型.
pub const MODALITY: [&str; 3] = ["modality", "devicetype", "equipmenttype"];
/// 检查部位.
pub const BODY_PART: [&str; 5] = ["bodypart", "position", "exampart", "checkpart", "bodysite"];
