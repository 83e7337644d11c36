//! Replacements for cells whose column takes only values of some form: another date for a date, another address for an
//! address. A copy with anything else in them could not be restored.

use sea_orm::Value;

use super::{hash, keyed};
use crate::backup::format::batch::Cells;
use crate::backup::format::scalar;
use crate::backup::format::strings::Strings;
use crate::schema::model::Kind;

/// Replaced dates are of fifty years from 1970.
const DAYS: u64 = 18_262;
const SECONDS: u64 = 86_400;
const MICROS: i64 = 1_000_000;

/// Whether text of this kind must have a form that [`texts`] knows.
pub(crate) fn has_form(kind: &Kind) -> bool {
    !matches!(
        kind,
        Kind::Text
            | Kind::VarChar(_)
            | Kind::Char(_)
            | Kind::SmallInteger
            | Kind::Integer
            | Kind::BigInteger
            | Kind::Boolean
            | Kind::Uuid
            | Kind::Timestamp(_)
            | Kind::Unsupported(_)
    )
}

/// Other values of a kind, in PostgreSQL's form. An instant is moved by `hour` where that is wanted.
pub(crate) fn texts(key: &[u8], cells: &Strings, kind: &Kind, hour: Option<impl Fn(i64) -> i64>) -> Strings {
    let mut out = Strings::default();
    for index in 0..cells.len() {
        let cell = cells.get(index);
        let moved = hour.as_ref().zip(scalar::instant(cell)).map(|(hour, at)| scalar::instant_text(hour(at)));
        out.push(&moved.unwrap_or_else(|| text(kind, cell, &keyed(key, cell))));
    }
    out
}

fn text(kind: &Kind, cell: &[u8], hash: &[u8; 32]) -> Vec<u8> {
    let number = hash.first_chunk::<8>().map_or(0, |half| u64::from_be_bytes(*half));
    let bits = |count: usize| {
        (0..count).map(|bit| if hash[bit / 8 % 32] >> (bit % 8) & 1 == 0 { '0' } else { '1' }).collect::<String>()
    };
    let seconds = (number % (DAYS * SECONDS)) as i64;
    match kind {
        Kind::Bytes => hash.iter().copied().cycle().take(cell.len()).collect(),
        Kind::Date => scalar::date_text((number % DAYS) as i32),
        Kind::Time(_) => scalar::time_text((number % SECONDS) as i64 * MICROS).unwrap_or_default(),
        Kind::TimestampTz(_) => scalar::instant_text(seconds * MICROS),
        Kind::Numeric(Some((precision, scale))) => {
            let value = i128::from(number) % 10_i128.pow((*precision).min(15));
            let (precision, scale) = ((*precision).min(255) as u8, (*scale).min(255) as u8);
            scalar::decimal_text(value, precision, scale).unwrap_or_default()
        }
        Kind::Json | Kind::JsonBinary => format!("\"{number:016x}\"").into_bytes(),
        Kind::Inet => format!("10.{}.{}.{}", hash[0], hash[1], hash[2]).into_bytes(),
        Kind::Cidr => format!("10.{}.{}.0/24", hash[0], hash[1]).into_bytes(),
        Kind::MacAddr => {
            format!("02:{:02x}:{:02x}:{:02x}:{:02x}:{:02x}", hash[0], hash[1], hash[2], hash[3], hash[4]).into_bytes()
        }
        Kind::Bit(length) => bits(*length as usize).into_bytes(),
        Kind::VarBit(_) => bits(cell.len()).into_bytes(),
        Kind::Interval => format!("{} days", number % 1000).into_bytes(),
        Kind::Enum(of) => {
            of.values.get(number as usize % of.values.len().max(1)).map_or_else(Vec::new, |value| value.clone().into())
        }
        // Of no value at all: any would have to be one of the list's own type.
        Kind::Array(_) => b"{}".to_vec(),
        // Real, Double and numbers of any size.
        _ => format!("{}", number % 1_000_000).into_bytes(),
    }
}

/// Other values of a column that takes only these.
pub(crate) fn listed(key: &[u8], cells: &mut Cells, values: &[Value]) {
    let texts: Vec<String> = values.iter().filter_map(crate::entity::columns::text).collect();
    let numbers: Vec<i64> = texts.iter().filter_map(|text| text.parse().ok()).collect();
    let pick = |bytes: &[u8], count: usize| hash(key, bytes) as usize % count;
    match cells {
        Cells::Text(cells) if !texts.is_empty() => {
            let mut out = Strings::default();
            (0..cells.len()).for_each(|index| out.push(texts[pick(cells.get(index), texts.len())].as_bytes()));
            *cells = out;
        }
        Cells::Integer(cells) if !numbers.is_empty() => {
            for cell in cells {
                *cell = numbers[pick(&cell.to_be_bytes(), numbers.len())] as i32;
            }
        }
        Cells::Bigint(cells) if !numbers.is_empty() => {
            for cell in cells {
                *cell = numbers[pick(&cell.to_be_bytes(), numbers.len())];
            }
        }
        other => super::replaced(key, other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::literal;
    use crate::schema::model::EnumType;

    #[test]
    fn what_replaces_a_value_is_of_its_type() {
        let mood = EnumType { name: "mood".into(), values: vec!["good".into(), "bad".into()] };
        for kind in [
            Kind::Real,
            Kind::Double,
            Kind::Numeric(None),
            Kind::Numeric(Some((10, 2))),
            Kind::Numeric(Some((2, 2))),
            Kind::Numeric(Some((30, 0))),
            Kind::Numeric(Some((38, 20))),
            Kind::Date,
            Kind::Time(0),
            Kind::TimestampTz(6),
            Kind::Json,
            Kind::JsonBinary,
            Kind::Inet,
            Kind::Cidr,
            Kind::MacAddr,
            Kind::Bit(11),
            Kind::VarBit(Some(4)),
            Kind::Interval,
            Kind::Enum(mood),
        ] {
            assert!(has_form(&kind));
            for n in 0..50_u8 {
                let text = text(&kind, b"1010", &keyed(b"key", &[n]));
                let text = String::from_utf8(text).unwrap();
                // In the zone that PostgreSQL writes, which is none of RFC 3339.
                let typed = text.strip_suffix("+00").unwrap_or(&text);
                literal::parse(&kind, typed).unwrap_or_else(|accepted| panic!("{kind:?}: {text:?} is not {accepted}"));
                if let Some(native) = crate::backup::column_mapping::native(&kind) {
                    assert!(native.holds(text.as_bytes()), "{kind:?}: {text:?}");
                }
            }
        }
    }

    #[test]
    fn a_column_of_listed_values_keeps_to_them() {
        let mut cells = Cells::Integer((0..50).collect());
        listed(b"key", &mut cells, &[1.into(), 7.into()]);
        let Cells::Integer(cells) = cells else { panic!("{cells:?}") };
        assert!(cells.iter().all(|cell| [1, 7].contains(cell)) && cells.contains(&7), "{cells:?}");
    }
}
