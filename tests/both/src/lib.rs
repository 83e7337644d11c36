//! `#[both]`: one story, run as two tests, on PostgreSQL and on SQLite.
//!
//! An attribute and no macro around the function, so that rustfmt formats the body. By hand: `test-case` and `rstest` make
//! such tests too, but each story would begin with the same three lines that open its world.

use proc_macro::{Delimiter, Group, TokenStream, TokenTree};

/// Runs a story as the tests `<name>::postgres` and `<name>::sqlite`. The database is empty; with `#[both(ready)]` it has
/// all tables.
///
/// ```ignore
/// #[both]
/// fn a_user_is_added(world: &mut World) {
///     world.run("db push").ok();
///     assert_snapshot!(world.run("user add 1 pilot123"), @"…");
/// }
/// ```
///
/// Further attributes (`#[ignore = "…"]`) are those of both tests. File snapshots inside a story need a name of their own
/// (`assert_snapshot!("name", output)`), since both engines are held to the same one.
#[proc_macro_attribute]
pub fn both(options: TokenStream, story: TokenStream) -> TokenStream {
    let made = match options.to_string().as_str() {
        "" => "empty",
        "ready" => "ready",
        _ => return refusal("#[both] takes nothing, or ready"),
    };
    let mut story: Vec<TokenTree> = story.into_iter().collect();
    let is_fn = |token: &TokenTree| matches!(token, TokenTree::Ident(word) if word.to_string() == "fn");
    let Some(at) = story.iter().position(is_fn) else { return refusal("#[both] stands before a function") };
    let (Some(TokenTree::Ident(name)), Some(TokenTree::Group(_)), Some(TokenTree::Group(_)), None) =
        (story.get(at + 1), story.get(at + 2), story.get(at + 3), story.get(at + 4))
    else {
        return refusal("#[both] stands before fn name(world: &mut World) { … }");
    };
    // The name is the module's; the function in it has another, so that nothing is called twice.
    let name = name.clone();
    let attributes: TokenStream = story.drain(..at).collect();
    let function: TokenStream = story.drain(2..).collect();
    let test = |engine: &str, variant: &str| {
        let text = format!(
            "#[test] fn {engine}() {{
                let mut world = crate::support::World::{made}(crate::support::Engine::{variant});
                insta::allow_duplicates! {{ story(&mut world) }}
            }}"
        );
        let test: TokenStream = text.parse().unwrap_or_default();
        attributes.clone().into_iter().chain(test).collect::<TokenStream>()
    };
    let begin: TokenStream =
        "#[allow(clippy::allow_attributes, unused_imports, reason = \"a story may need nothing from its module\")]
        use super::*;
        fn story"
            .parse()
            .unwrap_or_default();
    let inner = [begin, function, test("postgres", "Postgres"), test("sqlite", "Sqlite")];
    let inner = Group::new(Delimiter::Brace, inner.into_iter().collect());
    let module: TokenStream = "mod".parse().unwrap_or_default();
    module.into_iter().chain([TokenTree::Ident(name), TokenTree::Group(inner)]).collect()
}

/// An error where the attribute is.
fn refusal(why: &str) -> TokenStream {
    format!("compile_error!({why:?});").parse().unwrap_or_default()
}
