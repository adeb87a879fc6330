//! A cluster whose owner is killed leaves nothing behind; it must not know how that is achieved.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// State and parent of every process, as Linux tells them.
fn processes() -> Vec<(u32, char, u32)> {
    let entries = fs::read_dir("/proc").expect("this test is for Linux");
    entries
        .filter_map(|entry| {
            let pid = entry.ok()?.file_name().to_str()?.parse().ok()?;
            let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
            // The name in parentheses may hold anything, so the fields are counted from its end.
            let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
            let state = fields.next()?.chars().next()?;
            Some((pid, state, fields.next()?.parse().ok()?))
        })
        .collect()
}

fn eventually(what: &str, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !condition() {
        assert!(Instant::now() < deadline, "{what}");
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn kill_9_of_the_owner_leaves_no_process_and_no_directory() {
    let mut owner = Command::new(env!("CARGO_BIN_EXE_local-cluster"))
        .arg("run")
        .stdout(Stdio::piped())
        .spawn()
        .expect("our own binary runs");
    let mut line = String::new();
    let output = owner.stdout.take().expect("it is piped");
    BufReader::new(output).read_line(&mut line).expect("a line of text");
    let kubeconfig: PathBuf = line
        .trim()
        .strip_prefix("export KUBECONFIG='")
        .and_then(|rest| rest.strip_suffix('\''))
        .expect("it says where the kubeconfig is")
        .into();
    let directory = kubeconfig.parent().map(Path::to_owned).expect("a file is in a directory");
    assert!(directory.join("etcd").is_dir());
    let children: Vec<u32> = processes()
        .into_iter()
        .filter(|(_, _, parent)| *parent == owner.id())
        .map(|(pid, ..)| pid)
        .collect();
    assert_eq!(children.len(), 5, "etcd, two of Kubernetes, watchdog and anchor");

    owner.kill().expect("a kill");
    owner.wait().expect("it was ours");

    eventually("a process was left behind", || {
        processes().iter().all(|(pid, state, _)| *state == 'Z' || !children.contains(pid))
    });
    eventually("the directory was left behind", || !directory.exists());
}
