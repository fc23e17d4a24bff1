//! What staff and the hospital's own systems do: import the catalogue, schedules and visit cards, set up the profile,
//! publish menu and QR codes, look up and cancel appointments at the window, work off what the daily reconciliation found.
//!
//! | route | body | answer |
//! |---|---|---|
//! | `POST /staff/import/{kind}` | CSV; `?dry_run=true` writes nothing | rows, and how many are new, changed, unchanged, removed, kept; 422 `import_errors` with every mistake by line |
//! | `PUT /staff/profile` | `HospitalProfile` | name; 422 `profile_errors` with every mistake by path |
//! | `POST /staff/wechat/menu` | – | names of the buttons |
//! | `POST /staff/wechat/qrcodes` | `{"payload":"dept:XNK","expire_s":null}` | signed scene, ticket, url, picture |
//! | `GET /staff/clinics/{clinic}` | – | numbers by slot: free, and who has which, by masked name |
//! | `GET /staff/appointments/{appointment}` | – | the appointment and how far its refund is |
//! | `POST /staff/appointments/{appointment}/cancel` | `{"by":"window"}` or `{"by":"hospital"}`, `"reason"` one of `patient_asked`, `booked_wrongly`, `clinic_changed`, `other` | the appointment after it |
//! | `POST /staff/clinics/{clinic}/close` | – | 停诊: how many are cancelled, told and refunded within minutes |
//! | `GET /staff/clinics/{clinic}/closure?from=1100` | – | 停诊 preview: who is concerned, what goes back, its fingerprint; and how far earlier decisions have come |
//! | `POST /staff/clinics/{clinic}/closure` | `{"action":"close","from":"1100","fingerprint":"…"}`, `{"action":"substitute","doctor":"…","fingerprint":"…"}`, `{"action":"reopen"}`, `{"action":"limit","slot":"0900","numbers":3}` | the same; 409 `preview_changed`, `still_closing` |
//! | `GET /staff/worklist` | – | orders that need people, with what and why |
//! | `GET /staff/orders/{order}` | – | lines, refunds, receipt, work |
//! | `POST /staff/orders/{order}/refunds` | `{"lines":[1],"idempotency_key":"…"}`; no lines: everything left | the order; above the profile's amount the refund waits for a second person |
//! | `POST /staff/orders/{order}/refunds/{refund}/approve, …/decline` | – | the order; 403 `same_person` |
//! | `POST /staff/orders/{order}/refunds/{refund}/retry, …/returned-outside` | – | the order |
//! | `POST /staff/orders/{order}/remarks` | `{"work":"…","text":"…"}` | the order |
//! | `GET /staff/reconciliations?from=&to=` | – | days, latest first |
//! | `GET /staff/reconciliations/{date}` | – | sums of each side, differences and their notes |
//! | `GET /staff/reconciliations/{date}/export` | – | the differences as CSV for a spreadsheet |
//! | `POST /staff/reconciliations/{date}/run` | – | the day; compared at the next tick |
//! | `POST /staff/reconciliations/{date}/sign-off` | – | the day, closed; not by who worked off the last difference |
//! | `POST /staff/reconciliations/{date}/differences/{difference}/note` | `{"note":"…"}` | the difference |
//! | `POST /staff/reconciliations/{date}/differences/{difference}/resolve` | `{"note":"…"}` | the difference, worked off |
//! | `GET /staff`, `GET /staff/signin`, `POST /staff/signin`, `POST /staff/signout` | `login`, `password` | who is signed in and what they may do; the session is a cookie |
//! | `GET /staff/password`, `POST /staff/password` | `password`, `new_password`, `repeated` | as signing in |
//! | `GET /staff/accounts`, `POST /staff/accounts` | `login`, `name`, `roles`, `departments`, `doctor` | the account, with a password for its first sign-in |
//! | `GET /staff/accounts/{login}`, `POST …` | `change`: `save` (with the fields above), `disable`, `enable`, `reset_password` | the account |
//! | `GET /staff/audit?date=&who=` | – | who did what to which appointment, person or account |
//! | `GET /staff/appointments/{appointment}/messages` | – | what was told about it, by which way, and what became of it |
//! | `GET /staff/calls` | – | whom to ring up because no message arrives, most urgent first |
//! | `GET /staff/calls/{call}` | – | one of them with the phone number; who saw it is logged |
//! | `POST /staff/calls/{call}` | `{"outcome":"reached"}` or `"not_reached"` | the call; who was reached leaves the list |
//! | `PUT /staff/patients/{patient}/silence` | `{"silenced":true}` | the patient has died: nobody is told anything any more |
//! | `GET /staff/results` | – | messages with results that were not taken in, first come first |
//! | `GET /staff/results/{message}` | – | one of them, as it was sent; who saw it is in the audit |
//! | `POST /staff/results/{message}` | `action`: `replay`, with the `card` of its patient or without; `dismiss` | what became of it |
//! | `GET /staff/critical` | – | critical values that no clinician has taken on yet |
//! | `POST /staff/critical/{report}` | `deed`: `patient_reached`, `doctor_informed`, `treated`, `repeated` | the report; 409 `already_acknowledged` |
//! | `POST /staff/patients/{patient}/merge` | `{"into":"…"}` | both records are one person; the other one stands for them |
//! | `POST /staff/patients/{patient}/unmerge` | `{}` | they are two people again |
//! | `GET /staff/appeals` | – | appeals that await an answer, earliest due first |
//! | `POST /staff/appeals/{appointment}/answer` | `{"granted":true,"why":"…"}` | the appeal; 409 `already_answered` |
//! | `GET /staff/credit/{owner}/{id}` | – | a credit record; `owner` is `patients` or `accounts` |
//! | `POST /staff/credit/{owner}/{id}/lift, …/unblock` | `{"why":"…"}` | whether that changed anything |
//! | `POST /staff/credit/{owner}/{id}/void` | `{"appointment":"…","why":"…"}` | the same; of people only, and noted on the account too |
//! | `POST /staff/credit/{owner}/{id}/block` | `{"why":"scalping"}` or `"violence"`, `"evidence":"…"`, `"until":"2027-01-01T00:00:00+08:00"` or none | the same |
//! | `POST /staff/credit/dry-run` | `{"policy":{"preset":"changzhou"}}` | who would be banned under another policy; nothing changes |
//! | `GET /staff/his/calls?date=&operation=&serial=` | – | calls of the hospital's own system, masked, latest first |
//! | `GET /staff/his/codes?kind=` | – | what its codes of a kind stand for, and the codes nobody has mapped |
//! | `GET /staff/his/codes/export` | – | all of them as CSV, as `POST /staff/import/codes` reads it |
//! | `POST /staff/his/codes` | `kind`, `theirs`, `ours`, `name`; without `ours` it is forgotten | as above |
//!
//! A CSV file in GB18030 is sent as `application/octet-stream`: a gateway may take `text/csv` for UTF-8, and what is lost
//! that way is refused. Every action is logged with who did it and how much it touched, never with what it says about a
//! person.

