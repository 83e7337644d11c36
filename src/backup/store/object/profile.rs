//! The profile files of Amazon's tools: which keys, region and endpoint a profile has. The object store's library reads the
//! environment only.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::backup::error::{BackupError, Result, StoreFault};
use crate::small_file;

/// Such files are a few lines.
const LIMIT: u64 = 1 << 20;
/// What is read of a profile.
const KNOWN: [&str; 6] =
    ["aws_access_key_id", "aws_secret_access_key", "aws_session_token", "region", "endpoint_url", "role_arn"];

/// What the profile of the environment says; empty where there is none.
///
/// # Errors
/// [`BackupError::Store`] where `AWS_PROFILE` names a profile that is in no file, or one that would have to be asked for by
/// other means than keys.
pub(super) fn of(environment: &BTreeMap<String, String>, place: &str) -> Result<BTreeMap<String, String>> {
    let named = environment.get("AWS_PROFILE").filter(|name| !name.is_empty());
    let name = named.map_or("default", String::as_str);
    let file = |variable: &str, usual: &str| {
        let named = environment.get(variable).filter(|path| !path.is_empty()).map(PathBuf::from);
        named.or_else(|| environment.get("HOME").map(|home| Path::new(home).join(".aws").join(usual)))
    };
    let mut found = BTreeMap::new();
    let mut seen = false;
    let files = [
        (
            file("AWS_CONFIG_FILE", "config"),
            if name == "default" { name.to_owned() } else { format!("profile {name}") },
        ),
        (file("AWS_SHARED_CREDENTIALS_FILE", "credentials"), name.to_owned()),
    ];
    for (path, section) in files {
        let Some(text) = path.and_then(|path| small_file::read(&path, LIMIT).ok()) else { continue };
        if let Some(lines) = section_of(&String::from_utf8_lossy(&text), &section) {
            seen = true;
            found.extend(lines);
        }
    }
    let refused = |why: String| {
        Err(BackupError::Store { place: place.to_owned(), doing: "logging in to", fault: StoreFault::Denied, why })
    };
    if named.is_some() && !seen {
        return refused(format!("no file has the profile {name:?} that AWS_PROFILE names"));
    }
    if found.contains_key("role_arn") && !found.contains_key("aws_access_key_id") {
        return refused(format!("the profile {name:?} takes a role over, which only Amazon's own tools do"));
    }
    Ok(found)
}

fn section_of(text: &str, section: &str) -> Option<BTreeMap<String, String>> {
    let mut inside = false;
    let mut found = None::<BTreeMap<String, String>>;
    for line in text.lines() {
        let line = line.trim_end();
        if let Some(name) = line.trim().strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            inside = name.trim() == section;
            if inside {
                found.get_or_insert_default();
            }
        } else if inside
            && !line.starts_with([' ', '\t', '#', ';'])
            && let Some((key, value)) = line.split_once('=')
            && KNOWN.contains(&key.trim())
        {
            found.get_or_insert_default().insert(key.trim().to_owned(), value.trim().to_owned());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_is_put_together_from_both_files() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        std::fs::write(
            path("config"),
            "[default]\nregion = a\n[profile shop]\nregion=b\nendpoint_url = http://x\ns3 =\n  region = c\n",
        )
        .unwrap();
        std::fs::write(path("credentials"), "# x\n[shop]\naws_access_key_id = K\naws_secret_access_key = S=/\n")
            .unwrap();
        let mut environment: BTreeMap<String, String> = [
            ("AWS_CONFIG_FILE".to_owned(), path("config")),
            ("AWS_SHARED_CREDENTIALS_FILE".to_owned(), path("credentials")),
        ]
        .into();
        assert_eq!(of(&environment, "s3://b").unwrap()["region"], "a");
        environment.insert("AWS_PROFILE".into(), "shop".into());
        let found = of(&environment, "s3://b").unwrap();
        assert_eq!((found["region"].as_str(), found["aws_secret_access_key"].as_str()), ("b", "S=/"));
        assert_eq!(found["endpoint_url"], "http://x");
        environment.insert("AWS_PROFILE".into(), "none".into());
        assert!(of(&environment, "s3://b").unwrap_err().is_denied());
    }
}
