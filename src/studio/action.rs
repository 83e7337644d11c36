//! Actions: what the page may have done, each as the command that does it.

use serde::Deserialize;

use crate::message::{Command, skyteam};

/// What the page may have done. Nothing else can become a command, and no value of it a flag.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
pub(super) enum Action {
    /// Gives miles.
    Award {
        users: Vec<String>,
        amount: String,
        note: String,
        source: Option<String>,
        flight: Option<String>,
        key: String,
    },
    /// Takes miles.
    Spend { user: String, amount: String, note: String, source: Option<String>, key: String },
    /// Buys a product.
    Redeem { user: String, product: String, note: Option<String>, key: String },
    /// Takes an entry or a batch back.
    Reverse { target: String, note: String },
    /// Schedules a flight.
    Plan {
        code: String,
        airline: String,
        brand: String,
        from: String,
        to: String,
        aircraft: String,
        game_id: String,
        at: Option<String>,
        codeshare: Option<String>,
        event_link: Option<String>,
    },
    /// Changes what is known of a flight.
    EditFlight {
        flight: String,
        code: Option<String>,
        brand: Option<String>,
        from: Option<String>,
        to: Option<String>,
        aircraft: Option<String>,
        game_id: Option<String>,
        at: Option<String>,
        /// Empty takes it away.
        codeshare: Option<String>,
        event_link: Option<String>,
    },
    /// Deletes a flight that was never boarded.
    DeleteFlight { flight: String },
    /// Lets a flight take off.
    Start { flight: String, at: Option<String> },
    /// Lets a flight land.
    End { flight: String, at: Option<String> },
    /// Calls a flight off.
    Cancel { flight: String },
    /// Takes a player on board.
    Board { flight: String, user: String, miles: String, note: Option<String> },
    /// Takes a list of players on board.
    Manifest {
        flight: String,
        passengers: String,
        miles: Option<String>,
        note: Option<String>,
        #[serde(default)]
        create_missing: bool,
        #[serde(default)]
        correct: bool,
    },
    /// Changes a player's names.
    Rename { user: String, username: Option<String>, display_name: Option<String> },
    /// Changes what is known of an airline.
    EditAirline { airline: String, name: Option<String>, invite_link: Option<String>, server_id: Option<String> },
    /// Changes what is known of a brand.
    EditBrand {
        brand: String,
        name: Option<String>,
        iata: Option<String>,
        icao: Option<String>,
        callsign: Option<String>,
        /// Empty takes it away.
        logo_url: Option<String>,
        accent_color: Option<String>,
        secondary_color: Option<String>,
        element_color: Option<String>,
    },
    /// Gives an airline a new token.
    Rotate { airline: String },
    /// Puts a product on sale.
    Enable { product: String },
    /// Takes a product off sale.
    Disable { product: String },
    /// Erases a player.
    Erase {
        user: String,
        #[serde(default)]
        keep_mentions: bool,
    },
}

