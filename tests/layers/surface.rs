//! What the library promises stays small: an item is `pub` only if a user of the library needs it, so that the compiler finds
//! what is dead among the rest.

use regex::Regex;

use super::sources;

/// Items, without the fields of structs and without what is visible in the crate only.
const AT_MOST: usize = 600;

#[test]
fn the_promise_of_the_library_stays_small() {
    let item = Regex::new(r"(?m)^\s*pub (?:const|async|fn|struct|enum|trait|mod|use|type|static) ").unwrap();
    let count: usize = sources("src").iter().map(|file| item.find_iter(&file.code).count()).sum();
    assert!(count <= AT_MOST, "{count} items are `pub`, more than {AT_MOST}: make them `pub(crate)`");
}
