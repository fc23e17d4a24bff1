//! Writes every component in every state, and typical pages, as HTML files into the folder named by the argument
//! (default `target/gallery`), to be looked at in a browser at 320, 375 and 430 px.

use std::{fs, path::Path};

use lambda_http::Body;
use maud::{Markup, html};
use web::{
    components::{
        Button, Cell, Choice, Day, DayState, Entry, Field, FieldKind, Icon, Look, Page, Person, Script, State, Step,
        Tab, Tile, TileTarget, Tone, badge, choices, countdown, days, entries, fee, field, form_start_fields, heading,
        key_values, list, notice, page, people, prose, qr, search, select, state, steps, tags, tick, tiles, title,
    },
    form::{Fields, Form},
    pay::{PayPanel, pay_panel},
    problem::Problem,
    request::RequestMeta,
    session::{IdempotencyKey, SessionSecret},
    view::{PageContext, Site},
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args().nth(1).unwrap_or_else(|| "target/gallery".into());
    fs::create_dir_all(&folder)?;
    for (suffix, cookie) in [("", ""), ("-large", "large=1")] {
        let request = http::Request::get("/").header("cookie", cookie).body(Body::Empty)?;
        let (site, request, csrf) = (site(), RequestMeta::of(&request), secret().csrf_token());
        let context = PageContext { site: &site, request: &request, csrf: Some(&csrf) };
        let pages = [
            ("home", home(&context)),
            ("departments", departments(&context)),
            ("doctor", doctor(&context)),
            ("clinic", clinic(&context)),
            ("pay", pay(&context)),
            ("appointment", appointment(&context)?),
            ("patient-new", patient_new(&context)),
            ("parts", parts(&context)),
        ];
        for (name, markup) in pages {
            fs::write(Path::new(&folder).join(format!("{name}{suffix}.html")), markup.into_string())?;
        }
        for problem in [Problem::not_found(), Problem::internal("1-67a0b2c4"), Problem::sign_in_required()] {
            let post = http::Request::post("/").header("cookie", cookie).body(Body::Empty)?;
            let request = RequestMeta::of(&post);
            if let Body::Text(text) = problem.respond(&PageContext { request: &request, ..context }).body() {
                fs::write(Path::new(&folder).join(format!("problem-{}{suffix}.html", problem.code)), text)?;
            }
        }
    }
    Ok(())
}

fn site() -> Site {
    Site {
        public_url: "https://desk.example.org".into(),
        hospital_name: "江城市示例医院".into(),
        hospital_phone: "027-00000000".into(),
        frame_ancestors: "'self'".into(),
    }
}

const fn secret() -> SessionSecret {
    SessionSecret::from_random([7; 32])
}

fn home(context: &PageContext<'_>) -> Markup {
    let ways = [
        Entry { icon: Icon::Book, text: "预约挂号", href: "/booking" },
        Entry { icon: Icon::Ticket, text: "我的号", href: "/appointments" },
        Entry { icon: Icon::People, text: "就诊人", href: "/patients" },
        Entry { icon: Icon::Phone, text: "打电话", href: "tel:027-00000000" },
    ];
    let more = [
        Cell { text: "科室与医生", href: Some("/departments"), ..Cell::default() },
        Cell {
            text: "就诊指南", below: Some("挂号、取号、退号怎么办"), href: Some("/guide"), ..Cell::default()
        },
        Cell { text: "医院地址", side: Some(html! { "江城市示例路 1 号" }), ..Cell::default() },
    ];
    let body = html! {
        header.hero { h1 { "江城市示例医院" } p { "在微信里挂号、缴费、看候诊" } }
        (entries(&ways))
        (notice(Tone::Wait, "11 月 24 日（周二）下午心内科专家门诊停诊，已挂号的患者会自动退款。"))
        (list(&more))
    };
    page(context, &Page::new("江城市示例医院").tab(Tab::Home), body)
}

fn departments(context: &PageContext<'_>) -> Markup {
    let rows = [
        ("心血管内科", "门诊楼 3 层 A 区"),
        ("呼吸与危重症医学科", "门诊楼 3 层 B 区"),
        ("儿科", "门诊楼 1 层"),
        ("皮肤科", "门诊楼 5 层"),
    ]
    .map(|(text, below)| Cell { text, below: Some(below), href: Some("/booking/cardiology"), ..Cell::default() });
    let body = html! {
        (heading("选择科室", Some("不知道看哪个科？可先到一楼导诊台询问。")))
        (search("/departments", "q", "搜索科室、医生", ""))
        (title("内科")) (list(&rows))
        (title("今天可挂"))
        (list(&[
            Cell { text: "普通门诊", below: Some("上午 8:00-12:00"), side: Some(html! { (badge(Tone::Good, "余 12")) br; (fee(1500)) }), href: Some("/clinics/a") },
            Cell { text: "李明 主任医师", below: Some("下午 14:00-17:30"), side: Some(html! { (badge(Tone::Plain, "约满")) br; (fee(5000)) }), href: Some("/clinics/b") },
        ]))
    };
    page(context, &Page::new("选择科室").tab(Tab::Booking), body)
}

