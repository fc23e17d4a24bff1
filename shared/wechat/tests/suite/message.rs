use proptest::prelude::*;
use wechat::DocumentError;
use wechat::message::{Delivery, Event, Inbound, Kind, Message};

fn push(msg_type: &str, fields: &str) -> String {
    format!(
        "<xml><ToUserName><![CDATA[gh_x]]></ToUserName><FromUserName><![CDATA[o1]]></FromUserName>\
         <CreateTime>1700000000</CreateTime><MsgType><![CDATA[{msg_type}]]></MsgType>{fields}</xml>"
    )
}

fn read(msg_type: &str, fields: &str) -> Inbound {
    Inbound::parse(&push(msg_type, fields)).unwrap()
}

fn event(name: &str, fields: &str) -> Event {
    match read("event", &format!("<Event>{name}</Event>{fields}")).kind {
        Kind::Event(event) => event,
        Kind::Message(message) => panic!("{message:?}"),
    }
}

#[test]
fn every_message_is_read() {
    let cases = [
        ("text", "<Content><![CDATA[挂号 ]]></Content><bizmsgmenuid>101</bizmsgmenuid><MsgId>1</MsgId>"),
        ("image", "<PicUrl>https://a.example/p</PicUrl><MediaId>m</MediaId><MsgId>2</MsgId>"),
        ("voice", "<MediaId>m</MediaId><Format>amr</Format><Recognition></Recognition><MsgId>3</MsgId>"),
        ("voice", "<MediaId>m</MediaId><Format>amr</Format><Recognition>你好</Recognition><MsgId>3</MsgId>"),
        ("video", "<MediaId>m</MediaId><ThumbMediaId>t</ThumbMediaId><MsgId>4</MsgId>"),
        ("shortvideo", "<MediaId>m</MediaId><ThumbMediaId>t</ThumbMediaId><MsgId>5</MsgId>"),
        (
            "location",
            "<Location_X>23.1</Location_X><Location_Y>113.3</Location_Y><Scale>20</Scale><Label>路</Label><MsgId>6</MsgId>",
        ),
        ("link", "<Title>t</Title><Description>d</Description><Url>https://a.example</Url><MsgId>7</MsgId>"),
        ("sticker", "<MsgId>8</MsgId>"),
    ];
    let read: Vec<_> = cases.iter().map(|(msg_type, fields)| read(msg_type, fields)).collect();
    insta::assert_debug_snapshot!(read);
}

#[test]
fn every_event_is_read() {
    let cases = [
        ("subscribe", "<EventKey></EventKey>"),
        ("subscribe", "<EventKey>qrscene_department:ent</EventKey><Ticket>T</Ticket>"),
        ("unsubscribe", "<EventKey/>"),
        ("SCAN", "<EventKey>department:ent</EventKey><Ticket>T</Ticket>"),
        ("LOCATION", "<Latitude>23.1</Latitude><Longitude>113.3</Longitude><Precision>119.4</Precision>"),
        ("CLICK", "<EventKey>book</EventKey>"),
        ("VIEW", "<EventKey>https://h5.example</EventKey><MenuId>7</MenuId>"),
        ("view_miniprogram", "<EventKey>pages/index</EventKey>"),
        (
            "scancode_push",
            "<EventKey>k</EventKey><ScanCodeInfo><ScanType>qrcode</ScanType><ScanResult>1</ScanResult></ScanCodeInfo>",
        ),
        (
            "scancode_waitmsg",
            "<EventKey>k</EventKey><ScanCodeInfo><ScanType>barcode</ScanType><ScanResult>2</ScanResult></ScanCodeInfo>",
        ),
        (
            "pic_weixin",
            "<EventKey>k</EventKey><SendPicsInfo><Count>1</Count><PicList><item><PicMd5Sum>5a</PicMd5Sum></item></PicList></SendPicsInfo>",
        ),
        (
            "location_select",
            "<EventKey>k</EventKey><SendLocationInfo><Location_X>23</Location_X><Location_Y>113</Location_Y><Scale>15</Scale><Label>路</Label><Poiname></Poiname></SendLocationInfo>",
        ),
        ("TEMPLATESENDJOBFINISH", "<MsgID>200</MsgID><Status>success</Status>"),
        (
            "MASSSENDJOBFINISH",
            "<MsgID>201</MsgID><Status>send success</Status><TotalCount>100</TotalCount><FilterCount>80</FilterCount><SentCount>75</SentCount><ErrorCount>5</ErrorCount>",
        ),
        (
            "PUBLISHJOBFINISH",
            "<PublishEventInfo><publish_id>9</publish_id><publish_status>0</publish_status><article_id>A</article_id><article_detail><count>1</count><item><idx>1</idx><article_url>https://a.example</article_url></item></article_detail></PublishEventInfo>",
        ),
        (
            "subscribe_msg_popup_event",
            "<SubscribeMsgPopupEvent><List><TemplateId>T1</TemplateId><SubscribeStatusString>accept</SubscribeStatusString><PopupScene>1</PopupScene></List><List><TemplateId>T2</TemplateId><SubscribeStatusString>reject</SubscribeStatusString><PopupScene>1</PopupScene></List></SubscribeMsgPopupEvent>",
        ),
        (
            "subscribe_msg_change_event",
            "<SubscribeMsgChangeEvent><List><TemplateId>T1</TemplateId><SubscribeStatusString>reject</SubscribeStatusString></List></SubscribeMsgChangeEvent>",
        ),
        (
            "subscribe_msg_sent_event",
            "<SubscribeMsgSentEvent><List><TemplateId>T1</TemplateId><MsgID>1</MsgID><ErrorCode>0</ErrorCode><ErrorStatus>success</ErrorStatus></List></SubscribeMsgSentEvent>",
        ),
        ("user_info_modified", ""),
        ("user_authorization_revoke", ""),
        ("annual_renew", "<ExpiredTime>1700000000</ExpiredTime>"),
        ("something_new", "<X>1</X>"),
    ];
    let read: Vec<_> = cases.iter().map(|(name, fields)| event(name, fields)).collect();
    insta::assert_debug_snapshot!(read);
}

