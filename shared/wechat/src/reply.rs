//! Passive replies: what the body of the callback's answer may say.

use std::borrow::Cow;
use std::fmt::Write as _;

use jiff::Timestamp;

use crate::message::Inbound;

/// An answer in the chat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// Text.
    Text {
        /// What to say.
        content: String,
    },
    /// A picture (no animation).
    Image {
        /// From the media API.
        media_id: String,
    },
    /// A voice note.
    Voice {
        /// From the media API.
        media_id: String,
    },
    /// A video.
    Video {
        /// From the media API.
        media_id: String,
        /// Title.
        title: String,
        /// Description.
        description: String,
    },
    /// Music.
    Music {
        /// Title.
        title: String,
        /// Description.
        description: String,
        /// Where it plays from.
        music_url: String,
        /// Where it plays from on a good network.
        hq_music_url: String,
        /// The cover, from the media API.
        thumb_media_id: String,
    },
    /// One article; WeChat shows no more than one.
    News(Article),
    /// Hands the chat to human service.
    TransferCustomerService,
}

/// A card that opens a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Article {
    /// Title.
    pub title: String,
    /// Description.
    pub description: String,
    /// Picture; empty for none.
    pub pic_url: String,
    /// The page it opens.
    pub url: String,
}

impl Reply {
    /// A text.
    pub fn text(content: impl Into<String>) -> Self {
        Self::Text { content: content.into() }
    }

    /// The clear XML that answers `to`: addressed to its sender, from the account.
    pub fn to_xml(&self, to: &Inbound, now: Timestamp) -> String {
        format!(
            "<xml><ToUserName>{}</ToUserName><FromUserName>{}</FromUserName><CreateTime>{}</CreateTime>\
             <MsgType>{}</MsgType>{}</xml>",
            cdata(&to.from),
            cdata(&to.to),
            now.as_second(),
            cdata(self.msg_type()),
            self.body()
        )
    }

    fn msg_type(&self) -> &'static str {
        match self {
            Self::Text { .. } => "text",
            Self::Image { .. } => "image",
            Self::Voice { .. } => "voice",
            Self::Video { .. } => "video",
            Self::Music { .. } => "music",
            Self::News(_) => "news",
            Self::TransferCustomerService => "transfer_customer_service",
        }
    }

    fn body(&self) -> String {
        match self {
            Self::Text { content } => fields(&[("Content", content)]),
            Self::Image { media_id } => wrap("Image", &fields(&[("MediaId", media_id)])),
            Self::Voice { media_id } => wrap("Voice", &fields(&[("MediaId", media_id)])),
            Self::Video { media_id, title, description } => {
                wrap("Video", &fields(&[("MediaId", media_id), ("Title", title), ("Description", description)]))
            }
            Self::Music { title, description, music_url, hq_music_url, thumb_media_id } => wrap(
                "Music",
                &fields(&[
                    ("Title", title),
                    ("Description", description),
                    ("MusicUrl", music_url),
                    ("HQMusicUrl", hq_music_url),
                    ("ThumbMediaId", thumb_media_id),
                ]),
            ),
            Self::News(article) => {
                let item = fields(&[
                    ("Title", &article.title),
                    ("Description", &article.description),
                    ("PicUrl", &article.pic_url),
                    ("Url", &article.url),
                ]);
                format!("<ArticleCount>1</ArticleCount>{}", wrap("Articles", &wrap("item", &item)))
            }
            Self::TransferCustomerService => String::new(),
        }
    }
}

fn wrap(name: &str, inner: &str) -> String {
    format!("<{name}>{inner}</{name}>")
}

fn fields(pairs: &[(&str, &str)]) -> String {
    pairs.iter().fold(String::new(), |mut out, (name, value)| {
        // Writing to a string cannot fail.
        let _ = write!(out, "<{name}>{}</{name}>", cdata(value));
        out
    })
}

/// A CDATA section. `]]>` is split over two sections; characters XML 1.0 cannot hold are dropped.
pub(crate) fn cdata(text: &str) -> String {
    let is_allowed =
        |c: char| !matches!(c, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}');
    let text: Cow<'_, str> = if text.chars().all(is_allowed) {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(text.chars().filter(|c| is_allowed(*c)).collect())
    };
    format!("<![CDATA[{}]]>", text.replace("]]>", "]]]]><![CDATA[>"))
}