mod account;
mod appointments;
mod body;
pub mod closures;
pub mod credit;
pub mod critical;
pub mod filing;
pub mod hospital_system;
pub mod import;
pub mod messages;
pub mod people;
mod profile;
mod pulls;
pub mod reconciliation;
pub mod refunds;
pub mod results;
pub mod staff;
pub mod views;

use domain::profile::HospitalProfile;
use lambda_http::{Request, http::Method};
use runtime::desk::ProfileError;
use runtime::secrets::{Secret, StaffTokens, WechatAccount};
use runtime::tokens::SharedTokens;
use runtime::{Desk, Refusal, StartError, config, http::serve, secrets};
use staff::{accounts, signin};
use std::convert::Infallible;
use store::seal::Keyring;
use web::Response;
use web::route::{Access, Route, Scope};
use wechat::api::{Api, Timeouts};

/// What this function works with.
#[derive(Debug)]
pub struct App {
    /// Table, clock, profile.
    pub desk: Desk,
    /// Who may come in.
    pub staff: Secret<StaffTokens>,
    /// Seals the holders of visit cards.
    pub identity: Secret<Keyring>,
    /// Signs QR scenes.
    pub wechat: Secret<WechatAccount>,
    /// Calls WeChat.
    pub api: Api,
    /// The shared access token.
    pub tokens: SharedTokens,
}

impl App {
    /// From the environment.
    pub async fn from_env() -> Result<Self, StartError> {
        let aws = runtime::desk::aws().await;
        let desk = Desk::from_env(&aws).await?;
        let now = desk.clock.now();
        Ok(Self {
            desk,
            // Every request needs the tokens; the other secrets few.
            staff: secrets::staff_tokens(&aws)?.warmed(now).await,
            identity: secrets::identity(&aws)?,
            wechat: secrets::wechat_account(&aws)?,
            api: Api::new(config::wechat_api_url(), Timeouts::default())?,
            tokens: SharedTokens::default(),
        })
    }

