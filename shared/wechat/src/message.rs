//! What arrives in the chat: messages and events.
//!
//! Anything WeChat adds later becomes `Unknown`, which the caller acknowledges like the rest: an error answer would
//! show the patient a "service unavailable" notice.

use crate::crypto::{hex, sha1};
use crate::document::{DocumentError, Node};

/// Before the scene text of a `subscribe` event that came from a QR code.
const SCENE_PREFIX: &str = "qrscene_";
/// A longer distinguishing part of a dedupe key is replaced by its digest, to keep keys short.
const MAX_PLAIN_KEY_BYTES: usize = 64;

/// One push from WeChat, clear and checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inbound {
    /// The account's original id (`gh_…`).
    pub to: String,
    /// The sender's openid (a system sender for some job events).
    pub from: String,
    /// When it was made, epoch seconds by WeChat's clock.
    pub created_s: i64,
    /// What it is.
    pub kind: Kind,
    dedupe_key: String,
}

/// A message somebody wrote, or an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// Written, spoken or sent by the user.
    Message(Message),
    /// Something the user did, or a job's end.
    Event(Event),
}

/// A message in the chat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// Text.
    Text {
        /// What was written.
        content: String,
        /// The choice's id, when a menu message was tapped.
        menu_id: Option<String>,
    },
    /// A picture.
    Image {
        /// Where WeChat keeps it.
        pic_url: String,
        /// Its id for the media API.
        media_id: String,
    },
    /// A voice note.
    Voice {
        /// Its id for the media API.
        media_id: String,
        /// `amr` or `speex`.
        format: String,
        /// The recognised text, where that feature is on.
        recognition: Option<String>,
    },
    /// A video.
    Video {
        /// Its id for the media API.
        media_id: String,
        /// The still's id.
        thumb_media_id: String,
    },
    /// A short video.
    ShortVideo {
        /// Its id for the media API.
        media_id: String,
        /// The still's id.
        thumb_media_id: String,
    },
    /// A place.
    Location(Place),
    /// A link.
    Link {
        /// Title.
        title: String,
        /// Description.
        description: String,
        /// Address.
        url: String,
    },
    /// A type this version does not know.
    Unknown {
        /// `MsgType` as received.
        msg_type: String,
    },
}

/// A place as WeChat writes it; coordinates stay the decimal text they came as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Degrees.
    pub latitude: String,
    /// Degrees.
    pub longitude: String,
    /// Zoom of the map.
    pub scale: String,
    /// Address in words.
    pub label: String,
}

/// The result of scanning from the menu.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scanned {
    /// The menu button's key.
    pub key: String,
    /// `qrcode` or `barcode`.
    pub scan_type: String,
    /// What the code says.
    pub result: String,
}

/// How sending ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// Delivered.
    Success,
    /// Not delivered; the text after `failed:`, such as `user block`.
    Failed(String),
}

/// One choice in a subscription pop-up or in the settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubscriptionChoice {
    /// The subscription template.
    pub template_id: String,
    /// Whether the user accepted.
    pub accepted: bool,
    /// `1` = web page, `2` = article; pop-ups only.
    pub popup_scene: Option<String>,
}

/// How one subscription notice ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubscriptionSent {
    /// The subscription template.
    pub template_id: String,
    /// The id the send call returned.
    pub msg_id: String,
    /// 0 = delivered.
    pub error_code: i64,
    /// WeChat's word for it.
    pub error_status: String,
}

