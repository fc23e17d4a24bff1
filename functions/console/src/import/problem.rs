//! What can be wrong with a file, in words staff understand.

use serde::Serialize;

/// Characters of a wrong value repeated in an error text.
const QUOTED_CHARS_MAX: usize = 20;

/// One mistake in a file and where it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(into = "Shown")]
pub struct RowError {
    /// Line of the file, the header being 1; `None` for the file as a whole.
    pub line: Option<u64>,
    /// The mistake.
    pub problem: Problem,
}

impl RowError {
    /// A mistake of the file as a whole.
    pub fn file(problem: Problem) -> Self {
        Self { line: None, problem }
    }

    /// As staff read it: `第 12 行: 科室编码 "X9" 不存在`.
    pub fn text(&self) -> String {
        match self.line {
            Some(line) => format!("第 {line} 行: {}", self.problem),
            None => format!("文件: {}", self.problem),
        }
    }
}

/// A [`RowError`] as the API shows it.
#[derive(Serialize)]
struct Shown {
    line: Option<u64>,
    code: &'static str,
    text: String,
}

impl From<RowError> for Shown {
    fn from(error: RowError) -> Self {
        Self { line: error.line, code: error.problem.code(), text: error.text() }
    }
}

/// A kind of mistake. `column` is the Chinese title of the column.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// More bytes than one request carries.
    #[error("超过 {mib_max} MB, 请拆分后再导入")]
    FileTooLarge {
        /// The limit.
        mib_max: usize,
    },
    /// Neither UTF-8 nor GB18030 nor UTF-16 with a mark.
    #[error("文字编码无法识别, 请在 Excel 中另存为“CSV UTF-8”")]
    Encoding,
    /// Quotes do not pair, so that lines would run into one another.
    #[error("引号不成对, 请检查含有引号的单元格")]
    Quotes,
    /// No line at all, or only the header.
    #[error("没有数据")]
    NoRows,
    /// More lines than one import takes.
    #[error("超过 {rows_max} 行, 请拆分后再导入")]
    TooManyRows {
        /// The limit.
        rows_max: usize,
    },
    /// More clinics than one import writes.
    #[error("一次最多导入 {rows_max} 行排班, 请按日期拆分后再导入")]
    TooManyClinics {
        /// The limit.
        rows_max: usize,
    },
    /// A column that must be there is not.
    #[error("缺少“{column}”列")]
    ColumnMissing {
        /// The column.
        column: &'static str,
    },
    /// A column under a name nobody knows. Told by place, not by name: without a header line it would be a value.
    #[error("第 {place} 列的表头无法识别")]
    ColumnUnknown {
        /// The place, from 1.
        place: usize,
    },
    /// Two columns mean the same.
    #[error("“{column}”列出现了两次")]
    ColumnRepeated {
        /// The column.
        column: &'static str,
    },
    /// More fields than the header has columns.
    #[error("内容多于表头的列数, 可能有多余的分隔符")]
    FieldsExtra,
    /// A value that must be there is not.
    #[error("{column}不能为空")]
    Empty {
        /// The column.
        column: &'static str,
    },
    /// A value longer than its column takes.
    #[error("{column}超过 {chars_max} 个字")]
    TooLong {
        /// The column.
        column: &'static str,
        /// The limit.
        chars_max: usize,
    },
    /// A value that is not of the kind its column holds.
    #[error("{column} \"{}\" 无效, {hint}", quoted(.value))]
    Invalid {
        /// The column.
        column: &'static str,
        /// What the file says.
        value: String,
        /// What it should look like.
        hint: &'static str,
    },
    /// As [`Problem::Invalid`], for personal data, which is never repeated.
    #[error("{column}无效, {hint}")]
    InvalidPersonal {
        /// The column.
        column: &'static str,
        /// What is wrong.
        hint: &'static str,
    },
    /// A code the catalogue does not have.
    #[error("{column} \"{}\" 不存在", quoted(.value))]
    NotFound {
        /// The column.
        column: &'static str,
        /// The code.
        value: String,
    },
    /// The same key as an earlier line.
    #[error("{column}与第 {first_line} 行重复")]
    Repeated {
        /// What is the same.
        column: &'static str,
        /// The earlier line.
        first_line: u64,
    },
    /// A department is its own parent, directly or through others.
    #[error("上级科室形成了循环")]
    ParentCycle,
    /// A clinic on a day that is over.
    #[error("日期已过")]
    DatePast,
    /// A clinic farther ahead than anybody plans; most often a wrong year.
    #[error("日期超出今后 {days_max} 天")]
    DateTooFar {
        /// The limit.
        days_max: i32,
    },
    /// The end is not after the start.
    #[error("结束时间必须晚于开始时间")]
    TimeOrder,
    /// Morning numbers in the afternoon, or the like.
    #[error("时间与时段“{period}”不符")]
    PeriodTime {
        /// The period.
        period: &'static str,
    },
    /// An expert or special clinic without a doctor.
    #[error("{kind}号必须填写医生编码")]
    DoctorNeeded {
        /// The kind.
        kind: &'static str,
    },
    /// The doctor sits elsewhere at that time.
    #[error("该医生的出诊时间与第 {first_line} 行重叠")]
    DoctorBusy {
        /// The earlier line.
        first_line: u64,
    },
    /// The list of errors was cut.
    #[error("还有 {count} 处错误未列出")]
    More {
        /// How many.
        count: usize,
    },
}

impl Problem {
    /// Stable name for machines.
    pub fn code(&self) -> &'static str {
        match self {
            Self::FileTooLarge { .. } => "file_too_large",
            Self::Encoding => "file_encoding",
            Self::Quotes => "file_quotes",
            Self::NoRows => "file_no_rows",
            Self::TooManyRows { .. } | Self::TooManyClinics { .. } => "file_too_many_rows",
            Self::ColumnMissing { .. } => "column_missing",
            Self::ColumnUnknown { .. } => "column_unknown",
            Self::ColumnRepeated { .. } => "column_repeated",
            Self::FieldsExtra => "fields_extra",
            Self::Empty { .. } => "value_empty",
            Self::TooLong { .. } => "value_too_long",
            Self::Invalid { .. } | Self::InvalidPersonal { .. } => "value_invalid",
            Self::NotFound { .. } => "value_not_found",
            Self::Repeated { .. } => "value_repeated",
            Self::ParentCycle => "parent_cycle",
            Self::DatePast => "date_past",
            Self::DateTooFar { .. } => "date_too_far",
            Self::TimeOrder => "time_order",
            Self::PeriodTime { .. } => "period_time",
            Self::DoctorNeeded { .. } => "doctor_needed",
            Self::DoctorBusy { .. } => "doctor_busy",
            Self::More { .. } => "more",
        }
    }
}

/// The start of a value, on one line.
fn quoted(value: &str) -> String {
    let start: String = value.chars().take(QUOTED_CHARS_MAX).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if value.chars().nth(QUOTED_CHARS_MAX).is_some() { format!("{start}…") } else { start }
}