    /// The profile as it is now: staff who have just changed it must not meet a copy from before.
    async fn profile(&self) -> Result<HospitalProfile, Refusal> {
        Ok(self.desk.table.profile().await?.ok_or(ProfileError::Missing)?)
    }
}

/// What this function does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Take in a file of the hospital.
    Import,
    /// Replace the hospital profile.
    Profile,
    /// Publish the chat's menu.
    Menu,
    /// Make a QR code.
    QrCode,
    /// The numbers of a clinic and who has them.
    Clinic,
    /// An appointment.
    Appointment,
    /// Cancel one.
    Cancel,
    /// Close a clinic.
    CloseClinic,
    /// What was heard from the hospital's own system.
    Pull,
    /// Ask it now.
    AskForPull,
    /// Orders that need people.
    Worklist,
    /// An order.
    Order,
    /// Ask for a refund.
    Refund,
    /// Agree to one, as the second person.
    Approve,
    /// Say no to one, as the second person.
    Decline,
    /// Ask WeChat again for one it could not return.
    Retry,
    /// Note that finance has returned it by another way.
    ReturnedOutside,
    /// Note what was done about something that needed people.
    Remark,
    /// Reconciled days.
    Reconciliations,
    /// One of them.
    Reconciliation,
    /// Its differences as a file.
    ReconciliationExport,
    /// Compare it again.
    ReconciliationRun,
    /// Sign it off.
    ReconciliationSignOff,
    /// Write about a difference.
    DifferenceNote,
    /// Say what it was.
    DifferenceResolve,
    /// Whom closing a clinic would concern, and how far it has come.
    Closure,
    /// Close, substitute, open again, limit.
    DecideClosure,
    /// What a member of staff may do.
    Home,
    /// The sign-in form.
    SignInPage,
    /// Begin a session.
    SignIn,
    /// End it.
    SignOut,
    /// The form for another password.
    PasswordPage,
    /// Change one's password.
    ChangePassword,
    /// Staff accounts.
    Accounts,
    /// Open one.
    CreateAccount,
    /// One of them.
    Account,
    /// Change it.
    ChangeAccount,
    /// Who did what.
    Audit,
    /// What was told about an appointment.
    Messages,
    /// Whom to ring up.
    Calls,
    /// One of them, with the phone.
    ShowCall,
    /// How a call went.
    NoteCall,
    /// Tell nobody anything about a patient any more.
    Silence,
    /// Two records are one person.
    Merge,
    /// They are two people again.
    Unmerge,
    /// Appeals that await an answer.
    Appeals,
    /// Answer one.
    AnswerAppeal,
    /// A credit record.
    Credit,
    /// Lift a ban.
    LiftBan,
    /// Void a strike.
    VoidStrike,
    /// Put somebody on the blacklist.
    Block,
    /// Take somebody off it.
    Unblock,
    /// What another policy would do.
    CreditDryRun,
    /// Calls of the hospital's own system.
    HisCalls,
    /// What its codes stand for.
    Codes,
    /// The same as a file.
    ExportCodes,
    /// Say what a code stands for.
    MapCode,
    /// Messages with results that were not taken in.
    Kept,
    /// One of them.
    ShowKept,
    /// Take it in, or lay it aside.
    ActOnKept,
    /// Critical values that wait.
    Critical,
    /// Take one on.
    Acknowledge,
}