/// An event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Started to follow.
    Subscribe {
        /// The QR code's scene, without `qrscene_`.
        scene: Option<String>,
        /// The QR code's ticket.
        ticket: Option<String>,
    },
    /// Stopped following: no reply is possible, and the user's WeChat data is to be deleted.
    Unsubscribe,
    /// A follower scanned a QR code.
    Scan {
        /// The scene.
        scene: String,
        /// The QR code's ticket.
        ticket: Option<String>,
    },
    /// Where the user is, when the account asks for it.
    Location {
        /// Degrees.
        latitude: String,
        /// Degrees.
        longitude: String,
        /// Metres.
        precision: String,
    },
    /// A menu button with a key.
    Click {
        /// The key.
        key: String,
    },
    /// A menu button that opens a page.
    View {
        /// The page.
        url: String,
        /// The menu it belongs to.
        menu_id: Option<String>,
    },
    /// A menu button that opens a mini program.
    ViewMiniProgram {
        /// The page in it.
        path: String,
    },
    /// Scanned from the menu; the client shows the result itself.
    ScanCodePush(Scanned),
    /// Scanned from the menu; the client waits for a reply.
    ScanCodeWait(Scanned),
    /// Pictures were chosen from the menu (`pic_sysphoto`, `pic_photo_or_album`, `pic_weixin`); they follow as messages.
    Pictures {
        /// The event's name.
        event: String,
        /// The menu button's key.
        key: String,
        /// How many.
        count: u32,
        /// MD5 of each, as WeChat gives them.
        md5: Vec<String>,
    },
    /// A place was chosen from the menu.
    LocationSelected {
        /// The menu button's key.
        key: String,
        /// The place.
        place: Place,
        /// Name of the point of interest.
        poi: String,
    },
    /// How a template message ended.
    TemplateSent {
        /// The id the send call returned. Not a `MsgId` of a message.
        msg_id: String,
        /// The outcome.
        delivery: Delivery,
    },
    /// How a mass message ended.
    MassSent {
        /// The job's id.
        msg_id: String,
        /// As received: `send success`, `err(10001)`…
        status: String,
        /// Whom it was for.
        total_count: u64,
        /// Left after filtering.
        filter_count: u64,
        /// Delivered.
        sent_count: u64,
        /// Failed.
        error_count: u64,
    },
    /// How publishing an article ended.
    PublishFinished {
        /// The id the publish call returned.
        publish_id: String,
        /// 0 ok, 1 running, 2 originality, 3 failed, 4 refused by review, 5 deleted later, 6 banned later.
        publish_status: u32,
        /// The article, when it was published.
        article_id: Option<String>,
        /// The addresses of its parts.
        article_urls: Vec<String>,
    },
    /// Choices made in a subscription pop-up.
    SubscriptionPopup(Vec<SubscriptionChoice>),
    /// Choices changed in the settings; WeChat tells only of refusals.
    SubscriptionChanged(Vec<SubscriptionChoice>),
    /// How subscription notices ended.
    SubscriptionSent(Vec<SubscriptionSent>),
    /// The user changed what they shared.
    UserInfoModified,
    /// The user withdrew what they shared: delete it.
    UserAuthorizationRevoked,
    /// The account's own verification life cycle (`qualification_…`, `naming_…`, `annual_renew`, `verify_expired`).
    AccountVerification {
        /// The event's name.
        event: String,
    },
    /// An event this version does not know.
    Unknown {
        /// `Event` as received.
        event: String,
    },
}

impl Inbound {
    /// Reads the clear text of a push, XML or JSON.
    pub fn parse(text: &str) -> Result<Self, DocumentError> {
        let root = Node::parse(text)?;
        let from = root.required("FromUserName")?.to_owned();
        let created_s = root.number("CreateTime")?.ok_or(DocumentError::Missing("CreateTime"))?;
        let msg_type = root.required("MsgType")?;
        let (kind, dedupe_key) = if msg_type == "event" {
            let event = root.required("Event")?;
            let key = dedupe_key_of_event(&root, event, &from, created_s)?;
            (Kind::Event(Event::read(&root, event)?), key)
        } else {
            let key = match root.number::<u64>("MsgId")? {
                Some(id) => format!("message:{id}"),
                None => format!("message:{from}:{created_s}:{msg_type}"),
            };
            (Kind::Message(Message::read(&root, msg_type)?), key)
        };
        Ok(Self { to: root.required("ToUserName")?.to_owned(), from, created_s, kind, dedupe_key })
    }

    /// The same for every delivery of the same push, different for different pushes.
    ///
    /// Messages: `MsgId`. Events have none: sender, second, event and its key (or job id), since two different events
    /// of one user fall into one second. A job's `MsgID` never meets a message's `MsgId`. Keep a record of it for
    /// longer than [`crate::callback::TIMESTAMP_WINDOW_S`].
    pub fn dedupe_key(&self) -> &str {
        &self.dedupe_key
    }

