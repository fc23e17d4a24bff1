//! How every HTTP function answers: find the route, let in who may come in, run the action, show the outcome.

use crate::desk::{Desk, ProfileError};
use crate::refusal::Refusal;
use crate::secrets::{Secret, StaffTokens};
use domain::Timestamp;
use domain::id::OpenId;
use domain::profile::HospitalProfile;
use domain::staff::StaffAccount;
use lambda_http::Request;
use std::convert::Infallible;
use std::sync::Arc;
use web::Response;
use web::form::Fields;
use web::negotiate::Face;
use web::problem::Problem;
use web::request::RequestMeta;
use web::route::{Access, Params, Route, Scope, find};
use web::session::{CSRF_HEADER, CsrfToken, IdempotencyKey, SessionSecret, check_csrf};
use web::view::{PageContext, Site, View, download, respond, see_other};

/// Who calls.
#[derive(Clone, Debug)]
pub enum Caller {
    /// Nobody we know.
    Anyone,
    /// A signed-in WeChat user.
    Account {
        /// Who.
        openid: OpenId,
        /// The session's secret, for forms.
        secret: SessionSecret,
    },
    /// A machine client, or whoever holds its token.
    Machine {
        /// Name of the token.
        name: String,
        /// What it may do.
        scopes: Vec<String>,
    },
    /// A signed-in member of staff.
    Staff {
        /// Who, and what they may do.
        account: Box<StaffAccount>,
        /// The session's secret, for forms.
        secret: SessionSecret,
    },
}

impl Caller {
    fn csrf(&self) -> Option<CsrfToken> {
        match self {
            Self::Account { secret, .. } | Self::Staff { secret, .. } => Some(secret.csrf_token()),
            Self::Anyone | Self::Machine { .. } => None,
        }
    }
}

/// A request that was let in.
pub struct Call<A: 'static> {
    /// What it asks for.
    pub action: &'static A,
    /// Path parameters.
    pub params: Params,
    /// Head of the request.
    pub meta: RequestMeta,
    /// The request with its body.
    pub request: Request,
    /// The one instant of this request.
    pub now: Timestamp,
    /// Who calls.
    pub caller: Caller,
    site: Site,
    csrf: Option<CsrfToken>,
    profile: Option<Arc<HospitalProfile>>,
}

impl<A> Call<A> {
    /// The signed-in WeChat user. Routes with [`Access::Account`] always have one.
    pub fn account(&self) -> Result<&OpenId, Refusal> {
        match &self.caller {
            Caller::Account { openid, .. } => Ok(openid),
            Caller::Anyone | Caller::Machine { .. } | Caller::Staff { .. } => Err(Problem::sign_in_required().into()),
        }
    }

    /// Who acts for the hospital: the login of a member of staff, or the name of a machine's token. Routes with
    /// [`Access::Staff`] always have one.
    pub fn staff(&self) -> Result<&str, Refusal> {
        match &self.caller {
            Caller::Machine { name, .. } => Ok(name),
            Caller::Staff { account, .. } => Ok(account.login.as_str()),
            Caller::Anyone | Caller::Account { .. } => Err(Problem::forbidden().into()),
        }
    }

    /// The signed-in member of staff. Routes with [`Access::StaffSession`] always have one; a machine is none.
    pub fn staff_account(&self) -> Option<&StaffAccount> {
        match &self.caller {
            Caller::Staff { account, .. } => Some(account),
            Caller::Anyone | Caller::Account { .. } | Caller::Machine { .. } => None,
        }
    }

    /// Whether the caller may do more than this route asks for, so that a page offers only what would be let in.
    pub fn may(&self, scope: Scope) -> bool {
        match &self.caller {
            Caller::Machine { scopes, .. } => scopes.iter().any(|held| held == scope.as_str()),
            Caller::Staff { account, .. } => account.may(scope),
            Caller::Anyone | Caller::Account { .. } => false,
        }
    }

    /// The hospital profile.
    pub fn profile(&self) -> Result<&Arc<HospitalProfile>, Refusal> {
        self.profile.as_ref().ok_or_else(|| ProfileError::Missing.into())
    }

    /// The submitted fields. The forgery check has been made when the caller has a session.
    pub fn fields(&self) -> Result<Fields, Refusal> {
        Ok(Fields::read(&self.request)?)
    }

    /// The key under which this request takes effect once; without one it cannot be told from a repeat.
    pub fn idempotency_key(&self, fields: &Fields) -> Result<IdempotencyKey, Refusal> {
        IdempotencyKey::of(&self.meta, fields).ok_or_else(|| Problem::bad_request().into())
    }

    /// The deployment, for cookies.
    pub fn site(&self) -> &Site {
        &self.site
    }

    /// What pages may know.
    pub fn context(&self) -> PageContext<'_> {
        PageContext { site: &self.site, request: &self.meta, csrf: self.csrf.as_ref() }
    }

    /// Answers with a view.
    pub fn show<V: View>(&self, view: &V) -> Response {
        respond(&self.context(), view)
    }

    /// Answers with a file to keep.
    pub fn download(&self, file_name: &str, bytes: Vec<u8>) -> Response {
        download(&self.context(), file_name, bytes)
    }

    /// 303 to a path of ours.
    pub fn go(&self, path: &str) -> Response {
        see_other(&self.context(), path)
    }
}

