//! How a shell script shifts traffic and waits: weights with `sleep` behind them, and loops that ask
//! until something answers. Knows the shapes that people write, and no shell.

use towpath_core::units::Span;

/// Most steps of one script; a rollout of people has fewer.
const MOST_STEPS: usize = 20;
/// Lines of a script that are looked at.
const MOST_LINES: usize = 20_000;
/// Shorter waits are no bakes: a script waits so long for a program that starts or ends.
const SHORTEST_BAKE: Span = Span::seconds(30);

/// The waits of one script.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Waits {
    /// Weights in percent that rise, and how long the script waits at each.
    pub(super) steps: Vec<(u8, Span)>,
    /// How long it asks until something answers.
    pub(super) until_ready: Option<Span>,
    /// Waits that are neither, as they are written.
    pub(super) others: Vec<String>,
}

/// One loop.
enum Loop {
    /// `for WEIGHT in 10 50 100`.
    Weights(Vec<u8>),
    /// A loop that goes round so often, and whether it asks a URL.
    Asking(Option<u64>, bool),
}

/// Reads the waits of a script.
pub(super) fn waits(text: &str) -> Waits {
    let mut waits = Waits::default();
    let mut loops: Vec<Loop> = Vec::new();
    let lines = text.lines().take(MOST_LINES).map(|line| line.split(" #").next().unwrap_or(line));
    let lines = lines.filter(|line| !line.trim_start().starts_with('#'));
    for statement in lines.flat_map(|line| line.split(';')).map(str::trim) {
        let words: Vec<&str> = statement.split_whitespace().collect();
        let inner = words.iter().skip_while(|word| ["do", "then", "else"].contains(word));
        let words: Vec<&str> = inner.copied().collect();
        match words.as_slice() {
            ["for", _, "in", rest @ ..] => loops.push(begun(statement, rest)),
            ["while" | "until", rest @ ..] => {
                let asks = rest.iter().any(|word| ["curl", "wget"].contains(word));
                loops.push(Loop::Asking(None, asks));
            }
            ["done", ..] => drop(loops.pop()),
            ["sleep", span, ..] => slept(span, &mut loops, &mut waits),
            _ => {
                if words.iter().any(|word| word.ends_with("curl") || word.ends_with("wget"))
                    && let Some(Loop::Asking(_, asks)) = loops.last_mut()
                {
                    *asks = true;
                }
                if let Some(weight) = weight(statement, &words)
                    && waits.steps.last().is_none_or(|(last, _)| *last < weight)
                    && waits.steps.len() < MOST_STEPS
                {
                    waits.steps.push((weight, Span::ZERO));
                }
            }
        }
    }
    waits
}

fn begun(statement: &str, items: &[&str]) -> Loop {
    let plain = |word: &&str| word.trim_matches(['"', '%']).parse().ok().filter(|it| *it <= 100);
    let numbers: Vec<u8> = items.iter().map_while(plain).collect();
    let rises = numbers.windows(2).all(|pair| pair[0] < pair[1]) && numbers.first() > Some(&0);
    let whole = numbers.len() == items.len() && numbers.len() > 1;
    if whole && rises && (numbers.last() == Some(&100) || speaks_of_weight(statement)) {
        return Loop::Weights(numbers);
    }
    // `{1..30}`, and `$(seq 1 30)`, whose last word ends with a parenthesis.
    let last = items.last().map(|it| it.trim_end_matches([')', '}']));
    let times = last.and_then(|it| it.rsplit("..").next()).and_then(|it| it.parse().ok());
    Loop::Asking(times, false)
}