impl Action {
    /// The command that does it.
    pub(super) fn command(&self) -> Command {
        match self {
            Self::Award { users, amount, note, source, flight, key } => {
                let command = skyteam("miles award").maybe_flag("--flight", flight.as_ref()).flag("--note", note);
                let command = command.maybe_flag("--source", source.as_ref()).flag("--key", key);
                command.texts(users.iter().chain([amount]))
            }
            Self::Spend { user, amount, note, source, key } => {
                let command = skyteam("miles spend").flag("--note", note).maybe_flag("--source", source.as_ref());
                command.flag("--key", key).texts([user, amount])
            }
            Self::Redeem { user, product, note, key } => {
                let command = skyteam("miles redeem").maybe_flag("--note", note.as_ref());
                command.flag("--key", key).texts([user, product])
            }
            Self::Reverse { target, note } => skyteam("miles reverse").flag("--note", note).texts([target]),
            Self::Plan { code, airline, brand, from, to, aircraft, game_id, at, codeshare, event_link } => {
                let command = skyteam("flight add").flag("--airline", airline).flag("--brand", brand);
                let command = command.flag("--from", from).flag("--to", to).flag("--aircraft", aircraft);
                let command = command.flag("--game-id", game_id).maybe_flag("--at", at.as_ref());
                let command = command.maybe_flag("--codeshare", codeshare.as_ref());
                command.maybe_flag("--event-link", event_link.as_ref()).texts([code])
            }
            Self::EditFlight { flight, code, brand, from, to, aircraft, game_id, at, codeshare, event_link } => {
                let command = skyteam("flight edit").maybe_flag("--code", code.as_ref());
                let command = command.maybe_flag("--brand", brand.as_ref()).maybe_flag("--from", from.as_ref());
                let command = command.maybe_flag("--to", to.as_ref()).maybe_flag("--aircraft", aircraft.as_ref());
                let command = command.maybe_flag("--game-id", game_id.as_ref()).maybe_flag("--at", at.as_ref());
                let command = set_or_taken(command, codeshare.as_ref(), "--codeshare", "--no-codeshare");
                command.maybe_flag("--event-link", event_link.as_ref()).texts([flight])
            }
            Self::DeleteFlight { flight } => skyteam("flight delete").texts([flight]),
            Self::EditAirline { airline, name, invite_link, server_id } => {
                let command = skyteam("airline edit").maybe_flag("--name", name.as_ref());
                let command = command.maybe_flag("--invite-link", invite_link.as_ref());
                command.maybe_flag("--server-id", server_id.as_ref()).texts([airline])
            }
            Self::EditBrand {
                brand,
                name,
                iata,
                icao,
                callsign,
                logo_url,
                accent_color,
                secondary_color,
                element_color,
            } => {
                let command = skyteam("brand edit").maybe_flag("--name", name.as_ref());
                let command = command.maybe_flag("--iata", iata.as_ref()).maybe_flag("--icao", icao.as_ref());
                let command = command.maybe_flag("--callsign", callsign.as_ref());
                let command = set_or_taken(command, logo_url.as_ref(), "--logo-url", "--no-logo-url");
                let command = command.maybe_flag("--accent-color", accent_color.as_ref());
                let command = command.maybe_flag("--secondary-color", secondary_color.as_ref());
                command.maybe_flag("--element-color", element_color.as_ref()).texts([brand])
            }
            Self::Start { flight, at } => skyteam("flight start").maybe_flag("--at", at.as_ref()).texts([flight]),
            Self::End { flight, at } => skyteam("flight end").maybe_flag("--at", at.as_ref()).texts([flight]),
            Self::Cancel { flight } => skyteam("flight end").words("--cancel").texts([flight]),
            Self::Board { flight, user, miles, note } => {
                let command = skyteam("flight board").flag("--miles", miles).maybe_flag("--note", note.as_ref());
                command.texts([flight, user])
            }
            Self::Manifest { flight, miles, note, create_missing, correct, passengers: _ } => {
                let command = skyteam("flight manifest import").maybe_flag("--miles", miles.as_ref());
                let command = command.maybe_flag("--note", note.as_ref());
                let command = if *create_missing { command.words("--create-missing") } else { command };
                let command = if *correct { command.words("--correct") } else { command };
                // The list comes by standard input.
                command.texts([flight]).words("-")
            }
            Self::Rename { user, username, display_name } => {
                let command = skyteam("user edit").maybe_flag("--username", username.as_ref());
                command.maybe_flag("--display-name", display_name.as_ref()).texts([user])
            }
            Self::Rotate { airline } => skyteam("airline token rotate").texts([airline]),
            Self::Enable { product } => skyteam("product enable").texts([product]),
            Self::Disable { product } => skyteam("product disable").texts([product]),
            Self::Erase { user, keep_mentions } => {
                let command = skyteam("user erase");
                let command = if *keep_mentions { command.words("--keep-mentions") } else { command };
                command.texts([user])
            }
        }
    }

    /// The command as a person types it.
    pub(super) fn line(&self) -> Command {
        match self {
            Self::Manifest { .. } => self.command().words("< passengers.csv"),
            _ => self.command(),
        }
    }

    /// What the command reads from standard input.
    pub(super) fn input(&self) -> String {
        match self {
            Self::Manifest { passengers, .. } => passengers.clone(),
            _ => String::new(),
        }
    }

    /// Whether doing it twice is doing it once: its key, or what it is, sees to that.
    pub(super) fn is_repeatable(&self) -> bool {
        matches!(
            self,
            Self::Award { .. } | Self::Spend { .. } | Self::Redeem { .. } | Self::Board { .. } | Self::Manifest { .. }
        )
    }
}

/// With the flag that sets a value, or where it is empty the one that takes it away.
fn set_or_taken(command: Command, value: Option<&String>, set: &'static str, take: &'static str) -> Command {
    match value {
        Some(value) if value.is_empty() => command.words(take),
        value => command.maybe_flag(set, value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn action(json: &str) -> Action {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn no_value_becomes_a_flag() {
        let spend = action(r#"{"spend":{"user":"--yes","amount":"-p","note":"--dry-run","key":"-k"}}"#);
        assert_eq!(spend.command().args(), ["miles", "spend", "--note=--dry-run", "--key=-k", "--", "--yes", "-p"]);
        let list = action(r#"{"manifest":{"flight":"--x","passengers":"user\nann","miles":"5"}}"#);
        assert_eq!(list.command().args(), ["flight", "manifest", "import", "--miles=5", "--", "--x", "-"]);
        assert_eq!(list.line().to_string(), "skyteam flight manifest import --miles 5 -- --x - < passengers.csv");
        assert_eq!(list.input(), "user\nann");
        let edit = action(r#"{"editFlight":{"flight":"--x","codeshare":"","at":"-5m"}}"#);
        assert_eq!(edit.command().args(), ["flight", "edit", "--at=-5m", "--no-codeshare", "--", "--x"]);
        let brand = action(r##"{"editBrand":{"brand":"dl","logoUrl":"--yes","elementColor":"#000000"}}"##);
        assert_eq!(brand.command().args(), ["brand", "edit", "dl", "--logo-url=--yes", "--element-color=#000000"]);
    }

    #[test]
    fn what_an_action_does_not_know_is_refused() {
        for body in [
            r#"{"spend":{"user":"a","amount":"1","note":"n","key":"k","yes":true}}"#,
            r#"{"drop":{"table":"users"}}"#,
            r#"{"cancel":{}}"#,
        ] {
            assert!(serde_json::from_str::<Action>(body).is_err(), "{body}");
        }
    }
}
