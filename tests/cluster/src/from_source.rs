//! Builds the control plane with Go, once per version and user; it must not know what it is for.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;
use std::{env, fmt};

use crate::Error;

/// Stated in `binaries/*/go.mod` too; a test below holds them together.
const KUBERNETES: Version = Version { major: 1, minor: 36, patch: 3 };
const ETCD: Version = Version { major: 3, minor: 6, patch: 16 };

/// A Go module that requires one program and pins all that it is built from. It travels inside this
/// library, so that a test binary needs no source tree.
struct Module {
    go_mod: &'static str,
    go_sum: &'static str,
}

const KUBERNETES_MODULE: Module = Module {
    go_mod: include_str!("../binaries/kubernetes/go.mod"),
    go_sum: include_str!("../binaries/kubernetes/go.sum"),
};
const ETCD_MODULE: Module = Module {
    go_mod: include_str!("../binaries/etcd/go.mod"),
    go_sum: include_str!("../binaries/etcd/go.sum"),
};

#[derive(Clone, Copy)]
struct Version {
    major: u8,
    minor: u8,
    patch: u8,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v{}.{}.{}", self.major, self.minor, self.patch)
    }
}

/// Programs that are built together and end up in one directory.
#[derive(Clone, Copy)]
pub(crate) enum Set {
    /// What every cluster needs: etcd, the API server, the controller manager and kubectl.
    ControlPlane,
    /// What a node needs beside them, for whoever runs Pods for real.
    Node,
}

impl Set {
    fn directory(self) -> String {
        match self {
            Self::ControlPlane => format!("{KUBERNETES}-etcd-{ETCD}"),
            Self::Node => format!("{KUBERNETES}-node"),
        }
    }

    fn of_kubernetes(self) -> &'static [&'static str] {
        match self {
            Self::ControlPlane => &["kube-apiserver", "kube-controller-manager", "kubectl"],
            Self::Node => &["kubelet", "kube-proxy", "kube-scheduler"],
        }
    }
}

/// The directory with all binaries of a set, built first when there is none for these versions yet.
pub(crate) fn cached_or_built(set: Set) -> Result<PathBuf, Error> {
    let cache = cache_directory()?;
    let finished = cache.join(set.directory());
    if finished.is_dir() {
        return Ok(finished);
    }

    fs::create_dir_all(&cache).map_err(Error::io("create", &cache))?;
    let _lock = lock(&finished.with_added_extension("lock"))?;
    if finished.is_dir() {
        return Ok(finished);
    }
    // Under the lock, a directory of this name can only be what a killed build left.
    let partial = finished.with_added_extension("partial");
    if partial.exists() {
        fs::remove_dir_all(&partial).map_err(Error::io("remove", &partial))?;
    }
    build_all(set, &partial)?;
    // Renamed at the end: whoever sees the directory sees all of it.
    fs::rename(&partial, &finished).map_err(Error::io("rename", &partial))?;
    Ok(finished)
}