    /// Whether WeChat shows an immediate reply to this push.
    pub fn can_be_answered(&self) -> bool {
        match &self.kind {
            Kind::Message(_) => true,
            Kind::Event(event) => matches!(
                event,
                Event::Subscribe { .. } | Event::Scan { .. } | Event::Click { .. } | Event::ScanCodeWait(_)
            ),
        }
    }
}

fn dedupe_key_of_event(root: &Node<'_>, event: &str, from: &str, created_s: i64) -> Result<String, DocumentError> {
    let part = match root.text("EventKey")? {
        Some(key) => key,
        None => root.text("MsgID")?.unwrap_or_default(),
    };
    let part = if part.len() > MAX_PLAIN_KEY_BYTES { hex(&sha1(&[part.as_bytes()])) } else { part.to_owned() };
    Ok(format!("event:{from}:{created_s}:{event}:{part}"))
}

impl Message {
    fn read(root: &Node<'_>, msg_type: &str) -> Result<Self, DocumentError> {
        Ok(match msg_type {
            "text" => Self::Text { content: root.owned("Content")?, menu_id: root.optional("bizmsgmenuid")? },
            "image" => Self::Image { pic_url: root.owned("PicUrl")?, media_id: root.owned("MediaId")? },
            "voice" => Self::Voice {
                media_id: root.owned("MediaId")?,
                format: root.owned("Format")?,
                recognition: root.optional("Recognition")?,
            },
            "video" => Self::Video { media_id: root.owned("MediaId")?, thumb_media_id: root.owned("ThumbMediaId")? },
            "shortvideo" => {
                Self::ShortVideo { media_id: root.owned("MediaId")?, thumb_media_id: root.owned("ThumbMediaId")? }
            }
            "location" => Self::Location(Place::read(root)?),
            "link" => Self::Link {
                title: root.owned("Title")?,
                description: root.owned("Description")?,
                url: root.owned("Url")?,
            },
            other => Self::Unknown { msg_type: other.to_owned() },
        })
    }
}

impl Event {
    fn read(root: &Node<'_>, event: &str) -> Result<Self, DocumentError> {
        let key = || root.owned("EventKey");
        Ok(match event {
            "subscribe" => Self::Subscribe {
                scene: root.text("EventKey")?.and_then(|key| key.strip_prefix(SCENE_PREFIX)).map(str::to_owned),
                ticket: root.optional("Ticket")?,
            },
            "unsubscribe" => Self::Unsubscribe,
            "SCAN" => Self::Scan { scene: key()?, ticket: root.optional("Ticket")? },
            "LOCATION" => Self::Location {
                latitude: root.owned("Latitude")?,
                longitude: root.owned("Longitude")?,
                precision: root.owned("Precision")?,
            },
            "CLICK" => Self::Click { key: key()? },
            "VIEW" => Self::View { url: key()?, menu_id: root.optional("MenuId")? },
            "view_miniprogram" => Self::ViewMiniProgram { path: key()? },
            "scancode_push" => Self::ScanCodePush(Scanned::read(root)?),
            "scancode_waitmsg" => Self::ScanCodeWait(Scanned::read(root)?),
            "pic_sysphoto" | "pic_photo_or_album" | "pic_weixin" => pictures(root, event)?,
            "location_select" => location_selected(root)?,
            "TEMPLATESENDJOBFINISH" => {
                Self::TemplateSent { msg_id: root.owned("MsgID")?, delivery: Delivery::read(root.required("Status")?) }
            }
            "MASSSENDJOBFINISH" => mass_sent(root)?,
            "PUBLISHJOBFINISH" => publish_finished(root)?,
            "subscribe_msg_popup_event" => Self::SubscriptionPopup(choices(root, "SubscribeMsgPopupEvent")?),
            "subscribe_msg_change_event" => Self::SubscriptionChanged(choices(root, "SubscribeMsgChangeEvent")?),
            "subscribe_msg_sent_event" => Self::SubscriptionSent(subscriptions_sent(root)?),
            "user_info_modified" => Self::UserInfoModified,
            "user_authorization_revoke" => Self::UserAuthorizationRevoked,
            "qualification_verify_success"
            | "qualification_verify_fail"
            | "naming_verify_success"
            | "naming_verify_fail"
            | "annual_renew"
            | "verify_expired" => Self::AccountVerification { event: event.to_owned() },
            other => Self::Unknown { event: other.to_owned() },
        })
    }
}