fn doctor(context: &PageContext<'_>) -> Markup {
    let body = html! {
        (people(&[
            Person { name: "李明", role: "主任医师", below: Some("冠心病、心力衰竭、高血压的诊治，擅长冠脉介入治疗"), tags: &[(Tone::Good, "有号"), (Tone::Plain, "专家门诊")], href: Some("/doctors/d1"), side: Some(fee(5000)) },
            Person { name: "欧阳若兰", role: "副主任医师", below: Some("心律失常、起搏器随访"), tags: &[(Tone::Bad, "停诊")], href: Some("/doctors/d2"), side: None },
        ]))
        (title("选择日期"))
        (days(&week()))
        (title("擅长"))
        (prose(&["冠心病、心力衰竭、高血压的诊治，擅长冠脉介入治疗。", "从医二十余年。"]))
    };
    page(context, &Page::new("李明 主任医师").tab(Tab::Booking), body)
}

fn week() -> [Day<'static>; 8] {
    [
        ("今天", "11/22", DayState::Full, false),
        ("明天", "11/23", DayState::Open, true),
        ("周二", "11/24", DayState::Closed, false),
        ("周三", "11/25", DayState::Open, false),
        ("周四", "11/26", DayState::None, false),
        ("周五", "11/27", DayState::Open, false),
        ("周六", "11/28", DayState::None, false),
        ("周日", "11/29", DayState::None, false),
    ]
    .map(|(name, date, state, current)| Day { name, date, state, href: "?date=2026-11-23", current })
}

fn clinic(context: &PageContext<'_>) -> Markup {
    let form = Form::new(typed(&[("slot", "0930")]));
    let tile = |band, value, remaining| Tile { band, remaining, fee_fen: 5000, target: TileTarget::Choice(value) };
    let body = html! {
        (steps(Step::Choose))
        (heading("李明 主任医师", Some("明天 11月23日 周一 上午 · 心血管内科 · 3 楼 12 诊室")))
        form method="post" action="/appointments" {
            (form_start_fields(context, &IdempotencyKey::from_random([1; 16])))
            (tiles(&form, "slot", &[
                Tile { target: TileTarget::Off("已约满"), ..tile("8:00-8:30", "0800", 0) },
                Tile { target: TileTarget::Off("已约满"), ..tile("8:30-9:00", "0830", 0) },
                tile("9:00-9:30", "0900", 2), tile("9:30-10:00", "0930", 3), tile("10:00-10:30", "1000", 3),
                tile("10:30-11:00", "1030", 12),
            ]))
            (choices(&form, "patient", "就诊人", &[
                Choice { value: "p1", text: "张*（本人）", below: Some("就诊卡 **** 1234"), disabled: false },
                Choice { value: "p2", text: "王*芳（母亲）", below: Some("当天已挂过该科室的号"), disabled: true },
            ]))
            div.acts { (Button::submit("确认挂号")) (Button::plain_link("添加就诊人", "/patients/new")) }
        }
    };
    page(context, &Page::new("选择时段").tab(Tab::Booking), body)
}

fn pay(context: &PageContext<'_>) -> Markup {
    let panel = PayPanel { prepay: "#", check: "#", done: "#", fee_fen: 5000 };
    let body = html! {
        (steps(Step::Pay))
        (countdown("9:42", 585))
        (key_values(&facts()))
        div.big { "应付 " b { (fee(5000)) } }
        (pay_panel(context, &panel))
        div.acts { (Button::post(context, "取消挂号", "/appointments/a/cancel", Look::Warn)) }
    };
    page(context, &Page::new("支付挂号费").tab(Tab::Appointments).scripts(&[Script::Pay, Script::Countdown]), body)
}

