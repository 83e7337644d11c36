//! Who does what next while a restore fills tables on several connections: rows, then indexes, keys, foreign keys, and
//! statistics, each as soon as what it needs is there, and first what the most waits for.
//!
//! Every statement is one that commits by itself and takes no lock that another worker needs meanwhile: an index is
//! made beside others of its table, but keys and foreign keys wait until all indexes of both tables are there.
//!
//! Until the largest table is filled, no more than [`LOADERS`] workers run. Everything ends with that table's indexes and
//! foreign keys, and what is begun beside its rows makes them late, on a machine that has no processor to spare.
//! (Two processors, PostgreSQL 15, the benchmark's data, means of four in turn: of 25 processor-seconds 2.1 idle became 1.2.)

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet};

use crate::schema::model::Table;

/// Tables that are filled at the same time: each takes blocks of our own memory.
pub(super) const LOADERS: usize = 2;

/// The next thing to do.
#[derive(Debug, PartialEq)]
pub(super) enum Next<'a> {
    /// Make a table and fill it.
    Fill(&'a Table),
    /// Make one of its indexes.
    Index(&'a Table, String),
    /// Compare its rows with what the archive says that its source's server said.
    Compare(&'a Table),
    /// Turn the indexes under its keys into keys.
    Keys(&'a Table),
    /// Add and check its foreign keys, and gather its statistics.
    Finish(&'a Table),
    /// Nothing until a worker is done.
    Wait,
    /// Nothing any more.
    Done,
}

/// What is done and what is not.
pub(super) struct Board<'a> {
    /// Per table the most rows among itself and those that refer to it: they wait for it.
    weights: HashMap<&'a str, u64>,
    /// To be filled, the largest last.
    unfilled: Vec<&'a Table>,
    loading: usize,
    /// The table of the most rows, while it is not filled.
    awaited: Option<&'a str>,
    indexes: BinaryHeap<Index<'a>>,
    /// Per filled table how many indexes it still lacks, and the comparison, which is not to hold up its keys' lock.
    lacking: HashMap<&'a str, usize>,
    /// Whose keys can be made.
    unkeyed: Vec<&'a Table>,
    keyed: HashSet<&'a str>,
    /// Whose foreign keys are still to be made, the heaviest first.
    unfinished: Vec<&'a Table>,
    working: usize,
}

/// An index to be made, or the comparison: the heaviest table's first, and of one table that of the most columns, which
/// takes longest.
struct Index<'a> {
    weight: u64,
    columns: usize,
    /// Nothing for the comparison, which comes last.
    sql: String,
    table: &'a Table,
}

impl<'a> Board<'a> {
    /// A board of these tables, and how many rows each will have.
    pub(super) fn new(tables: &'a [Table], rows: impl Fn(&Table) -> u64) -> Self {
        let rows: HashMap<&str, u64> = tables.iter().map(|table| (table.name.as_str(), rows(table))).collect();
        let mut weights = rows.clone();
        // As often as the longest chain of references can be.
        for _ in tables {
            for table in tables {
                let weight = weights[table.name.as_str()];
                for (_, key) in table.foreign_keys() {
                    weights.entry(key.table.as_str()).and_modify(|own| *own = weight.max(*own));
                }
            }
        }
        let mut unfilled: Vec<&Table> = tables.iter().collect();
        unfilled.sort_by_key(|table| rows[table.name.as_str()]);
        let mut unfinished = unfilled.clone();
        unfinished.sort_by_key(|table| Reverse(weights[table.name.as_str()]));
        let awaited = unfilled.last().map(|table| table.name.as_str());
        Self {
            weights,
            unfilled,
            loading: 0,
            awaited,
            indexes: BinaryHeap::new(),
            lacking: HashMap::new(),
            unkeyed: Vec::new(),
            keyed: HashSet::new(),
            unfinished,
            working: 0,
        }
    }

    /// Takes the next thing to do. What is taken must be reported to [`Board::done`].
    pub(super) fn next(&mut self) -> Next<'a> {
        let next = self.choose();
        self.working += usize::from(!matches!(next, Next::Wait | Next::Done));
        next
    }

    fn choose(&mut self) -> Next<'a> {
        if let Some(table) = self.unkeyed.pop() {
            return Next::Keys(table);
        }
        if self.loading < LOADERS
            && let Some(table) = self.unfilled.pop()
        {
            self.loading += 1;
            return Next::Fill(table);
        }
        if self.awaited.is_some() && self.working >= LOADERS {
            return Next::Wait;
        }
        let heaviest = self.indexes.peek().map_or(0, |index| index.weight);
        let ready = self.unfinished.iter().position(|table| self.can_finish(table));
        if let Some(ready) = ready.filter(|&ready| self.weight(self.unfinished[ready]) >= heaviest) {
            return Next::Finish(self.unfinished.remove(ready));
        }
        match self.indexes.pop() {
            Some(index) if index.sql.is_empty() => Next::Compare(index.table),
            Some(index) => Next::Index(index.table, index.sql),
            None if self.working == 0 && self.unfinished.is_empty() => Next::Done,
            None => Next::Wait,
        }
    }

    /// Says that something is done. `indexes` are those of a table that was filled, each with its number of columns.
    pub(super) fn done(&mut self, what: &Next<'a>, indexes: impl FnOnce(&Table) -> Vec<(usize, String)>) {
        self.working -= 1;
        match *what {
            Next::Fill(table) => {
                self.loading -= 1;
                self.awaited.take_if(|awaited| **awaited == table.name);
                let weight = self.weight(table);
                let indexes = indexes(table).into_iter().chain([(0, String::new())]).collect::<Vec<_>>();
                self.lacking.insert(&table.name, indexes.len());
                self.indexes.extend(indexes.into_iter().map(|(columns, sql)| Index { weight, columns, sql, table }));
                self.key_when_indexed(table);
            }
            Next::Index(table, _) | Next::Compare(table) => {
                self.lacking.entry(&table.name).and_modify(|lacking| *lacking -= 1);
                self.key_when_indexed(table);
            }
            Next::Keys(table) => {
                self.keyed.insert(&table.name);
            }
            Next::Finish(_) | Next::Wait | Next::Done => {}
        }
    }

    fn key_when_indexed(&mut self, table: &'a Table) {
        if self.lacking.get(table.name.as_str()) == Some(&0) {
            self.unkeyed.push(table);
        }
    }

    fn weight(&self, table: &Table) -> u64 {
        self.weights[table.name.as_str()]
    }

    fn can_finish(&self, table: &Table) -> bool {
        let keyed = |name: &str| self.keyed.contains(name);
        keyed(&table.name) && table.foreign_keys().all(|(_, key)| keyed(&key.table))
    }
}

