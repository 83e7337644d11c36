//! From the bytes of a file to its text: UTF-8, or UTF-16 with a byte order mark, as spreadsheets save it.
//!
//! Nothing is replaced or guessed: bytes that are no text are refused with the line on which they are.

use std::borrow::Cow;

use super::Wrong;

/// How to save a file that is not text of ours.
const SAVE_AS: &str = "save it as \"CSV UTF-8\"";

/// Beginnings of files that hold no text, with what they are.
const FORMATS: [(&[u8], &str); 5] = [
    (b"PK\x03\x04", "an Excel or OpenDocument workbook, or a ZIP archive"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook"),
    (b"\x1f\x8b", "compressed by gzip"),
    (b"\x28\xb5\x2f\xfd", "compressed by zstd"),
    (b"%PDF", "a PDF document"),
];

/// The text of a file, without its byte order mark.
pub(super) fn decode(bytes: &[u8]) -> Result<Cow<'_, str>, Wrong> {
    if let Some((_, what)) = FORMATS.iter().find(|(magic, _)| bytes.starts_with(magic)) {
        return Err(Wrong::new(None, format!("it is {what}")).accepts(SAVE_AS));
    }
    let text = match bytes {
        [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] => {
            return Err(Wrong::new(None, "it is UTF-32").accepts(SAVE_AS));
        }
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes)?.into(),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes)?.into(),
        [0xef, 0xbb, 0xbf, rest @ ..] => utf8(rest)?.into(),
        [_, 0, _, 0, ..] | [0, _, 0, _, ..] => {
            return Err(Wrong::new(None, "it looks like UTF-16 without a byte order mark").accepts(SAVE_AS));
        }
        _ => Cow::from(utf8(bytes)?),
    };
    match text.find('\0') {
        Some(at) => Err(Wrong::new(line_at(&text.as_bytes()[..at]), "it has a NUL byte, which no text has")),
        None => Ok(text),
    }
}

fn utf8(bytes: &[u8]) -> Result<&str, Wrong> {
    std::str::from_utf8(bytes).map_err(|error| {
        let (valid, rest) = bytes.split_at(error.valid_up_to());
        let line = line_at(valid);
        match (error.error_len(), rest.first()) {
            (None, _) => Wrong::new(line, "it ends in the middle of a character: the file was cut"),
            (Some(_), Some(byte)) => {
                let reason = format!("it is not UTF-8: the byte {byte:02X}, perhaps a letter in Windows-1252");
                Wrong::new(line, reason).accepts(format!("{SAVE_AS}, or run: iconv -f WINDOWS-1252 -t UTF-8 FILE"))
            }
            (Some(_), None) => Wrong::new(line, "it is not UTF-8"),
        }
    })
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<String, Wrong> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let mut text = String::with_capacity(bytes.len());
    for character in char::decode_utf16(pairs.iter().map(|pair| unit(*pair))) {
        match character {
            Ok(character) => text.push(character),
            Err(_) => return Err(Wrong::new(line_at(text.as_bytes()), "it is not UTF-16: half of a character")),
        }
    }
    if rest.is_empty() {
        Ok(text)
    } else {
        Err(Wrong::new(line_at(text.as_bytes()), "it ends in the middle of a character: the file was cut"))
    }
}

/// The line, from 1, that begins or goes on after `before`. A line ends by CR LF, LF or CR.
pub(super) fn line_at(before: &[u8]) -> u64 {
    1 + breaks(before)
}

/// How many lines end in `text`.
pub(super) fn breaks(text: &[u8]) -> u64 {
    let ends = |(at, byte): (usize, &u8)| match byte {
        b'\r' => true,
        b'\n' => at == 0 || text[at - 1] != b'\r',
        _ => false,
    };
    text.iter().enumerate().filter(|one| ends(*one)).count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(bytes: &[u8]) -> (Option<u64>, String) {
        let wrong = decode(bytes).unwrap_err();
        (wrong.line, wrong.reason)
    }

    #[test]
    fn a_byte_order_mark_tells_the_encoding() {
        let le: Vec<u8> = "\u{feff}é✈️\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let be: Vec<u8> = "\u{feff}é✈️\n".encode_utf16().flat_map(u16::to_be_bytes).collect();
        for bytes in [&le[..], &be, "\u{feff}é✈️\n".as_bytes(), "é✈️\n".as_bytes()] {
            assert_eq!(decode(bytes).unwrap(), "é✈️\n");
        }
        assert!(wrong(&le[2..]).1.contains("UTF-16 without") || wrong(&le[2..]).1.contains("UTF-8"));
        assert!(wrong(b"a\0,\0b\0\n\0").1.contains("UTF-16 without"));
        assert_eq!(wrong(&le[..le.len() - 1]).1, "it ends in the middle of a character: the file was cut");
        assert!(wrong(b"\xff\xfea\0\n\0\x00\xd8b\0").1.contains("half of a character"));
        assert_eq!(wrong(b"\xff\xfea\0\n\0\x00\xd8b\0").0, Some(2));
        assert!(wrong(b"\xff\xfe\0\0a\0\0\0").1.contains("UTF-32"));
    }

    #[test]
    fn what_is_no_text_is_refused_where_it_is() {
        let (line, reason) = wrong(b"user\r1\rJos\xe9,5\n");
        assert_eq!((line, reason.contains("the byte E9")), (Some(3), true), "{reason}");
        assert_eq!(wrong(b"a\r\nb\n\nc\0").0, Some(4));
        assert!(wrong("é".as_bytes().split_last().unwrap().1).1.contains("was cut"));
        for (bytes, what) in [(&b"PK\x03\x04rest"[..], "workbook"), (b"\x1f\x8b\x08", "gzip")] {
            assert!(wrong(bytes).1.contains(what));
        }
    }
}