/// Answers a request by `routes`: who may not come in never reaches `run`. `staff` is needed by functions with staff
/// routes only.
pub async fn serve<A: 'static>(
    desk: &Desk,
    staff: Option<&Secret<StaffTokens>>,
    routes: &'static [Route<A>],
    request: Request,
    run: impl AsyncFnOnce(&Call<A>) -> Result<Response, Refusal>,
) -> Result<Response, Infallible> {
    let meta = RequestMeta::of(&request);
    let profile = desk.profile().await;
    let site = site_of(desk, profile.as_deref().ok());
    let refused = |problem: Problem, csrf: Option<&CsrfToken>| {
        tracing::info!(code = problem.code, status = problem.status.as_u16(), "refused");
        problem.respond(&PageContext { site: &site, request: &meta, csrf })
    };
    let found = match find(routes, &meta.method, &meta.path) {
        Ok(found) => found,
        Err(error) => return Ok(refused(error.into(), None)),
    };
    let caller = match admit(desk, staff, found.access, &site, &meta, &request).await {
        Ok(caller) => caller,
        Err(Refusal(problem)) => return Ok(refused(problem, None)),
    };
    let csrf = caller.csrf();
    let call = Call {
        action: found.action,
        params: found.params,
        meta: meta.clone(),
        request,
        now: desk.clock.now(),
        caller,
        site: site.clone(),
        csrf,
        profile: profile.ok(),
    };
    Ok(match run(&call).await {
        Ok(response) => response,
        Err(Refusal(problem)) => refused(problem, call.csrf.as_ref()),
    })
}

fn site_of(desk: &Desk, profile: Option<&HospitalProfile>) -> Site {
    Site {
        public_url: desk.public_url.clone(),
        hospital_name: profile.map_or_else(|| "门诊".to_owned(), |profile| profile.name.clone()),
        hospital_phone: profile.map_or_else(String::new, |profile| profile.phone.clone()),
        frame_ancestors: desk.frame_ancestors.clone(),
    }
}

async fn admit(
    desk: &Desk,
    staff: Option<&Secret<StaffTokens>>,
    access: Access,
    site: &Site,
    meta: &RequestMeta,
    request: &Request,
) -> Result<Caller, Refusal> {
    match access {
        Access::Public | Access::Signed => Ok(Caller::Anyone),
        Access::Account => admit_account(desk, site, meta, request).await,
        Access::Staff(scope) if meta.bearer_token().is_some() => admit_machine(desk, staff, scope, meta).await,
        Access::Staff(scope) => admit_staff(desk, Some(scope), site, meta, request).await,
        Access::StaffSession => admit_staff(desk, None, site, meta, request).await,
    }
}

async fn admit_account(desk: &Desk, site: &Site, meta: &RequestMeta, request: &Request) -> Result<Caller, Refusal> {
    let secret = SessionSecret::of(meta, site).ok_or_else(Problem::sign_in_required)?;
    let session = desk.table.session(&secret.key(), desk.clock.now()).await?.ok_or_else(Problem::sign_in_required)?;
    if !meta.method.is_safe() {
        check_csrf(meta, site, &Fields::read(request)?, &secret)?;
    }
    Ok(Caller::Account { openid: session.account, secret })
}

/// A token decides alone: a browser that also has a cookie is no second way in.
async fn admit_machine(
    desk: &Desk,
    staff: Option<&Secret<StaffTokens>>,
    scope: Scope,
    meta: &RequestMeta,
) -> Result<Caller, Refusal> {
    let staff = staff.ok_or_else(Problem::not_found)?.get(desk.clock.now()).await?;
    let token = meta.bearer_token().and_then(|token| staff.find(token)).ok_or_else(Problem::staff_required)?;
    if token.scopes.iter().any(|held| held == scope.as_str()) {
        Ok(Caller::Machine { name: token.name.clone(), scopes: token.scopes.clone() })
    } else {
        Err(Problem::forbidden().into())
    }
}

async fn admit_staff(
    desk: &Desk,
    scope: Option<Scope>,
    site: &Site,
    meta: &RequestMeta,
    request: &Request,
) -> Result<Caller, Refusal> {
    let now = desk.clock.now();
    let secret = SessionSecret::of_staff(meta, site).ok_or_else(Problem::staff_required)?;
    let found = desk.table.staff_session(&secret.key(), now).await?;
    let (session, account) = found.ok_or_else(Problem::staff_required)?;
    if let Some(scope) = scope {
        if account.must_change {
            return Err(Problem::password_change_required().into());
        }
        if !account.may(scope) {
            return Err(Problem::forbidden().into());
        }
    }
    if !meta.method.is_safe() {
        check_csrf(meta, site, &csrf_fields(meta, request)?, &secret)?;
    }
    if let Some(until) = session.touched(now).filter(|_| is_use(meta)) {
        desk.table.touch_staff_session(&secret.key(), until).await?;
    }
    Ok(Caller::Staff { account: Box::new(account), secret })
}

/// A form carries its token in a field; what is no form (a file, a profile) has it in the header and is not read here.
fn csrf_fields(meta: &RequestMeta, request: &Request) -> Result<Fields, Problem> {
    if meta.header(&CSRF_HEADER).is_some() { Ok(Fields::default()) } else { Fields::read(request) }
}

/// Somebody opened a page or changed something. A screen that asks by itself every second is no sign that anybody is
/// there.
fn is_use(meta: &RequestMeta) -> bool {
    !meta.method.is_safe() || meta.face() == Face::Page
}
