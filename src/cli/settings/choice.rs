//! Precedence among the sources of profile, database, actor and zone.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono_tz::Tz;

use super::{DatabaseChoice, Global, Origin, Setting, Sources, file};
use crate::db;
use crate::directory::input::quoted;
use crate::error::{Error, Kind, Result};
use crate::message::{message, word};

pub(super) fn no_profile(sources: &Sources, name: &Setting<String>) -> Error {
    let known = sources.profile_names();
    let error = Error::new(Kind::Config, "no_such_profile", message!("no profile {}", quoted(&name.value)));
    if known.is_empty() {
        error
            .why(message!("asked for by {}; no skyteam.toml has a [profiles.{}]", name.origin.to_string(), &name.value))
            .fix(message!("write it: [profiles.{}] with url = or url_env =, in skyteam.toml", &name.value))
    } else {
        error.why(message!("asked for by {}; profiles are: {}", name.origin.to_string(), known.join(", ")))
    }
}

/// The profile, where one is asked for.
///
/// # Errors
/// [`Kind::Usage`], [`Kind::Config`]: two databases are named, or a variable for one is empty.
pub(super) fn profile(sources: &Sources, flags: &Global) -> Result<Option<Setting<String>>> {
    if let Some(name) = &flags.profile {
        if flags.database_url.is_some() {
            return Err(Error::new(Kind::Usage, "usage", "--database-url and --profile name two databases")
                .fix("give one of them"));
        }
        return Ok(Some(Setting::new(name.clone(), Origin::Flag("--profile"))));
    }
    if flags.database_url.is_some() {
        return Ok(None);
    }
    for level in sources.variable_levels() {
        match (level.get("SKYTEAM_PROFILE"), level.get("DATABASE_URL")) {
            (Some((name, origin)), _) if name.is_empty() => return Err(empty(&origin)),
            (Some(_), Some((url, origin))) if url.is_empty() => return Err(empty(&origin)),
            (Some((_, origin)), Some(_)) => {
                return Err(Error::new(
                    Kind::Config,
                    "two_databases",
                    message!("{} and DATABASE_URL beside it name two databases", origin.to_string()),
                )
                .fix("unset one of them, or say --profile or --database-url"));
            }
            (Some((name, origin)), None) => return Ok(Some(Setting::new(name, origin))),
            (None, Some(_)) => return Ok(None),
            (None, None) => {}
        }
    }
    Ok(sources.file_value(|file| file.profile.clone()))
}

/// The database. Where it is unknown, the error waits until one is needed.
///
/// # Errors
/// [`Kind::Config`]: the profile names none, or two.
pub(super) fn database(
    sources: &Sources,
    flags: &Global,
    profile: Option<&Setting<String>>,
    settings: &file::Profile,
    profile_origin: &Origin,
    data_dir: Option<&Path>,
) -> Result<Setting<DatabaseChoice>> {
    let url = |text: String, origin: Origin| Setting::new(DatabaseChoice::Url(db::Secret::new(text)), origin);
    if let Some(text) = &flags.database_url {
        return Ok(url(text.clone(), Origin::Flag("--database-url")));
    }
    let Some(profile) = profile else {
        return Ok(match sources.variable_or_empty("DATABASE_URL") {
            Some(found) if found.value.is_empty() => undecided(found.origin.clone(), move || empty(&found.origin)),
            Some(found) => url(found.value, found.origin),
            None => Setting::new(
                data_dir.map_or_else(homeless, |dir| DatabaseChoice::Embedded(dir.join("skyteam.db"))),
                Origin::Default,
            ),
        });
    };
    match (&settings.url, &settings.url_env) {
        (Some(text), None) if text.trim().is_empty() => {
            let (name, origin) = (profile.value.clone(), profile_origin.clone());
            let empty = move || {
                Error::new(Kind::Config, "no_database", message!("profile {} has an empty url", quoted(&name)))
                    .why(origin.to_string())
                    .fix("give it one: url = \"postgres://…\" or \"sqlite:PATH\"")
            };
            Ok(undecided(profile_origin.clone(), empty))
        }
        (Some(text), None) => Ok(url(text.clone(), profile_origin.clone())),
        (None, Some(variable)) => Ok(match sources.variable_or_empty(variable) {
            Some(found) if !found.value.is_empty() => url(found.value, found.origin),
            found => {
                let (name, variable) = (profile.value.clone(), variable.clone());
                let state = if found.is_some() { "empty" } else { "not set" };
                let origin = found.map_or_else(|| profile_origin.clone(), |found| found.origin);
                undecided(origin, move || {
                    Error::new(Kind::Config, "no_database", message!("profile {} has no URL", quoted(&name)))
                        .why(message!("the environment variable {}, which its url_env names, is {}", &variable, &state))
                        .fix(message!("export {}=postgres://…", word(&variable)))
                })
            }
        }),
        (Some(_), Some(_)) => Err(Error::new(
            Kind::Config,
            "bad_profile",
            message!("profile {} has url and url_env", quoted(&profile.value)),
        )
        .why(profile_origin.to_string())
        .fix("keep one of them")),
        (None, None) => Err(Error::new(
            Kind::Config,
            "bad_profile",
            message!("profile {} has neither url nor url_env", quoted(&profile.value)),
        )
        .why(profile_origin.to_string())),
    }
}

