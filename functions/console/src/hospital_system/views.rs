//! Calls and codes of the hospital's own system, for who looks after it: the page and the JSON alike.

use domain::civil::Date;
use domain::his::{CodeEntry, CodeKind, HisCall, UnknownCode};
use domain::{Timestamp, time};
use maud::{Markup, html};
use serde::Serialize;
use web::components::{Page, Tone, csrf_field, heading, notice, page, title};
use web::form::Form;
use web::view::{PageContext, View};

const CODE_CHARS_MAX: u16 = 64;
const NAME_CHARS_MAX: u16 = 80;

fn clock(at: Timestamp, format: &str) -> String {
    time::wall_clock(at).strftime(format).to_string()
}

/// The calls of a day.
#[derive(Debug, Serialize)]
pub struct CallsView {
    date: String,
    calls: Vec<HisCall>,
    #[serde(skip)]
    operation: Option<String>,
    #[serde(skip)]
    serial: Option<String>,
}

impl CallsView {
    /// From what was found.
    pub fn of(date: Date, operation: Option<String>, serial: Option<String>, calls: &[HisCall]) -> Self {
        Self { date: date.to_string(), calls: calls.to_vec(), operation, serial }
    }
}

impl View for CallsView {
    fn page(&self, context: &PageContext<'_>) -> Markup {
        let body = html! {
            (heading("医院接口调用", Some(&self.date)))
            form.search action="/staff/his/calls" {
                input type="date" name="date" value=(self.date) aria-label="日期";
                input name="operation" value=(self.operation.as_deref().unwrap_or_default()) placeholder="操作"
                    aria-label="操作" maxlength="40";
                input name="serial" value=(self.serial.as_deref().unwrap_or_default()) placeholder="流水号"
                    aria-label="流水号" maxlength="64";
                button { "查看" }
            }
            @if self.calls.is_empty() { (notice(Tone::Plain, "没有找到调用。")) }
            @for call in &self.calls { (one(call)) }
        };
        page(context, &Page::new("医院接口调用"), body)
    }
}

fn one(call: &HisCall) -> Markup {
    html! {
        details.card {
            summary {
                (clock(call.at, "%H:%M:%S")) " " b { (call.operation) } " " (call.outcome) " " (call.took_ms) " 毫秒"
                @if let Some(serial) = &call.serial { " " code { (serial) } }
            }
            p { "请求" }
            pre { code { (call.request) } }
            @if let Some(response) = &call.response {
                p { "应答" }
                pre { code { (response) } }
            }
        }
    }
}

/// The codes of one kind, and those nobody has mapped.
#[derive(Debug, Serialize)]
pub struct CodesView {
    kind: CodeKind,
    codes: Vec<CodeEntry>,
    unknown: Vec<UnknownCode>,
    #[serde(skip)]
    form: Form,
}

impl CodesView {
    /// From the table.
    pub fn of(kind: CodeKind, codes: &[CodeEntry], unknown: &[UnknownCode], form: Form) -> Self {
        Self { kind, codes: codes.to_vec(), unknown: unknown.to_vec(), form }
    }

    fn new_code(&self, context: &PageContext<'_>) -> Markup {
        html! {
            (title("添加对照"))
            form.search method="post" action="/staff/his/codes" {
                @if let Some(token) = context.csrf { (csrf_field(token)) }
                input type="hidden" name="kind" value=(self.kind.as_str());
                input name="theirs" value=(self.form.value("theirs")) placeholder="医院编码" aria-label="医院编码"
                    maxlength=(CODE_CHARS_MAX) required;
                (ours_field(self.kind, self.form.value("ours")))
                input name="name" value=(self.form.value("name")) placeholder="名称" aria-label="名称"
                    maxlength=(NAME_CHARS_MAX);
                button { "添加" }
            }
            @for text in self.form.errors().values() { (notice(Tone::Bad, text)) }
        }
    }
}

fn mapping(context: &PageContext<'_>, kind: CodeKind, theirs: &str, ours: &str) -> Markup {
    html! {
        form.search method="post" action="/staff/his/codes" {
            @if let Some(token) = context.csrf { (csrf_field(token)) }
            input type="hidden" name="kind" value=(kind.as_str());
            input type="hidden" name="theirs" value=(theirs);
            (ours_field(kind, ours))
            button { "保存" }
        }
    }
}

fn ours_field(kind: CodeKind, ours: &str) -> Markup {
    html! {
        @match kind.fixed() {
            Some(codes) => {
                select name="ours" aria-label="本系统编码" {
                    option value="" { "（未对照）" }
                    @for code in codes { option value=(code) selected[*code == ours] { (code) } }
                }
            }
            None => {
                input name="ours" value=(ours) placeholder="本系统编码" aria-label="本系统编码"
                    maxlength=(CODE_CHARS_MAX);
            }
        }
    }
}

impl View for CodesView {
    fn page(&self, context: &PageContext<'_>) -> Markup {
        let body = html! {
            (heading("编码对照", Some("医院系统的编码在本系统里是什么")))
            (title("尚未对照的编码"))
            @if self.unknown.is_empty() { (notice(Tone::Good, "没有未对照的编码。")) } @else {
                (notice(Tone::Wait, "用到这些编码的内容暂不采用；对照后一小时内自动补上，急用时可在“医院系统同步”里立即同步。"))
                table.records {
                    thead { tr { th { "类别" } th { "医院编码" } th { "出现在" } th { "首次" } th { "次数" } th { "本系统编码" } } }
                    tbody {
                        @for code in &self.unknown {
                            tr {
                                td { (code.kind.staff_text()) } td { code { (code.theirs) } } td { (code.seen_in) }
                                td { (clock(code.first_at, "%m-%d %H:%M")) } td { (code.times) }
                                td { (mapping(context, code.kind, &code.theirs, "")) }
                            }
                        }
                    }
                }
            }
            p {
                @for kind in CodeKind::ALL {
                    a href=(format!("/staff/his/codes?kind={}", kind.as_str()))
                        aria-current=[(kind == self.kind).then_some("page")] { (kind.staff_text()) }
                    " "
                }
                a href="/staff/his/codes/export" { "导出全部" }
            }
            (title(self.kind.staff_text()))
            @if self.codes.is_empty() { (notice(Tone::Plain, "这一类没有对照。")) } @else {
                table.records {
                    thead { tr { th { "医院编码" } th { "名称" } th { "本系统编码（清空即删除）" } } }
                    tbody {
                        @for code in &self.codes {
                            tr {
                                td { code { (code.theirs) } } td { (code.name) }
                                td { (mapping(context, code.kind, &code.theirs, &code.ours)) }
                            }
                        }
                    }
                }
            }
            (self.new_code(context))
        };
        page(context, &Page::new("编码对照"), body)
    }
}
