//! What the platforms answer, and what is made of it.

use super::{KilledBy::Test, Mutant, Source};

pub(super) const SOURCES: &[Source] = &[
    Source { file: "src/platform/mod.rs", mutants: LIST },
    Source { file: "src/platform/exchange.rs", mutants: EXCHANGE },
    Source { file: "src/platform/response.rs", mutants: RESPONSE },
    Source { file: "src/platform/refusal.rs", mutants: REFUSAL },
    Source { file: "src/platform/kuaishou.rs", mutants: KUAISHOU },
    Source { file: "src/platform/xiaohongshu.rs", mutants: XIAOHONGSHU },
];

const LIST: &[Mutant] = &[
    Mutant {
        name: "token-beside-an-error-taken",
        means: "A token is taken from a response that reports an error as well.",
        changes: &[("response::has_error(response)", "false")],
        killed_by: Test("a_token_is_taken_only_from_an_answer_that_is_a_success_in_every_way"),
    },
    Mutant {
        name: "echoed-secret-shown",
        means: "A code that the platform made of the app secret reaches the status.",
        changes: &[("refusal.without(secret.expose())", "refusal")],
        killed_by: Test("no_refusal_shows_an_app_secret_that_the_platform_echoes"),
    },
];

const EXCHANGE: &[Mutant] = &[Mutant {
    name: "status-of-a-success-ignored",
    means: "A token is taken from a response whose HTTP status is a failure.",
    changes: &[("(200..300).contains(&self.status)", "true")],
    killed_by: Test("a_token_is_taken_only_from_an_answer_that_is_a_success_in_every_way"),
}];

const RESPONSE: &[Mutant] = &[Mutant {
    name: "any-word-certain",
    means: "A refusal by a word that cannot be shown counts as certain.",
    changes: &[("Code::word(word)", "Some(Code::Number(1))")],
    killed_by: Test("a_word_that_cannot_be_shown_leaves_the_outcome_open"),
}];

const REFUSAL: &[Mutant] = &[
    Mutant {
        name: "part-of-a-secret-shown",
        means: "A code that is a part of the app secret reaches the status.",
        changes: &[(
            "text.contains(secret) || text.len() >= TELLING && secret.contains(text)",
            "text.contains(secret)",
        )],
        killed_by: Test("a_code_that_shows_the_app_secret_is_not_kept"),
    },
    Mutant {
        name: "secret-in-a-request-id",
        means: "An app secret that is echoed as the id of the request reaches the log.",
        changes: &[("self.request_id.filter(|id| !shows(id, secret))", "self.request_id")],
        killed_by: Test("a_request_id_that_shows_the_app_secret_is_not_kept"),
    },
];

const KUAISHOU: &[Mutant] = &[Mutant {
    name: "no-result-taken-for-success",
    means: "A token is taken from a response that does not say that it is a success.",
    changes: &[("fields.result", "fields.result.or(Some(1))")],
    killed_by: Test("a_life_is_48_hours_at_most_and_a_success_is_1_and_nothing_else"),
}];

const XIAOHONGSHU: &[Mutant] = &[Mutant {
    name: "token-without-success-taken",
    means: "A token is taken from a response that says that it is no success.",
    changes: &[("fields.data.filter(|_| fields.success == Some(true))", "fields.data")],
    killed_by: Test("a_token_without_success_is_not_taken"),
}];
