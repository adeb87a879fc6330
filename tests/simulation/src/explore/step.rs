//! What counts as a step, and what may go wrong at it. Lets nothing happen.
//!
//! A step is a request of one caller that another one may notice, or that reads what a decision
//! depends on. What is left out is the same as something that is not: a process that dies before a
//! request leaves the world as one that dies after the request before it, a read whose answer is
//! lost is a read that is lost, and what somebody does to an object matters only to what reads or
//! writes it next.

use std::fmt;

use super::{
    scenario::Population,
    script::{Fault, PersonAction},
};
use crate::cluster::{
    Kind,
    request::{Asked, Verb},
};

/// What a caller does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// Calls the platform.
    Call,
    /// Writes the status, an intent included.
    WriteStatus,
    /// Reads the object after a refusal, or before a create.
    ReadObject,
    /// Reads the target.
    ReadTarget,
    /// Reads the credential, or whose Secret has the target's name.
    ReadAside,
    /// Tries whether the target could be created.
    TryTarget,
    /// Writes the target.
    WriteTarget,
}

/// Wakes while the other one works, and when the other one is done: a Lease takes 15 s to change
/// hands, an open intent is left alone for 15 s, and what it brings is confirmed within 180 s.
const PAUSES: [u64; 2] = [45, 200];
/// The same for a request that is about to be sent: a late one lands within 120 s.
const PAUSES_BEFORE_A_CALL: [u64; 2] = [45, 110];
/// Lands before its caller asks again, after the next token is stored, and right before that one is
/// confirmed.
const LATE_CALLS: [u64; 3] = [5, 25, 110];
/// Lands while its caller looks what has become of it, and after somebody else's call.
const LATE_WRITES: [u64; 2] = [5, 45];
/// Lets one of two callers that do the same thing at the same time go first.
const A_MOMENT: u64 = 1;

impl Step {
    /// The step that a request to the API server is, if it is one.
    #[must_use]
    pub fn of(asked: &Asked) -> Option<Self> {
        match (asked.kind, asked.verb) {
            (Kind::MiniProgram, Verb::ReplaceStatus) => Some(Self::WriteStatus),
            (Kind::MiniProgram, Verb::Get) => Some(Self::ReadObject),
            (Kind::Secret, Verb::List) if !asked.lists_for_a_watch() => Some(Self::ReadTarget),
            (Kind::Secret, Verb::Get) => Some(Self::ReadAside),
            (Kind::Secret, Verb::Apply) if asked.is_dry_run() => Some(Self::TryTarget),
            (Kind::Secret, Verb::Apply) => Some(Self::WriteTarget),
            _ => None,
        }
    }

    /// Whether a fault at it is one of those that leave the most behind: longer scripts are made of
    /// these alone.
    #[must_use]
    pub fn is_grave(self, fault: Fault) -> bool {
        let is_write = matches!(self, Self::Call | Self::WriteStatus | Self::WriteTarget);
        match fault {
            Fault::Crash { gone } => !gone,
            Fault::Pause { seconds } | Fault::PauseAnswer { seconds } => seconds >= 110,
            Fault::Lost { reset } => reset && is_write,
            Fault::AnswerLost { reset } => reset,
            Fault::Late { seconds } => {
                matches!(self, Self::Call | Self::WriteTarget) && seconds >= 25
            }
            Fault::User(PersonAction::Delete) => true,
            Fault::User(PersonAction::Label) => self == Self::WriteTarget,
            // What a refusal leaves behind is what counts against a day's limits.
            Fault::Refused(_) => self == Self::Call,
            Fault::User(_) => false,
        }
    }

    /// All that may go wrong at it.
    #[must_use]
    pub fn faults(self, population: Population) -> Vec<Fault> {
        let mut faults = Vec::new();
        let is_write = matches!(self, Self::Call | Self::WriteStatus | Self::WriteTarget);
        let moment = (population == Population::Twins).then_some(A_MOMENT);
        if is_write {
            faults.push(Fault::Crash { gone: false });
            // Of two candidates the other one takes over: whether the first comes back is the same.
            faults.extend((population == Population::Twins).then_some(Fault::Crash { gone: true }));
            let pauses = if self == Self::Call { PAUSES_BEFORE_A_CALL } else { PAUSES };
            faults.extend(moment.into_iter().chain(pauses).map(|seconds| Fault::Pause { seconds }));
            faults.push(Fault::AnswerLost { reset: true });
        }
        if is_write || matches!(self, Self::ReadTarget | Self::ReadObject) {
            faults.extend(
                moment
                    .filter(|_| is_write)
                    .into_iter()
                    .chain(PAUSES)
                    .map(|seconds| Fault::PauseAnswer { seconds }),
            );
        }
        faults.push(Fault::Lost { reset: true });
        match self {
            Self::Call => {
                faults.extend([
                    Fault::Lost { reset: false },
                    Fault::AnswerLost { reset: false },
                    Fault::Refused(-1),
                ]);
                faults.extend(LATE_CALLS.map(|seconds| Fault::Late { seconds }));
            }
            Self::WriteStatus | Self::WriteTarget => {
                faults.push(Fault::Refused(409));
                faults.extend(LATE_WRITES.map(|seconds| Fault::Late { seconds }));
            }
            Self::TryTarget => faults.push(Fault::Refused(500)),
            Self::ReadObject | Self::ReadTarget | Self::ReadAside => {}
        }
        faults.extend(self.actions().iter().copied().map(Fault::User));
        faults
    }

    /// What a user may do right before it.
    fn actions(self) -> &'static [PersonAction] {
        match self {
            Self::Call | Self::WriteStatus => &[
                PersonAction::Label,
                PersonAction::Data,
                PersonAction::Delete,
                PersonAction::Touch,
                PersonAction::Recreate,
            ],
            Self::WriteTarget => &[
                PersonAction::Label,
                PersonAction::Data,
                PersonAction::Delete,
                PersonAction::Recreate,
            ],
            Self::ReadTarget => &[PersonAction::Label, PersonAction::Data, PersonAction::Delete],
            Self::ReadObject => &[PersonAction::Touch],
            Self::ReadAside | Self::TryTarget => &[],
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Call => "calls the platform",
            Self::WriteStatus => "writes the status",
            Self::ReadObject => "reads the object",
            Self::ReadTarget => "reads the target",
            Self::ReadAside => "reads aside",
            Self::TryTarget => "tries the target",
            Self::WriteTarget => "writes the target",
        })
    }
}
