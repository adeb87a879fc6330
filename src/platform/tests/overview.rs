//! docs/platforms.md, in both languages, and deploy/examples/platforms against the list of
//! platforms.

use std::{fs, path::Path};

use super::language::LANGUAGES;
use crate::platform::{ALL, FILES};

#[test]
fn the_overview_says_of_every_platform_what_the_list_says() {
    for language in LANGUAGES {
        let page = language.read("platforms.md");
        let table = page.lines().skip_while(|line| !line.starts_with("| `platform` |")).skip(2);
        let rows: Vec<_> = table.take_while(|line| line.starts_with("| ")).collect();
        assert_eq!(rows.len(), ALL.len(), "a row for each platform and no other");
        for ((platform, file), row) in ALL.iter().zip(FILES).zip(rows) {
            let hosts = platform.endpoints.iter().flat_map(|endpoint| endpoint.hosts);
            let mut hosts: Vec<_> = hosts.map(|host| host.trim_start_matches("https://")).collect();
            hosts.dedup();
            let (name, app_id) = (platform.name, platform.app_id.example);
            let wanted = format!(
                "| [{name}](platforms/{}.md) | `{app_id}` | {} | {} | ",
                file.replace('_', "-"),
                language.modes(platform),
                hosts.join(language.choose(", ", "、")),
            );
            let note =
                row.strip_prefix(&wanted).unwrap_or_else(|| panic!("{row}\nis not\n{wanted}"));
            assert!(note.len() > 4, "{name}: what must a consumer know?");
        }
    }
}

#[test]
fn every_platform_has_an_example() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/examples/platforms");
    for (platform, file) in ALL.iter().zip(FILES) {
        let (name, app_id) = (platform.name, platform.app_id.example);
        let path = folder.join(format!("{}.yaml", file.replace('_', "-")));
        let example = fs::read_to_string(&path).unwrap_or_default();
        assert!(example.contains(&format!("platform: {name}\n")), "{name} has no example");
        let app_id = [format!("appID: {app_id}\n"), format!("appID: \"{app_id}\"\n")];
        assert!(app_id.iter().any(|app_id| example.contains(app_id)), "{name}: another app id");
    }
}
