//! What becomes of each line of a list of passengers: read, resolved, and later reported by the ledger.

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use sea_orm::{IdenStatic as _, Iterable as _};
use serde::Serialize;

use crate::cli::commands::records::{Columns, Record, form};
use crate::cli::ui::report::Row;
use crate::cli::ui::{Cell, Column, RenderOptions, Tone};
use crate::directory::flight::manifest::{Known, Meaning, Player, Who};
use crate::directory::input::{InputError, Name, UserId, Username, quoted};
use crate::directory::row::Extra;
use crate::entity::{FlightPassenger, flight_passenger};
use crate::ledger::flight_award::{Boarded, Passenger};
use crate::message::{Message, Words, count_signed, grouped, message};

/// What an import reads, and what an export writes beside it.
pub(super) fn columns() -> Columns {
    static KNOWN: LazyLock<Vec<&str>> = LazyLock::new(|| {
        let unknown = unknown().map(|column| column.as_str());
        ["userId", "username", "user", "miles", "displayName"].into_iter().chain(unknown).collect()
    });
    Columns { known: &KNOWN, ignored: &["flightId", "joinedAt"] }
}

/// Columns of a place on board that no operation knows of: they are set as a line gives them.
fn unknown() -> impl Iterator<Item = flight_passenger::Column> {
    use flight_passenger::Column::{FlightId, JoinedAt, Miles, UserId};
    flight_passenger::Column::iter().filter(|column| !matches!(column, FlightId | UserId | Miles | JoinedAt))
}

/// What becomes of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Fate {
    /// Comes on board and is paid.
    New,
    /// The same, and gets an account first.
    Created,
    /// On board before; nothing changes.
    AlreadyOnBoard,
    /// Paid for the flight before; comes on board without being paid again.
    AlreadyAwarded,
    /// Paid other miles before; the award is reversed and a new one made.
    Corrected,
    /// Paid other miles before.
    Differs,
    /// Named by an earlier line, with the same miles.
    Repeated,
    /// No such user.
    Unknown,
    /// Wrong in itself.
    Invalid,
}

impl Fate {
    const fn words(self) -> (&'static str, Tone) {
        match self {
            Self::New => ("new", Tone::Good),
            Self::Created => ("new, account created", Tone::Good),
            Self::AlreadyOnBoard => ("already on board", Tone::Dim),
            Self::AlreadyAwarded => ("already awarded", Tone::Dim),
            Self::Corrected => ("corrected", Tone::Good),
            Self::Differs => ("paid otherwise", Tone::Warn),
            Self::Repeated => ("repeated", Tone::Dim),
            Self::Unknown => ("unknown", Tone::Warn),
            Self::Invalid => ("invalid", Tone::Bad),
        }
    }

    /// Whether it keeps the list from being taken over.
    pub(super) const fn is_bad(self) -> bool {
        matches!(self, Self::Unknown | Self::Invalid | Self::Differs)
    }
}

/// A line of the list.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Line {
    /// Its line in the file, from 1.
    pub line: u64,
    /// The user as the line names it.
    pub user: String,
    pub user_id: Option<String>,
    pub username: Option<String>,
    pub miles: Option<i32>,
    pub fate: Fate,
    /// What is wrong, or the nearest name.
    pub remark: Option<String>,
    #[serde(skip)]
    who: Option<Who>,
    /// The name that an account which is made shows.
    #[serde(skip)]
    display_name: Option<Name>,
    /// What else the line says of the place on board.
    #[serde(skip)]
    extra: Extra<FlightPassenger>,
}

impl Row for Line {
    const COLUMNS: &'static [Column] = &[
        Column::number("line"),
        Column::text("user"),
        Column::text("userId"),
        Column::text("username"),
        Column::number("miles"),
        Column::text("fate"),
        Column::text("remark"),
    ];

    fn cell(&self, column: &str, look: &RenderOptions) -> Cell {
        match column {
            "line" => Cell::new(self.line.to_string()),
            "user" => self.user.as_str().into(),
            "userId" => self.user_id.as_deref().into(),
            "username" => self.username.as_deref().into(),
            "miles" => self.miles.map_or_else(Cell::empty, |miles| look.number(miles)),
            "fate" => {
                let (words, tone) = self.fate.words();
                Cell::new(words).tone(tone)
            }
            _ => self.remark.as_deref().into(),
        }
    }
}

/// The lines of a list of passengers.
#[derive(Debug)]
pub(super) struct Plan {
    pub lines: Vec<Line>,
}

impl Plan {
    /// Reads the records; `default` is the miles of a line that says none.
    pub(super) fn read(records: &[Record], default: Option<i32>) -> Self {
        Self { lines: records.iter().map(|record| line(record, default)).collect() }
    }

    /// Whom the lines name, with the place of each.
    pub(super) fn named(&self) -> (Vec<usize>, Vec<Who>) {
        (0..).zip(&self.lines).filter_map(|(place, line)| Some((place, line.who.clone()?))).unzip()
    }

