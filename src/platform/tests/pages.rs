//! The page of each platform, in both languages, against the list of platforms and against how the
//! platform's responses are read.

use std::{collections::BTreeSet, fs, path::Path};

use serde_json::{Value, json};

use super::{
    Case, SECRET, Scene, change,
    language::{LANGUAGES, Language},
    scenes,
};
use crate::{
    api::Reason,
    platform::{ALL, Code, FILES, Refusal, Response},
    sensitive::AppSecret,
};

fn page(language: Language, file: &str) -> String {
    language.read(&format!("platforms/{}.md", file.replace('_', "-")))
}

#[test]
fn every_platform_has_a_page_in_both_languages_and_no_other_has() {
    let wanted: BTreeSet<_> =
        FILES.iter().map(|file| format!("{}.md", file.replace('_', "-"))).collect();
    for language in LANGUAGES {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(language.docs()).join("platforms");
        let pages = fs::read_dir(&folder).expect("the pages");
        let pages = pages.map(|page| page.expect("a page").file_name().into_string());
        let pages: BTreeSet<_> = pages.map(|name| name.expect("a name")).collect();
        assert_eq!(pages, wanted, "{}", folder.display());
    }
}

#[test]
fn all_pages_have_the_same_headings_and_the_figures_of_the_list() {
    for language in LANGUAGES {
        let headings: [&str; 7] = language.choose(
            [
                "## App id and app secret",
                "## Allow-list",
                "## How tokens are reissued",
                "## A second caller",
                "## When a token dies",
                "## Refusals and reasons",
                "## Sources, and what is not verified",
            ],
            [
                "## AppID 与 AppSecret",
                "## IP 白名单",
                "## token 怎样签发",
                "## 另有调用方时",
                "## token 失效时",
                "## 拒绝与 reason",
                "## 来源与未证实之处",
            ],
        );
        for (platform, file) in ALL.iter().zip(FILES) {
            let page = page(language, file);
            let found: Vec<_> = page.lines().filter(|line| line.starts_with("## ")).collect();
            assert_eq!(found, headings, "{language:?} {file}");
            let figures = language.figures(platform);
            assert!(page.contains(&figures), "{language:?} {file} has not this table:\n{figures}");
            let example = format!("/deploy/examples/platforms/{}.yaml)", file.replace('_', "-"));
            assert!(page.contains(&example), "{language:?} {file} names no example");
        }
    }
}

/// A row of a table of refusals: codes, or none for any other code; a text or an HTTP status that
/// must come with it; and the reason that it means.
struct Row {
    codes: Vec<String>,
    text: Option<String>,
    status: Option<u16>,
    reason: String,
}

/// The words of a text that are in backquotes.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

impl Row {
    /// A row such as ``| `20003`, `20004` (HTTP 403) | `AppIDRejected` | … |``.
    fn parse(line: &str, language: Language) -> Self {
        let mut cells = line.split(" | ");
        let cell = cells.next().and_then(|cell| cell.strip_prefix("| ")).expect("a cell");
        let (codes, with) = cell.split_once(" (").unwrap_or((cell, ""));
        let row = Self {
            codes: quoted(codes).map(|code| code.trim_end_matches('…').to_owned()).collect(),
            text: quoted(with).next().map(str::to_owned),
            status: with.strip_prefix("HTTP ").and_then(|rest| rest.get(..3)?.parse().ok()),
            reason: cells.next().and_then(|cell| quoted(cell).next()).expect("a reason").into(),
        };
        assert_eq!(row.codes.is_empty(), codes == language.choose("any other", "其他"), "{line}");
        row
    }
}

/// The tables of refusals of a page: one for all endpoints, or one for each.
fn tables(language: Language, file: &str) -> Vec<Vec<Row>> {
    let header = language.choose("| code | reason | means |", "| 错误码 | reason | 含义 |");
    let page = page(language, file);
    let table = |text: &str| {
        let rows = text.lines().skip(2).take_while(|line| line.starts_with('|'));
        rows.map(|line| Row::parse(line, language)).collect()
    };
    page.split(header).skip(1).map(table).collect()
}

/// The refusal of a wrong app secret, with another code in its place.
struct Template {
    scene: Scene,
    body: Value,
    status: u16,
    code: String,
}

impl Template {
    fn new(mut scene: Scene, wrong_secret: Case) -> Self {
        let Case::Means(_, code) = wrong_secret else { panic!("{}: no code", scene.name()) };
        let reply = scene.reply(0, &AppSecret::parse(b"fedcba9876543210").expect("plausible"));
        let body = serde_json::from_slice(&reply.body).expect("JSON");
        Self { scene, body, status: reply.status, code: code.to_owned() }
    }

