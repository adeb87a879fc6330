//! Faults at numbered steps, as values and as one line of text. Lets nothing happen.

use std::{fmt, str::FromStr};

/// What goes wrong at a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// The process dies when the request has had its effect, and is started again: in a moment, or
    /// when all is over.
    Crash { gone: bool },
    /// The process stands still before the request leaves it.
    Pause { seconds: u64 },
    /// The process stands still while the answer is on its way.
    PauseAnswer { seconds: u64 },
    /// The request has no effect; its caller hears of a reset, or nothing.
    Lost { reset: bool },
    /// The request has its effect and its caller does not hear of it.
    AnswerLost { reset: bool },
    /// The caller hears of a reset, and the effect comes so much later.
    Late { seconds: u64 },
    /// The request is refused with this code.
    Refused(i64),
    /// Somebody does something right before.
    User(PersonAction),
}

/// What people do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PersonAction {
    /// Puts a label on the target.
    Label,
    /// Puts another value in the place of the token.
    Data,
    /// Deletes the target.
    Delete,
    /// Puts a label on the object.
    Touch,
    /// Deletes the object and creates it again.
    Recreate,
}

/// A fault and the step that it is for, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Trigger {
    pub step: usize,
    pub fault: Fault,
}

/// What goes wrong in one run, in the order of the steps.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Script(Vec<Trigger>);

/// A text that is no script.
#[derive(Debug)]
pub struct Unreadable(String);

/// The words for the faults that have no figure.
const WORDS: [(&str, Fault); 11] = [
    ("crash", Fault::Crash { gone: false }),
    ("gone", Fault::Crash { gone: true }),
    ("lost", Fault::Lost { reset: true }),
    ("lost-silently", Fault::Lost { reset: false }),
    ("answer-lost", Fault::AnswerLost { reset: true }),
    ("answer-lost-silently", Fault::AnswerLost { reset: false }),
    ("label", Fault::User(PersonAction::Label)),
    ("data", Fault::User(PersonAction::Data)),
    ("delete", Fault::User(PersonAction::Delete)),
    ("touch", Fault::User(PersonAction::Touch)),
    ("recreate", Fault::User(PersonAction::Recreate)),
];

impl Script {
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// This script and one fault more.
    #[must_use]
    pub fn and(&self, trigger: Trigger) -> Self {
        Self(self.0.iter().copied().chain([trigger]).collect())
    }

    #[must_use]
    pub fn cues(&self) -> &[Trigger] {
        &self.0
    }

    pub fn at(&self, step: usize) -> impl Iterator<Item = Fault> + '_ {
        self.0.iter().filter(move |trigger| trigger.step == step).map(|trigger| trigger.fault)
    }

    /// Whether a fault may come next: after the last one, or at the same step if there somebody did
    /// something only.
    #[must_use]
    pub fn may_go_on(&self, next: Trigger) -> bool {
        let is_action = |fault| matches!(fault, Fault::User(_));
        self.0.last().is_none_or(|last| {
            next.step > last.step
                || next.step == last.step && is_action(last.fault) && !is_action(next.fault)
        })
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((word, _)) = WORDS.iter().find(|(_, fault)| fault == self) {
            return f.write_str(word);
        }
        match self {
            Self::Pause { seconds } => write!(f, "pause-{seconds}s"),
            Self::PauseAnswer { seconds } => write!(f, "pause-answer-{seconds}s"),
            Self::Late { seconds } => write!(f, "late-{seconds}s"),
            Self::Refused(code) => write!(f, "refused{code:+}"),
            other => write!(f, "{other:?}"),
        }
    }
}

impl FromStr for Fault {
    type Err = Unreadable;

    fn from_str(text: &str) -> Result<Self, Unreadable> {
        if let Some((_, fault)) = WORDS.iter().find(|(word, _)| *word == text) {
            return Ok(*fault);
        }
        let seconds = |prefix: &str| text.strip_prefix(prefix)?.strip_suffix('s')?.parse().ok();
        let code = || text.strip_prefix("refused")?.parse().ok();
        None.or_else(|| seconds("pause-answer-").map(|seconds| Self::PauseAnswer { seconds }))
            .or_else(|| seconds("pause-").map(|seconds| Self::Pause { seconds }))
            .or_else(|| seconds("late-").map(|seconds| Self::Late { seconds }))
            .or_else(|| code().map(Self::Refused))
            .ok_or_else(|| Unreadable(text.to_owned()))
    }
}

impl fmt::Display for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, Trigger { step, fault }) in self.0.iter().enumerate() {
            write!(f, "{}{step}:{fault}", if index == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

impl FromStr for Script {
    type Err = Unreadable;

    fn from_str(text: &str) -> Result<Self, Unreadable> {
        let trigger = |part: &str| {
            let (step, fault) = part.split_once(':').ok_or_else(|| Unreadable(part.to_owned()))?;
            Ok(Trigger {
                step: step.parse().map_err(|_| Unreadable(part.to_owned()))?,
                fault: fault.parse()?,
            })
        };
        text.split(',')
            .filter(|part| !part.is_empty())
            .map(trigger)
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is no fault at a step; one looks like 12:late-25s", self.0)
    }
}

impl std::error::Error for Unreadable {}

#[cfg(test)]
mod tests {
    use super::{Fault, Script, Trigger};
    use crate::explore::{scenario::Population, step::Step};

    #[test]
    fn every_script_is_read_as_it_is_written() {
        let steps = [
            Step::Call,
            Step::WriteStatus,
            Step::ReadObject,
            Step::ReadTarget,
            Step::ReadAside,
            Step::TryTarget,
        ];
        let mut script = Script::default();
        for (index, fault) in steps
            .into_iter()
            .chain([Step::WriteTarget])
            .flat_map(|step| step.faults(Population::Twins))
            .enumerate()
        {
            script = script.and(Trigger { step: index + 1, fault });
        }
        assert_eq!(script.to_string().parse::<Script>().expect("a script"), script);
        assert!("12:what".parse::<Script>().is_err() && "what".parse::<Script>().is_err());
    }

    #[test]
    fn a_script_goes_on_after_its_last_fault() {
        let script = |text: &str| text.parse::<Script>().expect("a script");
        let trigger = |step, fault| Trigger { step, fault };
        let lost = Fault::Lost { reset: true };
        assert!(script("").may_go_on(trigger(1, lost)));
        assert!(
            script("3:lost").may_go_on(trigger(4, lost))
                && !script("3:lost").may_go_on(trigger(3, lost))
        );
        assert!(
            script("3:label").may_go_on(trigger(3, lost)),
            "somebody edits it, and then the request is lost"
        );
    }
}
