//! What the copies of a promotion's release wrote last, as text and nothing else. Owns how it is made harmless;
//! secrets are masked by the engine.

use std::time::Duration;

use maud::{Markup, html};
use towpath_core::ids::PromotionNumber;
use towpath_engine::views::time as written;
use towpath_ports::target::LogLine;

use crate::pages::frame::Look;
use crate::pages::marks::{As, sentence, time};

/// Lines that are read.
const LINES: usize = 100;
/// Longest line that is shown whole, in characters.
const LONGEST: usize = 400;
/// How long a page waits for a target: it is to be there within a second.
const PATIENCE: Duration = Duration::from_millis(700);

/// What they wrote, or why nobody knows.
pub(super) async fn read(look: &Look, number: u64) -> Result<Vec<LogLine>, String> {
    let read = look.engine.logs(PromotionNumber(number), LINES);
    let late = |_| Err("the target did not answer in time".to_owned());
    tokio::time::timeout(PATIENCE, read).await.unwrap_or_else(late)
}

pub(super) fn section(look: &Look, read: &Result<Vec<LogLine>, String>, number: u64) -> Markup {
    html! {
        @match read {
            Err(why) => p.q { "It cannot be read: " (sentence(why)) },
            Ok(lines) if lines.is_empty() => p.q { "Its copies wrote nothing, or what they wrote is gone with them." },
            Ok(lines) => {
                details id="log-lines" {
                    summary.sm { "The last " (lines.len()) " lines" }
                    ol.lines tabindex="0" role="region" aria-label="What its copies wrote last" {
                        @for line in lines {
                            li {
                                span.qq { (line.instance) } " "
                                @if let Some(at) = line.at { (time(&written(at), As::Exact, look.now())) " " }
                                code { (harmless(&line.text)) }
                            }
                        }
                    }
                    p.sm.q { "More of them: " code { "towpath logs " (number) } }
                }
            }
        }
    }
}

/// The text with what could move a cursor, turn a line round or hide letters written out, and cut where it is long.
fn harmless(text: &str) -> String {
    let mut shown = String::new();
    for (at, letter) in text.chars().enumerate() {
        if at == LONGEST {
            shown.push('…');
            break;
        }
        let turns = matches!(letter, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}');
        if letter == '\t' {
            shown.push(' ');
        } else if letter.is_control() || turns {
            shown.extend(letter.escape_unicode());
        } else {
            shown.push(letter);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::harmless;

    #[test]
    fn what_a_program_wrote_moves_nothing_and_hides_nothing() {
        assert_eq!(harmless("a\tb é"), "a b é");
        assert_eq!(harmless("\u{1b}[2Jgone\r"), "\\u{1b}[2Jgone\\u{d}");
        assert_eq!(harmless("ok\u{202e}txt.exe"), "ok\\u{202e}txt.exe");
        assert_eq!(harmless(&"x".repeat(500)).chars().count(), 401);
    }
}