    fn is_number(&self) -> bool {
        self.code.parse::<i64>().is_ok()
    }

    fn read(&self, code: &str, text: Option<&str>, status: Option<u16>) -> Refusal {
        let code: Value = code.parse::<i64>().map_or_else(|_| json!(code), |number| json!(number));
        let mut body = self.body.clone();
        change(&mut body, &|value| {
            let is_code = match &*value {
                Value::String(word) => *word == self.code,
                Value::Number(number) => number.to_string() == self.code,
                _ => false,
            };
            match text {
                _ if is_code => *value = code.clone(),
                Some(text) if value.is_string() => *value = json!(text),
                _ => {}
            }
        });
        let body = body.to_string().into_bytes();
        let status = status.unwrap_or(self.status);
        let response = Response { status, content_type: "", body: &body };
        let secret = AppSecret::parse(SECRET.as_bytes()).expect("plausible");
        self.scene.endpoint.token(&response, &secret).err().expect("a refusal")
    }

    /// How a code is read that no platform has.
    fn unlisted(&self, status: Option<u16>) -> Refusal {
        self.read(if self.is_number() { "987654321" } else { "no_such_code" }, None, status)
    }
}

/// Every endpoint, with the refusal that it is tested by and its table of refusals.
fn endpoints(language: Language) -> impl Iterator<Item = (Template, Vec<Row>)> {
    scenes().map(move |(scene, cases)| {
        let platform = scene.platform;
        let at = ALL.iter().position(|other| other.name == platform.name).expect("listed");
        let nth = platform.endpoints.iter().position(|other| other.mode == scene.endpoint.mode);
        let mut tables = tables(language, FILES[at]);
        let table = match tables.len() {
            1 => 0,
            all if all == platform.endpoints.len() => nth.expect("an endpoint"),
            all => panic!("{}: {all} tables of refusals", platform.name),
        };
        (Template::new(scene, cases.wrong_secret), tables.swap_remove(table))
    })
}

#[test]
fn each_code_of_a_page_is_read_as_the_page_says() {
    for language in LANGUAGES {
        for (template, table) in endpoints(language) {
            let name = template.scene.name();
            assert!(table.iter().any(|row| row.codes.is_empty()), "{name}: any other code?");
            for Row { codes, text, status, reason } in table {
                if codes.is_empty() {
                    let refusal = template.unlisted(status);
                    assert_eq!(refusal.reason.as_str(), reason, "{language:?} {name}: any other");
                }
                for code in codes {
                    let refusal = template.read(&code, text.as_deref(), status);
                    let seen = (refusal.reason.as_str(), refusal.code.map(|code| code.to_string()));
                    assert_eq!(seen, (reason.as_str(), Some(code)), "{language:?} {name}");
                }
            }
        }
    }
}

/// Whatever the sources of the platforms name in digits or in double quotes: among it are all codes
/// that they know.
fn candidates() -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/platform");
    let files = fs::read_dir(folder).expect("the sources");
    let files = files.map(|file| file.expect("a file").path());
    let sources = files.filter(|path| path.extension().is_some_and(|extension| extension == "rs"));
    let mut found = BTreeSet::new();
    for source in sources.map(|path| fs::read_to_string(path).expect("a source")) {
        let words = source.split('"').filter(|word| Code::word(word).is_some());
        found.extend(words.map(str::to_owned));
        let is_digit = |c: char| c.is_ascii_digit() || c == '_';
        let numbers = source.split(|c| !is_digit(c)).map(|digits| digits.replace('_', ""));
        for number in numbers.filter_map(|digits| digits.parse::<i64>().ok()) {
            found.extend([number.to_string(), (-number).to_string()]);
        }
    }
    found
}

#[test]
fn no_page_lacks_a_code_that_is_read_as_anything_else_than_any_other() {
    let candidates = candidates();
    for (template, table) in endpoints(Language::English) {
        let unlisted = template.unlisted(None).reason;
        assert_eq!(unlisted, Reason::BadResponse, "{}", template.scene.name());
        let listed: BTreeSet<_> = table.iter().flat_map(|row| &row.codes).collect();
        let is_number = |code: &String| code.parse::<i64>().is_ok();
        let lacking = candidates.iter().filter(|code| {
            is_number(code) == template.is_number()
                && !listed.contains(code)
                && template.read(code, None, None).reason != unlisted
        });
        let lacking: Vec<_> = lacking.collect();
        assert_eq!(lacking, [""; 0], "{}", template.scene.name());
    }
}
