//! docs/platforms.md and deploy/examples/platforms against the list of platforms.

use std::{fs, path::Path, time::Duration};

use crate::platform::{ALL, Reissue};

/// What a call does, as docs/platforms.md says it.
fn reissue(reissue: Reissue) -> String {
    match reissue {
        Reissue::Replaces { overlap: Duration::ZERO } => {
            "each call replaces the token at once".into()
        }
        Reissue::Replaces { overlap } => {
            format!("each call replaces the token, which works for {} s more", overlap.as_secs())
        }
        Reissue::SameUntil { window } => {
            format!("the same token until {} s before its end", window.as_secs())
        }
        Reissue::Renews => "the same token, whose life begins again".into(),
        Reissue::Adds => "each call adds a token".into(),
    }
}

#[test]
fn the_page_and_an_example_say_of_every_platform_what_the_list_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let examples = fs::read_dir(folder.join("deploy/examples/platforms")).expect("examples");
    let examples = examples.map(|file| fs::read_to_string(file.expect("a file").path()));
    let examples: Vec<_> = examples.map(|text| text.expect("an example")).collect();
    let page = fs::read_to_string(folder.join("docs/platforms.md")).expect("the page");
    let rows: Vec<_> = page.lines().filter(|line| line.starts_with("| ")).skip(2).collect();
    assert_eq!(rows.len(), ALL.len(), "a row for each platform and no other");
    for (platform, row) in ALL.iter().zip(rows) {
        let modes = platform.endpoints.iter().map(|endpoint| match endpoint.mode {
            Some(mode) => format!("{mode:?}: {}", reissue(endpoint.reissue)),
            None => reissue(endpoint.reissue),
        });
        let modes = modes.collect::<Vec<_>>().join("; ");
        let hosts = platform.endpoints.iter().flat_map(|endpoint| endpoint.hosts);
        let mut hosts: Vec<_> = hosts.map(|host| host.trim_start_matches("https://")).collect();
        hosts.dedup();
        let (name, app_id) = (platform.name, platform.app_id.example);
        let wanted = format!("| {name} | `{app_id}` | {modes} | {} | ", hosts.join(", "));
        let note = row.strip_prefix(&wanted).unwrap_or_else(|| panic!("{row}\nis not\n{wanted}"));
        assert!(note.len() > 4, "{name}: what must a consumer know?");
        let app_id = [format!("appID: {app_id}\n"), format!("appID: \"{app_id}\"\n")];
        let is_its = |example: &String| {
            example.contains(&format!("platform: {name}\n"))
                && app_id.iter().any(|app_id| example.contains(app_id))
        };
        assert!(examples.iter().any(is_its), "{name} has no example");
    }
}