#[test]
fn a_list_of_one_may_be_an_object_in_json() {
    let one = r#"{"TemplateId":"T1","SubscribeStatusString":"accept","PopupScene":"1"}"#;
    for list in [one.to_owned(), format!("[{one}]")] {
        let text = format!(
            r#"{{"ToUserName":"gh_x","FromUserName":"o1","CreateTime":1700000000,"MsgType":"event",
                "Event":"subscribe_msg_popup_event","SubscribeMsgPopupEvent":{{"List":{list}}}}}"#
        );
        match Inbound::parse(&text).unwrap().kind {
            Kind::Event(Event::SubscriptionPopup(choices)) => assert!(choices.len() == 1 && choices[0].accepted),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn delivery_is_told_by_prefix() {
    let delivery =
        |status: &str| match event("TEMPLATESENDJOBFINISH", &format!("<MsgID>1</MsgID><Status>{status}</Status>")) {
            Event::TemplateSent { delivery, .. } => delivery,
            other => panic!("{other:?}"),
        };
    assert_eq!(delivery("success"), Delivery::Success);
    assert_eq!(delivery("failed:user block"), Delivery::Failed("user block".into()));
    assert_eq!(delivery("failed: system failed"), Delivery::Failed("system failed".into()));
    assert_eq!(delivery("failed:freq limit"), Delivery::Failed("freq limit".into()));
    assert_eq!(delivery("unheard of"), Delivery::Failed("unheard of".into()));
}

#[test]
fn different_pushes_have_different_keys() {
    let keys = [
        read("text", "<Content>a</Content><MsgId>200</MsgId>"),
        read("text", "<Content>a</Content><MsgId>201</MsgId>"),
        read("text", "<Content>a</Content><MsgId></MsgId>"),
        read("event", "<Event>subscribe</Event><EventKey></EventKey>"),
        read("event", "<Event>CLICK</Event><EventKey>a</EventKey>"),
        read("event", "<Event>CLICK</Event><EventKey>b</EventKey>"),
        read("event", "<Event>TEMPLATESENDJOBFINISH</Event><MsgID>200</MsgID><Status>success</Status>"),
        read("event", "<Event>TEMPLATESENDJOBFINISH</Event><MsgID>201</MsgID><Status>success</Status>"),
    ]
    .map(|inbound| inbound.dedupe_key().to_owned());
    let different: std::collections::HashSet<_> = keys.iter().collect();
    assert_eq!(different.len(), keys.len());
    assert_eq!(keys[0], "message:200");
    let long = read("event", &format!("<Event>VIEW</Event><EventKey>https://a.example/{}</EventKey>", "x".repeat(900)));
    assert!(long.dedupe_key().len() < 100);
}

#[test]
fn only_what_can_be_answered_says_so() {
    assert!(read("text", "<MsgId>1</MsgId>").can_be_answered());
    for (name, is_answered) in
        [("subscribe", true), ("CLICK", true), ("SCAN", true), ("VIEW", false), ("unsubscribe", false)]
    {
        assert_eq!(read("event", &format!("<Event>{name}</Event>")).can_be_answered(), is_answered, "{name}");
    }
}

#[test]
fn what_is_missing_is_named() {
    let whole = push("text", "<Content>a</Content><MsgId>1</MsgId>");
    for field in ["ToUserName", "FromUserName", "CreateTime", "MsgType"] {
        let without = whole.replace(&format!("<{field}>"), "<Z>").replace(&format!("</{field}>"), "</Z>");
        assert_eq!(Inbound::parse(&without), Err(DocumentError::Missing(field)));
    }
    assert_eq!(Inbound::parse(&push("event", "")), Err(DocumentError::Missing("Event")));
    assert_eq!(Inbound::parse(&push("text", "<MsgId>x</MsgId>")), Err(DocumentError::NotANumber("MsgId")));
    assert_eq!(
        Inbound::parse(&push("text", "<Content>a</Content><Content>b</Content>")),
        Err(DocumentError::Twice("Content"))
    );
    assert_eq!(
        Inbound::parse(&push("event", "<Event>scancode_push</Event>")),
        Err(DocumentError::Missing("ScanCodeInfo"))
    );
}

#[test]
fn text_is_kept_as_written() {
    let inbound = read("text", "<Content><![CDATA[ <b> ]]]]><![CDATA[> & ]]></Content><MsgId>1</MsgId>");
    assert_eq!(inbound.kind, Kind::Message(Message::Text { content: " <b> ]]> & ".into(), menu_id: None }));
}

proptest! {
    #[test]
    fn any_content_comes_back(content in "\\PC{1,80}") {
        let cdata = content.replace("]]>", "]]]]><![CDATA[>");
        let inbound = read("text", &format!("<Content><![CDATA[{cdata}]]></Content><MsgId>1</MsgId>"));
        prop_assert_eq!(inbound.kind, Kind::Message(Message::Text { content, menu_id: None }));
    }

    #[test]
    fn any_fields_never_panic(msg_type in "(text|event|voice|location)", fields in "(<|>|/|Event|MsgId|SCAN|VIEW|A|&|;| |\\{|\\}){0,30}") {
        let _ = Inbound::parse(&push(&msg_type, &fields));
    }
}
