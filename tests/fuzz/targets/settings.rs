//! Readers of settings: URLs, files of libpq, `.env`.

use std::collections::BTreeMap;
use std::path::Path;

use super::parts;
use crate::backup::store::object::url::ObjectUrl;
use crate::cli::settings::dotenv as env_file;
use crate::db::{DatabaseUrl, libpq as files};

/// The URL of a database, or of a place for backups.
pub(super) fn url(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(Some(place)) = ObjectUrl::parse(Path::new(text)) {
        let shown = place.to_string();
        assert_eq!(ObjectUrl::parse(Path::new(&shown)).ok().flatten(), Some(place), "{shown}");
    }
    let Ok(url) = DatabaseUrl::parse(text) else { return };
    let shown = url.to_string();
    let again = url.without_password();
    let mut wanted = url;
    match &mut wanted {
        DatabaseUrl::Postgres(url) => {
            if let Some(password) = url.password.take() {
                // One that other parts repeat is not told from them.
                let secret = password.expose();
                let alone = secret.len() >= 24 && text.matches(secret).count() == 1;
                assert!(!alone || !shown.contains(secret) && !again.contains(secret), "a password is shown");
            }
            url.parameters.retain(|(key, _)| !key.contains("password"));
        }
        DatabaseUrl::Sqlite(url) => url.parameters.retain(|(key, _)| !key.contains("password")),
    }
    assert_eq!(DatabaseUrl::parse(&again).as_ref(), Ok(&wanted), "{again} means what {text} means");
    assert_eq!(wanted.without_password(), again, "it is printed in one way");
}

/// A password file or a service file, and what is looked up in it.
pub(super) fn libpq(data: &[u8]) {
    let Some([host, port, database, user, password, text]) = parts::<6>(data) else { return };
    let wanted = [host, port, database, user];
    let _ = files::passfile_entry(text, wanted);
    for (key, value) in files::section(text, host).unwrap_or_default() {
        assert!(key.trim() == key && value.trim() == value);
    }
    // A line of its own, before all others, in which everything is escaped that may be.
    let escaped = |field: &str| field.replace('\\', "\\\\").replace(':', "\\:");
    let fields = wanted.map(escaped).join(":");
    let line = format!("{fields}:{}", escaped(password));
    if !line.contains(['\n', '\r']) && !line.starts_with('#') {
        let found = files::passfile_entry(&format!("{line}\n{text}"), wanted);
        assert_eq!(found.as_deref(), Some(password), "{line}");
    }
}

/// A `.env` file.
pub(super) fn dotenv(data: &[u8]) {
    let Some([env, value, text]) = parts::<3>(data) else { return };
    let env = BTreeMap::from([("HOME".to_owned(), env.to_owned())]);
    let is_ours = |name: &str| name == "DATABASE_URL";
    let read = |text: &str| env_file::parse(text, &env, &is_ours);
    let found = read(text);
    // In single quotes everything is literal.
    if value.contains(['\'', '\r']) || value.contains("DATABASE") || value.to_ascii_uppercase() != value {
        return;
    }
    let line = format!("export DATABASE_URL='{value}'\n");
    let alone = read(&line);
    assert_eq!(alone.as_ref().ok().and_then(|values| values.get("DATABASE_URL")).map(String::as_str), Some(value));
    // Lines above change nothing: they are other settings', or refused.
    if let Ok(found) = found
        && !found.contains_key("DATABASE_URL")
        && let Ok(both) = read(&format!("{line}{text}"))
    {
        assert_eq!(both.get("DATABASE_URL").map(String::as_str), Some(value));
    }
}
