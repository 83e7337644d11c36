//! Notes which commit the program is built from, and of which day, for `skyteam --version` and the manual pages.
//!
//! A build without git works: a crate unpacked from `cargo package` names its commit in a file, a packager names both in
//! `SKYTEAM_COMMIT` and `SKYTEAM_DATE`, and a tarball without either is a build without a commit. Development builds have
//! none either, so that a commit does not compile everything anew.

use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=SKYTEAM_COMMIT");
    println!("cargo::rerun-if-env-changed=SKYTEAM_DATE");
    if std::env::var_os("CARGO_CFG_UNIX").is_none() {
        println!(
            "cargo::error=skyteam runs on Linux and macOS; on Windows, build and run it in WSL: \
             https://learn.microsoft.com/windows/wsl/install"
        );
        return;
    }
    if std::env::var("PROFILE").as_deref() == Ok("debug") {
        return;
    }
    let root = std::env::var("CARGO_MANIFEST_DIR").unwrap_or_default();
    let root = Path::new(&root);
    let given = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    // Another repository may lie around an unpacked tarball: only the checkout's own counts.
    let checkout = root.join(".git").exists();
    if let Some(log) = git(root, checkout, &["rev-parse", "--git-path", "logs/HEAD"]) {
        println!("cargo::rerun-if-changed={}", root.join(log).display());
    }
    let commit = given("SKYTEAM_COMMIT")
        .or_else(|| git(root, checkout, &["rev-parse", "HEAD"]))
        .or_else(|| packaged(root))
        .filter(|commit| commit.len() >= 9 && commit.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let date = given("SKYTEAM_DATE").or_else(|| git(root, checkout, &["show", "-s", "--format=%cs", "HEAD"]));
    if let Some(commit) = commit {
        println!("cargo::rustc-env=SKYTEAM_BUILT_COMMIT={}", &commit[..9]);
    }
    if let Some(date) = date {
        println!("cargo::rustc-env=SKYTEAM_BUILT_DATE={date}");
    }
}

fn git(root: &Path, checkout: bool, args: &[&str]) -> Option<String> {
    if !checkout {
        return None;
    }
    let output = Command::new("git").arg("-C").arg(root).args(args).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// The commit that `cargo package` notes in the crate.
fn packaged(root: &Path) -> Option<String> {
    let text = std::fs::read_to_string(root.join(".cargo_vcs_info.json")).ok()?;
    let (_, rest) = text.split_once("\"sha1\"")?;
    rest.split('"').nth(1).map(str::to_owned)
}
