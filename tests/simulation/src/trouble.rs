//! What goes wrong, by class, and for how long after its end nobody can do better. Knows no run and judges none.

use crate::time::{Millis, SECOND};

/// A class of what goes wrong. Each has a bound of its own: one for all would have to be that of the worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// A process dies.
    Crash,
    /// No process runs, until one is started.
    Absence,
    /// A process starts.
    Start,
    /// A process leads from now on, or no more.
    Succession,
    /// A process stands still.
    Pause,
    /// The API server is away.
    ApiOutage,
    /// A request to the API server meets a fault.
    ApiFault,
    /// A watch lags behind, or is torn.
    Watch,
    /// The platform is away.
    PlatformOutage,
    /// A call is refused, or never sent: the platform has certainly done nothing.
    Refusal,
    /// A forced call is refused, and may count among those that are allowed a day.
    RefusedForce,
    /// A call is refused for a minute.
    Throttling,
    /// A call stays without an answer: nobody knows what the platform has done.
    Silence,
    /// A call takes long.
    Delay,
    /// The node's clock is stepped.
    Clock,
    /// Somebody breaks, or mends, what the token hangs on.
    Edit,
    /// Somebody asks for a call, or to be asked for otherwise.
    Wish,
    /// Somebody changes what takes no call to put right.
    Touch,
    /// The platform has ended the tokens, and somebody says so.
    Report,
}

impl Cause {
    /// For how long after it a Secret may hold no live token.
    #[must_use]
    pub fn leaves_token_dead(self) -> Millis {
        SECOND
            * match self {
                // What was there before is there still.
                Self::Wish | Self::Touch => 5,
                // Retries follow 2, 4, 8, 15 s, and a jitter.
                Self::Refusal | Self::Delay | Self::PlatformOutage | Self::Absence => 25,
                // A Lease runs out after 15 s, and a stranger's open intent is given 15 s more.
                Self::Start | Self::Succession | Self::Crash | Self::Pause => 60,
                Self::Throttling => 75,
                // A list without an answer is given up after 30 s and tried again after a minute at most; the look behind it may
                // take as long as a request may, 15 s, and then has to ask.
                Self::ApiFault | Self::Watch => 120,
                Self::ApiOutage => 150,
                // The floor between two urgent mints grows to 180 s.
                Self::Silence | Self::Edit | Self::Clock => 210,
                // Whoever reports a dead token waits for the floor of 300 s between two mints; forced calls that are refused come
                // to be as far apart.
                Self::Report | Self::RefusedForce => 320,
            }
    }

    /// For how long after it a status may say what is no longer so: what it takes to see it and to write it down.
    #[must_use]
    pub fn leaves_status_false(self) -> Millis {
        SECOND
            * match self {
                Self::PlatformOutage | Self::Refusal | Self::RefusedForce | Self::Throttling | Self::Silence | Self::Delay => 0,
                Self::Wish | Self::Touch | Self::Edit | Self::Report => 5,
                Self::Crash | Self::Absence | Self::Start | Self::Succession | Self::Pause => 45,
                Self::ApiFault | Self::Watch | Self::Clock => 120,
                Self::ApiOutage => 150,
            }
    }

    /// Whether it ends or hinders a process: what it was doing may have to be done again.
    #[must_use]
    pub fn is_of_a_process(self) -> bool {
        matches!(self, Self::Crash | Self::Absence | Self::Start | Self::Succession | Self::Pause)
    }

    /// Whether it is something that goes wrong, rather than what users do or what follows from something else.
    #[must_use]
    pub fn is_a_fault(self) -> bool {
        !matches!(self, Self::Absence | Self::Start | Self::Succession | Self::Edit | Self::Wish | Self::Touch | Self::Report)
    }
}

/// Something that goes wrong.
#[derive(Clone, Debug)]
pub struct Trouble {
    pub from: Millis,
    pub to: Millis,
    pub cause: Cause,
    /// Whom it concerns: one app, or all.
    pub app: Option<u64>,
}

impl Trouble {
    #[must_use]
    pub fn concerns(&self, app: Option<u64>) -> bool {
        self.app.is_none() || self.app == app
    }
}