fn facts() -> [(&'static str, Markup); 5] {
    [
        ("就诊人", html! { "张*（本人）" }),
        ("时间", html! { b { "明天 11月23日 周一 9:30-10:00" } }),
        ("医生", html! { "李明 主任医师" }),
        ("科室", html! { "心血管内科" }),
        ("地点", html! { "本部院区 门诊楼 3 楼 12 诊室" }),
    ]
}

fn appointment(context: &PageContext<'_>) -> Result<Markup, web::components::CodeError> {
    let body = html! {
        (steps(Step::Visit))
        (state(State::Success, "挂号成功", "请提前 15 分钟到 3 楼候诊区签到。", &[]))
        (qr("MZ20261123000912", "MZ2026 1123 0009 12")?)
        (key_values(&facts()))
        div.acts { (Button::post(context, "取消挂号", "/appointments/a/cancel", Look::Warn)) (Button::plain_link("返回我的号", "/appointments")) }
    };
    Ok(page(context, &Page::new("挂号详情").tab(Tab::Appointments), body))
}

fn typed(pairs: &[(&str, &str)]) -> Fields {
    let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Fields::from_pairs(pairs).unwrap_or_default()
}

fn patient_new(context: &PageContext<'_>) -> Markup {
    let mut form = Form::new(typed(&[("name", "张三"), ("phone", "1380000"), ("relation", "parent")]));
    form.reject("phone", "手机号应为 11 位数字，请检查。");
    form.reject("document", "请填写证件号码。");
    form.reject("consent", "请先阅读并同意。");
    let kinds = [("id", "居民身份证"), ("passport", "护照"), ("hk", "港澳居民来往内地通行证")];
    let kinds = kinds.map(|(value, text)| Choice { value, text, ..Choice::default() });
    let relations = [("self", "本人"), ("parent", "父母"), ("child", "子女")];
    let relations = relations.map(|(value, text)| Choice { value, text, ..Choice::default() });
    let body = html! {
        (heading("添加就诊人", Some("按国家规定，挂号须实名。")))
        (notice(Tone::Bad, "有内容未填写或填写有误，请修改后再提交。"))
        form method="post" action="/patients" {
            (form_start_fields(context, &IdempotencyKey::from_random([1; 16])))
            div.cells {
                (field(&form, &Field { name: "name", label: "姓名", kind: FieldKind::Name, hint: Some("与证件上一致"), max_chars: 50 }))
                (select(&form, "document_kind", "证件类型", None, &kinds))
                (field(&form, &Field { name: "document", label: "证件号码", kind: FieldKind::Document, hint: None, max_chars: 18 }))
                (field(&form, &Field { name: "phone", label: "手机号", kind: FieldKind::Mobile, hint: None, max_chars: 11 }))
                (field(&form, &Field { name: "birth", label: "出生日期", kind: FieldKind::Date, hint: None, max_chars: 10 }))
            }
            (choices(&form, "relation", "与您的关系", &relations))
            (tick(&form, "consent", &html! { "我已阅读并同意" a href="/consent" { "《个人信息使用说明》" } }))
            div.acts { (Button::submit("保存")) }
        }
    };
    page(context, &Page::new("添加就诊人").tab(Tab::Patients), body)
}

fn parts(context: &PageContext<'_>) -> Markup {
    let form = Form::default();
    let link = Button::primary_link("主要按钮", "#");
    let body = html! {
        (heading("组件", Some("每一种状态")))
        (title("提示"))
        (notice(Tone::Plain, "普通提示，一行字。"))
        (notice(Tone::Good, "已取消挂号，退款会在 1-3 个工作日到账。"))
        (notice(Tone::Wait, "距离就诊不足一天，取消会记一次爽约。"))
        (notice(Tone::Bad, "这个号刚被别人约走了，请换一个时段。"))
        (title("状态"))
        div.cells { p.cell { (tags(&[(Tone::Good, "已预约"), (Tone::Wait, "待支付"), (Tone::Plain, "已取消"), (Tone::Bad, "停诊")])) } }
        (title("按钮"))
        div.acts {
            (link) (link.look(Look::Plain)) (link.look(Look::Warn))
            button.btn disabled { "不可用" }
        }
        (title("步骤"))
        (steps(Step::Choose)) (steps(Step::Pay)) (steps(Step::Visit))
        (title("日期")) (days(&week()))
        (title("时段（链接）"))
        (tiles(&form, "slot", &[Tile { band: "14:00-14:30", remaining: 1, fee_fen: 0, target: TileTarget::Link("#") }, Tile { band: "14:30-15:00", remaining: 0, fee_fen: 1500, target: TileTarget::Off("已开始") }]))
        (title("多行文字"))
        div.cells { (field(&form, &Field { name: "note", label: "意见", kind: FieldKind::Lines, hint: Some("最多 200 字"), max_chars: 200 })) }
        (state(State::Empty, "还没有挂号", "挂号成功后会显示在这里。", &[Button::primary_link("去挂号", "/booking")]))
        (state(State::Waiting, "正在确认支付", "请不要关闭页面，通常几秒内完成。", &[]))
        (state(State::Failure, "支付没有成功", "号源仍为您保留 6 分钟。", &[Button::primary_link("再次支付", "#"), Button::plain_link("返回", "#")]))
    };
    page(context, &Page::new("组件").tab(Tab::Home), body)
}
