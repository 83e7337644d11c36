//! Flags for the columns that no command has a flag of its own for: those that came after it was written. `add` takes
//! `--home-airport VALUE` for a column `homeAirport`, `edit` that and, where the column may be empty, `--no-home-airport`.

use std::marker::PhantomData;

use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};
use sea_orm::{ColumnTrait as _, EntityTrait, IdenStatic as _, Iterable as _};

use crate::cli::settings::Global;
use crate::directory::input::InputError;
use crate::directory::row::Extra;
use crate::entity::columns;

/// A table whose rows are added and edited by commands.
pub(super) trait Editable: EntityTrait {
    /// The columns that the commands know of: set by flags of their own, or by none.
    const KNOWN: &'static [Self::Column];
}

/// The columns that the commands do not know of.
pub(super) fn unknown<E: Editable>() -> impl Iterator<Item = E::Column> {
    E::Column::iter().filter(|column| E::KNOWN.iter().all(|known| known.as_str() != column.as_str()))
}

/// Values for those columns; `EDIT` for a command that changes a row, whose flags each count as a change.
#[derive(Clone, Debug)]
pub(super) struct ExtraArgs<E: EntityTrait, const EDIT: bool> {
    /// By column; `None` takes the value away.
    given: Vec<(E::Column, Option<String>)>,
    entity: PhantomData<E>,
}

impl<E: Editable, const EDIT: bool> ExtraArgs<E, EDIT> {
    /// Reads the values by the columns' types.
    ///
    /// # Errors
    /// [`InputError`] for one that is none of its column's.
    pub(super) fn read(&self) -> Result<Extra<E>, InputError> {
        let mut extra = Extra::default();
        for (column, text) in &self.given {
            extra.put(*column, text.as_deref())?;
        }
        Ok(extra)
    }
}

/// The group of flags of which `edit` needs one.
const CHANGE: &str = "change";

impl<E: Editable, const EDIT: bool> Args for ExtraArgs<E, EDIT> {
    fn augment_args(command: Command) -> Command {
        let globals = Global::augment_args(Command::new(""));
        let mut command = command;
        for column in unknown::<E>() {
            let name = column.as_str();
            let taken = |long: &str| {
                let is = |arg: &Arg| arg.get_long() == Some(long);
                long == "help" || command.get_arguments().any(is) || globals.get_arguments().any(is)
            };
            let mut flag = kebab(name);
            if taken(&flag) || taken(&format!("no-{flag}")) {
                flag = format!("column-{flag}");
            }
            let value = Arg::new(format!("column {name}"))
                .long(flag.clone())
                .value_name("VALUE")
                .allow_hyphen_values(true)
                .help(format!("The column {name}"));
            let values = columns::listed::<E>(column);
            let value = if values.is_empty() { value } else { value.value_parser(PossibleValuesParser::new(values)) };
            if !EDIT {
                command = command.arg(value.required(columns::is_required::<E>(column)));
                continue;
            }
            command = command.arg(value.group(CHANGE));
            if column.def().is_null() {
                command = command.arg(
                    Arg::new(format!("no column {name}"))
                        .long(format!("no-{flag}"))
                        .action(ArgAction::SetTrue)
                        .conflicts_with(format!("column {name}"))
                        .group(CHANGE)
                        .help(format!("Take the value of the column {name} away")),
                );
            }
        }
        command
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl<E: Editable, const EDIT: bool> FromArgMatches for ExtraArgs<E, EDIT> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut given = Vec::new();
        for column in unknown::<E>() {
            let name = column.as_str();
            if let Ok(Some(text)) = matches.try_get_one::<String>(&format!("column {name}")) {
                given.push((column, Some(text.clone())));
            } else if let Ok(Some(true)) = matches.try_get_one::<bool>(&format!("no column {name}")) {
                given.push((column, None));
            }
        }
        Ok(Self { given, entity: PhantomData })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// `homeAirport` as `home-airport`.
fn kebab(name: &str) -> String {
    let mut kebab = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !kebab.is_empty() {
            kebab.push('-');
        }
        kebab.push(if letter == '_' { '-' } else { letter.to_ascii_lowercase() });
    }
    kebab
}

#[cfg(test)]
mod tests {
    use clap::ArgGroup;

    use super::*;
    use crate::entity::brand;

    /// As if the commands had been written before most columns came.
    impl Editable for crate::entity::FlightPassenger {
        const KNOWN: &'static [Self::Column] = &[crate::entity::flight_passenger::Column::FlightId];
    }

    fn parsed(words: &[&str]) -> Result<ExtraArgs<crate::entity::FlightPassenger, true>, clap::Error> {
        let group = ArgGroup::new(CHANGE).multiple(true).required(true);
        let command =
            ExtraArgs::<crate::entity::FlightPassenger, true>::augment_args(Command::new("edit").group(group));
        ExtraArgs::from_arg_matches(&command.try_get_matches_from([&["edit"], words].concat())?)
    }

    #[test]
    fn a_column_has_its_flag_and_its_type() {
        let extra = parsed(&["--miles", "-5", "--joined-at=2026-11-22T18:00:00Z"]).unwrap().read().unwrap();
        let mut row = crate::entity::flight_passenger::ActiveModel::default();
        extra.set(&mut row).unwrap();
        assert_eq!(row.miles.unwrap(), -5);
        assert_eq!(row.joined_at.unwrap().to_string(), "2026-11-22T18:00:00Z");
        let wrong = parsed(&["--miles", "many"]).unwrap().read().unwrap_err();
        assert_eq!((wrong.field, wrong.value.as_str()), ("miles", "many"));
        assert!(parsed(&[]).is_err(), "nothing would change");
        assert!(parsed(&["--no-miles"]).is_err(), "it may not be empty");
        assert!(parsed(&["--flight-id", "x"]).is_err(), "a command knows it");
    }

    #[test]
    fn names_of_flags_are_kebab() {
        assert_eq!(
            (kebab("homeAirport"), kebab("tier"), kebab("a_b")),
            ("home-airport".into(), "tier".into(), "a-b".into())
        );
        assert_eq!(unknown::<brand::Entity>().count(), 0);
    }
}