    /// Takes in whom they mean.
    pub(super) fn resolved(&mut self, places: &[usize], meanings: Vec<Meaning>) {
        for (place, meaning) in places.iter().zip(meanings) {
            let line = &mut self.lines[*place];
            match meaning {
                Meaning::Known(known) => line.is(known),
                Meaning::Unknown => line.fate = Fate::Unknown,
                Meaning::NameOfAnother(other) => line.wrong(format!(
                    "no such userId, and the name {} belongs to userId {}",
                    other.username, other.user_id
                )),
                Meaning::TwoUsers(by_id, by_name) => line.wrong(format!(
                    "userId {} is {}, and the name {} belongs to userId {}",
                    by_id.user_id, by_id.username, by_name.username, by_name.user_id
                )),
                Meaning::Ambiguous(several) => {
                    let all: Vec<String> =
                        several.iter().map(|one| format!("{} (userId {})", one.username, one.user_id)).collect();
                    line.wrong(format!("means {}", all.join(" or ")));
                }
            }
        }
    }

    /// The accounts to make for unknown users, whose lines then name them. A line that does not tell enough becomes
    /// invalid.
    pub(super) fn create(&mut self) -> BTreeMap<UserId, Player> {
        let mut players: BTreeMap<UserId, Player> = BTreeMap::new();
        let mut holders: HashMap<String, UserId> = HashMap::new();
        for line in self.lines.iter_mut().filter(|line| line.fate == Fate::Unknown) {
            let Some(Who::Id { user_id, username: Some(username) }) = &line.who else {
                line.wrong("an account needs userId and username".to_owned());
                continue;
            };
            let (user_id, username) = match (UserId::parse(user_id), Username::parse(username)) {
                (Ok(user_id), Ok(username)) => (user_id, username),
                (Err(wrong), _) | (_, Err(wrong)) => {
                    line.wrong(wrong.to_string());
                    continue;
                }
            };
            let holder = holders.entry(username.as_str().to_lowercase()).or_insert_with(|| user_id.clone());
            if *holder != user_id {
                line.wrong(format!("the name {username} is given to userId {holder} too"));
                continue;
            }
            line.is(Known { user_id: user_id.to_string(), username: username.to_string() });
            line.fate = Fate::Created;
            let player = Player { username, display_name: line.display_name.clone() };
            players.entry(user_id).or_insert(player);
        }
        players
    }

    /// Marks lines that name a user again; where the miles differ, the later line is wrong.
    pub(super) fn tell_repeats(&mut self) {
        let mut first: HashMap<String, (u64, Option<i32>)> = HashMap::new();
        for line in &mut self.lines {
            let (Some(user_id), false) = (line.user_id.clone(), line.fate.is_bad()) else { continue };
            match first.get(&user_id) {
                None => {
                    first.insert(user_id, (line.line, line.miles));
                }
                Some((earlier, miles)) if *miles == line.miles => {
                    line.fate = Fate::Repeated;
                    line.remark = Some(format!("line {earlier}"));
                }
                Some((earlier, miles)) => {
                    let miles = miles.unwrap_or_default();
                    line.wrong(format!("line {earlier} gives the same user {}", count_signed(miles.into(), "mile")));
                }
            }
        }
    }

    /// Those who are to come on board.
    pub(super) fn passengers(&self) -> Vec<Passenger> {
        let coming = self.lines.iter().filter(|line| matches!(line.fate, Fate::New | Fate::Created));
        coming.filter_map(|line| Some(Passenger { user_id: line.user_id.clone()?, miles: line.miles? })).collect()
    }

    /// Takes in what the ledger made of them.
    pub(super) fn boarded(&mut self, boarded: &Boarded) {
        let mut fates: HashMap<&str, (Fate, Option<i64>)> = HashMap::new();
        fates.extend(boarded.already.iter().map(|user| (user.as_str(), (Fate::AlreadyOnBoard, None))));
        let seated = boarded.seated.iter();
        fates.extend(seated.map(|entry| (entry.user_id.as_str(), (Fate::AlreadyAwarded, None))));
        let differing = boarded.differing.iter();
        fates.extend(differing.map(|one| (one.user_id.as_str(), (Fate::Differs, Some(one.paid)))));
        let corrected = boarded.corrected.iter().map(|one| &one.difference);
        fates.extend(corrected.map(|one| (one.user_id.as_str(), (Fate::Corrected, Some(one.paid)))));
        for line in &mut self.lines {
            let user = line.user_id.as_deref().filter(|_| matches!(line.fate, Fate::New | Fate::Created));
            if let Some((fate, paid)) = user.and_then(|user| fates.get(user)) {
                line.fate = *fate;
                line.remark = paid.map(|paid| format!("paid {} for the flight before", grouped(paid)));
            }
        }
    }

    /// What else the lines say of those who have come on board, by user.
    pub(super) fn extras(&self) -> impl Iterator<Item = (&str, &Extra<FlightPassenger>)> {
        let came = |line: &&Line| matches!(line.fate, Fate::New | Fate::Created | Fate::AlreadyAwarded);
        let lines = self.lines.iter().filter(came).filter(|line| !line.extra.is_empty());
        lines.filter_map(|line| Some((line.user_id.as_deref()?, &line.extra)))
    }