fn slept(text: &str, loops: &mut [Loop], waits: &mut Waits) {
    let Some(span) = span(text) else { return };
    match loops.last() {
        Some(Loop::Weights(weights)) => {
            let known = waits.steps.last().map_or(0, |(weight, _)| *weight);
            for weight in weights.iter().filter(|it| **it > known) {
                waits.steps.push((*weight, span));
            }
            waits.steps.truncate(MOST_STEPS);
        }
        Some(Loop::Asking(Some(times), true)) => {
            // Nobody waits for a start longer than a day.
            let whole = span.milliseconds().checked_mul(*times).map(Span);
            waits.until_ready = whole.filter(|it| *it <= Span::hours(24)).or(waits.until_ready);
        }
        Some(Loop::Asking(..)) => {}
        None => match waits.steps.last_mut() {
            Some((_, bake)) => {
                *bake = Span(bake.milliseconds().saturating_add(span.milliseconds()));
            }
            None if span >= SHORTEST_BAKE && waits.others.len() < MOST_STEPS => {
                waits.others.push(format!("sleep {text}"));
            }
            None => {}
        },
    }
}

/// `300`, `300s`, `5m` and `1h`, as sleep takes them.
fn span(text: &str) -> Option<Span> {
    let text = text.trim_matches(['"', '\'']);
    let (number, unit) = text.split_at(text.trim_end_matches(['s', 'm', 'h']).len());
    let seconds = match unit {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => return None,
    };
    let seconds = number.parse::<u64>().ok()?.checked_mul(seconds)?;
    // As long as a day.
    (1..=86_400).contains(&seconds).then(|| Span::seconds(seconds))
}

fn speaks_of_weight(statement: &str) -> bool {
    let lower = statement.to_ascii_lowercase();
    ["weight", "traffic", "percent", "canary", "shift"].iter().any(|word| lower.contains(word))
}

/// The one share in a statement that moves traffic: `shift_traffic 10`, `--weight 50`.
fn weight(statement: &str, words: &[&str]) -> Option<u8> {
    let says = ["echo", "printf", "log", "local", "if", "[", "[["];
    if !speaks_of_weight(statement) || words.first().is_none_or(|it| says.contains(it)) {
        return None;
    }
    let share = |word: &&str| {
        let word = word.rsplit('=').next().unwrap_or(word);
        let number = word.trim_matches(['"', '\'', '%']);
        number.parse::<u8>().ok().filter(|it| (1..=100).contains(it))
    };
    let mut shares = words.iter().filter_map(share);
    shares.next().filter(|_| shares.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_with_a_sleep_behind_them_are_steps() {
        let minutes = Span::minutes;
        let said = waits(
            "sleep 5\nshift_traffic 10 # first\nsleep 300\nset_weight --percent=50%\nsleep 5m; sleep 60\n\
             echo \"traffic at 70\"\nshift_traffic 100",
        );
        assert_eq!(said.steps, [(10, minutes(5)), (50, minutes(6)), (100, Span::ZERO)]);
        let said = waits("for w in 10 50 100; do\n  set_weight $w\n  sleep 2m\ndone\nsleep 1h");
        let hour = Span(minutes(2).milliseconds() + Span::hours(1).milliseconds());
        assert_eq!(said.steps, [(10, minutes(2)), (50, minutes(2)), (100, hour)]);
    }

    #[test]
    fn a_loop_that_asks_is_a_start_and_other_long_waits_are_told() {
        let said = waits(
            "for i in {1..30}; do\n  curl -sf $URL/health && break\n  sleep 10\ndone\nsleep 600\nsleep 2\n\
             while true; do sleep 60; done\nsleep $WAIT",
        );
        assert_eq!(said.until_ready, Some(Span::minutes(5)));
        assert_eq!((said.steps, said.others), (Vec::new(), vec!["sleep 600".to_owned()]));
        let said =
            waits("for i in $(seq 1 12); do curl x; sleep 5; done; for a in 3 2; do :; done");
        assert_eq!(said.until_ready, Some(Span::minutes(1)));
    }

    #[test]
    fn odd_scripts_have_no_waits() {
        for text in [
            "",
            "done\ndone",
            "sleep",
            "sleep -1",
            "for",
            "for x in",
            "sleep 99999999999999999999",
            "traffic 0",
            "traffic 10 20",
            "sleep é",
        ] {
            assert_eq!(waits(text), Waits::default(), "{text}");
        }
    }
}
