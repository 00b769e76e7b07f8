//! Refusals and failures, in the one form that all have (cli.md section 0, rule 2).

use serde_json::{Value, json};
use towpath_engine::views::FORMAT;

use crate::exit_code::Trouble;
use crate::report::block::Block;
use crate::report::style::{Style, Symbol, printable};

/// For people, with all else that refuses the same below it.
pub(crate) fn text(trouble: &Trouble, style: &Style) -> String {
    let mut block = Block::default();
    block.optional("cause", trouble.cause.as_deref().map(printable));
    block.optional("place", trouble.place.as_deref().map(printable));
    block.next(&trouble.next);
    let head = format!("{} {}\n", style.symbol(Symbol::Failed), printable(&trouble.message));
    let first = head + &block.written(4, style);
    trouble.also.iter().fold(first, |all, other| all + "\n" + &text(other, style))
}

/// What is so already; the commands follow on their own.
pub(crate) fn already_so(trouble: &Trouble, style: &Style) -> String {
    let mut block = Block::default();
    block.optional("cause", trouble.cause.as_deref().map(printable));
    let head = format!("{} {}\n", style.symbol(Symbol::Passed), printable(&trouble.message));
    head + &block.written(4, style)
}

/// For programs, with the same words.
pub(crate) fn object(trouble: &Trouble) -> Value {
    let mut error = one(trouble);
    error["also"] = trouble.also.iter().map(one).collect();
    json!({ "format": FORMAT, "error": error })
}

fn one(trouble: &Trouble) -> Value {
    let commands: Vec<&str> = trouble.next.iter().map(|next| next.command.as_str()).collect();
    json!({
        "code": trouble.code,
        "exit": trouble.exit.number(),
        "message": trouble.message,
        "cause": trouble.cause,
        "place": trouble.place,
        "next": commands,
    })
}