impl Place {
    fn read(node: &Node<'_>) -> Result<Self, DocumentError> {
        Ok(Self {
            latitude: node.owned("Location_X")?,
            longitude: node.owned("Location_Y")?,
            scale: node.owned("Scale")?,
            label: node.owned("Label")?,
        })
    }
}

impl Scanned {
    fn read(root: &Node<'_>) -> Result<Self, DocumentError> {
        let info = root.child("ScanCodeInfo")?.ok_or(DocumentError::Missing("ScanCodeInfo"))?;
        Ok(Self { key: root.owned("EventKey")?, scan_type: info.owned("ScanType")?, result: info.owned("ScanResult")? })
    }
}

impl Delivery {
    /// By prefix: WeChat writes `failed:user block` and `failed: system failed`.
    fn read(status: &str) -> Self {
        match status.strip_prefix("failed") {
            Some(reason) => Self::Failed(reason.trim_start_matches(':').trim().to_owned()),
            None if status.starts_with("success") => Self::Success,
            None => Self::Failed(status.to_owned()),
        }
    }
}

fn pictures(root: &Node<'_>, event: &str) -> Result<Event, DocumentError> {
    let info = root.child("SendPicsInfo")?.ok_or(DocumentError::Missing("SendPicsInfo"))?;
    let list = info.child("PicList")?;
    let items = list.into_iter().flat_map(|list| list.all("item"));
    Ok(Event::Pictures {
        event: event.to_owned(),
        key: root.owned("EventKey")?,
        count: info.number("Count")?.unwrap_or_default(),
        md5: items.map(|item| item.owned("PicMd5Sum")).collect::<Result<_, _>>()?,
    })
}

fn location_selected(root: &Node<'_>) -> Result<Event, DocumentError> {
    let info = root.child("SendLocationInfo")?.ok_or(DocumentError::Missing("SendLocationInfo"))?;
    Ok(Event::LocationSelected { key: root.owned("EventKey")?, place: Place::read(info)?, poi: info.owned("Poiname")? })
}

fn mass_sent(root: &Node<'_>) -> Result<Event, DocumentError> {
    let count = |name| Ok(root.number(name)?.unwrap_or_default());
    Ok(Event::MassSent {
        msg_id: root.owned("MsgID")?,
        status: root.owned("Status")?,
        total_count: count("TotalCount")?,
        filter_count: count("FilterCount")?,
        sent_count: count("SentCount")?,
        error_count: count("ErrorCount")?,
    })
}

fn publish_finished(root: &Node<'_>) -> Result<Event, DocumentError> {
    let info = root.child("PublishEventInfo")?.ok_or(DocumentError::Missing("PublishEventInfo"))?;
    let detail = info.child("article_detail")?;
    let items = detail.into_iter().flat_map(|detail| detail.all("item"));
    Ok(Event::PublishFinished {
        publish_id: info.owned("publish_id")?,
        publish_status: info.number("publish_status")?.ok_or(DocumentError::Missing("publish_status"))?,
        article_id: info.optional("article_id")?,
        article_urls: items.map(|item| item.owned("article_url")).collect::<Result<_, _>>()?,
    })
}

fn choices(root: &Node<'_>, wrapper: &'static str) -> Result<Vec<SubscriptionChoice>, DocumentError> {
    let list = root.all(wrapper).flat_map(|wrapper| wrapper.all("List"));
    list.map(|item| {
        Ok(SubscriptionChoice {
            template_id: item.required("TemplateId")?.to_owned(),
            accepted: item.text("SubscribeStatusString")? == Some("accept"),
            popup_scene: item.optional("PopupScene")?,
        })
    })
    .collect()
}

fn subscriptions_sent(root: &Node<'_>) -> Result<Vec<SubscriptionSent>, DocumentError> {
    let list = root.all("SubscribeMsgSentEvent").flat_map(|wrapper| wrapper.all("List"));
    list.map(|item| {
        Ok(SubscriptionSent {
            template_id: item.required("TemplateId")?.to_owned(),
            msg_id: item.owned("MsgID")?,
            error_code: item.number("ErrorCode")?.ok_or(DocumentError::Missing("ErrorCode"))?,
            error_status: item.owned("ErrorStatus")?,
        })
    })
    .collect()
}
