use jiff::Timestamp;
use wechat::message::Inbound;
use wechat::reply::{Article, Reply};

#[test]
fn every_reply_reads_as_documented() {
    let inbound = Inbound::parse(
        "<xml><ToUserName>gh_x</ToUserName><FromUserName>o1</FromUserName><CreateTime>1</CreateTime>\
         <MsgType>text</MsgType><Content>hi</Content><MsgId>1</MsgId></xml>",
    )
    .unwrap();
    let text = str::to_owned;
    let replies = [
        Reply::text("到二楼内科 ]]> & <a>\u{1}"),
        Reply::Image { media_id: text("m1") },
        Reply::Voice { media_id: text("m2") },
        Reply::Video { media_id: text("m3"), title: text("T"), description: text("D") },
        Reply::Music {
            title: text("T"),
            description: text("D"),
            music_url: text("https://a.example/1?x=1&y=2"),
            hq_music_url: text("https://a.example/2"),
            thumb_media_id: text("m4"),
        },
        Reply::News(Article {
            title: text("挂号指南"),
            description: text("三步完成"),
            pic_url: String::new(),
            url: text("https://h5.example/guide"),
        }),
        Reply::TransferCustomerService,
    ];
    let now = Timestamp::from_second(1_700_000_000).unwrap();
    let bodies: Vec<_> = replies.iter().map(|reply| reply.to_xml(&inbound, now)).collect();
    insta::assert_snapshot!(bodies.join("\n"));
}
