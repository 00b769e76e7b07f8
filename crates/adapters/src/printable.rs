//! Makes what programs and servers say safe to print. Owns the rule of what is escaped; cuts nothing.

use std::fmt::Write as _;

/// `bytes` as a text that is safe to print: bytes that are no UTF-8 and control characters, those
/// that turn the direction of writing among them, are escaped.
pub(crate) fn escaped(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            if turns_direction(character) || (character.is_control() && character != '\t') {
                text.extend(character.escape_default());
            } else {
                text.push(character);
            }
        }
        for byte in chunk.invalid() {
            write!(text, "\\x{byte:02x}").expect("a String takes all");
        }
    }
    text
}

/// The marks of Unicode's bidirectional algorithm (UAX #9), with which a text can be made to look
/// like another one.
fn turns_direction(character: char) -> bool {
    matches!(character,
        '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_harm_a_terminal_is_escaped() {
        assert_eq!(escaped(b"\x1b[2Jgr\xc3\xbcn\tok\xff\0"), "\\u{1b}[2Jgrün\tok\\xff\\u{0}");
        assert_eq!(escaped("a\u{202e}b".as_bytes()), "a\\u{202e}b");
    }
}
