//! Puts mutants into a source text: each place becomes a choice that asks at run time which mutant
//! is on. Pure.

use std::collections::BTreeMap;

/// What stands in the place of a text while a mutant is on.
pub struct Change<'a> {
    /// The mutant.
    pub mutant: &'a str,
    /// The text, which occurs once. One that ends with `;` or `}` is a statement, any other an
    /// expression.
    pub text: &'a str,
    /// What stands there instead.
    pub becomes: &'a str,
}

/// The source with all changes in it. Several may be made of one text; no two texts may overlap.
pub fn insert(source: &str, changes: &[Change<'_>]) -> Result<String, String> {
    let mut places: BTreeMap<usize, Vec<&Change<'_>>> = BTreeMap::new();
    for change in changes {
        places.entry(place(source, change)?).or_default().push(change);
    }
    let (mut changed, mut end) = (String::new(), 0);
    for (at, changes) in places {
        let text = changes[0].text;
        if at < end || changes.iter().any(|change| change.text != text) {
            let mutants: Vec<_> = changes.iter().map(|change| change.mutant).collect();
            return Err(format!(
                "the text of {} overlaps with another one: give both the same",
                mutants.join(", ")
            ));
        }
        changed += &source[end..at];
        changed += &choice(text, &changes);
        end = at + text.len();
    }
    Ok(changed + &source[end..])
}

fn place(source: &str, change: &Change<'_>) -> Result<usize, String> {
    let mut found = source.match_indices(change.text);
    match (found.next(), found.count()) {
        (Some((at, _)), 0) => Ok(at),
        (first, more) => {
            let times = usize::from(first.is_some()) + more;
            Err(format!(
                "the text of {} must occur once and occurs {times} times: {}",
                change.mutant, change.text
            ))
        }
    }
}

fn choice(text: &str, changes: &[&Change<'_>]) -> String {
    let arm = |change: &&Change<'_>| {
        format!("if crate::mutant::is({:?}) {{ {} }} else ", change.mutant, change.becomes)
    };
    let arms: String = changes.iter().map(arm).collect();
    // A statement in parentheses would need a semicolon; an expression without them could end
    // where it should go on.
    if text.ends_with([';', '}']) {
        format!("{arms}{{ {text} }}")
    } else {
        format!("({arms}{{ {text} }})")
    }
}

#[cfg(test)]
mod tests {
    use super::{Change, insert};

    fn change<'a>(mutant: &'a str, text: &'a str, becomes: &'a str) -> Change<'a> {
        Change { mutant, text, becomes }
    }

    #[test]
    fn an_expression_becomes_a_choice_among_all_of_its_mutants() {
        let changes = [
            change("less", "a < b", "true"),
            change("more", "a < b", "a > b"),
            change("c", "c()", "d()"),
        ];
        assert_eq!(
            insert("if c() || a < b {}", &changes).as_deref(),
            Ok(concat!(
                r#"if (if crate::mutant::is("c") { d() } else { c() }) || "#,
                r#"(if crate::mutant::is("less") { true } else "#,
                r#"if crate::mutant::is("more") { a > b } else { a < b }) {}"#
            ))
        );
    }

    #[test]
    fn a_statement_can_be_left_out() {
        let left_out = insert("f(); g();", &[change("no-g", "g();", "")]);
        assert_eq!(
            left_out.as_deref(),
            Ok(r#"f(); if crate::mutant::is("no-g") {  } else { g(); }"#)
        );
    }

    #[test]
    fn a_text_that_does_not_occur_exactly_once_is_told() {
        for (source, times) in [("b", 0), ("a a", 2), ("a a a", 3)] {
            let told = insert(source, &[change("m", "a", "c")]).expect_err("it cannot be inserted");
            assert!(
                told.contains(&format!("of m must occur once and occurs {times} times: a")),
                "{told}"
            );
        }
    }

    #[test]
    fn overlapping_texts_are_told() {
        for text in ["a < b", "b && c"] {
            let changes = [change("m", "a < b && c", "c"), change("n", text, "d")];
            let told = insert("a < b && c", &changes).expect_err("neither can be inserted");
            assert!(told.contains("overlaps"), "{told}");
        }
    }
}