    /// The names of the users, by key.
    pub(super) fn names(&self) -> HashMap<&str, &str> {
        let known = self.lines.iter();
        known.filter_map(|line| Some((line.user_id.as_deref()?, line.username.as_deref()?))).collect()
    }

    /// How many lines share a fate.
    pub(super) fn count(&self, fate: Fate) -> usize {
        self.lines.iter().filter(|line| line.fate == fate).count()
    }

    /// The lines that keep the list from being taken over.
    pub(super) fn bad(&self) -> impl Iterator<Item = &Line> {
        self.lines.iter().filter(|line| line.fate.is_bad())
    }
}

impl Line {
    fn is(&mut self, known: Known) {
        self.user_id = Some(known.user_id);
        self.username = Some(known.username);
    }

    fn wrong(&mut self, remark: String) {
        self.fate = Fate::Invalid;
        self.remark = Some(remark);
    }

    /// What is wrong with a bad line.
    pub(super) fn complaint(&self) -> Message {
        let fate = Words(self.fate.words().0);
        match &self.remark {
            Some(remark) if self.fate == Fate::Differs => {
                let (user, miles) = (self.username.as_deref().unwrap_or(&self.user), self.miles.unwrap_or_default());
                message!("line {}: {} was {}, this says {}", self.line.to_string(), user, remark, miles)
            }
            Some(remark) => message!("line {}: {} is {}: {}", self.line.to_string(), &self.user, fate, remark),
            None => message!("line {}: {} is {}", self.line.to_string(), &self.user, fate),
        }
    }
}

fn line(record: &Record, default: Option<i32>) -> Line {
    let (user_id, username, user) = (record.get("userId"), record.get("username"), record.get("user"));
    let shown = user.or(user_id).or(username).unwrap_or_default();
    let mut line = Line {
        line: record.line,
        user: shown.chars().take(60).collect(),
        user_id: None,
        username: None,
        miles: None,
        fate: Fate::New,
        remark: None,
        who: None,
        display_name: None,
        extra: Extra::default(),
    };
    if let Some(fault) = &record.fault {
        line.wrong(fault.clone());
        return line;
    }
    let display_name = || record.text("displayName").map(|name| Name::parse_as("displayName", name)).transpose();
    let read = who(user_id, username, user).and_then(|who| Ok((who, miles(record.get("miles"), default)?)));
    let rest = || Ok::<_, InputError>((display_name()?, extra(record)?));
    match read.and_then(|(who, miles)| Ok((who, miles, rest().map_err(|wrong| wrong.to_string())?))) {
        Ok((who, miles, (display_name, extra))) => {
            line.extra = extra;
            line.who = Some(who);
            line.miles = Some(miles);
            line.display_name = display_name;
        }
        Err(remark) => line.wrong(remark),
    }
    line
}

fn extra(record: &Record) -> Result<Extra<FlightPassenger>, InputError> {
    let mut extra = Extra::default();
    for column in unknown() {
        if let Some(text) = record.get(column.as_str()) {
            extra.put(column, Some(text))?;
        }
    }
    Ok(extra)
}

fn who(user_id: Option<&str>, username: Option<&str>, user: Option<&str>) -> Result<Who, String> {
    // PostgreSQL refuses a NUL in any text, and no key or name is as long as this.
    let storable = |text: &str| !text.contains('\0') && text.len() <= 1000;
    if ![user_id, username, user].into_iter().flatten().all(storable) {
        return Err("neither a userId nor a username can be so".to_owned());
    }
    for (column, text) in [("userId", user_id), ("user", user)] {
        if let Some((text, form)) = text.and_then(|text| Some((text, form::of_id(text)?))) {
            return Err(format!("{column} {}: {form}", quoted(text)));
        }
    }
    let bare = |name: &str| name.strip_prefix('@').unwrap_or(name).to_owned();
    match (user_id, username, user) {
        (Some(user_id), username, None) => Ok(Who::Id { user_id: user_id.to_owned(), username: username.map(bare) }),
        (None, Some(name), None) => Ok(Who::Name(bare(name))),
        (None, None, Some(user)) if user.bytes().all(|byte| byte.is_ascii_digit()) => Ok(Who::Digits(user.to_owned())),
        (None, None, Some(user)) => Ok(Who::Name(bare(user))),
        (None, None, None) => Err("it names no user: userId, username or user is needed".to_owned()),
        _ => Err("it names the user in two ways: give user, or userId and username".to_owned()),
    }
}

/// Miles of a passenger, 0 for one who earns none.
pub(super) fn miles(text: Option<&str>, default: Option<i32>) -> Result<i32, String> {
    match text {
        None => default.ok_or_else(|| "it has no miles, and --miles gives none".to_owned()),
        Some(text) => {
            let number = Some(text).filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
            number.and_then(|text| text.parse().ok()).ok_or_else(|| {
                let form = form::of_number(text).map(|form| format!(": {form}")).unwrap_or_default();
                format!("miles {} is not a whole number from 0 to {}{form}", quoted(text), i32::MAX)
            })
        }
    }
}
