//! Where the database URL comes from, and who else can read it.

use std::path::Path;

use super::Check;
use crate::cli::context::Context;
use crate::cli::settings::Origin;
use crate::db::DatabaseUrl;
use crate::message::{message, program};
use crate::system;

const AREA: &str = "configuration";

pub(super) fn check(cx: &Context) -> Vec<Check> {
    let database = &cx.settings.database;
    let mut checks = Vec::new();
    let url = match cx.url() {
        Ok(url) => {
            checks.push(Check::ok(
                AREA,
                "database",
                message!("{} from {}", url.to_string(), database.origin.to_string()),
            ));
            url
        }
        Err(error) => return vec![Check::failed(AREA, "database", &error)],
    };
    let holds_password = matches!(&url, DatabaseUrl::Postgres(place) if place.password.is_some());
    match &database.origin {
        Origin::DotEnv(_, path) | Origin::File(path) if holds_password => checks.push(secrecy(path)),
        // A password on the command line is in the process list for all users of this machine.
        Origin::Flag(flag) if holds_password => checks.push(Check::warning(
            AREA,
            "password on the command line",
            message!("{} shows it to everybody on this machine while the command runs", flag),
            "export DATABASE_URL=…    or keep the password in ~/.pgpass",
        )),
        _ => {}
    }
    if let DatabaseUrl::Sqlite(place) = &url
        && place.path.exists()
    {
        checks.push(secrecy(&place.path));
    }
    checks.extend(
        cx.settings.warnings.iter().map(|warning| Check::warning(AREA, "files", warning.as_str(), "mend the line")),
    );
    checks
}

/// Whether only its owner can read a file that holds secrets.
fn secrecy(path: &Path) -> Check {
    let name = "secrecy";
    match std::fs::metadata(path) {
        Err(error) => Check::warning(
            AREA,
            name,
            message!("{}: {}", path.display(), error.to_string()),
            program("ls").words("-l").file(path.display()),
        ),
        Ok(metadata) => {
            let mode = system::mode(&metadata) & 0o777;
            if !system::is_open_to_others(&metadata) {
                Check::ok(AREA, name, message!("{} is its owner's alone", path.display()))
            } else {
                Check::error(
                    AREA,
                    name,
                    message!("{} can be read by others (mode {})", path.display(), format!("{:o}", mode)),
                    program("chmod").words("600").file(path.display()),
                )
            }
        }
    }
}
