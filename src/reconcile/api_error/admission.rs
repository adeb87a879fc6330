//! Reads from the API server's message which check refused a write, in words that a tenant can use:
//! tenants cannot read the operator's log. Pure.
//!
//! The API server composes these sentences itself (k8s.io/apiserver, `pkg/admission`): a webhook
//! chooses the code of its denial, but not the beginning of the sentence.

use serde::{Deserialize, Serialize};

/// The longest text of a refusal in a condition, in characters.
const LONGEST: usize = 240;

/// Which check refused a write, and its text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// The check that refused: the same for each try, whatever the text is.
    pub by: String,
    /// Its text, if that helps, in one line.
    pub text: Option<String>,
}

impl Said {
    /// One sentence for a condition.
    #[must_use]
    pub fn sentence(&self) -> String {
        self.text.as_ref().map_or_else(|| self.by.clone(), |text| format!("{}: {text}", self.by))
    }
}

/// Whether admission refused: then nothing was stored, whatever the code is.
#[must_use]
pub fn refused(message: &str) -> bool {
    webhook(message).is_some() || policy(message).is_some()
}

/// Which check refused with this message.
#[must_use]
pub fn said(message: &str) -> Said {
    let by = |by: String| Said { by, text: None };
    webhook(message)
        .or_else(|| policy(message))
        .or_else(|| {
            let quota = within(message, "exceeded quota: ", ",")?;
            Some(by(format!("the namespace's quota {} is used up", line(quota))))
        })
        .or_else(|| {
            message
                .contains("because it is being terminated")
                .then(|| by("the namespace is being deleted".into()))
        })
        .unwrap_or_else(|| Said { by: "the API server refused".into(), text: text(message) })
}

fn webhook(message: &str) -> Option<Said> {
    if let Some(name) = within(message, "failed calling webhook \"", "\"") {
        let by = format!(
            "admission webhook {} does not answer, and its failurePolicy is Fail",
            line(name)
        );
        return Some(Said { by, text: None });
    }
    let name = within(message, "admission webhook \"", "\"")?;
    let (_, denied) = message.split_once("\" denied the request")?;
    let reason = denied.strip_prefix(": ").unwrap_or_default();
    Some(Said { by: format!("admission webhook {} denied it", line(name)), text: text(reason) })
}

fn policy(message: &str) -> Option<Said> {
    let name = within(message, "ValidatingAdmissionPolicy '", "'")?;
    let (_, denied) = message.split_once("' denied request")?;
    let reason = denied.strip_prefix(": ").unwrap_or_default();
    Some(Said { by: format!("admission policy {} denied it", line(name)), text: text(reason) })
}

fn within<'a>(text: &'a str, from: &str, to: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(from)?;
    Some(rest.split_once(to)?.0)
}

fn text(said: &str) -> Option<String> {
    Some(line(said)).filter(|text| !text.is_empty())
}

/// One line without control characters, cut to the length of a condition's text.
fn line(text: &str) -> String {
    let words = text
        .split(|char: char| char.is_whitespace() || char.is_control())
        .filter(|word| !word.is_empty());
    let whole = words.collect::<Vec<_>>().join(" ");
    let cut: String = whole.chars().take(LONGEST).collect();
    if cut.len() < whole.len() { format!("{cut}…") } else { cut }
}

#[cfg(test)]
mod tests {
    use super::{LONGEST, refused, said};

    #[test]
    fn the_sentence_names_who_refused() {
        let cases = [
            (
                "Internal error occurred: failed calling webhook \"check.example.com\": failed to call webhook: Post \
                 \"https://check.guard.svc:443/validate?timeout=10s\": dial tcp 10.96.3.7:443: connect: connection refused",
                "admission webhook check.example.com does not answer, and its failurePolicy is Fail",
            ),
            (
                "admission webhook \"check.example.com\" denied the request: no\nSecrets\there",
                "admission webhook check.example.com denied it: no Secrets here",
            ),
            (
                "admission webhook \"check.example.com\" denied the request without explanation",
                "admission webhook check.example.com denied it",
            ),
            (
                "secrets \"shop-token\" is forbidden: ValidatingAdmissionPolicy 'names' with binding 'all' denied request: \
                 names begin with app-",
                "admission policy names denied it: names begin with app-",
            ),
            (
                "secrets \"shop-token\" is forbidden: exceeded quota: few, requested: count/secrets=1, used: count/secrets=5, \
                 limited: count/secrets=5",
                "the namespace's quota few is used up",
            ),
            (
                "secrets \"shop-token\" is forbidden: unable to create new content in namespace team-a because it is being \
                 terminated",
                "the namespace is being deleted",
            ),
            ("the server is overloaded", "the API server refused: the server is overloaded"),
            ("", "the API server refused"),
        ];
        for (message, sentence) in cases {
            assert_eq!(said(message).sentence(), sentence);
        }
    }

    #[test]
    fn only_admission_refuses_for_certain_whatever_the_code_is() {
        assert!(refused("admission webhook \"check.example.com\" denied the request: conflict"));
        assert!(refused(
            "Internal error occurred: failed calling webhook \"check.example.com\": timeout"
        ));
        assert!(refused(
            "x is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: no"
        ));
        assert!(!refused("etcdserver: request timed out"));
        assert!(!refused(
            "Operation cannot be fulfilled on secrets \"shop-token\": the object has been modified"
        ));
    }

    #[test]
    fn a_long_text_is_cut() {
        let long = "x".repeat(10 * LONGEST);
        let sentence =
            said(&format!("admission webhook \"w\" denied the request: {long}")).sentence();
        assert!(sentence.chars().count() < 2 * LONGEST, "{sentence}");
    }
}