/// The routes of this function.
pub static ROUTES: [Route<Action>; 62] = [
    Route {
        method: Method::POST,
        path: "/staff/import/{kind}",
        access: Access::Staff(Scope::Catalog),
        action: Action::Import,
    },
    Route {
        method: Method::PUT,
        path: "/staff/profile",
        access: Access::Staff(Scope::Catalog),
        action: Action::Profile,
    },
    Route {
        method: Method::POST,
        path: "/staff/wechat/menu",
        access: Access::Staff(Scope::Wechat),
        action: Action::Menu,
    },
    Route {
        method: Method::POST,
        path: "/staff/wechat/qrcodes",
        access: Access::Staff(Scope::Wechat),
        action: Action::QrCode,
    },
    Route {
        method: Method::GET,
        path: "/staff/clinics/{clinic}",
        access: Access::Staff(Scope::Appointments),
        action: Action::Clinic,
    },
    Route {
        method: Method::GET,
        path: "/staff/appointments/{appointment}",
        access: Access::Staff(Scope::Appointments),
        action: Action::Appointment,
    },
    Route {
        method: Method::POST,
        path: "/staff/appointments/{appointment}/cancel",
        access: Access::Staff(Scope::Appointments),
        action: Action::Cancel,
    },
    Route {
        method: Method::GET,
        path: "/staff/reconciliations",
        access: Access::Staff(Scope::Finance),
        action: Action::Reconciliations,
    },
    Route {
        method: Method::GET,
        path: "/staff/reconciliations/{date}",
        access: Access::Staff(Scope::Finance),
        action: Action::Reconciliation,
    },
    Route {
        method: Method::GET,
        path: "/staff/reconciliations/{date}/export",
        access: Access::Staff(Scope::Finance),
        action: Action::ReconciliationExport,
    },
    Route {
        method: Method::POST,
        path: "/staff/reconciliations/{date}/run",
        access: Access::Staff(Scope::Finance),
        action: Action::ReconciliationRun,
    },
    Route {
        method: Method::POST,
        path: "/staff/reconciliations/{date}/sign-off",
        access: Access::Staff(Scope::Finance),
        action: Action::ReconciliationSignOff,
    },
    Route {
        method: Method::POST,
        path: "/staff/reconciliations/{date}/differences/{difference}/note",
        access: Access::Staff(Scope::Finance),
        action: Action::DifferenceNote,
    },
    Route {
        method: Method::POST,
        path: "/staff/reconciliations/{date}/differences/{difference}/resolve",
        access: Access::Staff(Scope::Finance),
        action: Action::DifferenceResolve,
    },
    Route {
        method: Method::POST,
        path: "/staff/clinics/{clinic}/close",
        access: Access::Staff(Scope::Appointments),
        action: Action::CloseClinic,
    },
    Route { method: Method::GET, path: "/staff/his/pull", access: Access::Staff(Scope::Catalog), action: Action::Pull },
    Route {
        method: Method::POST,
        path: "/staff/his/pull",
        access: Access::Staff(Scope::Catalog),
        action: Action::AskForPull,
    },
    Route {
        method: Method::GET,
        path: "/staff/worklist",
        access: Access::Staff(Scope::Finance),
        action: Action::Worklist,
    },
    Route {
        method: Method::GET,
        path: "/staff/orders/{order}",
        access: Access::Staff(Scope::Finance),
        action: Action::Order,
    },
    Route {
        method: Method::POST,
        path: "/staff/orders/{order}/refunds",
        access: Access::Staff(Scope::Refunds),
        action: Action::Refund,
    },
    Route {
        method: Method::POST,
        path: "/staff/orders/{order}/refunds/{refund}/approve",
        access: Access::Staff(Scope::Finance),
        action: Action::Approve,
    },
    Route {
        method: Method::POST,
        path: "/staff/orders/{order}/refunds/{refund}/decline",
        access: Access::Staff(Scope::Finance),
        action: Action::Decline,
    },
    Route {
        method: Method::POST,
        path: "/staff/orders/{order}/refunds/{refund}/retry",
        access: Access::Staff(Scope::Finance),
        action: Action::Retry,
    },
    Route {
        method: Method::POST,
        path: "/staff/orders/{order}/refunds/{refund}/returned-outside",
        access: Access::Staff(Scope::Finance),
        action: Action::ReturnedOutside,
    },
    Route {
        method: Method::POST,
        path: "/staff/orders/{order}/remarks",
        access: Access::Staff(Scope::Finance),
        action: Action::Remark,
    },
    Route {
        method: Method::GET,
        path: "/staff/clinics/{clinic}/closure",
        access: Access::Staff(Scope::Appointments),
        action: Action::Closure,
    },
    Route {
        method: Method::POST,
        path: "/staff/clinics/{clinic}/closure",
        access: Access::Staff(Scope::Appointments),
        action: Action::DecideClosure,
    },
    Route { method: Method::GET, path: "/staff", access: Access::StaffSession, action: Action::Home },
    Route { method: Method::GET, path: "/staff/signin", access: Access::Public, action: Action::SignInPage },
    Route { method: Method::POST, path: "/staff/signin", access: Access::Public, action: Action::SignIn },
    Route { method: Method::POST, path: "/staff/signout", access: Access::StaffSession, action: Action::SignOut },
    Route { method: Method::GET, path: "/staff/password", access: Access::StaffSession, action: Action::PasswordPage },
    Route {
        method: Method::POST,
        path: "/staff/password",
        access: Access::StaffSession,
        action: Action::ChangePassword,
    },
    Route {
        method: Method::GET,
        path: "/staff/accounts",
        access: Access::Staff(Scope::Accounts),
        action: Action::Accounts,
    },
    Route {
        method: Method::POST,
        path: "/staff/accounts",
        access: Access::Staff(Scope::Accounts),
        action: Action::CreateAccount,
    },
    Route {
        method: Method::GET,
        path: "/staff/accounts/{login}",
        access: Access::Staff(Scope::Accounts),
        action: Action::Account,
    },
    Route {
        method: Method::POST,
        path: "/staff/accounts/{login}",
        access: Access::Staff(Scope::Accounts),
        action: Action::ChangeAccount,
    },
    Route { method: Method::GET, path: "/staff/audit", access: Access::Staff(Scope::Accounts), action: Action::Audit },
    Route {
        method: Method::GET,
        path: "/staff/appointments/{appointment}/messages",
        access: Access::Staff(Scope::Appointments),
        action: Action::Messages,
    },
    Route {
        method: Method::GET,
        path: "/staff/calls",
        access: Access::Staff(Scope::Appointments),
        action: Action::Calls,
    },
    Route {
        method: Method::GET,
        path: "/staff/calls/{call}",
        access: Access::Staff(Scope::Appointments),
        action: Action::ShowCall,
    },
    Route {
        method: Method::POST,
        path: "/staff/calls/{call}",
        access: Access::Staff(Scope::Appointments),
        action: Action::NoteCall,
    },
    Route {
        method: Method::PUT,
        path: "/staff/patients/{patient}/silence",
        access: Access::Staff(Scope::Appointments),
        action: Action::Silence,
    },
    Route {
        method: Method::POST,
        path: "/staff/patients/{patient}/merge",
        access: Access::Staff(Scope::Appointments),
        action: Action::Merge,
    },
    Route {
        method: Method::POST,
        path: "/staff/patients/{patient}/unmerge",
        access: Access::Staff(Scope::Appointments),
        action: Action::Unmerge,
    },
    Route {
        method: Method::GET,
        path: "/staff/appeals",
        access: Access::Staff(Scope::Credit),
        action: Action::Appeals,
    },
    Route {
        method: Method::POST,
        path: "/staff/appeals/{appointment}/answer",
        access: Access::Staff(Scope::Credit),
        action: Action::AnswerAppeal,
    },
    Route {
        method: Method::GET,
        path: "/staff/credit/{owner}/{id}",
        access: Access::Staff(Scope::Credit),
        action: Action::Credit,
    },
    Route {
        method: Method::POST,
        path: "/staff/credit/{owner}/{id}/lift",
        access: Access::Staff(Scope::Credit),
        action: Action::LiftBan,
    },
    Route {
        method: Method::POST,
        path: "/staff/credit/{owner}/{id}/void",
        access: Access::Staff(Scope::Credit),
        action: Action::VoidStrike,
    },
    Route {
        method: Method::POST,
        path: "/staff/credit/{owner}/{id}/block",
        access: Access::Staff(Scope::Credit),
        action: Action::Block,
    },
    Route {
        method: Method::POST,
        path: "/staff/credit/{owner}/{id}/unblock",
        access: Access::Staff(Scope::Credit),
        action: Action::Unblock,
    },
    Route {
        method: Method::POST,
        path: "/staff/credit/dry-run",
        access: Access::Staff(Scope::Credit),
        action: Action::CreditDryRun,
    },
    Route {
        method: Method::GET,
        path: "/staff/his/calls",
        access: Access::Staff(Scope::Catalog),
        action: Action::HisCalls,
    },
    Route {
        method: Method::GET,
        path: "/staff/his/codes",
        access: Access::Staff(Scope::Catalog),
        action: Action::Codes,
    },
    Route {
        method: Method::GET,
        path: "/staff/his/codes/export",
        access: Access::Staff(Scope::Catalog),
        action: Action::ExportCodes,
    },
    Route {
        method: Method::POST,
        path: "/staff/his/codes",
        access: Access::Staff(Scope::Catalog),
        action: Action::MapCode,
    },
    Route { method: Method::GET, path: "/staff/results", access: Access::Staff(Scope::Intake), action: Action::Kept },
    Route {
        method: Method::GET,
        path: "/staff/results/{message}",
        access: Access::Staff(Scope::Intake),
        action: Action::ShowKept,
    },
    Route {
        method: Method::POST,
        path: "/staff/results/{message}",
        access: Access::Staff(Scope::Intake),
        action: Action::ActOnKept,
    },
    Route {
        method: Method::GET,
        path: "/staff/critical",
        access: Access::Staff(Scope::Critical),
        action: Action::Critical,
    },
    Route {
        method: Method::POST,
        path: "/staff/critical/{report}",
        access: Access::Staff(Scope::Critical),
        action: Action::Acknowledge,
    },
];

