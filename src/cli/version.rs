//! Which build this is.

/// The commit, where the build knew it.
const COMMIT: Option<&str> = option_env!("SKYTEAM_BUILT_COMMIT");

/// The day of that commit, as `2026-11-27`.
pub(crate) const DATE: Option<&str> = option_env!("SKYTEAM_BUILT_DATE");

/// The version number.
pub(crate) const NUMBER: &str = env!("CARGO_PKG_VERSION");

/// `skyteam 0.1.0 (1a2b3c4d5, 2026-11-27)`.
pub(crate) fn text() -> String {
    let build = match (COMMIT, DATE) {
        (Some(commit), Some(date)) => format!("{commit}, {date}"),
        (Some(commit), None) => commit.to_owned(),
        (None, Some(date)) => date.to_owned(),
        (None, None) if cfg!(debug_assertions) => "development build".to_owned(),
        (None, None) => "commit unknown".to_owned(),
    };
    format!("skyteam {NUMBER} ({build})")
}
