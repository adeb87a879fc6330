//! How any platform serves a call by what its file says: looks at it, checks it, answers, refuses.

use super::endpoint::{
    BusinessEndpoint, Code, Presented, Refusal, Refusals, Said, TicketEndpoint, TokenEndpoint,
};
use super::{Answer, Endpoint, Seen};
use crate::Millis;
use crate::model::{Granted, Model, Refused, Reply, Request, Standing};

impl Endpoint {
    /// What can be told of a call before it takes effect.
    pub fn look(self, model: &Model, request: &Request) -> Seen {
        match self {
            Self::Tokens(endpoint) => {
                let asked = endpoint.ask.read(request);
                let tried = asked.app_id.as_deref().zip(asked.secret.as_deref());
                let secret = tried.and_then(|(app_id, secret)| model.try_secret(app_id, secret));
                Seen { app_id: asked.app_id, secret, forced: asked.forced, token: None }
            }
            Self::Business(endpoint) => bearer(model, endpoint.token, request),
            Self::Tickets(endpoint) => bearer(model, endpoint.token, request),
        }
    }

    /// Lets a call take effect.
    pub fn answer(self, model: &mut Model, now: Millis, request: &Request) -> Answer {
        let granted = match self {
            Self::Tokens(endpoint) => tokens(endpoint, model, now, request),
            Self::Business(endpoint) => business(endpoint, model, now, request),
            Self::Tickets(endpoint) => tickets(endpoint, model, now, request),
        };
        match granted {
            Ok((body, granted)) => Answer { reply: Reply::json(200, &body), errcode: 0, granted },
            Err(why) => {
                let (status, code, text) = self.words(model, request, why);
                let errcode = code.logged(status);
                let reply = self.say(model, now, request, (status, code, text));
                Answer { reply, errcode, granted: None }
            }
        }
    }

    /// A refusal that a test asks for: by the platform's number, with its usual text if none is
    /// given.
    pub fn refuse(
        self,
        model: &mut Model,
        now: Millis,
        request: &Request,
        number: i64,
        text: Option<&str>,
    ) -> Reply {
        let code = Code::Number(number);
        let line = lines(self.refusals()).find(|line| line.code == code);
        let status = line.map_or(200, |line| line.status);
        let usual = line.map_or("unknown error", |line| line.text);
        self.say(model, now, request, (status, code, text.unwrap_or(usual).to_owned()))
    }

    /// A refusal that a test asks for: by what it is about. Nothing if the platform has none.
    pub fn refuse_because(
        self,
        model: &mut Model,
        now: Millis,
        request: &Request,
        why: Refused,
    ) -> Option<(Reply, i64)> {
        line(self.refusals(), why)?;
        let (status, code, text) = self.words(model, request, why);
        Some((self.say(model, now, request, (status, code, text)), code.logged(status)))
    }

    /// A good answer but for its token, which is an empty text.
    pub fn without_token(self) -> Option<Reply> {
        let granted = Granted::default();
        let grant = match self {
            Self::Tokens(endpoint) => endpoint.grant,
            Self::Tickets(endpoint) => endpoint.grant,
            Self::Business(_) => return None,
        };
        Some(Reply::json(200, &grant(&granted)))
    }

    fn refusals(self) -> Refusals {
        match self {
            Self::Tokens(endpoint) => endpoint.refusals,
            Self::Business(endpoint) => endpoint.refusals,
            Self::Tickets(endpoint) => endpoint.refusals,
        }
    }

    fn words(self, model: &Model, request: &Request, why: Refused) -> (u16, Code, String) {
        let line = self.other_code(model, request, why).or_else(|| line(self.refusals(), why));
        line.map_or_else(
            || (500, Code::Number(-1), "the simulator has no words for this".to_owned()),
            |line| (line.status, line.code, line.text.to_owned()),
        )
    }