/// Answers a request.
pub async fn handle(app: &App, request: Request) -> Result<Response, Infallible> {
    serve(&app.desk, Some(&app.staff), &ROUTES, request, async |call| match call.action {
        Action::Import => filing::import(app, call).await,
        Action::Profile => profile::replace(app, call).await,
        Action::Menu => account::publish_menu(app, call).await,
        Action::QrCode => account::make_qrcode(app, call).await,
        Action::Clinic => appointments::clinic(app, call).await,
        Action::Appointment => appointments::show(app, call).await,
        Action::Cancel => appointments::cancel(app, call).await,
        Action::CloseClinic => refunds::close_clinic(app, call).await,
        Action::Pull => pulls::show(app, call).await,
        Action::AskForPull => pulls::ask(app, call).await,
        Action::Worklist => refunds::worklist(app, call).await,
        Action::Order => refunds::order(app, call).await,
        Action::Refund => refunds::refund(app, call).await,
        Action::Approve => refunds::approve(app, call).await,
        Action::Decline => refunds::decline(app, call).await,
        Action::Retry => refunds::retry(app, call).await,
        Action::ReturnedOutside => refunds::returned_outside(app, call).await,
        Action::Remark => refunds::remark(app, call).await,
        Action::Reconciliations => reconciliation::list(app, call).await,
        Action::Reconciliation => reconciliation::show(app, call).await,
        Action::ReconciliationExport => reconciliation::export(app, call).await,
        Action::ReconciliationRun => reconciliation::run(app, call).await,
        Action::ReconciliationSignOff => reconciliation::sign_off(app, call).await,
        Action::DifferenceNote => reconciliation::note(app, call).await,
        Action::DifferenceResolve => reconciliation::resolve(app, call).await,
        Action::Closure => closures::show(app, call).await,
        Action::DecideClosure => closures::decide(app, call).await,
        Action::Home => signin::home(call),
        Action::SignInPage => Ok(signin::sign_in_page(call)),
        Action::SignIn => signin::sign_in(app, call).await,
        Action::SignOut => signin::sign_out(app, call).await,
        Action::PasswordPage => signin::password_page(call),
        Action::ChangePassword => signin::change_password(app, call).await,
        Action::Accounts => accounts::list(app, call).await,
        Action::CreateAccount => accounts::create(app, call).await,
        Action::Account => accounts::show(app, call).await,
        Action::ChangeAccount => accounts::change(app, call).await,
        Action::Audit => accounts::audit(app, call).await,
        Action::Messages => messages::of_appointment(app, call).await,
        Action::Calls => messages::calls(app, call).await,
        Action::ShowCall => messages::show_call(app, call).await,
        Action::NoteCall => messages::note_call(app, call).await,
        Action::Silence => messages::silence(app, call).await,
        Action::Merge => people::merge(app, call).await,
        Action::Unmerge => people::unmerge(app, call).await,
        Action::Appeals => credit::appeals(app, call).await,
        Action::AnswerAppeal => credit::answer(app, call).await,
        Action::Credit => credit::show(app, call).await,
        Action::LiftBan => credit::lift(app, call).await,
        Action::VoidStrike => credit::void(app, call).await,
        Action::Block => credit::block(app, call).await,
        Action::Unblock => credit::unblock(app, call).await,
        Action::CreditDryRun => credit::dry_run(app, call).await,
        Action::HisCalls => hospital_system::calls(app, call).await,
        Action::Codes => hospital_system::codes(app, call).await,
        Action::ExportCodes => hospital_system::export(app, call).await,
        Action::MapCode => hospital_system::map(app, call).await,
        Action::Kept => results::list(app, call).await,
        Action::ShowKept => results::show(app, call).await,
        Action::ActOnKept => results::act(app, call).await,
        Action::Critical => critical::list(app, call).await,
        Action::Acknowledge => critical::acknowledge(app, call).await,
    })
    .await
}
