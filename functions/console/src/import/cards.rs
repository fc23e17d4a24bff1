//! Visit cards (就诊卡) the hospital already handed out.

use std::collections::BTreeMap;
use std::fmt;

use domain::civil::Date;
use domain::id::CardNo;
use domain::person::{DocumentError, DocumentKind, IdDocument, NameError, PersonName, Phone, PhoneError};

use super::Import;
use super::cells::{Cells, Column, read};
use super::problem::Problem;

const CARD: Column = Column::required("就诊卡号", &["卡号", "card", "card_no"]);
const NAME: Column = Column::required("姓名", &["患者姓名", "就诊人姓名", "name"]);
const KIND: Column = Column::optional("证件类型", &["证件类别", "document_kind", "kind"]);
const DOCUMENT: Column =
    Column::required("证件号码", &["证件号", "身份证号", "身份证号码", "document", "document_number"]);
const PHONE: Column = Column::optional("手机号", &["手机", "电话", "联系电话", "手机号码", "phone"]);
const COLUMNS: &[&Column] = &[&CARD, &NAME, &KIND, &DOCUMENT, &PHONE];

/// A visit card as a file gives it.
#[derive(Clone, PartialEq, Eq)]
pub struct CardRow {
    /// The printed number.
    pub card: CardNo,
    /// Whose card it is.
    pub name: PersonName,
    /// The owner's document.
    pub document: IdDocument,
    /// The owner's mobile phone, if the hospital knows one.
    pub phone: Option<Phone>,
}

/// Masked throughout: a card number opens a person's record.
impl fmt::Debug for CardRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CardRow({:?} {:?} {:?})", self.name, self.document, self.phone)
    }
}

/// Reads a file of visit cards. One person may have several cards. A fifteen-digit ID number of an old record is
/// turned into eighteen digits. `today` is the civil date in Shanghai.
pub fn cards(bytes: &[u8], today: Date) -> Import<CardRow> {
    let mut lines = BTreeMap::new();
    read(bytes, COLUMNS, |cells| {
        let card: Option<CardNo> = personal(cells, &CARD, |text| text.parse().map_err(|_| "只能用字母、数字、- 和 _"));
        if let Some(card) = &card {
            cells.unique(CARD.title, &mut lines, card.clone());
        }
        let name = personal(cells, &NAME, |text| PersonName::parse(text).map_err(NameError::patient_text));
        let kind = match cells.plain(&KIND) {
            Some(_) => personal(cells, &KIND, |text| kind_named(text).ok_or("请填写证件类型的名称或代码")),
            None => Some(DocumentKind::ResidentId),
        };
        let document =
            personal(cells, &DOCUMENT, |text| kind.map(|kind| document(kind, text, today)).transpose()).flatten();
        let phone = match cells.plain(&PHONE) {
            Some(_) => personal(cells, &PHONE, |text| Phone::parse(text).map_err(PhoneError::patient_text)).map(Some),
            None => Some(None),
        };
        Some(CardRow { card: card?, name: name?, document: document?, phone: phone? })
    })
}

/// A value that must be there and is never repeated in an error.
fn personal<V>(
    cells: &mut Cells<'_>,
    column: &Column,
    read: impl FnOnce(&str) -> Result<V, &'static str>,
) -> Option<V> {
    let text = cells.needed(column)?;
    read(&text).map_err(|hint| cells.note(Problem::InvalidPersonal { column: column.title, hint })).ok()
}

fn document(kind: DocumentKind, text: &str, today: Date) -> Result<IdDocument, &'static str> {
    match IdDocument::parse(kind, text, today) {
        Err(DocumentError::FifteenDigits) => IdDocument::from_fifteen_digits(text, today),
        parsed => parsed,
    }
    .map_err(DocumentError::patient_text)
}

/// A kind by its code or by the names hospitals write.
fn kind_named(text: &str) -> Option<DocumentKind> {
    if let Some(kind) = DocumentKind::ALL.into_iter().find(|kind| kind.code() == text || kind.label() == text) {
        return Some(kind);
    }
    // Excel drops the zero in front of a code.
    if let ("1" | "2" | "3" | "4" | "6" | "7", Ok(kind)) = (text, DocumentKind::from_code(&format!("0{text}"))) {
        return Some(kind);
    }
    match text {
        "身份证" | "二代身份证" | "中国居民身份证" => Some(DocumentKind::ResidentId),
        "户口本" | "户口簿" => Some(DocumentKind::HouseholdRegister),
        "军人证" | "军官证件" => Some(DocumentKind::Military),
        "港澳通行证" | "回乡证" => Some(DocumentKind::HongKongMacauPermit),
        "台胞证" | "台湾通行证" => Some(DocumentKind::TaiwanPermit),
        "居住证" => Some(DocumentKind::ResidencePermit),
        "永居证" | "外国人永居证" | "外国人永久居留证" => Some(DocumentKind::ForeignerResidence),
        "出生证" | "出生证明" => Some(DocumentKind::BirthCertificate),
        "其他" => Some(DocumentKind::Other),
        _ => None,
    }
}
