//! No file of the program imports itself through others. Two things are left out of account: entities refer to each other as
//! their tables do, and the files of a folder may name what its `mod.rs` defines.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use regex::Regex;

use super::{Source, source, sources, unfold};

pub(super) type Module = Vec<String>;

/// The modules of the program, each with what it re-exports: name and path from the crate's root.
pub(super) struct Graph {
    exports: BTreeMap<Module, BTreeMap<String, Module>>,
}

/// The paths of the `use` declarations in the code, by whether they hand on what they name.
fn declarations(code: &str) -> Vec<(bool, Module)> {
    let declaration = Regex::new(r"(?m)^\s*(pub(?:\([^)]*\))?\s+)?use\s+([^;]+);").unwrap();
    let mut found = Vec::new();
    for parts in declaration.captures_iter(code) {
        let mut paths = Vec::new();
        unfold(&parts[2], &mut Vec::new(), &mut paths);
        found.extend(paths.into_iter().map(|path| (parts.get(1).is_some(), path)));
    }
    found
}

impl Graph {
    pub(super) fn of(files: &[Source]) -> Self {
        let mut graph = Self { exports: files.iter().map(|file| (file.module.clone(), BTreeMap::new())).collect() };
        for file in files {
            for (handed_on, path) in declarations(&file.code) {
                if let (true, Some(path)) = (handed_on, graph.absolute(&file.module, &path)) {
                    let name = path.last().unwrap().clone();
                    graph.exports.get_mut(&file.module).unwrap().insert(name, path);
                }
            }
        }
        graph
    }

    /// A path as written in a module, from the crate's root; none where it leads into another crate.
    fn absolute(&self, module: &[String], path: &[String]) -> Option<Module> {
        let supers = path.iter().take_while(|part| *part == "super").count();
        let (base, rest) = match path[0].as_str() {
            "crate" => (&[][..], &path[1..]),
            "self" => (module, &path[1..]),
            "super" => (&module[..module.len().checked_sub(supers)?], &path[supers..]),
            first => {
                let child = [module, &[first.to_owned()]].concat();
                self.exports.contains_key(&child).then_some((module, path))?
            }
        };
        Some([base, rest].concat())
    }

    /// The module that defines what a path names, what hands it on being followed.
    fn home(&self, path: &[String], followed: usize) -> Option<Module> {
        let end = (1..=path.len()).rev().find(|end| self.exports.contains_key(&path[..*end]))?;
        let (module, rest) = path.split_at(end);
        // The name of a module alone: what is used of it is named elsewhere.
        let name = rest.first()?;
        match self.exports[module].get(name) {
            Some(from) if followed < 8 => self.home(&[from, &rest[1..]].concat(), followed + 1),
            _ => Some(module.to_owned()),
        }
    }

    /// The modules that a file imports from.
    pub(super) fn imports(&self, file: &Source) -> BTreeSet<Module> {
        let mut homes = self.homes(file);
        // Its own folder's `mod.rs`, or one further up.
        homes.retain(|home| !file.module.starts_with(home));
        homes
    }

    /// The modules that define what a file names.
    pub(super) fn homes(&self, file: &Source) -> BTreeSet<Module> {
        let written = declarations(&file.code);
        let local: BTreeMap<&String, Module> =
            written.iter().filter_map(|(_, path)| Some((path.last()?, self.absolute(&file.module, path)?))).collect();
        let named = super::paths(&file.code).into_iter().filter_map(|path| match local.get(&path[0]) {
            Some(from) => Some([from, &path[1..]].concat()),
            None => self.absolute(&file.module, &path),
        });
        let used = written.iter().filter(|(handed_on, _)| !handed_on).map(|(_, path)| path);
        let used = used.filter_map(|path| self.absolute(&file.module, path));
        named.chain(used).filter_map(|path| self.home(&path, 0)).collect()
    }
}

/// Modules that lead back to themselves, each with the modules on its circles.
fn circles(files: &[Source]) -> Vec<String> {
    let graph = Graph::of(files);
    let imports: BTreeMap<&Module, BTreeSet<Module>> =
        files.iter().map(|file| (&file.module, graph.imports(file))).collect();
    let reached = |from: &Module| {
        let mut seen = BTreeSet::new();
        let mut ahead: Vec<&Module> = imports[from].iter().collect();
        while let Some(next) = ahead.pop() {
            if seen.insert(next) {
                ahead.extend(&imports[next]);
            }
        }
        seen
    };
    let all: BTreeMap<&Module, BTreeSet<&Module>> = imports.keys().map(|module| (*module, reached(module))).collect();
    let on_circles = imports.iter().filter(|(module, _)| module[0] != "entity" && all[*module].contains(*module));
    on_circles
        .map(|(module, direct)| {
            let back = direct.iter().filter(|next| *next == *module || all[next].contains(*module));
            let back: Vec<String> = back.map(|next| next.join("::")).collect();
            format!("{} imports {}, which lead back to it", module.join("::"), back.join(" and "))
        })
        .collect()
}

/// The files of the program, without the tests at the end of each.
pub(super) fn without_tests() -> Vec<Source> {
    let mut files = sources("src");
    for file in &mut files {
        if let Some(at) = file.code.find("#[cfg(test)]") {
            file.code.truncate(at);
        }
    }
    files
}

#[test]
fn no_file_imports_itself_through_others() {
    let found = circles(&without_tests());
    assert!(found.is_empty(), "move what both need into a file of its own:\n{}", found.join("\n"));
}

#[test]
fn a_planted_circle_is_found() {
    let file = |path: &str, text: &str| source(Path::new("/src"), Path::new("/src").join(path), text);
    let house = |second: &str| {
        circles(&[
            file("lib.rs", ""),
            file("a/mod.rs", "mod b;\nmod c;\npub use c::Thing;\nfn f() { b::run(); }"),
            file("a/b.rs", "use super::Thing;\nuse super::c;\nfn run() { c::help(); }"),
            file("a/c.rs", second),
        ])
    };
    assert_eq!(house("pub struct Thing; fn help() { super::f(); }"), Vec::<String>::new());
    assert_eq!(house("use super::b::run;").len(), 2);
    assert_eq!(house("fn help() { crate::a::b::run(); }").len(), 2);
    assert_eq!(house("use super::b; fn help() { b::run(); }").len(), 2);
}
