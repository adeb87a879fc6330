//! What can have happened in a run, as plain data. Judges nothing.

/// Milliseconds since the run began.
pub type Millis = u64;
/// A process of the operator, by number; no number is used twice.
pub type Process = u32;
/// The id of an app at its platform.
pub type App = String;
/// The name of an object or a Secret, namespace included where a run has several.
pub type Name = String;
/// A token, by its fingerprint.
pub type Token = String;

/// Everything that happened, in any order.
#[derive(Clone, Debug, Default)]
pub struct Log(Vec<Entry>);

/// One thing, and when it happened.
#[derive(Clone, Debug)]
pub struct Entry {
    pub at: Millis,
    pub event: Event,
}

#[derive(Clone, Debug)]
pub enum Event {
    /// A process set about a call for a token; it is logged once its end is known.
    Call(Call),
    /// The platform made a token. `replaces` is a property of the endpoint: every call to it ends
    /// the token before.
    Mint { app: App, token: Token, replaces: bool, ends: Millis },
    /// The end of a token was moved: another token replaced it, the platform ended it early, or a
    /// call renewed its life.
    Ends { token: Token, at: Millis },
    /// What a target Secret holds from now on; `by` is the process that wrote it, if one did.
    /// A token is unconfirmed while its annotation says that a late call may have replaced it.
    Secret { name: Name, by: Option<Process>, token: Option<Token>, unconfirmed: bool },
    /// What the status of an object says from now on; nothing if the object is gone.
    Status { object: Name, by: Option<Writer>, status: Option<Status> },
    /// A pod used a token for a call of its own.
    Used { app: App, token: Token },
    /// A process wrote the Lease: it holds it from when it sent the request, or has released it.
    Lease { by: Process, sent: Millis, held: bool },
    /// A process set about a request to the API server that is neither part of a watch nor about
    /// the Lease or an Event.
    Request { by: Process, app: Option<App>, verb: Verb },
    /// The API server reads no request until then: what it receives at the end of that may have
    /// been sent at any moment of it.
    Unread { until: Millis },
    /// Something hinders the operator until then; for one app, or for all.
    Disturbance { until: Millis, app: Option<App>, what: &'static str },
    /// Lists and watches of some objects fail until then: what the operator does not know it cannot
    /// see. What it knows ends by the clock all the same, and what it writes is answered.
    Hidden { until: Millis },
    /// What the readiness probe of a process says from now on; nothing if it runs no more.
    Probe { process: Process, ready: Option<bool> },
    /// A person did something to an object of an app, or to what the app's token depends on.
    Act { app: App, act: Act },
    /// What the users of an object may expect from now on.
    Expect { object: Name, app: App, expect: Expect },
    /// The operator's clock is off by so many milliseconds from now on.
    Clock { skew: i64 },
}

/// How a call to the platform went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    pub by: Process,
    pub app: App,
    /// Whether every call to this endpoint ends the token before.
    pub replaces: bool,
    /// Whether it asked for a new token where the platform would have returned the current one.
    pub forced: bool,
    /// What its caller knows of its end.
    pub end: End,
    /// When the platform counted it, if it did, and what it said of its own: a fault in between is
    /// not its word.
    pub counted: Option<(Millis, i64)>,
}

/// What came of a call, as its caller knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It certainly did not reach the platform.
    NotSent,
    /// Nobody knows what the platform did.
    Unanswered,
    /// The platform answered with this code; 0 with a token.
    Answered(i64),
}

/// Who wrote a status, and when the request was sent: it may have been stored much later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Writer {
    pub process: Process,
    pub sent: Millis,
}

/// What a status says. Its times are milliseconds since the run began, by the writer's clock.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "each is a condition of its own")]
pub struct Status {
    pub ready: bool,
    /// The condition `TokenFresh`.
    pub fresh: Fresh,
    /// Whether the condition `CredentialValid` is False.
    pub rejected: bool,
    /// Whether it is True: the platform has accepted the app secret.
    pub accepted: bool,
    /// Whether the condition `TargetSynced` is False: a token could not be stored.
    pub unsynced: bool,
    pub target: Option<Name>,
    pub token: Option<Token>,
    pub expires: Option<i64>,
    pub next_refresh: Option<i64>,
    pub failure: Option<Failure>,
    pub handled_request: Option<String>,
    /// The id of the intent, and whether the outcome of an earlier call is unknown.
    pub intent: Option<(String, bool)>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fresh {
    pub is_false: bool,
    pub reason: String,
}

/// `lastFailure`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Failure {
    /// When the call was sent.
    pub time: i64,
    pub reason: String,
    pub next_attempt: Option<i64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    Read,
    /// A write without effect.
    DryRun,
    Write,
}

/// What a person does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// Changes something that may take a call to be put right.
    Edit,
    /// Changes something that takes no call.
    Touch,
    /// Writes a target that no call has brought, under whatever manager's name.
    Forge,
    /// Creates an object with a right app secret and a free target, whoever else names its app.
    Create,
    /// Asks for a refresh by annotation, with this value.
    Request(String),
    /// Reports this token dead by annotation.
    Report(Token),
}

/// What the users of an object may expect.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expect {
    /// The Secret that is to hold a live token, if any is.
    pub target: Option<Name>,
    /// Whether the object shares a token that replaces the one before it with another object of its
    /// app: one of them is to have it.
    pub shared: bool,
    /// Whether the object is to be Ready exactly while the target holds a live token.
    pub ready: bool,
    pub standing: Standing,
    /// The app that the spec of a stranger's object names: calls with another app secret are not
    /// that app's own, but hold it up.
    pub names: Option<App>,
    /// How often its token is to be asked for.
    pub pace: crate::Pace,
}

/// Whether the operator is to ask for an object's token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Standing {
    #[default]
    Served,
    /// Its own credential or target keeps it from getting a token.
    Blocked,
    /// The same, and its own user keeps it busy, forges its target and shuts it: who is deceived by
    /// that is nobody else.
    Strange,
    /// It is to be left alone: suspended, or deleted.
    AtRest,
}

impl Log {
    pub fn push(&mut self, at: Millis, event: Event) {
        self.0.push(Entry { at, event });
    }

    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.0
    }
}