    /// WeChat documents two codes for a wrong secret at the legacy endpoint.
    fn other_code(
        self,
        model: &Model,
        request: &Request,
        why: Refused,
    ) -> Option<&'static Refusal> {
        let app_id = self.look(model, request).app_id?;
        let number = model.settings_of(&app_id).legacy_bad_secret_code?;
        let is_due = why == Refused::BadSecret && self.kind() == super::Kind::Legacy;
        lines(self.refusals()).find(|line| is_due && line.code == Code::Number(number))
    }

    fn say(
        self,
        model: &mut Model,
        now: Millis,
        request: &Request,
        (status, code, text): (u16, Code, String),
    ) -> Reply {
        let app_id = self.look(model, request).app_id.unwrap_or_default();
        let ip = model.caller(&app_id, request.from).0;
        let ipv6 = match ip {
            std::net::IpAddr::V4(ip) => ip.to_ipv6_mapped(),
            std::net::IpAddr::V6(ip) => ip,
        };
        let text = text.replace("{ip}", &ip.to_canonical().to_string());
        let text = text.replace("{ipv6}", &ipv6.to_string());
        let request_id = model.request_id(now);
        let said = Said { status, code, text, ip, request_id: &request_id };
        match self {
            Self::Tokens(endpoint) => (endpoint.refuse)(&said),
            Self::Business(endpoint) => (endpoint.refuse)(&said),
            Self::Tickets(endpoint) => (endpoint.refuse)(&said),
        }
    }
}

/// The token of a call. Whose it is does not depend on the time.
fn bearer(model: &Model, place: Presented, request: &Request) -> Seen {
    let token = place.read(request);
    let owner = token.as_deref().and_then(|token| model.standing(0, token).0);
    Seen { app_id: owner.map(str::to_owned), token, ..Seen::default() }
}

type Granting = Result<(serde_json::Value, Option<Granted>), Refused>;

/// The address comes before what the call carries: an unlisted machine that sends an empty secret
/// is told of its address. That was seen at WeChat's `jscode2session`; the order of the others is a
/// guess.
fn tokens(
    endpoint: &'static TokenEndpoint,
    model: &mut Model,
    now: Millis,
    request: &Request,
) -> Granting {
    let asked = endpoint.ask.read(request);
    let app_id = asked.app_id.as_deref().unwrap_or_default();
    let unread = asked.flaw.filter(|flaw| matches!(flaw, Refused::Method | Refused::Body));
    let unlisted = endpoint.checks_address && !model.caller(app_id, request.from).1;
    let refused = unread.or(unlisted.then_some(Refused::IpNotAllowed)).or(asked.flaw);
    if let Some(refused) = refused {
        return Err(refused);
    }
    let secret = asked.secret.as_deref().unwrap_or_default();
    let granted = model.issue(now, app_id, secret, endpoint, asked.forced)?;
    Ok(((endpoint.grant)(&granted), Some(granted)))
}

fn business(
    endpoint: &'static BusinessEndpoint,
    model: &Model,
    now: Millis,
    request: &Request,
) -> Granting {
    lets_in(endpoint.token, model, now, request)?;
    Ok(((endpoint.success)(), None))
}

fn tickets(
    endpoint: &'static TicketEndpoint,
    model: &mut Model,
    now: Millis,
    request: &Request,
) -> Granting {
    let app_id = lets_in(endpoint.token, model, now, request)?;
    let asked = request.parameter("type").unwrap_or_default();
    let known = endpoint.types.iter().find(|known| **known == asked);
    if known.is_none() && !endpoint.types.is_empty() {
        return Err(Refused::Body);
    }
    let name = format!("{} {}", endpoint.path, known.copied().unwrap_or_default());
    let granted = model.ticket(now, &app_id, &name).ok_or(Refused::TokenUnknown)?;
    Ok(((endpoint.grant)(&granted), None))
}

/// The app whose live token a call carries.
fn lets_in(
    place: Presented,
    model: &Model,
    now: Millis,
    request: &Request,
) -> Result<String, Refused> {
    let token = place.read(request).ok_or(Refused::TokenMissing)?;
    match model.standing(now, &token) {
        (Some(app_id), Standing::Live) => Ok(app_id.to_owned()),
        (_, Standing::Replaced) => Err(Refused::TokenReplaced),
        (_, Standing::Expired) => Err(Refused::TokenExpired),
        (_, Standing::Live | Standing::NeverSeen) => Err(Refused::TokenUnknown),
    }
}

/// The line of a table that says why; where none is so exact, the one that says it more broadly.
fn line(refusals: Refusals, why: Refused) -> Option<&'static Refusal> {
    let broader = match why {
        Refused::Method | Refused::GrantType | Refused::NoAppId | Refused::NoSecret => {
            Some(Refused::Body)
        }
        Refused::TokenMissing | Refused::TokenReplaced | Refused::TokenExpired => {
            Some(Refused::TokenUnknown)
        }
        _ => None,
    };
    let find = |why| lines(refusals).find(|line| line.why == Some(why));
    find(why).or_else(|| find(broader?))
}

fn lines(refusals: Refusals) -> impl Iterator<Item = &'static Refusal> {
    refusals.iter().copied().flatten()
}
