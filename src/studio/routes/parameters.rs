//! The query string of a request. A parameter that a route does not know is refused: none is taken and does nothing.

use std::str::FromStr;

use crate::error::{Error, Kind, Result};
use crate::input::quoted;
use crate::message::message;

/// Parameters in their order.
#[derive(Debug)]
pub(crate) struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// Reads a query string that may have these parameters.
    ///
    /// # Errors
    /// [`Kind::Usage`]: it has another one.
    pub(crate) fn read(query: Option<&str>, known: &[&str]) -> Result<Self> {
        let pairs = url::form_urlencoded::parse(query.unwrap_or_default().as_bytes());
        let pairs: Vec<(String, String)> = pairs.into_owned().collect();
        match pairs.iter().find(|(name, _)| !known.contains(&name.as_str())) {
            None => Ok(Self(pairs)),
            Some((name, _)) => Err(Error::new(Kind::Usage, "usage", message!("no parameter {}", quoted(name)))
                .why(message!("parameters here: {}", known.join(", ")))),
        }
    }

    /// The values of one that may come several times.
    pub(crate) fn all(&self, name: &str) -> Vec<String> {
        self.0.iter().filter(|(known, _)| known == name).map(|(_, value)| value.clone()).collect()
    }

    /// The value of one; the last where it comes several times. An empty value is one.
    pub(crate) fn one(&self, name: &str) -> Option<&str> {
        self.0.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The names in a list with commas; none where there is no such parameter, or an empty one.
    pub(crate) fn list(&self, name: &str) -> Vec<&str> {
        self.one(name).unwrap_or_default().split(',').filter(|item| !item.is_empty()).collect()
    }

    /// A number in these bounds.
    ///
    /// # Errors
    /// [`Kind::Usage`].
    pub(crate) fn number<T: FromStr + PartialOrd + ToString>(
        &self,
        name: &str,
        least: T,
        most: T,
    ) -> Result<Option<T>> {
        let Some(given) = self.one(name) else { return Ok(None) };
        match given.parse::<T>() {
            Ok(number) if number >= least && number <= most => Ok(Some(number)),
            _ => Err(Error::new(Kind::Usage, "invalid_value", message!("{} {} is not accepted", name, quoted(given)))
                .why(message!("accepted is a number from {} to {}", least.to_string(), most.to_string()))),
        }
    }
}
