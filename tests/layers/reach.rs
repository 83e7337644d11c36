//! How much a reader of one command has to open: the files that define what its file names, and those that its own rules
//! in the engine below name in turn.

use std::collections::BTreeSet;

use super::circles::{Graph, Module, without_tests};

/// Files that define what `miles award` names, its own included.
const OPENED: usize = 17;
/// With the files of the ledger and of the commands that those name in turn.
const REACHED: usize = 25;

#[test]
fn an_award_can_be_read_in_few_files() {
    let files = without_tests();
    let graph = Graph::of(&files);
    let homes = |module: &Module| files.iter().find(|file| file.module == *module).map(|file| graph.homes(file));
    let award: Module = ["cli", "commands", "miles", "award"].map(str::to_owned).into();
    let mut opened = homes(&award).expect("a file of that name");
    opened.insert(award);
    let is_its_own = |module: &Module| module[0] == "ledger" || module.starts_with(&["cli".into(), "commands".into()]);
    let mut reached: BTreeSet<Module> = opened.clone();
    let mut ahead: Vec<Module> = opened.iter().filter(|module| is_its_own(module)).cloned().collect();
    while let Some(module) = ahead.pop() {
        for next in homes(&module).into_iter().flatten().filter(is_its_own) {
            if reached.insert(next.clone()) {
                ahead.push(next);
            }
        }
    }
    let names =
        |modules: &BTreeSet<Module>| modules.iter().map(|module| module.join("::")).collect::<Vec<_>>().join("\n");
    assert!(opened.len() <= OPENED, "{} files to open:\n{}", opened.len(), names(&opened));
    assert!(reached.len() <= REACHED, "{} files to reach:\n{}", reached.len(), names(&reached));
}
