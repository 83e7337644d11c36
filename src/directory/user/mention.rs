//! Where the ledger of others names a person: in notes, and as the actor of entries.

use sea_orm::{ConnectionTrait, FromQueryResult};

use super::super::error::{Result, position, statement};
use crate::db::Engine;
use crate::entity::{Id, user};

/// What replaces a name.
pub(super) const ERASED: &str = "[erased]";

/// Another user's entry that names the person.
#[derive(Clone, Debug, FromQueryResult)]
pub(super) struct Mention {
    pub(super) id: Id,
    pub(super) note: Option<String>,
    pub(super) actor: Option<String>,
}

/// From how many digits on a number in a note is taken for a person. Shorter ones are amounts, flights and dates more often
/// than the ids of ROBLOX's first players: they count only where the note says so, as in `@100` or `user 100`.
const DISTINCTIVE: usize = 6;

/// What before a short number makes it a person, beside `@`.
const TITLES: [&str; 5] = ["user", "userid", "id", "player", "username"];

/// The words by which notes may name a person: id, username, and the displayed name where it is another and long enough
/// to mean a person.
pub(super) fn words(person: &user::Model) -> Vec<String> {
    let mut words = vec![person.user_id.clone(), person.username.clone()];
    if person.display_name.chars().count() >= 3 && !person.display_name.eq_ignore_ascii_case(&person.username) {
        words.push(person.display_name.clone());
    }
    words.retain(|word| !word.is_empty());
    // The longest first, so that `Ada Lovelace` goes whole before `Ada`.
    words.sort_by_key(|word| std::cmp::Reverse(word.len()));
    words
}

/// The entries of others that name the person as a whole word, or were made by them.
pub(super) async fn find(db: &impl ConnectionTrait, person: &user::Model) -> Result<Vec<Mention>> {
    let words = words(person);
    let mut values = vec![person.user_id.as_str().into()];
    let mut any = Vec::new();
    for word in &words {
        values.push(word.as_str().into());
        any.push(format!(r#"{}(lower("note"), lower(${})) > 0"#, position(Engine::of(db)), values.len()));
    }
    for name in [&person.user_id, &person.username] {
        values.push(name.as_str().into());
        any.push(format!(r#"lower("actor") = lower(${})"#, values.len()));
    }
    let sql = format!(
        r#"SELECT "id", "note", "actor" FROM "milesTransactions" WHERE "userId" <> $1 AND ({}) ORDER BY "createdAt", "id""#,
        any.join(" OR ")
    );
    let rows = Mention::find_by_statement(statement(db, sql, values)).all(db).await?;
    let names = |row: &Mention| {
        is_actor(row.actor.as_deref(), person) || row.note.as_deref().is_some_and(|note| scrub(note, &words).is_some())
    };
    Ok(rows.into_iter().filter(names).collect())
}

/// Whether an entry's actor is this person.
pub(super) fn is_actor(actor: Option<&str>, person: &user::Model) -> bool {
    actor.is_some_and(|actor| [&person.user_id, &person.username].iter().any(|name| actor.eq_ignore_ascii_case(name)))
}

/// The note without these words, where it has any of them as whole words, in any case.
pub(super) fn scrub(note: &str, words: &[String]) -> Option<String> {
    let mut scrubbed = note.to_owned();
    for word in words {
        scrubbed = without(&scrubbed, word);
    }
    (scrubbed != note).then_some(scrubbed)
}

fn without(note: &str, word: &str) -> String {
    // Lower-casing ASCII alone keeps every byte where it was.
    let (low, word) = (note.to_ascii_lowercase(), word.to_ascii_lowercase());
    let part_of_word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    let mut out = String::with_capacity(note.len());
    let mut from = 0;
    for (at, _) in low.match_indices(&word) {
        let end = at + word.len();
        if part_of_word(note[..at].chars().next_back()) || part_of_word(note[end..].chars().next()) {
            continue;
        }
        if !is_distinctive(&word) && !is_named(&low[..at]) {
            continue;
        }
        out.push_str(&note[from..at]);
        out.push_str(ERASED);
        from = end;
    }
    out.push_str(&note[from..]);
    out
}

/// Whether a word means the person in any position.
fn is_distinctive(word: &str) -> bool {
    word.len() >= DISTINCTIVE || !word.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a note that goes on with a number, so far in lower case, names a person by it.
fn is_named(before: &str) -> bool {
    let title = before.trim_end_matches([' ', ':', '=', '#']);
    before.ends_with('@') || TITLES.contains(&title.rsplit(|c: char| !c.is_alphanumeric()).next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_words_go_and_others_stay() {
        let words = ["Ada Lovelace".to_owned(), "ada".to_owned(), "107919".to_owned()];
        let gone = |note: &str| scrub(note, &words);
        assert_eq!(gone("thanks, @ADA! (107919)").as_deref(), Some("thanks, @[erased]! ([erased])"));
        assert_eq!(gone("to Ada Lovelace").as_deref(), Some("to [erased]"));
        assert_eq!(gone("ada, ada and é ada").as_deref(), Some("[erased], [erased] and é [erased]"));
        for kept in ["adamant", "canada", "flight 1107919", "ada_1", "éada", ""] {
            assert_eq!(gone(kept), None, "{kept}");
        }
    }

    #[test]
    fn a_short_number_is_a_person_only_where_the_note_says_so() {
        let words = ["100".to_owned()];
        for kept in ["gift of 100", "100", "100 miles", "row id100", "guide 100", "paid: 100", "#100"] {
            assert_eq!(scrub(kept, &words), None, "{kept}");
        }
        for gone in ["to @100!", "user 100", "userId: 100, again", "id=100", "for Player #100"] {
            assert_eq!(scrub(gone, &words), Some(gone.replace("100", ERASED)), "{gone}");
        }
    }
}
