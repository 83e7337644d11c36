//! Arguments as a test writes them: one line as typed in a shell, or a list of words.

/// The words of a command line, without the program's name.
pub trait Args {
    /// The words, in order.
    fn words(&self) -> Vec<String>;
}

/// A line as a shell would split it: white space parts words, `'…'` and `"…"` keep them together.
/// No escapes and no variables; words that need them are given as a list.
impl Args for &str {
    fn words(&self) -> Vec<String> {
        let mut words = Vec::new();
        let mut word: Option<String> = None;
        let mut quote = None;
        for c in self.chars() {
            match quote {
                Some(open) if c == open => quote = None,
                Some(_) => word.get_or_insert_default().push(c),
                None if c == '\'' || c == '"' => {
                    quote = Some(c);
                    word.get_or_insert_default();
                }
                None if c.is_whitespace() => words.extend(word.take()),
                None => word.get_or_insert_default().push(c),
            }
        }
        assert!(quote.is_none(), "unbalanced quote in {self:?}");
        words.extend(word);
        words
    }
}

impl Args for &String {
    fn words(&self) -> Vec<String> {
        self.as_str().words()
    }
}

impl Args for String {
    fn words(&self) -> Vec<String> {
        self.as_str().words()
    }
}

impl<const N: usize> Args for [&str; N] {
    fn words(&self) -> Vec<String> {
        self.iter().map(|word| (*word).to_owned()).collect()
    }
}

impl Args for &[&str] {
    fn words(&self) -> Vec<String> {
        self.iter().map(|word| (*word).to_owned()).collect()
    }
}

impl Args for Vec<String> {
    fn words(&self) -> Vec<String> {
        self.clone()
    }
}