fn undecided(origin: Origin, error: impl Fn() -> Error + Send + Sync + 'static) -> Setting<DatabaseChoice> {
    Setting::new(DatabaseChoice::Undecided(Arc::new(error)), origin)
}

/// A variable that names a database and is empty, as after `NAME=$UNSET`: its author meant a database, and not the default.
fn empty(origin: &Origin) -> Error {
    Error::new(Kind::Config, "no_database", message!("{} is empty", origin.to_string()))
        .why("it is not passed over, because another database than the one meant would be used")
        .fix("give it a value, or unset it to use what comes after it")
}

/// The file of the current folder, or of one above, that one of these settings came from.
pub(super) fn project_file(sources: &Sources, origins: &[Option<&Origin>]) -> Option<PathBuf> {
    origins.iter().flatten().find_map(|origin| match origin {
        Origin::DotEnv(_, path) => Some(path.clone()),
        Origin::File(path) if !sources.is_users(path) => Some(path.clone()),
        _ => None,
    })
}

/// Neither a URL nor a home folder for the embedded default: as in a cron job that lost its environment.
fn homeless() -> DatabaseChoice {
    DatabaseChoice::Undecided(Arc::new(|| {
        Error::new(
            Kind::Config,
            "no_database",
            "no database is named, and there is no home folder for the embedded one",
        )
        .why("neither DATABASE_URL nor a profile is given, and neither XDG_DATA_HOME nor HOME is set")
        .fix("export DATABASE_URL=postgres://…  or --profile NAME, names one")
    }))
}

/// Who does it.
///
/// # Errors
/// [`Kind::Usage`], [`Kind::Config`]: a name that could not be read later.
pub(super) fn actor(sources: &Sources, flags: &Global) -> Result<Setting<String>> {
    let found = match &flags.actor {
        Some(actor) => Some(Setting::new(actor.clone(), Origin::Flag("--actor"))),
        None => sources.variable("SKYTEAM_ACTOR").or_else(|| sources.file_value(|file| file.actor.clone())),
    };
    let Some(found) = found else {
        return Ok(Setting::new(whoami::username().unwrap_or_else(|_| "unknown".into()), Origin::System));
    };
    // The ledger keeps it for ever: it must say who it was, and say it the same on every terminal.
    if found.value.trim().is_empty() || found.value.chars().any(char::is_control) {
        let kind = if matches!(found.origin, Origin::Flag(_)) { Kind::Usage } else { Kind::Config };
        let what = message!(
            "actor {} is not accepted: a name with a visible character and no control character",
            quoted(&found.value)
        );
        return Err(Error::new(kind, "invalid_actor", what).why(message!("from {}", found.origin.to_string())));
    }
    Ok(found)
}

/// The public keys that vouch for backups. A project's file adds none to the user's own: its authors could vouch for
/// anything.
pub(super) fn signers(sources: &Sources) -> Setting<Vec<String>> {
    let listed =
        |text: Setting<String>| Setting::new(text.value.split_whitespace().map(str::to_owned).collect(), text.origin);
    let of_file = |file: &file::File| {
        let named = file.signers.iter().map(|(name, key)| format!("{name}={key}"));
        Some(named.collect::<Vec<_>>()).filter(|named| !named.is_empty())
    };
    let found = sources.variable("SKYTEAM_SIGNERS").map(listed);
    found
        .or_else(|| sources.users_value(of_file))
        .or_else(|| sources.file_value(of_file))
        .unwrap_or_else(|| Setting::new(Vec::new(), Origin::Default))
}

/// The file with the private key that backups are signed with.
pub(super) fn sign_key(sources: &Sources) -> Option<Setting<PathBuf>> {
    let named = |text: Setting<String>| Setting::new(PathBuf::from(text.value), text.origin);
    sources.variable("SKYTEAM_SIGN_KEY").map(named).or_else(|| sources.file_value(|file| file.sign_key.clone()))
}

/// The zone of naive and shown times.
///
/// # Errors
/// [`Kind::Usage`], [`Kind::Config`]: no such zone.
pub(super) fn zone(sources: &Sources, flags: &Global) -> Result<Setting<Tz>> {
    let found = match &flags.tz {
        Some(name) => Some(Setting::new(name.clone(), Origin::Flag("--tz"))),
        None => sources.variable("SKYTEAM_TZ").or_else(|| sources.file_value(|file| file.tz.clone())),
    };
    let Some(found) = found else { return Ok(Setting::new(Tz::UTC, Origin::Default)) };
    match found.value.parse() {
        Ok(zone) => Ok(Setting::new(zone, found.origin)),
        Err(_) => {
            let kind = if matches!(found.origin, Origin::Flag(_)) { Kind::Usage } else { Kind::Config };
            Err(Error::new(kind, "unknown_zone", message!("no time zone {}", quoted(&found.value))).why(message!(
                "from {}; a zone is a name of the IANA database, such as Europe/Amsterdam or UTC",
                found.origin.to_string()
            )))
        }
    }
}