fn cache_directory() -> Result<PathBuf, Error> {
    let set = |name| env::var_os(name).filter(|value| !value.is_empty());
    set("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(set("HOME")?).join(".cache")))
        .map(|cache| cache.join("miniprogram-operator/control-plane"))
        .ok_or(Error::NoCacheDirectory)
}

/// Held until dropped, or until we die: the kernel lets go of it.
fn lock(path: &Path) -> Result<File, Error> {
    let file = File::create(path).map_err(Error::io("create", path))?;
    if file.try_lock().is_err() {
        say("waiting for another process that builds the control plane");
        file.lock().map_err(Error::io("lock", path))?;
    }
    Ok(file)
}

fn build_all(set: Set, partial: &Path) -> Result<(), Error> {
    require_go()?;
    let what = match set {
        Set::ControlPlane => format!("Kubernetes {KUBERNETES} and etcd {ETCD}"),
        Set::Node => format!("a node of Kubernetes {KUBERNETES}"),
    };
    say(&format!("building {what} from source, once; give it some minutes"));
    let Version { major, minor, .. } = KUBERNETES;
    // Unless told, Kubernetes reports v0.0.0 and no major version, which misleads charts.
    let stamp = format!(
        "-X k8s.io/component-base/version.gitVersion={KUBERNETES} \
         -X k8s.io/component-base/version.gitMajor={major} \
         -X k8s.io/component-base/version.gitMinor={minor}"
    );
    if matches!(set, Set::ControlPlane) {
        let etcd = unpack(&ETCD_MODULE, &partial.join("etcd.module"))?;
        go_build(partial, &etcd, "etcd", "go.etcd.io/etcd/server/v3", "")?;
        remove(&etcd)?;
    }
    let kubernetes = unpack(&KUBERNETES_MODULE, &partial.join("kubernetes.module"))?;
    for binary in set.of_kubernetes() {
        let package = format!("k8s.io/kubernetes/cmd/{binary}");
        go_build(partial, &kubernetes, binary, &package, &stamp)?;
    }
    remove(&kubernetes)
}

fn remove(module: &Path) -> Result<(), Error> {
    fs::remove_dir_all(module).map_err(Error::io("remove", module))
}

fn require_go() -> Result<(), Error> {
    let version = Command::new("go").arg("version").output();
    version.map(drop).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => Error::GoMissing,
        _ => Error::io("run", Path::new("go"))(error),
    })
}

fn unpack(module: &Module, into: &Path) -> Result<PathBuf, Error> {
    fs::create_dir_all(into).map_err(Error::io("create", into))?;
    for (name, content) in [("go.mod", module.go_mod), ("go.sum", module.go_sum)] {
        let path = into.join(name);
        fs::write(&path, content).map_err(Error::io("write", &path))?;
    }
    Ok(into.to_owned())
}

fn go_build(
    output: &Path,
    module: &Path,
    binary: &'static str,
    package: &str,
    stamp: &str,
) -> Result<(), Error> {
    let started = Instant::now();
    let built = Command::new("go")
        .args(["build", "-mod=readonly", "-trimpath", "-ldflags"])
        .arg(format!("-s -w {stamp}"))
        .arg("-o")
        .arg(output.join(binary))
        .arg(package)
        .current_dir(module)
        .env("CGO_ENABLED", "0")
        .env("GOWORK", "off")
        .stdin(Stdio::null())
        .output()
        .map_err(Error::io("run go in", module))?;
    if !built.status.success() {
        let output = String::from_utf8_lossy(&built.stderr).trim_end().to_owned();
        return Err(Error::Build { binary, output });
    }
    say(&format!("built {binary} in {} s", started.elapsed().as_secs()));
    Ok(())
}

/// Written past the test harness, which would hold `eprintln!` back until a test has failed. Nobody
/// reading is no reason to stop.
fn say(line: &str) {
    let _ = writeln!(io::stderr(), "local-cluster: {line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_go_modules_pin_the_versions_that_name_the_cache() {
        let etcd = format!("go.etcd.io/etcd/server/v3 {ETCD} ");
        assert!(ETCD_MODULE.go_mod.contains(&etcd), "no {etcd}in etcd/go.mod");
        let staging = Version { major: 0, ..KUBERNETES };
        for required in [
            format!("\tk8s.io/kubernetes {KUBERNETES} "),
            format!("k8s.io/client-go => k8s.io/client-go {staging}\n"),
        ] {
            let go_mod = KUBERNETES_MODULE.go_mod;
            assert!(go_mod.contains(&required), "no {required} in kubernetes/go.mod");
        }
    }

    #[test]
    fn the_go_module_has_every_program_of_every_set() {
        for binary in [Set::ControlPlane, Set::Node].into_iter().flat_map(Set::of_kubernetes) {
            let tool = format!("\tk8s.io/kubernetes/cmd/{binary}\n");
            assert!(KUBERNETES_MODULE.go_mod.contains(&tool), "no {tool} in kubernetes/go.mod");
        }
    }
}