impl Index<'_> {
    fn rank(&self) -> (u64, usize, &str) {
        (self.weight, self.columns, &self.sql)
    }
}

impl PartialEq for Index<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.rank() == other.rank()
    }
}

impl Eq for Index<'_> {}

impl PartialOrd for Index<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Index<'_> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.rank().cmp(&other.rank())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backup::backend::postgres::ddl;

    #[test]
    fn everything_is_done_once_and_after_what_it_needs() {
        let schema = crate::schema::desired().unwrap();
        let rows = |table: &Table| match table.name.as_str() {
            "milesTransactions" => 3000,
            "flightPassengers" => 2000,
            _ => 10,
        };
        for workers in 1..=6 {
            let mut board = Board::new(&schema.tables, rows);
            let (mut running, mut log, mut busiest) = (Vec::new(), Vec::new(), 0);
            loop {
                let next = if running.len() < workers { board.next() } else { Next::Wait };
                match next {
                    Next::Done => break,
                    // The one that began first ends first.
                    Next::Wait => {
                        assert!(!running.is_empty(), "{workers} workers wait for none after {log:?}");
                        let what = running.remove(0);
                        board.done(&what, ddl::indexes);
                        log.push(said(&what));
                    }
                    next => running.push(next),
                }
                let filled = |what: &&Next<'_>| matches!(what, Next::Fill(_));
                assert!(running.iter().filter(filled).count() <= LOADERS);
                let awaited = log.iter().all(|what| what != "fill milesTransactions");
                assert!(running.len() <= LOADERS || !awaited, "{running:?}");
                busiest = busiest.max(running.len());
            }
            assert_eq!(busiest, workers);
            let place = |what: String| {
                let places: Vec<usize> = (0..log.len()).filter(|&place| log[place] == what).collect();
                assert_eq!(places.len(), 1, "{what} with {workers} workers: {log:?}");
                places[0]
            };
            for table in &schema.tables {
                let name = &table.name;
                let keys = place(format!("keys {name}"));
                for (_, sql) in ddl::indexes(table) {
                    let index = place(sql);
                    assert!(place(format!("fill {name}")) < index && index < keys);
                }
                assert!(place(format!("fill {name}")) < place(format!("compare {name}")));
                let finish = place(format!("finish {name}"));
                assert!(keys < finish);
                for (_, key) in table.foreign_keys() {
                    assert!(place(format!("keys {}", key.table)) < finish);
                }
            }
            assert_eq!(running, Vec::new());
        }
    }

    #[test]
    fn what_the_largest_table_waits_for_comes_first() {
        let schema = crate::schema::desired().unwrap();
        let board = Board::new(&schema.tables, |table| if table.name == "milesTransactions" { 3000 } else { 10 });
        assert_eq!((board.weights["users"], board.weights["flights"]), (3000, 3000));
        assert_eq!(
            (board.weights["flightPassengers"], board.unfilled.last().map(|table| &*table.name)),
            (10, Some("milesTransactions"))
        );
    }

    fn said(what: &Next<'_>) -> String {
        match what {
            Next::Fill(table) => format!("fill {}", table.name),
            Next::Index(_, sql) => sql.clone(),
            Next::Compare(table) => format!("compare {}", table.name),
            Next::Keys(table) => format!("keys {}", table.name),
            Next::Finish(table) => format!("finish {}", table.name),
            Next::Wait | Next::Done => String::new(),
        }
    }
}
